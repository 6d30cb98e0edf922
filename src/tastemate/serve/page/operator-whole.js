// The service as a whole: quality by day, data, fairness, cost.
import { h, put } from "./dom.js";
import { ask } from "./operator-api.js";
import { between, bytes, dollars, exact, facts, fixed, share, table, tag, times, when, whole } from "./operator-table.js";
import { bars, lines, spark } from "./plot.js";

const kept = { quality: 30, fairness: 30, data: 30, cost: 30 };

function days(name, reload) {
  const pick = h("select", { id: `days-${name}`, on: { change: (event) => { kept[name] = Number(event.target.value); reload(); } } },
    [7, 30, 90, 365].map((many) => h("option", { value: many, selected: many === kept[name] }, `${many} days`)));
  return h("label", { class: "days", for: `days-${name}` }, "Looking back", pick);
}

const top = (title, name, reload) => h("div", { class: "head" }, h("h2", {}, title), days(name, reload));
const old = (seconds) => (seconds >= 1 ? h("p", { class: "note" }, `Counted ${seconds < 90 ? `${whole(seconds)} seconds` : `${whole(seconds / 60)} minutes`} ago: counting takes long here, so it is not done with every look.`) : "");
const few = (least) => h("p", { class: "note" }, `A rate needs ${least.lines} lines shown to ${least.readers} readers; below that there is “too few to say”. Intervals are 95%, with readers as the sample.`);

const RATES = [["ctr", "Clicked", "a signal above zero"], ["acceptance", "Accepted", "liked, saved, played, bought"], ["dislike_rate", "Disliked", "disliked, hidden, skipped"]];

export async function quality(panel, { reload }) {
  const told = await ask(`/v1/operator/quality?days=${kept.quality}`);
  const rows = told.days;
  if (!rows.length) {
    put(panel, top("Quality by day", "quality", reload), h("p", { class: "empty" }, "No list was shown in these days. Ask for one at POST /v1/recommend, and it is counted here."));
    return;
  }
  const places = rows.map((row) => row.day);
  const line = (name, metric) => ({ name, points: rows.map((row) => (typeof row[metric] === "number" ? { value: row[metric] } : row[metric])) });
  const last = rows.at(-1);
  const tile = (label, metric, format) => [label, h("span", {}, format(last[metric]?.value ?? last[metric]) || "too few", spark(rows.map((row) => row[metric]?.value ?? row[metric]))), last.day];
  put(panel, top("Quality by day", "quality", reload),
    facts(tile("Clicked", "ctr", share), tile("Accepted", "acceptance", share), tile("Lists", "lists", whole), tile("Coverage", "coverage", share),
      ["Lesser lists", whole(told.process.failed), `stages failed of ${whole(told.process.lists)} lists since this process began`, told.process.failed ? "bad" : ""]),
    old(told.age_s), few(told.least),
    h("div", { class: "plots" },
      lines({ title: "Clicked and accepted", note: "share of lines shown", places, series: [line("Clicked", "ctr"), line("Accepted", "acceptance")], format: share }),
      lines({ title: "Disliked", note: "share of lines shown", places, series: [line("Disliked", "dislike_rate")], format: share }),
      lines({ title: "Coverage and inequality", note: "share of the catalogue shown; Gini, 0 is all alike", places, series: [line("Coverage", "coverage"), line("Gini", "gini")], format: fixed(2), ceiling: 1 }),
      lines({ title: "Drift", note: "bits between what was clicked and what the model was fitted on, by popularity", places, series: [line("Drift", "drift")], format: fixed(3) }),
      lines({ title: "Lists and readers", places, series: [line("Lists", "lists"), line("Readers", "readers")], format: whole })),
    table({
      caption: "Every day, the latest first",
      columns: [{ name: "day", label: "Day" }, { label: "Lists", number: true, make: (row) => whole(row.lists) }, { label: "Readers", number: true, make: (row) => whole(row.readers) },
        ...RATES.map(([name, label]) => ({ label, number: true, make: (row) => between(row[name], share) })),
        { label: "Coverage", number: true, make: (row) => share(row.coverage) }, { label: "Gini", number: true, make: (row) => fixed(2)(row.gini) }, { label: "Drift", number: true, make: (row) => fixed(3)(row.drift) }],
      rows: rows.toReversed(),
    }));
}

