// What runs beside the answers: jobs, what people complained of, and who changed what.
import { h, put } from "./dom.js";
import { ask } from "./operator-api.js";
import { exact, facts, share, table, tag, when, whole } from "./operator-table.js";

const again = (title, reload) => h("div", { class: "head" }, h("h2", {}, title), h("button", { type: "button", on: { click: reload } }, "Read again"));
const TONES = { done: "good", running: "note", queued: "", failed: "bad", cancelled: "" };

/** What a job says of itself: what it does, what it failed of, or what came of it. */
function said({ state, error, message, result = {} }) {
  if (state === "failed") return message ? `${error} (${message})` : error;
  return message || result.path || (result.model_version ? `model ${result.model_version}` : "");
}

export async function jobs(panel, { reload }) {
  const told = await ask("/v1/jobs", { optional: true });
  const rows = told?.jobs || [];
  put(panel, again("Jobs", reload),
    told ? "" : h("p", { class: "note" }, "This server runs no jobs."),
    table({ caption: "Fits, evaluations, exports and backups", columns: [
      { name: "job_id", label: "Job" }, { name: "kind", label: "Kind" }, { label: "State", make: (row) => tag(row.state, TONES[row.state]) },
      { label: "Progress", make: (row) => h("progress", { max: 1, value: row.progress ?? 0, "aria-label": `${row.kind}: ${share(row.progress ?? 0)}` }) },
      { label: "Says", make: said }, { label: "Asked for (UTC)", make: (row) => when(row.made) }, { label: "Seconds", number: true, make: (row) => (row.finished && row.started ? exact(row.finished - row.started) : "") }], rows, empty: "No job was asked for." }));
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
