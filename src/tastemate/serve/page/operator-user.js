// One list, stage by stage: what each retriever found, what was made of it, and what a model would read.
import { h, put } from "./dom.js";
import { ask } from "./operator-api.js";
import { dollars, exact, facts, table, tag, when, whole } from "./operator-table.js";
import { bars, slopes } from "./plot.js";

const TURNED = [["diversity", "Diversity"], ["novelty", "Novelty"], ["fair", "Fairness"], ["explore", "Exploration"]];
const ALL = 12;
let under;

/** Fill the panel; `rest` is a user id to begin with. */
export async function user(panel, { rest }) {
  if (!panel.querySelector("form")) {
    const known = await ask("/v1/users?limit=100", { optional: true });
    const people = (known?.users || []).map((one) => one.user_id || one);
    put(panel, h("h2", {}, "One list, stage by stage"), form(panel, people, rest), h("div", { class: "result", "aria-live": "off" }, h("p", { class: "empty" }, "Name a user to see how their list comes about. Nothing is recorded, and nobody is shown it.")));
  }
  const field = panel.querySelector("#who");
  if (rest) {
    field.value = rest;
    await show(panel);
  }
}

function form(panel, people, rest) {
  const names = h("datalist", { id: "people" }, people.map((id) => h("option", { value: id })));
  const who = h("input", { id: "who", name: "who", required: true, maxlength: 256, list: "people", value: rest, placeholder: people[0] || "user id", autocomplete: "off", spellcheck: "false" });
  const words = h("input", { id: "words", name: "words", maxlength: 500, placeholder: "nothing asked for" });
  const turns = TURNED.map(([name, label]) => {
    const out = h("output", { for: `turn-${name}` }, "0");
    const slider = h("input", { type: "range", id: `turn-${name}`, name, min: 0, max: 1, step: 0.05, value: "0", on: { input: (event) => { out.value = event.target.value; } } });
    return h("label", { class: "turn", for: `turn-${name}` }, h("span", {}, label, out), slider);
  });
  return h("form", { class: "ask", on: { submit: (event) => { event.preventDefault(); show(panel).catch(() => {}); } } },
    h("div", { class: "fields" },
      h("label", { for: "who" }, "User", who, names),
      h("label", { for: "words" }, "Words", words),
      h("label", { for: "count" }, "Items", h("input", { id: "count", name: "count", type: "number", min: 1, max: 50, value: 10 }))),
    h("div", { class: "fields" }, turns),
    h("div", { class: "row" },
      h("label", { class: "tick" }, h("input", { type: "checkbox", name: "prompt", checked: true }), "Write the prompts a model would get (none is sent)"),
      h("label", { class: "tick" }, h("input", { type: "checkbox", name: "llm" }), "Ask the language model (costs tokens)"),
      h("button", { type: "submit", class: "main" }, "Show the stages")));
}

async function show(panel) {
  const given = new FormData(panel.querySelector("form"));
  const who = String(given.get("who")).trim();
  const result = panel.querySelector(".result");
  if (!who) return;
  under?.abort();
  under = new AbortController();
  const asked = new URLSearchParams({ k: given.get("count") || 10, depth: 20, query: given.get("words") || "", prompt: given.has("prompt"), llm: given.has("llm") });
  for (const [name] of TURNED) asked.set(name, given.get(name));
  history.replaceState(null, "", `#user/${encodeURIComponent(who)}`);
  result.setAttribute("aria-busy", "true");
  try {
    const told = await ask(`/v1/operator/user/${encodeURIComponent(who)}?${asked}`, { signal: under.signal });
    put(result, ...drawn(told));
  } catch (error) {
    if (error.name === "AbortError") return;
    put(result, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message)));
  } finally {
    result.removeAttribute("aria-busy");
  }
}

function drawn(told) {
  return [summary(told), wrong(told), trace(told), moves(told), final(told), retrieved(told), before(told), prompts(told)].flat().filter(Boolean);
}

function summary(told) {
  const took = told.trace.reduce((sum, step) => sum + step.ms, 0);
  return facts(
    ["What is known", `${whole(told.query.events)} events`, told.query.has_vector ? "with a live vector" : ""],
    ["Answered in", `${took.toFixed(1)} ms`, `${told.trace.length} stages`],
    ["Tokens", whole(told.tokens), told.calls ? `${told.calls} calls` : "no model asked"],
    ["Cost", dollars(told.cost)],
    ["Stages that failed", String(told.degraded.length), told.degraded.length ? "see below" : "", told.degraded.length ? "bad" : ""]);
}

function wrong(told) {
  return told.degraded.length ? h("div", { class: "problem", role: "alert" }, h("p", {}, "A stage failed, and the list is a lesser one:"), h("ul", {}, told.degraded.map((one) => h("li", {}, one)))) : "";
}