export async function data(panel, { reload }) {
  const told = await ask(`/v1/operator/health?days=${kept.data}`);
  const { items, users, events, model, store, impressions } = told;
  const well = store.integrity === "ok";
  put(panel, top("Data and store", "data", reload),
    facts(["Items", whole(items.count)], ["Users", whole(users.count), `${whole(users.few_events)} with fewer than 5 events`],
      ["Events", whole(events.in_data_set + events.in_store), `${whole(events.in_store)} in the store`],
      ["Not yet learned", whole(model.unabsorbed), model.age_hours === undefined ? "no model is kept" : `model ${exact(model.age_hours)} h old`, model.unabsorbed > 10_000 ? "warn" : ""],
      ["Store", well ? "sound" : "damaged", bytes(store.bytes), well ? "" : "bad"]),
    old(told.age_s), well ? "" : h("div", { class: "problem", role: "alert" }, h("p", {}, store.integrity)),
    impressions.error || impressions.dropped ? h("div", { class: "problem", role: "alert" }, h("p", {}, `${impressions.dropped} lines shown were not written. ${impressions.error}`)) : "",
    h("h3", {}, "Items"),
    facts(["Without text", whole(items.without_text), "search and content know nothing of them", items.without_text ? "warn" : ""], ["Without any attribute", whole(items.without_attributes), "", items.without_attributes ? "warn" : ""], ["Without title", whole(items.without_title), "", items.without_title ? "bad" : ""], ["Same title twice", whole(items.duplicates), "groups", items.duplicates ? "warn" : ""]),
    h("div", { class: "plots" },
      bars({ title: "Unknown, by attribute", note: "share of items", rows: items.missing.map((one) => ({ label: one.attribute, value: one.share })), format: share }),
      bars({ title: "How much is known of users", note: "users by events", rows: users.histories.map((one) => ({ label: one.events, value: one.users })), format: whole, series: 2 })),
    items.same_title.length ? table({ caption: "Items that share a title", columns: [{ name: "title", label: "Title" }, { label: "Ids", make: (row) => row.item_ids.join(", ") }], rows: items.same_title }) : "",
    h("h3", {}, "Signals"), kinds(events.kinds),
    h("h3", {}, "Model and store"),
    table({ caption: "What is served and where it is kept", columns: [{ name: "what", label: "What" }, { name: "value", label: "Value" }], rows: [
      { what: "Model", value: `${model.version} (${model.profile})` }, { what: "Fitted", value: model.fitted_at ? `${when(model.fitted_at)} UTC` : "not kept on disk" },
      { what: "Added items not yet learned", value: whole(model.added_items_unabsorbed) }, { what: "Store", value: store.url },
      { what: "Versions", value: Object.entries(store.versions).map(([name, number]) => `${name} ${number}`).join(", ") || "nothing written yet" },
      { what: "Lines shown, waiting to be written", value: whole(impressions.waiting) }] }));
}

function kinds(rows) {
  if (!rows.length) return h("p", { class: "empty" }, "No signal came in within these days.");
  const places = [...new Set(rows.map((row) => row.day))];
  const sums = new Map();
  for (const row of rows) sums.set(row.kind, (sums.get(row.kind) || 0) + row.events);
  const names = [...sums].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const at = new Map(rows.map((row) => [`${row.day} ${row.kind}`, row.events]));
  const series = names.slice(0, 6).map((name) => ({ name, points: places.map((day) => ({ value: at.get(`${day} ${name}`) || 0 })) }));
  return lines({ title: "Signals by kind and day", note: names.length > 6 ? `the six most frequent of ${names.length}` : "", places, series, format: whole });
}

export async function fairness(panel, { reload }) {
  const told = await ask(`/v1/operator/fairness?days=${kept.fairness}`);
  const declared = told.declared;
  put(panel, top("Fairness", "fairness", reload),
    h("p", { class: "note" }, declared.attribute ? `Declared in [fair]: ${declared.attribute}. ` : "No group is declared in [fair]; these are all attributes with few enough values. ",
      "Attention falls with the place (1/log2). A ratio of 1 is attention in proportion to the number of items. Who looks at many groups finds gaps by chance: a gap is a place to look, not a finding."),
    facts(["Lists", whole(told.lists)], ["Accepted", told.all.acceptance ? share(told.all.acceptance.value) : "too few"], ["Complaints", whole(told.complaints.reduce((sum, one) => sum + one.complaints, 0)), told.complaints.map((one) => `${one.complaints} ${one.kind}`).join(", "), told.complaints.length ? "warn" : ""]),
    old(told.age_s), few(told.least),
    h("h3", {}, "Groups of items"),
    told.lists ? "" : h("p", { class: "empty" }, "No list was shown in these days."),
    declared.attribute && told.lists ? [floors(declared), groupTable(declared.attribute, declared.rows, true)] : "",
    h("div", { class: "plots" }, ...["popularity", "popularity decile"].filter((name) => told.items[name]).map((name) => exposure(name, told.items[name]))),
    ...Object.entries(told.items).map(([name, rows]) => groupTable(name, rows, false)),
    h("h3", {}, "Groups of people"), ...people(told.people),
    h("h3", {}, "Complaints by kind"),
    table({ caption: "What people said is wrong", columns: [{ name: "kind", label: "Kind" }, { name: "complaints", label: "Complaints", number: true }, { name: "readers", label: "People", number: true }, { label: "Per 1,000 lists", number: true, make: (row) => exact(row.per_1000_lists) }], rows: told.complaints, empty: "Nobody complained." }));
}

