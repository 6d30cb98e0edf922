// The feed: one's likes, the wishes and sliders that shape the list, and the list itself.
import * as api from "./api.js";
import * as acts from "./acts.js";
import { card, why } from "./card.js";
import * as chat from "./chat.js";
import { badge } from "./cover.js";
import { failure, toast } from "./dialogs.js";
import { announce, arrows, bring, debounced, h, put, reflow } from "./dom.js";
import { icon } from "./icons.js";
import { hear, keep, leaning, moment, state, tell, wishes } from "./state.js";
import * as choose from "./wishes.js";
import { counted, noun, parts, toYou, written } from "./words.js";

const PAGE = 12;
const LEVELS = ["off", "a little", "some", "a lot", "as much as possible"];
const view = {};
let slate = { recommendation_id: "", cursor: "" };
let asking = null;
let stale = true;

/** Build the feed once; `load` fills it when it is shown. */
export function begin(section) {
  view.section = section;
  view.likes = h("ul", { class: "strip", id: "likes", "aria-label": "Your likes" });
  view.chips = h("div", { class: "chips", role: "group", "aria-label": "Wishes this list follows" });
  view.notes = h("div", { class: "notes", role: "status" });
  view.list = h("ol", { class: "cards", id: "cards", "aria-label": "Recommended" });
  view.foot = h("div", { class: "foot" });
  view.note = h("p", { class: "soft" });
  const words = h("input", { id: "words", type: "search", placeholder: "In the mood for…", maxlength: "500", autocomplete: "off", enterkeyhint: "search" });
  const ask = (event) => { event.preventDefault(); wish(words); };
  put(section,
    h("div", { class: "feed-head" }, h("h1", { id: "feed-title", tabindex: "-1" }, "For you"), view.note),
    h("div", { class: "liked" }, h("h2", { class: "small-title" }, "Your likes"), view.likes),
    h("div", { class: "shape", role: "region", "aria-label": "Shape this list" },
      h("form", { class: "ask", role: "search", on: { submit: ask } }, h("label", { for: "words", class: "visually-hidden" }, "What are you in the mood for?"), words, h("button", { type: "submit", class: "icon-only", "aria-label": "Search" }, icon("search"))),
      slider("diversity", "Mix", "similar", "varied"),
      slider("novelty", "Surprise", "popular", "rare"),
      h("button", { type: "button", id: "add-filter", class: "chip add", on: { click: choose.build } }, icon("plus"), "Add a filter")),
    view.chips, view.notes, h("h2", { class: "visually-hidden" }, "Your list"), view.list, view.foot);
  arrows(view.list, ".open");
  arrows(view.likes, "a");
  hear("wishes", () => { choose.chips(view.chips); freshen({ whole: true }); });
  hear("likes", likes);
  hear("reacted", ({ item }) => { if (item && state.lead) state.lead = { ...state.lead, items: state.lead.items.filter((one) => one.item_id !== item.item_id) }; });
  hear("reacted", debounced(() => freshen({ whole: false }), 250));
  hear("point", point);
  hear("forgotten", () => { stale = true; });
  likes();
  choose.chips(view.chips);
}

/** Load the list where it is not there or no longer right. */
export function load() {
  if (stale) freshen({ whole: true });
}

/** Say the words of the box to the chat, whose wishes the list follows; tell where it knows none. */
async function wish(field) {
  const words = field.value.trim();
  if (!words) return;
  if (chat.answering()) return toast("The chat is still answering. Ask again in a moment.");
  field.value = "";
  const before = state.beliefs.join();
  const reply = await chat.say(words);
  if (!reply) {
    keep({ query: words });
    tell("wishes");
  } else if (state.lines.some((line) => !line.axis && line.words.toLowerCase() === words.toLowerCase())) {
    toast(`I know no word of “${words}” here. The list now leans to what reads like it.`);
  } else if (state.beliefs.join() === before) {
    toast(`“${words}” changed no wish. ${reply.reply}`);
  }
}

function slider(name, words, low, high) {
  const said = (value) => `${words}: ${LEVELS[Math.round(value * 4)]}`;
  const input = h("input", { id: name, type: "range", min: "0", max: "1", step: "0.05", value: String(state[name]), "aria-valuetext": said(state[name]) });
  const send = debounced(() => freshen({ whole: true }), 180);
  input.addEventListener("input", () => {
    keep({ [name]: Number(input.value) });
    input.setAttribute("aria-valuetext", said(input.value));
    send();
  });
  hear("forgotten", () => { input.value = "0"; });
  return h("div", { class: "slider" }, h("label", { for: name }, words), input, h("span", { class: "ends small soft", "aria-hidden": "true" }, h("span", {}, low), h("span", {}, high)));
}

