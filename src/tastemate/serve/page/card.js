// A catalogue item as a card of the feed, as a row, and in full; the reason in words, linked to the
// likes it rests on.
import * as api from "./api.js";
import * as acts from "./acts.js";
import { badge, cover, lettering } from "./cover.js";
import { dialog, failure } from "./dialogs.js";
import { h, put } from "./dom.js";
import { icon } from "./icons.js";
import { state, tell } from "./state.js";
import { bare, counted, kind, label, parts, people, shown } from "./words.js";

let number = 0;

/** Return a card; `where` is {recommendation_id, position}, `react(kind)` says like, dislike, seen. */
export function card(item, where, react) {
  const named = `card-${(number += 1)}`;
  const { title } = parts(item);
  const heading = (words) => h("h3", { id: named }, h("button", { type: "button", class: "open", on: { click: () => details(item, where) } }, words));
  const button = (what, words) => h("button", { type: "button", class: `act ${what}`, data: { act: what }, "aria-label": `${words}: ${title}`, on: { click: () => react(what) } }, icon(what), h("span", {}, words));
  return h("li", { class: "card", data: { id: item.item_id } },
    h("article", { "aria-labelledby": named },
      cover(item, lettering(item, heading)),
      h("div", { class: "card-body" },
        people(item).map(([role, names]) => h("p", { class: "people" }, h("span", { class: "visually-hidden" }, `${role}: `), names)),
        why(item),
        h("div", { class: "acts" }, button("like", "Like"), button("dislike", "Dislike"), button("seen", "Seen"), menu(item, where)))));
}

/** Return the reason as a sentence in which every like of one's own is a link to it. */
export function why(item) {
  const reason = item.reason || {};
  if (!reason.text) return "";
  const cited = new Map((reason.evidence || []).filter((one) => one.item_id && one.title && one.item_id !== item.item_id).map((one) => [one.title, one.item_id]));
  return h("p", { class: "why" }, linked(reason.text, cited));
}

function linked(text, cited) {
  const titles = [...cited.keys()].sort((one, other) => other.length - one.length);
  const [pieces, said] = [[], new Set()];
  let rest = text;
  while (rest) {
    const found = titles.map((title) => [rest.indexOf(title), title]).filter(([at]) => at >= 0).sort((one, other) => one[0] - other[0] || other[1].length - one[1].length)[0];
    if (!found) break;
    const [at, title] = found;
    pieces.push(rest.slice(0, at), said.has(title) ? bare(title) : evidence(cited.get(title), title));
    said.add(title);
    rest = rest.slice(at + title.length);
  }
  return [...pieces, rest];
}

/** Return a link to a like: it scrolls to it and marks it. */
export function evidence(item_id, title) {
  const go = (event) => {
    event.preventDefault();
    event.target.closest("dialog")?.close();
    tell("point", { item_id, title });
  };
  return h("a", { href: "#likes", class: "evidence", data: { item: item_id }, on: { click: go } }, bare(title));
}

function menu(item, where) {
  const { title } = parts(item);
  const list = h("div", { class: "menu", role: "menu", "aria-label": `More about ${title}`, hidden: true });
  const opener = h("button", { type: "button", class: "act icon-only", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": `More choices: ${title}` }, icon("more"));
  const close = (focus) => { list.hidden = true; opener.setAttribute("aria-expanded", "false"); document.removeEventListener("pointerdown", outside); if (focus) opener.focus(); };
  const outside = (event) => { if (!box.contains(event.target)) close(false); };
  const choice = (sign, words, act) => h("button", { type: "button", role: "menuitem", tabindex: "-1", on: { click: () => { close(true); act(); } } }, icon(sign), words);
  list.append(
    choice("plus", "More like this", () => acts.tune(item, true)),
    choice("minus", "Less like this", () => acts.tune(item, false)),
    choice("why", "Why is this here?", () => details(item, where)),
    choice("flag", "Something is wrong", () => acts.complain(where.recommendation_id, item)));
  opener.addEventListener("click", () => {
    if (!list.hidden) return close(false);
    list.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    list.firstElementChild.focus();
  });
  const box = h("div", { class: "menu-box" }, opener, list);
  list.addEventListener("keydown", (event) => {
    const all = [...list.children];
    const at = all.indexOf(event.target);
    const next = { ArrowDown: (at + 1) % all.length, ArrowUp: (at + all.length - 1) % all.length, Home: 0, End: all.length - 1 }[event.key];
    if (next !== undefined) { event.preventDefault(); all[next].focus(); }
    if (event.key === "Escape") { event.stopPropagation(); close(true); }
  });
  box.addEventListener("focusout", (event) => { if (!list.hidden && !box.contains(event.relatedTarget)) close(false); });
  return box;
}

/** Return an item as a row: a small cover, the title, the reason, like and dislike. */
export function row(item, where = {}) {
  const { title, year } = parts(item);
  const buttons = ["like", "dislike"].map((what) => h("button", { type: "button", class: `act icon-only ${what}`, "aria-label": `${what === "like" ? "Like" : "Dislike"}: ${title}`, "aria-pressed": String(what === "like" && state.likes.has(item.item_id)), on: { click: () => say(what) } }, icon(what)));
  const mark = (what) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.classList.contains(what))));
  const say = async (what) => {
    mark(what);
    if (!await acts.react(item, what, where, () => mark(""))) mark("");
  };
  return h("li", { class: "row-item", data: { id: item.item_id } },
    badge(item),
    h("button", { type: "button", class: "open row-title", on: { click: () => details(item, where) } }, h("span", {}, title, year && h("span", { class: "soft" }, ` ${year}`))),
    h("div", { class: "row-acts" }, buttons),
    why(item));
}

