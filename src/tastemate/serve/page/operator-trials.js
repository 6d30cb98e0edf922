// What is tried on whom, and what it shows so far: splits and interleavings.
import { h, put } from "./dom.js";
import { ask } from "./operator-api.js";
import { exact, facts, share, table, tag, whole } from "./operator-table.js";
import { forest } from "./plot.js";

const MEANS = { rate: "Successes per line shown", any: "Share of units with a success", count: "Successes per unit" };
const VERDICTS = { "too early": "too early to say", "split broken": "not to be read: see the alarm" };

export async function experiments(panel, { reload }) {
  const told = await ask("/v1/experiments", { optional: true });
  const list = told?.experiments || [];
  const full = await Promise.all(list.map((one) => ask(`/v1/experiments/${encodeURIComponent(one.id)}`, { optional: true })));
  put(panel, h("div", { class: "head" }, h("h2", {}, "Experiments"), h("button", { type: "button", on: { click: reload } }, "Read again")),
    list.length ? h("p", { class: "note" }, "Each verdict compares an arm with the control and goes by the interval for any number of looks, which holds whenever it is read. The one for one look is narrower and holds only if this is read once, at an end that was planned.") : none(told),
    ...list.map((one, at) => experiment(full[at]?.experiment || one, full[at]?.results || {})));
}

function none(told) {
  if (!told) return h("p", { class: "empty" }, "This server runs no experiments.");
  return h("p", { class: "empty" }, "No experiment was made. One shows some users one thing and some another, or drafts two ways of answering into one list, and says which is better. ",
    h("code", {}, "POST /v1/experiments"), " begins one, and so does ", h("code", {}, "tastemate experiments make FILE.json"), ".");
}

function experiment(one, results) {
  const { comparisons = [], split = {}, notes = [], metric } = results;
  const drafted = one.kind === "interleave";
  return h("article", { class: "block open" },
    h("h3", {}, one.id, " ", tag(results.state || one.state || "", results.state === "running" ? "note" : ""), " ", tag(drafted ? "interleaved" : "split"), " ", alarm(split, drafted)),
    one.note ? h("p", {}, one.note) : "",
    metric ? h("p", { class: "note" }, who(one, drafted), ` What counts as a success: ${metric.signals.join(", ")}, within ${span(metric.window)} of being shown.`) : "",
    comparisons.map((pair) => verdict(pair, drafted)),
    drafted ? wins(results) : differences(results, metric),
    drafted ? sides(one, results) : arms(one, results, metric),
    notes.map((note) => h("p", { class: "note" }, note)));
}

function who(one, drafted) {
  if (drafted) return `Every list of ${share(one.traffic)} of the ${one.unit}s is drafted from both arms; the arm whose lines have more successes wins it.`;
  return `Drawn by ${one.unit}; ${share(one.held_out ?? 0)} are held out and served as without it.`;
}

function verdict(pair, drafted) {
  const wins = pair.anytime ? `; wins ${share(pair.anytime.value)}, at any look ${share(pair.anytime.low)} to ${share(pair.anytime.high)}` : "";
  const counts = drafted ? ` (lists won ${whole(pair.wins)}, lost ${whole(pair.losses)}, tied ${whole(pair.ties)}${wins})` : "";
  return h("p", {}, h("b", {}, `${pair.arm} against ${pair.against}: `), VERDICTS[pair.verdict] || pair.verdict, counts);
}

const signed = (value) => (value === 0 ? "0" : `${value > 0 ? "+" : ""}${Number(value.toPrecision(2))}`);
const points = (value) => `${value > 0 ? "+" : ""}${(value * 100).toFixed(1)}`;
const looks = (pair, of = (figure) => figure) => [{ label: `${pair.arm}, one look`, ...of(pair.fixed) }, { label: `${pair.arm}, any looks`, ...of(pair.anytime) }];

function differences({ comparisons = [], level }, metric) {
  if (!comparisons.length) return "";
  const title = `Difference from the control: ${(MEANS[metric?.measure] || "").toLowerCase()}`;
  return forest({ title, note: `${share(level)} intervals`, rows: comparisons.flatMap((pair) => looks(pair)), format: signed });
}

function wins({ comparisons = [], level, lists, rewarded, units }) {
  const above = (figure) => figure && { value: figure.value - 0.5, low: figure.low - 0.5, high: figure.high - 0.5 };
  return [
    facts(["Lists drafted", whole(lists)], ["With a success", whole(rewarded)], ["Units with one", whole(units), "each is one vote"]),
    comparisons.some((pair) => pair.fixed) ? forest({ title: "Share of lists won, in points above or below half", note: `${share(level)} intervals`, rows: comparisons.flatMap((pair) => looks(pair, above)), format: points }) : "",
  ];
}

const sets = (one, name) => {
  const found = Object.entries((one.arms || []).find((arm) => arm.name === name)?.overrides || {});
  return found.length ? found.map(([key, value]) => `${key} ${value}`).join(", ") : "nothing";
};
const named = { label: "Arm", make: (arm) => h("span", {}, arm.name, arm.control ? [" ", tag("control")] : "") };
const shown = [{ label: "Lines shown", number: true, make: (arm) => whole(arm.impressions ?? arm.lines) }, { label: "Successes", number: true, make: (arm) => whole(arm.rewards) }];

function sides(one, { arms: rows = [] }) {
  return table({ caption: "Arms", columns: [named, { label: "Sets", make: (arm) => sets(one, arm.name) }, ...shown, { label: "Lists won", number: true, make: (arm) => whole(arm.wins) }], rows, empty: "Nobody met it yet." });
}

function arms(one, { arms: rows = [] }, metric) {
  const planned = new Map((one.arms || []).map((arm) => [arm.name, arm.share]));
  return table({ caption: "Arms", columns: [
    named, { label: "Sets", make: (arm) => sets(one, arm.name) }, { label: "Planned", number: true, make: (arm) => share(planned.get(arm.name)) }, { label: "Units", number: true, make: (arm) => whole(arm.units) }, ...shown,
    { label: MEANS[metric?.measure] || "Mean", number: true, make: (arm) => exact(arm.mean) }, { label: "Standard error", number: true, make: (arm) => exact(arm.error) }], rows, empty: "Nobody met it yet." });
}

/** Seconds in the unit that says them best. */
function span(seconds) {
  const [size, unit] = [[86400, "days"], [3600, "hours"], [60, "minutes"]].find(([size]) => seconds >= 2 * size) || [1, "seconds"];
  return `${exact(seconds / size)} ${unit}`;
}

function alarm(split, drafted) {
  const counts = Object.values(split.counts || {});
  if (!counts.length) return "";
  if (split.broken) return tag(drafted ? "the draft is uneven: do not read the result" : "the split is off: do not read the result", "bad");
  if (!counts.some(Boolean)) return tag("nobody met it yet");
  return tag(drafted ? "draft even" : "split as planned", "good");
}
