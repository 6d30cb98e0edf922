// The page: who is here, what is served, and which part is shown.
import * as api from "./api.js";
import * as chat from "./chat.js";
import { askKey, failure } from "./dialogs.js";
import { announce, h, put } from "./dom.js";
import * as feed from "./feed.js";
import * as start from "./start.js";
import { hear, keep, state, tell, whoami } from "./state.js";
import * as theme from "./theme.js";
import { learn } from "./words.js";
import * as you from "./you.js";

const part = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 64rem)");
const NAMES = { start: "Welcome", feed: "For you", chat: "Chat", you: "About you" };
let ready = false;
let asked = null;

/** Show a part of the page and put the focus on its heading. */
function show(name, { focus = true } = {}) {
  document.body.dataset.view = name;
  const seen = { start: name === "start", feed: name === "feed" || (name === "chat" && wide.matches), chat: name === "chat" || (name === "feed" && wide.matches), you: name === "you" };
  for (const [id, on] of Object.entries(seen)) part(id).hidden = !on;
  document.querySelector(".views").hidden = name === "start";
  for (const link of document.querySelectorAll("[data-to]")) {
    if (link.dataset.to === name) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  document.title = `${NAMES[name]} · Tastemate`;
  if (seen.feed) feed.load();
  if (name === "you") you.load();
  if (focus) part(name === "chat" && wide.matches ? "message" : `${name}-title`)?.focus({ preventScroll: name === "chat" });
}

function route(options) {
  if (!ready) return;
  const name = location.hash.slice(1);
  if (!state.onboarded) return show("start", options);
  show(["feed", "chat", "you"].includes(name) ? name : "feed", options);
}

/** Learn what is served and what this person did; then show the first part. */
async function open() {
  const main = part("main");
  main.setAttribute("aria-busy", "true");
  try {
    const [project, told] = await Promise.all([api.project(), api.attributes()]);
    put(part("notices"));
    state.project = project;
    learn(project, told.attributes || told);
    const past = await deeds();
    await likes(past.events);
    if (past.events.length) keep({ onboarded: true, acted: true });
    if (!ready) {
      feed.begin(part("feed"));
      chat.begin(part("chat"));
      you.begin(part("you"));
    }
    ready = true;
    if (!state.onboarded) begin();
    chat.resume();
    route({ focus: false });
  } catch (problem) {
    put(part("notices"), failure(problem, open));
    if (problem.status === 503) setTimeout(() => { if (!ready) open(); }, 3_000);
  } finally {
    main.removeAttribute("aria-busy");
  }
}

/** Return what this person did; of who has done nothing here there is nothing to ask for. */
async function deeds() {
  if (!state.acted && !new URLSearchParams(location.search).has("user")) return { events: [] };
  try { return await api.history(state.user); } catch (problem) {
    if (problem.status === 404) return { events: [] };
    throw problem;
  }
}

/** Learn which events are likes, and enough of those items to draw them. */
async function likes(events) {
  const last = new Map();
  for (const one of events) if (!last.has(one.item_id) && !["view", "click", "seen", "skip"].includes(one.kind)) last.set(one.item_id, one);
  const most = Math.max(...events.filter((one) => one.kind === "data" || one.kind === "rating").map((one) => one.value), 1);
  const likes = (one) => (one.kind === "data" || one.kind === "rating" ? one.value >= most * 0.7 : ["like", "save", "purchase", "share", "play"].includes(one.kind));
  const known = [...last.values()].filter(likes);
  state.likes = new Map(known.map((one) => [one.item_id, { item_id: one.item_id, title: one.title }]));
  const whole = await Promise.all(known.slice(0, 24).map((one) => api.item(one.item_id).catch(() => null)));
  for (const one of whole.filter(Boolean)) state.likes.set(one.item_id, one);
}

function begin() {
  start.begin(part("start"), (sentence) => {
    history.replaceState(null, "", "#feed");
    route({ focus: true });
    scrollTo(0, 0);
    if (sentence) listen(sentence);
  });
}

/** Take the first sentence as the first thing said; the list follows the wishes it holds. */
async function listen(sentence) {
  if (!await chat.say(sentence)) { keep({ query: sentence }); tell("wishes"); }
}

function connection(reached) {
  const down = !reached || !navigator.onLine;
  const had = part("notices").querySelector(".offline");
  if (down && !had) part("notices").append(h("p", { class: "note offline" }, "There is no connection to the server. What you see may be old; what you do now is not saved."));
  if (!down && had) { had.remove(); announce("Connected again."); }
}

api.setUp(() => (asked ||= askKey(api.tryKey).finally(() => { asked = null; })), connection);
whoami();
theme.begin(part("theme"));
hear("view", (name) => { if (document.body.dataset.view !== name && !(wide.matches && name === "feed" && document.body.dataset.view === "chat")) { history.pushState(null, "", `#${name}`); show(name, { focus: false }); } });
hear("reacted", () => { if (!state.acted) keep({ acted: true }); });
hear("begin", () => { begin(); route({ focus: true }); scrollTo(0, 0); });
addEventListener("hashchange", () => route({ focus: true }));
addEventListener("offline", () => connection(false));
addEventListener("online", () => connection(true));
wide.addEventListener("change", () => route({ focus: false }));
open();