function request(k, cursor = "") {
  return { user_id: state.user, k, query: leaning(), filters: wishes().map(written), diversity: state.diversity, novelty: state.novelty, explain: true, cursor, context: moment() };
}

/** Return what the chat found for the same wishes; with others, or another mix, it does not hold. */
function lead() {
  const same = state.lead && !state.query && !state.filters.length && !state.diversity && !state.novelty;
  return same ? state.lead.items : [];
}

/** Ask for the list again; not `whole` leaves in place what is on the screen. */
async function freshen({ whole }) {
  stale = true;
  if (view.section.hidden) return;
  asking?.abort();
  asking = new AbortController();
  const mine = asking;
  const { list } = view;
  list.setAttribute("aria-busy", "true");
  if (!list.querySelector(".card")) put(list, Array.from({ length: 6 }, skeleton));
  const waiting = setTimeout(() => list.classList.add("waiting"), 350);
  try {
    const k = Math.min(96, Math.max(PAGE, list.querySelectorAll(".card:not(.from-chat)").length));
    const told = await api.recommend(request(k), mine.signal);
    stale = false;
    show(told, whole);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    put(view.foot);
    put(view.notes);
    put(list, h("li", { class: "whole" }, failure(problem, () => freshen({ whole: true }))));
  } finally {
    clearTimeout(waiting);
    if (mine === asking) { list.classList.remove("waiting"); list.removeAttribute("aria-busy"); }
  }
}

function show(told, whole) {
  const { list } = view;
  const had = new Map([...list.querySelectorAll(".card")].map((one) => [one.dataset.id, one]));
  const first = lead().map((item, at) => made(item, state.lead.recommendation_id, at + 1, had.get(item.item_id)));
  const mine = new Set(lead().map((item) => item.item_id));
  const own = told.items.filter((item) => !mine.has(item.item_id)).map((item) => made(item, told.recommendation_id, told.items.indexOf(item) + 1, had.get(item.item_id)));
  for (const one of first) one.classList.add("from-chat");
  for (const one of own) one.classList.remove("from-chat");
  const fresh = [...first, ...own];
  const stay = whole ? [] : [...had.values()].filter((one) => one.getBoundingClientRect().top < innerHeight * 0.9);
  const order = [...stay, ...fresh.filter((one) => !stay.includes(one))].slice(0, Math.max(fresh.length, stay.length));
  const focused = document.activeElement?.closest?.(".card") ? document.activeElement : null;
  reflow(list, () => put(list, order.length ? order : h("li", { class: "whole" }, nothing())));
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  slate = { recommendation_id: told.recommendation_id, cursor: told.cursor };
  notes(told);
  foot();
  announce(`${counted(order.length, noun())} in your list.`);
}

/** Return the card of an item: the one that stands there, with the reason of now, or a new one. */
function made(item, recommendation_id, position, had) {
  if (had) {
    const before = had.querySelector(".why");
    const now = why(item);
    if (before && now) before.replaceWith(now);
    had.where.recommendation_id = recommendation_id;
    had.where.position = position;
    return had;
  }
  const where = { recommendation_id, position };
  const drawn = card(item, where, (kind) => say(drawn, item, kind, where));
  drawn.where = where;
  return drawn;
}

async function say(drawn, item, kind, where) {
  const { list } = view;
  const cards = [...list.querySelectorAll(".card")];
  const at = cards.indexOf(drawn);
  const next = cards[at + 1] || cards[at - 1];
  if (drawn.contains(document.activeElement)) (next?.querySelector(`[data-act=${kind}]`) || document.getElementById("feed-title")).focus({ preventScroll: true });
  const back = () => reflow(list, () => {
    list.querySelector(`[data-id="${CSS.escape(item.item_id)}"]`)?.remove();
    list.insertBefore(drawn, list.children[at] || null);
    drawn.querySelector(`[data-act=${kind}]`)?.focus({ preventScroll: true });
  });
  reflow(list, () => drawn.remove());
  if (!await acts.react(item, kind, where, back)) back();
}

