// What is known about you: every statement with what it was read from, and every way to change it.
import * as api from "./api.js";
import { evidence } from "./card.js";
import { confirm, failure, toast } from "./dialogs.js";
import { announce, h, put } from "./dom.js";
import { forget, hear, state, tell } from "./state.js";
import { bare, counted, label, noun, shown } from "./words.js";

const view = {};

/** Build the part once; `load` fills it whenever it is shown. */
export function begin(section) {
  view.section = section;
  view.body = h("div", { class: "known" });
  put(section, h("h1", { id: "you-title", tabindex: "-1" }, "What I know about you"), view.body,
    h("div", { class: "own-data" }, h("h2", {}, "Your data"),
      h("p", { class: "soft" }, "You are ", h("code", {}, state.user), ". Kept are what you said, your chats, and which lists you were shown. The download holds all of it."),
      h("div", { class: "row" },
        h("button", { type: "button", on: { click: download } }, "Download everything"),
        h("button", { type: "button", on: { click: restart } }, "Start over"),
        h("button", { type: "button", class: "danger", on: { click: erase } }, "Delete me"))));
  hear("reacted", ({ item }) => { if (!section.hidden && item) load(); });
}

/** Read what is known and draw it. */
export async function load() {
  if (!view.body.children.length) put(view.body, h("div", { class: "skeleton line" }), h("div", { class: "skeleton line short" }), h("div", { class: "skeleton line" }));
  try {
    const [taste, past] = await Promise.all([api.taste(state.user).catch(unknown), deeds()]);
    put(view.body, summary(taste), edits(taste), statements(taste), did(past));
  } catch (problem) {
    put(view.body, failure(problem, load));
  }
}

/** Return what was done; of somebody who did nothing here there is nothing to ask for. */
function deeds() {
  if (!state.acted && !new URLSearchParams(location.search).has("user")) return { events: [] };
  return api.history(state.user).catch(unknown);
}

function unknown(problem) {
  if (problem.status === 404) return { text: "", statements: [], edits: [], events: [] };
  throw problem;
}

function summary(taste) {
  if (!taste.statements.length && !taste.edits.length) return h("div", { class: "empty" }, h("p", { class: "empty-title" }, "Not much yet"), h("p", {}, `Like a few ${noun(2)}, and what can be read from that appears here. You can correct every line.`));
  const text = read(taste);
  return text ? h("p", { class: "lead" }, text) : "";
}

/** Return the sentences about somebody without what they said themselves, which has its own part. */
function read(taste) {
  const said = taste.edits.map((one) => `You say you ${one.likes ? "like" : "dislike"} ${one.value}.`);
  return said.reduce((text, sentence) => text.replace(sentence, ""), taste.text).trim();
}

function statements(taste) {
  const found = taste.statements.filter((one) => one.source !== "said");
  if (!found.length) return "";
  return h("section", { "aria-labelledby": "read-title" }, h("h2", { id: "read-title" }, "What I read from what you liked"), h("ul", { class: "statements" }, found.map(statement)));
}

function statement(one, at) {
  const said = (likes, words, style = "") => h("button", { type: "button", class: style, "aria-label": `${words}: ${one.text}`, on: { click: () => correct(one, likes, at) } }, words);
  return h("li", { class: one.likes ? "statement" : "statement away" },
    h("p", { class: "claim" }, sentence(one)),
    h("p", { class: "soft small" }, one.items.length ? ["Read from ", one.items.slice(0, 5).map((item, place) => [place ? ", " : "", evidence(item.item_id, item.title)]), one.items.length > 5 ? ` and ${one.items.length - 5} more` : "", "."] : ""),
    h("div", { class: "row" }, said(one.likes, "Yes"), said("never", "No"), said(!one.likes, "It is the opposite", "quiet")));
}

function sentence(one) {
  const text = one.text.trim();
  const verb = /^(like|dislike|love|avoid)s?\b/i;
  return verb.test(text) ? `You ${text.replace(verb, (_, word) => word.toLowerCase())}` : text.charAt(0).toUpperCase() + text.slice(1);
}

async function correct(one, likes, at) {
  try {
    await api.say(state.user, one.attribute, shown("", one.value), likes);
    const words = likes === "never" ? "Gone. I will not say it again." : likes === one.likes ? "Good to know. I will hold on to that." : `Noted: you ${likes ? "like" : "do not like"} ${shown("", one.value)}.`;
    toast(words, { undo: () => takeBack({ ...one, likes }) });
    await load();
    (view.body.querySelectorAll(".statement")[at] || view.body).querySelector?.("button")?.focus();
    tell("reacted", { kind: "taste" });
  } catch (problem) { toast(`That was not saved. ${problem.message}`, { undo: () => correct(one, likes, at), action: "Try again", tone: "bad" }); }
}

const EDITS = new Map([[true, "You like"], [false, "You do not like"], ["never", "Not to be said of you"]]);