function exposure(name, rows) {
  return bars({ title: `Attention by ${name}`, note: name.endsWith("decile") ? "1: the tenth of the items that people met most" : "", mark: "share of items", format: share,
    rows: rows.map((row) => ({ label: row.value, ...(row.exposure || {}), mark: row.share_of_items?.value })) });
}

/** What is declared beside what it gets: the mark is the floor where one is named. */
function floors({ attribute, least, rows }) {
  const named = Object.keys(least).length > 0;
  return bars({ title: `Attention by ${attribute}, as declared`, note: named ? "floors are those of fair = 1" : "no floors are named", mark: named ? "floor" : "share of items", format: share,
    rows: rows.map((row) => ({ label: row.value, ...(row.exposure || {}), mark: named ? least[row.value] : row.share_of_items?.value })) });
}

function groupTable(name, rows, open) {
  const columns = [{ name: "value", label: name }, { label: "Lines", number: true, make: (row) => whole(row.lines) }, { label: "Attention", number: true, make: (row) => between(row.exposure, share) },
    { label: "Share of items", number: true, make: (row) => share(row.share_of_items?.value) }, { label: "Ratio", number: true, make: (row) => between(row.ratio, times) }, ...RATES.map(([rate, label]) => ({ label, number: true, make: (row) => between(row[rate], share) }))];
  return h("details", { class: "block", open }, h("summary", {}, h("b", {}, name), tag(`${rows.length} groups`), open ? tag("declared", "good") : ""), table({ caption: `Attention and acceptance by ${name}`, columns, rows }));
}

function people(groups) {
  const names = Object.keys(groups);
  if (!names.length) return [h("p", { class: "empty" }, "Nobody declared a group, so none can be compared. Groups are never guessed.")];
  return names.map((name) => {
    const { rows, ...gaps } = groups[name];
    return h("div", { class: "stack" }, h("div", { class: "plots" }, bars({ title: `Accepted, by ${name}`, rows: rows.map((row) => ({ label: row.value, ...(row.acceptance || {}) })), format: share, series: 3 })),
      table({ caption: `By ${name}, as people declared it`, columns: [{ name: "value", label: name }, { label: "Readers", number: true, make: (row) => whole(row.readers) }, { label: "Lines", number: true, make: (row) => whole(row.lines) }, ...RATES.map(([rate, label]) => ({ label, number: true, make: (row) => between(row[rate], share) }))], rows }),
      Object.keys(gaps).length ? h("p", { class: "note" }, "Widest gaps: ", Object.entries(gaps).map(([gap, one]) => `${(RATES.find(([rate]) => gap.startsWith(rate)) || [0, gap])[1].toLowerCase()} ${share(one.value)} (${share(one.low)} to ${share(one.high)})`).join("; "), ".") : "");
  });
}

export async function cost(panel, { reload }) {
  const told = await ask(`/v1/operator/cost?days=${kept.cost}`);
  const rows = told.days;
  const places = rows.map((row) => row.day);
  const spent = rows.reduce((sum, row) => sum + row.cost, 0);
  const stages = told.stages.rows || [];
  put(panel, top("Tokens and money", "cost", reload),
    facts(["Model", told.model || "none", told.model ? "" : "lists and chat work without one"], ["Tokens", whole(rows.reduce((sum, row) => sum + row.tokens, 0)), "in these days"], ["Cost", dollars(spent), "by the prices of the settings"]),
    rows.length ? h("div", { class: "plots" },
      lines({ title: "Tokens by day", places, series: [{ name: "Tokens", points: rows.map((row) => ({ value: row.tokens })) }], format: whole }),
      lines({ title: "Dollars by day", places, series: [{ name: "Dollars", points: rows.map((row) => ({ value: row.cost })) }], format: dollars })) : h("p", { class: "empty" }, "Nothing was spent in these days."),
    h("h3", {}, "By stage, since this process began"),
    stages.length ? bars({ title: "Mean milliseconds by stage", rows: stages.filter((row) => row.runs).map((row) => ({ label: row.stage, value: (1000 * row.seconds) / row.runs })), format: (value) => `${value.toFixed(2)} ms` }) : "",
    table({ caption: `${whole(told.stages.lists || 0)} lists`, columns: [{ name: "stage", label: "Stage" }, { label: "Runs", number: true, make: (row) => whole(row.runs) }, { label: "Seconds", number: true, make: (row) => exact(row.seconds) }, { label: "Tokens", number: true, make: (row) => whole(row.tokens) }, { label: "Failed", number: true, make: (row) => whole(row.failed) }], rows: stages, empty: "No list was made by this process yet." }));
}