/** Show an item in full, and everything its place rests on. */
export function details(item, where = {}) {
  const { title } = parts(item);
  const reasons = h("div", { class: "stack" });
  const load = async () => {
    put(reasons, h("div", { class: "skeleton line" }), h("div", { class: "skeleton line short" }));
    try {
      const told = item.sources?.length || item.reason?.text ? item : (await api.explain(state.user, item.item_id)).item;
      put(reasons, grounds(told));
    } catch (problem) { put(reasons, failure(problem, load)); }
  };
  return dialog(title, () => {
    load();
    const attributes = Object.entries(item.attributes || {}).filter(([, value]) => value !== "" && !(Array.isArray(value) && !value.length));
    return h("div", { class: "details" },
      cover(item, lettering(item)),
      h("div", { class: "stack" },
        item.text ? h("p", { class: "synopsis" }, item.text) : "",
        h("h3", {}, "Why it is here"), reasons,
        attributes.length ? h("h3", {}, "What is known of it") : "",
        h("dl", { class: "facts" }, attributes.map(([name, value]) => [h("dt", {}, label(name)), h("dd", {}, facts(name, value))])),
        h("div", { class: "row" }, h("button", { type: "button", on: { click: () => acts.complain(where.recommendation_id, item) } }, icon("flag"), "Something is wrong"))));
  }, { wide: true });
}

function facts(name, value) {
  const most = 8;
  const text = Array.isArray(value) && value.length > most ? `${value.slice(0, most).join(", ")} and ${value.length - most} more` : shown(name, value);
  return kind(name)?.kind === "number" || text.length < 300 ? text : `${text.slice(0, 299)}…`;
}

function grounds(item) {
  const lines = [...byLike(item.reason?.evidence || []), ...(item.reason?.evidence || []).filter((one) => !one.item_id).map(fact).filter(Boolean)];
  return [
    why(item) || h("p", { class: "soft" }, "There is no more to say than that it fits what you asked for."),
    lines.length ? h("ul", { class: "grounds" }, lines.map((words) => h("li", {}, words))) : "",
  ];
}

/** Return a line for each like that is cited: the link, and all that connects the two. */
function byLike(facts) {
  const cited = new Map();
  for (const one of facts) if (one.item_id && one.title) cited.set(one.item_id, [...(cited.get(one.item_id) || []), one]);
  return [...cited].map(([item_id, all]) => {
    const shared = new Map();
    for (const one of all) if (one.attribute) shared.set(one.attribute, [...(shared.get(one.attribute) || []), shown(one.attribute, one.value)]);
    const many = all.find((one) => one.kind === "neighbours")?.count || 0;
    const words = [...[...shared].map(([name, values]) => `${label(name)}: ${values.join(", ")}`), many ? `${counted(many, "person", "people")} liked both` : ""].filter(Boolean);
    return [evidence(item_id, all[0].title), words.length ? h("span", {}, ` – ${words.join("; ")}`) : ""];
  });
}

function fact(one) {
  if (one.kind === "popularity") return `${counted(one.count, "person", "people")} liked it`;
  if (one.kind === "query") return one.value ? `You asked for it: ${shown(one.attribute, one.value)}` : "You asked for it";
  return one.attribute && one.value !== "" ? `${label(one.attribute)}: ${shown(one.attribute, one.value)}` : "";
}
