// What runs beside the answers: experiments, jobs, what people complained of, and who changed what.
import { h, put } from "./dom.js";
import { ask } from "./operator-api.js";
import { exact, facts, share, table, tag, when, whole } from "./operator-table.js";
import { forest } from "./plot.js";

const again = (title, reload) => h("div", { class: "head" }, h("h2", {}, title), h("button", { type: "button", on: { click: reload } }, "Read again"));
const TONES = { done: "good", running: "note", queued: "", failed: "bad", cancelled: "" };

export async function jobs(panel, { reload }) {
  const told = await ask("/v1/jobs", { optional: true });
  const rows = told?.jobs || [];
  put(panel, again("Jobs", reload),
    told ? "" : h("p", { class: "note" }, "This server runs no jobs."),
    table({ caption: "Fits, evaluations, exports and backups", columns: [
      { name: "job_id", label: "Job" }, { name: "kind", label: "Kind" }, { label: "State", make: (row) => tag(row.state, TONES[row.state]) },
      { label: "Progress", make: (row) => h("progress", { max: 1, value: row.progress ?? 0, "aria-label": `${row.kind}: ${share(row.progress ?? 0)}` }) },
      { label: "Says", make: (row) => row.error || row.message || "" }, { label: "Asked for (UTC)", make: (row) => when(row.made) }, { label: "Seconds", number: true, make: (row) => (row.finished && row.started ? exact(row.finished - row.started) : "") }], rows, empty: "No job was asked for." }));
}

export async function experiments(panel, { reload }) {
  const told = await ask("/v1/experiments", { optional: true });
  const list = told?.experiments || [];
  const full = await Promise.all(list.map((one) => ask(`/v1/experiments/${encodeURIComponent(one.id)}`, { optional: true })));
  put(panel, again("Experiments", reload),
    list.length ? h("p", { class: "note" }, "The interval for one look holds if this is read once, at the end that was planned; the one for any number of looks holds whenever it is read, and is wider for it.") : h("p", { class: "empty" }, told ? "No experiment was made. POST /v1/experiments begins one." : "This server runs no experiments."),
    ...list.map((one, at) => experiment(full[at]?.experiment || one, full[at]?.results || {})));
}

const signed = (value) => (value === 0 ? "0" : `${value > 0 ? "+" : ""}${Number(value.toPrecision(2))}`);

function experiment(one, results) {
  const { arms = [], comparisons = [], split = {}, notes = [], metric } = results;
  const share_of = new Map((one.arms || []).map((arm) => [arm.name, arm.share]));
  const rows = comparisons.flatMap((pair) => [{ label: `${pair.arm}, one look`, ...pair.fixed }, { label: `${pair.arm}, any looks`, ...pair.anytime }]);
  return h("article", { class: "block open" },
    h("h3", {}, one.id, " ", tag(results.state || one.state || "", results.state === "running" ? "note" : ""), " ", alarm(split)),
    one.note ? h("p", {}, one.note) : "",
    metric ? h("p", { class: "note" }, `Measured: ${metric.measure} of ${metric.signals.join(", ")} within ${Math.round(metric.window / 3600)} h, by ${results.unit}.`) : "",
    comparisons.map((pair) => h("p", {}, h("b", {}, `${pair.arm} against ${pair.against}: `), pair.verdict)),
    rows.length ? forest({ title: "Difference from the control", note: `${share(results.level)} intervals`, rows, format: signed }) : "",
    table({ caption: "Arms", columns: [
      { label: "Arm", make: (arm) => h("span", {}, arm.name, arm.control ? [" ", tag("control")] : "") }, { label: "Planned", number: true, make: (arm) => share(share_of.get(arm.name)) }, { label: "Units", number: true, make: (arm) => whole(arm.units) }, { label: "Lines shown", number: true, make: (arm) => whole(arm.impressions) },
      { label: "Successes", number: true, make: (arm) => whole(arm.rewards) }, { label: "Mean", number: true, make: (arm) => exact(arm.mean) }, { label: "Standard error", number: true, make: (arm) => exact(arm.error) }], rows: arms, empty: "Nobody met it yet." }),
    notes.map((note) => h("p", { class: "note" }, note)));
}

function alarm(split) {
  if (!Object.keys(split).length) return "";
  const off = Boolean(split.broken);
  return tag(off ? "the split is off: do not read the result" : "split as planned", off ? "bad" : "good");
}

export async function log(panel, { reload, go }) {
  const [said, done] = await Promise.all([ask("/v1/operator/complaints?limit=200"), ask("/v1/operator/audit?limit=200")]);
  put(panel, again("Complaints and log", reload),
    facts(["Complaints", whole(said.count)], ["Changes", whole(done.count)]),
    table({ caption: "What people said is wrong, the latest first", columns: [
      { label: "When (UTC)", make: (row) => when(row.at) }, { label: "Kind", make: (row) => tag(row.kind, row.kind === "harmful" ? "bad" : "note") }, { name: "text", label: "In their words" },
      { name: "item", label: "Item" }, { label: "User", make: (row) => (row.user ? h("button", { type: "button", class: "link", on: { click: () => go("user", row.user) } }, row.user) : "") }], rows: said.complaints, empty: "Nobody complained." }),
    table({ caption: "Who changed what, the latest first", columns: [
      { label: "When (UTC)", make: (row) => when(row.at) }, { name: "actor", label: "Who" }, { name: "action", label: "Did" }, { name: "target", label: "To" }, { label: "Detail", make: (row) => Object.entries(row.detail).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ") }], rows: done.entries, empty: "Nothing was changed yet." }));
}