async function further(event) {
  const button = event.currentTarget;
  button.disabled = true;
  const { list } = view;
  const before = list.children.length;
  try {
    const told = await api.recommend(request(PAGE, slate.cursor));
    const there = new Set([...list.children].map((one) => one.dataset.id));
    const more = told.items.filter((item) => !there.has(item.item_id)).map((item, at) => made(item, told.recommendation_id, before + at + 1));
    reflow(list, () => list.append(...more));
    slate.cursor = told.cursor;
    foot();
    list.children[before]?.querySelector(".open")?.focus({ preventScroll: true });
    announce(more.length ? `${more.length} more.` : "That was all.");
  } catch (problem) {
    button.disabled = false;
    toast(`No more could be loaded. ${problem.message}`, { tone: "bad" });
  }
}

function foot() {
  put(view.foot,
    slate.cursor ? h("button", { type: "button", class: "wide-button", on: { click: further } }, `Show more ${noun(2)}`) : view.list.querySelector(".card") ? h("p", { class: "soft" }, "That is everything that fits.") : "",
    h("button", { type: "button", class: "quiet", on: { click: () => acts.complain(slate.recommendation_id) } }, icon("flag"), "Something about this list is not right"));
}

function notes(told) {
  const said = [
    told.fallback && [toYou(told.fallback, wishes().length > 0), told.degraded.length > 0],
    told.degraded.length && [`Part of the answer is missing: ${told.degraded.join("; ")}`, !told.fallback],
    told.unknown > 0 && [`${counted(told.unknown, noun(), noun(2))} left out, because the catalogue does not say whether they fit your wishes.`],
  ].filter(Boolean);
  const chats = lead().length;
  put(view.notes, chats ? h("p", { class: "soft small" }, chats === 1 ? "The first is what the chat found; what else fits you and your wishes follows." : `The first ${chats} are what the chat found; what else fits you and your wishes follows.`) : "", said.map(([words, again]) => h("div", { class: "note" }, h("p", {}, words), again ? h("button", { type: "button", class: "quiet", on: { click: () => freshen({ whole: true }) } }, "Ask again") : "")));
}

function nothing() {
  const wished = leaning() || wishes().length;
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, wished ? `No ${noun(2)} fit all of that` : `No ${noun(2)} are left to show`),
    h("p", {}, wished ? "Take away a wish above, and there will be more." : "You have said something about everything there is."));
}

function likes() {
  const all = [...state.likes.values()];
  view.likes.parentElement.hidden = !all.length;
  view.note.textContent = all.length ? `From ${counted(all.length, "like")}. Every reason says which.` : "Say what you like, and this list becomes yours.";
  put(view.likes, all.slice(0, 60).map(tile));
}

function tile(item) {
  const { title } = parts(item);
  return h("li", {}, h("a", { href: "#likes", class: "like-tile", data: { like: item.item_id }, on: { click: (event) => { event.preventDefault(); related(item); } } }, badge(item), h("span", { class: "like-name" }, title)));
}

/** Mark the cards whose reason cites a like. */
function related(item) {
  const citing = [...view.list.querySelectorAll(`.evidence[data-item="${CSS.escape(item.item_id)}"]`)];
  for (const one of view.list.querySelectorAll(".cites")) one.classList.remove("cites");
  for (const one of citing) one.closest(".card")?.classList.add("cites");
  if (citing[0]) bring(citing[0]);
  announce(citing.length ? `${counted(citing.length, noun(), noun(2))} in this list because of it.` : "Nothing in this list rests on it.");
}

/** Scroll to a like that a reason names, mark it and put the focus there. */
function point({ item_id, title }) {
  if (!state.likes.has(item_id)) { state.likes.set(item_id, { item_id, title }); likes(); }
  tell("view", "feed");
  requestAnimationFrame(() => {
    const there = view.likes.querySelector(`[data-like="${CSS.escape(item_id)}"]`);
    if (!there) return;
    for (const one of view.likes.querySelectorAll(".marked")) one.classList.remove("marked");
    there.classList.add("marked");
    bring(there);
    there.focus({ preventScroll: true });
    announce(`You liked ${title}.`);
  });
}

function skeleton() {
  return h("li", { class: "card skeleton-card", "aria-hidden": "true" }, h("div", { class: "skeleton block" }), h("div", { class: "skeleton line" }), h("div", { class: "skeleton line short" }));
}
