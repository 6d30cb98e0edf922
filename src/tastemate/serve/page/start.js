// The first screen: pick a few things you like, or write one sentence, and the list is yours.
import * as api from "./api.js";
import { badge, cover, lettering } from "./cover.js";
import { failure, toast } from "./dialogs.js";
import { announce, arrows, debounced, h, put, reflow } from "./dom.js";
import { keep, state, tell } from "./state.js";
import { a, counted, nearness, noun, parts } from "./words.js";

const PAGE = 24;
const WANTED = 5;
/** Pages of a hundred that are looked through for a title. */
const PAGES = 5;
const picked = new Map();
let section = null;
let grid = null;
let bar = null;
let sentence = null;
let cursor = "";
let go = () => {};

/** Draw the first screen; `done(sentence)` is called when somebody has said enough. */
export function begin(place, done) {
  section = place;
  go = done;
  picked.clear();
  grid = h("ul", { class: "picks", "aria-label": `${noun(2)} to pick from`, "aria-busy": "true" });
  sentence = h("input", { id: "sentence", type: "text", maxlength: "500", autocomplete: "off", placeholder: "Something warm and funny" });
  bar = h("div", { class: "pick-bar" });
  const find = h("input", { id: "find-own", type: "search", autocomplete: "off", placeholder: `Find ${a(noun())} by name` });
  const found = h("ul", { class: "rows", "aria-label": "Found" });
  find.addEventListener("input", debounced(() => look(find.value.trim(), found), 220));
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); found.querySelector("button")?.click(); } if (event.key === "Escape") { find.value = ""; put(found); } });
  sentence.addEventListener("input", count);
  put(section,
    h("div", { class: "hello" },
      h("h1", { id: "start-title", tabindex: "-1" }, `Which of these ${noun(2)} do you like?`),
      h("p", { class: "lead" }, `Pick five or so. Then you get a list that is yours, and every ${noun()} on it says why it is there.`)),
    h("form", { class: "start-form", on: { submit: (event) => { event.preventDefault(); finish(); } } },
      h("div", { class: "start-ways" },
        h("div", {}, h("label", { for: "sentence" }, "Or say it in one sentence"), sentence),
        h("div", { class: "finder" }, h("label", { for: "find-own" }, "A favourite that is not here"), find, found)),
      grid,
      h("div", { class: "center" }, h("button", { type: "button", class: "wide-button", id: "other", on: { click: () => fill(true) } }, "Show me others")),
      bar));
  arrows(grid, ".pick");
  count();
  fill(false);
}

async function fill(further) {
  const other = document.getElementById("other");
  if (!further) put(grid, Array.from({ length: 12 }, () => h("li", { class: "skeleton poster", "aria-hidden": "true" })));
  if (other) other.disabled = true;
  try {
    const told = await api.recommend({ k: PAGE, diversity: 0.6, explain: false, cursor: further ? cursor : "" });
    cursor = told.cursor;
    const fresh = told.items.filter((item) => !picked.has(item.item_id)).map(pick);
    const kept = [...grid.children].filter((one) => picked.has(one.dataset.id));
    reflow(grid, () => put(grid, kept, fresh));
    if (further) { grid.children[kept.length]?.querySelector(".pick")?.focus(); announce(`${fresh.length} other ${noun(2)}.`); }
    if (!told.items.length && !further) put(grid, h("li", { class: "whole" }, h("p", { class: "empty" }, `This catalogue holds no ${noun(2)} yet.`)));
  } catch (problem) {
    put(grid, h("li", { class: "whole" }, failure(problem, () => fill(further))));
  } finally {
    grid.removeAttribute("aria-busy");
    if (other) other.disabled = !cursor;
  }
}

function pick(item) {
  const button = h("button", { type: "button", class: "pick", "aria-pressed": String(picked.has(item.item_id)), "aria-label": String(item.title), on: { click: () => toggle(item, button) } },
    cover(item, lettering(item)), h("span", { class: "tick", "aria-hidden": "true" }, "✓"));
  return h("li", { data: { id: item.item_id } }, button);
}

function toggle(item, button) {
  const on = !picked.has(item.item_id);
  if (on) picked.set(item.item_id, item); else picked.delete(item.item_id);
  button?.setAttribute("aria-pressed", String(on));
  count();
}

async function look(words, list) {
  if (words.length < 2) return put(list);
  try {
    const items = await titled(words);
    if (words !== document.getElementById("find-own").value.trim()) return;
    put(list, items.length ? items.map((item) => h("li", {}, h("button", { type: "button", class: "found", on: { click: () => add(item, list) } }, badge(item), h("span", {}, parts(item).title, h("span", { class: "soft" }, ` ${parts(item).year}`))))) : h("li", { class: "soft" }, "Nothing found"));
    announce(items.length ? `${items.length} found.` : "Nothing found.");
  } catch (problem) { put(list, h("li", { class: "soft" }, problem.message)); }
}

/** Return the items whose title holds the words, at most four; the search itself always finds something. */
async function titled(words) {
  const found = [];
  let after = "";
  for (let page = 0; page < PAGES && found.length < 4; page += 1) {
    const told = await api.items(words, after);
    found.push(...told.items.map((item) => ({ item, score: nearness(words, String(item.title || item.item_id)) })).filter(({ score }) => score > 0));
    after = told.next;
    if (!after || found.some(({ score }) => score >= 3)) break;
  }
  return found.sort((one, other) => other.score - one.score).slice(0, 4).map(({ item }) => item);
}

function add(item, list) {
  put(list);
  const find = document.getElementById("find-own");
  find.value = "";
  find.focus();
  if (picked.has(item.item_id)) return;
  [...grid.children].find((one) => one.dataset.id === item.item_id)?.remove();
  picked.set(item.item_id, item);
  reflow(grid, () => grid.prepend(pick(item)));
  count();
}

function count() {
  const n = picked.size;
  const said = sentence.value.trim();
  const enough = n >= WANTED || said;
  const words = n === 0 ? (said ? "Good. Or pick a few as well." : "Pick a few, or") : n < WANTED && !said ? `${n} picked, ${WANTED - n} more would be good` : `${counted(n, noun(), noun(2))} picked`;
  const status = bar.querySelector(".pick-count") || h("p", { class: "pick-count", role: "status" });
  status.textContent = words;
  const ready = bar.querySelector("[type=submit]") || h("button", { type: "submit", class: "primary" });
  ready.textContent = n || said ? (enough ? "Show my list" : "Show it anyway") : "see what is popular";
  ready.classList.toggle("primary", Boolean(n || said));
  if (!bar.children.length) bar.append(status, ready);
}

async function finish() {
  const button = bar.querySelector("[type=submit]");
  button.disabled = true;
  try {
    if (picked.size) {
      const at = Math.floor(Date.now() / 1000);
      await api.record([...picked.values()].map((item) => ({ event_id: `${state.user}-start-${item.item_id}`.slice(0, 200), user_id: state.user, item_id: item.item_id, kind: "like", timestamp: at })));
      state.likes = new Map([...picked].reverse());
      tell("likes");
    }
    keep({ onboarded: true, acted: state.acted || picked.size > 0 });
    go(sentence.value.trim());
  } catch (problem) {
    toast(`Your picks were not saved. ${problem.message}`, { undo: finish, action: "Try again", tone: "bad" });
  } finally {
    button.disabled = false;
  }
}