function edits(taste) {
  if (!taste.edits.length) return "";
  const line = (one) => h("li", {},
    h("span", {}, `${EDITS.get(one.likes)}: `, h("strong", {}, String(one.value)), h("span", { class: "soft" }, ` (${label(one.attribute)})`)),
    h("button", { type: "button", class: "quiet", "aria-label": `Take back: ${EDITS.get(one.likes)} ${one.value}`, on: { click: () => takeBack(one) } }, "Take back"));
  return h("section", { "aria-labelledby": "said-title" }, h("h2", { id: "said-title", tabindex: "-1" }, "What you said yourself"),
    h("ul", { class: "plain said" }, taste.edits.map(line)),
    taste.edits.length > 1 ? h("button", { type: "button", on: { click: all } }, "Take all of it back") : "");
}

async function takeBack(one) {
  try {
    await api.forgetOne(state.user, one.attribute, String(one.value));
    await load();
    toast(`Taken back: ${one.value}.`);
    (document.getElementById("said-title") || document.getElementById("you-title")).focus();
    tell("reacted", { kind: "taste" });
  } catch (problem) { toast(`That was not taken back. ${problem.message}`, { undo: () => takeBack(one), action: "Try again", tone: "bad" }); }
}

async function all() {
  try {
    await api.unsay(state.user);
    await load();
    announce("Taken back.");
    document.getElementById("you-title").focus();
    tell("reacted", { kind: "taste" });
  } catch (problem) { toast(problem.message, { tone: "bad" }); }
}

const DONE = { like: "liked", dislike: "disliked", seen: "seen", click: "more like it", skip: "less like it", save: "saved", hide: "hidden", view: "looked at" };

async function withdraw(one) {
  try {
    await api.takeBack(one.event_id);
    if (one.kind === "like") { state.likes.delete(one.item_id); tell("likes"); }
    toast(`Taken back: ${bare(one.title)}.`);
    await load();
    view.body.querySelector(".past").open = true;
    view.body.querySelector(".past summary").focus();
    tell("reacted", { kind: "undo" });
  } catch (problem) { toast(`That was not taken back. ${problem.message}`, { undo: () => withdraw(one), action: "Try again", tone: "bad" }); }
}

function did(past) {
  const liked = [...state.likes.values()];
  if (!past.events?.length && !liked.length) return "";
  const rows = past.events.slice(0, 100).map((one) => h("li", {}, h("span", {}, bare(one.title)),
    h("span", { class: "tag" }, DONE[one.kind] || (one.value ? `${one.kind === "data" ? "rated" : one.kind} ${shown("", one.value)}` : one.kind)),
    one.event_id ? h("button", { type: "button", class: "quiet", "aria-label": `Take back: ${DONE[one.kind] || one.kind} ${one.title}`, on: { click: () => withdraw(one) } }, "Take back") : ""));
  return h("details", { class: "past" }, h("summary", {}, `Everything you said of ${noun(2)} (${past.events.length})`), h("ul", { class: "plain history" }, rows));
}

async function download() {
  try {
    const all = await api.exported(state.user);
    const link = h("a", { href: URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: "application/json" })), download: `tastemate-${state.user}.json` });
    document.body.append(link);
    link.click();
    setTimeout(() => { URL.revokeObjectURL(link.href); link.remove(); }, 5_000);
    toast("Everything held about you is in the file.");
  } catch (problem) { toast(`Nothing was downloaded. ${problem.message}`, { undo: download, action: "Try again", tone: "bad" }); }
}

async function restart() {
  if (!await confirm("Start over?", "Your likes, corrections and chats are forgotten. You keep your name here and begin again.", { yes: "Start over" })) return;
  try {
    await api.reset(state.user);
    forget();
    tell("forgotten");
    tell("begin");
    toast("Forgotten. You start fresh.");
  } catch (problem) { toast(`Nothing was forgotten. ${problem.message}`, { undo: restart, action: "Try again", tone: "bad" }); }
}

async function erase() {
  if (!await confirm("Delete everything about you?", "Likes, corrections, chats and lists shown to you are deleted for good, and the model is fitted again without you.\nThis cannot be undone.", { yes: "Delete me", danger: true, typed: "delete" })) return;
  try {
    const told = await api.erase(state.user);
    const rows = Object.values(told.erased).reduce((sum, one) => sum + one, 0);
    forget(true);
    put(document.getElementById("main"), h("div", { class: "empty gone" }, h("h1", { tabindex: "-1" }, "You are gone"), h("p", {}, `${counted(rows, "entry", "entries")} about you were deleted. ${told.note || ""}`), h("a", { class: "button", href: "/" }, "Begin as somebody new")));
    document.querySelector(".gone h1").focus();
  } catch (problem) { toast(`Nothing was deleted. ${problem.message}`, { undo: erase, action: "Try again", tone: "bad" }); }
}
