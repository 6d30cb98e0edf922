// The operator's page: tabs that load when they are looked at, and say what went wrong when they cannot.
import { announce, h, put } from "./dom.js";
import { ask } from "./operator-api.js";
import { cost, data, fairness, quality } from "./operator-whole.js";
import { user } from "./operator-user.js";
import { experiments } from "./operator-trials.js";
import { jobs, log } from "./operator-work.js";
import { begin as beginTheme } from "./theme.js";

const TABS = [
  ["user", "One list", user],
  ["quality", "Quality", quality],
  ["data", "Data", data],
  ["fairness", "Fairness", fairness],
  ["experiments", "Experiments", experiments],
  ["jobs", "Jobs", jobs],
  ["cost", "Cost", cost],
  ["log", "Complaints and log", log],
];
const tabs = document.getElementById("tabs");
const panels = document.getElementById("panels");
const loaded = new Set();

for (const [name, label] of TABS) {
  tabs.append(h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": "false", tabindex: -1, data: { name }, on: { click: () => select(name) } }, label));
  panels.append(h("section", { id: `panel-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, tabindex: 0, hidden: true }));
}

tabs.addEventListener("keydown", (event) => {
  const now = TABS.findIndex(([name]) => `tab-${name}` === document.activeElement.id);
  const to = { ArrowRight: now + 1, ArrowLeft: now - 1 + TABS.length, Home: 0, End: TABS.length - 1 }[event.key];
  if (to === undefined || now < 0) return;
  event.preventDefault();
  select(TABS[to % TABS.length][0]);
  document.getElementById(`tab-${TABS[to % TABS.length][0]}`).focus();
});

/** Show a tab; the rest of the address after it is the tab's own: #user/p001. */
function select(name, rest = "") {
  for (const [one] of TABS) {
    const tab = document.getElementById(`tab-${one}`);
    const on = one === name;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    document.getElementById(`panel-${one}`).hidden = !on;
    if (on) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  const address = rest ? `#${name}/${encodeURIComponent(rest)}` : `#${name}`;
  if (!location.hash.startsWith(`#${name}`) || rest) history.replaceState(null, "", address);
  load(name, rest);
}

async function load(name, rest = "", again = false) {
  if (loaded.has(name) && !again && !rest) return;
  loaded.add(name);
  const [, label, show] = TABS.find(([one]) => one === name);
  const panel = document.getElementById(`panel-${name}`);
  panel.setAttribute("aria-busy", "true");
  if (!panel.childElementCount) put(panel, h("p", { class: "empty" }, "Loading…"));
  try {
    await show(panel, { rest, reload: () => load(name, "", true), go: select });
    announce(`${label}: loaded`);
  } catch (error) {
    loaded.delete(name);
    put(panel, h("div", { class: "problem", role: "alert" }, h("p", {}, error.message), h("button", { type: "button", on: { click: () => load(name, rest, true) } }, "Try again")));
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

async function served() {
  try {
    const told = await ask("/v1/project");
    put(document.getElementById("served"), h("b", {}, told.name), ` ${told.model_version}`, told.llm ? ` · ${told.llm}` : " · no language model");
  } catch { /* the tab says what is wrong */ }
}

function follow() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const known = TABS.some(([one]) => one === name) ? name : "user";
  let written = "";
  try { written = decodeURIComponent(rest.join("/")); } catch { written = ""; }
  select(known, known === "user" ? written : "");
}

addEventListener("hashchange", follow);
beginTheme(document.getElementById("theme"));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
served();
follow();