function trace(told) {
  const rows = told.trace.map((step) => ({ label: step.stage, value: step.ms }));
  const said = told.trace.filter((step) => step.error || step.note || step.tokens);
  return [
    h("h3", {}, "Where the time went"),
    bars({ title: "Milliseconds by stage", rows, format: (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms` }),
    said.length ? table({ caption: "What stages had to say", columns: [{ name: "stage", label: "Stage" }, { name: "tokens", label: "Tokens", number: true }, { name: "error", label: "Error" }, { name: "note", label: "Note" }], rows: said }) : "",
  ];
}

/** Ranks through the stages, drawn only where something moved. */
function moves(told) {
  const stages = told.has_ranker ? ["Blended", "Ranked", "Arranged"] : ["Blended", "Arranged"];
  const pools = told.has_ranker ? [told.blended, told.ranked, told.arranged] : [told.blended, told.arranged];
  const at = pools.map((pool) => new Map(pool.map((line) => [line.item_id, line.rank])));
  const titles = new Map(pools.flat().map((line) => [line.item_id, line.title]));
  const shown = [...titles].filter(([id]) => at.some((ranks) => ranks.get(id) <= ALL));
  const rows = shown.map(([id, title]) => ({ title, ranks: at.map((ranks) => ranks.get(id)) }));
  const same = rows.every((row) => row.ranks.every((rank) => rank === row.ranks[0]));
  const heading = h("h3", {}, "How the order came about");
  if (same) return [heading, h("p", { class: "note" }, `No stage after the blend moved anything among the first ${ALL}. ${told.has_ranker ? "" : "No model ranks here; "}turn a slider to see arranging at work.`)];
  return [heading, slopes({ title: `Ranks of the first ${ALL}`, note: "up: lifted or new among them; down: lowered", stages, rows })];
}

function final(told) {
  const names = told.retrieved.map((one) => one.name);
  const lines = new Map(told.arranged.map((line) => [line.item_id, line]));
  const where = (row, name) => (lines.get(row.item_id)?.sources || row.sources).find((one) => one.name === name);
  return [
    h("h3", {}, "The list, and why"),
    table({
      caption: "What is sent, with the reason (open it for the facts it rests on) and the rank each retriever gave",
      columns: [
        { name: "rank", label: "#", number: true },
        { label: "Item", make: (row) => h("div", { class: "item" }, h("b", {}, row.title), row.propensity < 1 ? h("small", { class: "interval" }, `chance ${exact(row.propensity)}`) : "", why(row.reason)) },
        ...names.map((name) => ({ label: name, number: true, make: (row) => heat(where(row, name)) })),
      ],
      rows: told.items,
    }),
  ];
}

const why = (reason) => h("details", { class: "why" }, h("summary", {}, reason.text || "no reason"), h("ul", {}, reason.evidence.map((fact) => h("li", {}, evidence(fact)))));

function evidence(fact) {
  return [fact.kind, fact.title && `“${fact.title}”`, fact.attribute && `${fact.attribute}: ${[fact.value].flat().join(", ")}`, fact.count ? `${fact.count} people` : ""].filter(Boolean).join(" · ");
}

function heat(found) {
  if (!found) return h("span", { class: "few" }, "none");
  const warm = found.rank <= 3 ? "hot" : found.rank <= 10 ? "warm" : found.rank <= 50 ? "mild" : "cold";
  return h("span", { class: `rank ${warm}`, title: `score ${exact(found.score)}` }, found.rank);
}

function retrieved(told) {
  return [
    h("h3", {}, "What each retriever found"),
    h("div", { class: "found" }, told.retrieved.map((one) => h("details", {},
      h("summary", {}, h("b", {}, one.name), tag(`weight ${exact(one.weight)}`), tag(`${whole(one.opinions)} scored`)),
      table({ caption: `Candidates of ${one.name}`, columns: [{ name: "rank", label: "#", number: true }, { name: "title", label: "Item" }, { label: "Score", number: true, make: (row) => exact(row.score) }], rows: one.items, empty: "It has no opinion on this user." })))),
  ];
}

function before(told) {
  const query = told.query;
  return h("details", { class: "block" }, h("summary", {}, h("span", {}, "What was asked, and the history behind it")),
    facts(["Left out", whole(query.excluded), "items they hid or have had"], ["Filters", String(query.filters.length), query.filters.join("; ")], ["Leanings", String(query.leanings.length), query.leanings.map((one) => one.text).join("; ")]),
    table({ caption: "Latest events, newest first", columns: [{ name: "title", label: "Item" }, { label: "Value", number: true, make: (row) => exact(row.value) }, { label: "When (UTC)", make: (row) => when(row.timestamp) }], rows: query.history }));
}

function prompts(told) {
  if (!told.prompts) return "";
  const who = told.model ? `As ${told.model} would get them.` : "No language model is configured: these are what one that scores labels would get.";
  return [
    h("h3", {}, "Prompts"),
    h("p", { class: "note" }, `${who} Written by the code that serves, past the gate, and not sent.`),
    told.prompts.length ? "" : h("p", { class: "empty" }, "None would be written for this list."),
    ...told.prompts.map((one) => h("details", { class: "block prompt" },
      h("summary", {}, h("b", {}, one.name), tag(`${whole(one.tokens)} tokens`), one.labels.length ? tag(`${one.labels.length} labels scored`) : tag(`up to ${one.max_tokens} in reply`), one.cost === undefined ? "" : tag(dollars(one.cost))),
      one.messages.map((turn) => h("div", {}, h("h4", {}, turn.role), h("pre", { tabindex: 0 }, turn.text))))),
  ];
}
