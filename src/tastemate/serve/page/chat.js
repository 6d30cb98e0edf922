// The conversation: what is said, the answer as it comes, cards from the catalogue, and what it
// believes of you.
import * as api from "./api.js";
import { row } from "./card.js";
import { failure, toast } from "./dialogs.js";
import { announce, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { hear, hold, keep, opinions, state, tell } from "./state.js";
import { a, noun, parts, sorts } from "./words.js";

const view = {};
let running = null;
/** What each turn of this visit made part of the profile: lists of {event_id, item, kind}. */
let kept = [];

/** Build the conversation once. */
export function begin(section) {
  view.log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Conversation; arrow keys move within it", tabindex: "0" });
  within(view.log);
  view.ideas = h("div", { class: "chips ideas", role: "group", "aria-label": "Things you could say" });
  view.field = h("textarea", { id: "message", rows: "1", maxlength: "4000", placeholder: "Say what you want", enterkeyhint: "send" });
  view.send = h("button", { type: "submit", class: "primary icon-only", "aria-label": "Send" }, icon("send"));
  view.stop = h("button", { type: "button", class: "icon-only stop", "aria-label": "Stop answering", hidden: true, on: { click: () => running?.abort() } }, icon("stop"));
  view.undo = h("button", { type: "button", class: "quiet icon-only", "aria-label": "Take back what I said last", title: "Take back what I said last", hidden: true, on: { click: undo } }, icon("undo"));
  const form = h("form", { class: "say", on: { submit: (event) => { event.preventDefault(); say(view.field.value); } } }, h("label", { for: "message", class: "visually-hidden" }, "Your message"), view.field, view.stop, view.send);
  view.field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } });
  view.field.addEventListener("input", grow);
  put(section, h("div", { class: "chat-head" }, h("h1", { id: "chat-title", tabindex: "-1" }, "Chat"), view.undo, h("button", { type: "button", class: "quiet small", on: { click: anew } }, "New chat")), view.log, view.ideas, form);
  hear("said", ({ words, reply }) => { bubble("you aside", words); answered(bubble("them", reply.reply), reply, false); kept.push([]); });
  hear("forgotten", welcome);
  hear("likes", () => { if (!view.log.querySelector(".you")) ideas(); });
  welcome();
}

/** Read a kept conversation again. */
export async function resume() {
  if (!state.session) return;
  try {
    const told = await api.session(state.session);
    for (const turn of told.turns) {
      if (turn.message) bubble("you", turn.message);
      if (turn.reply) answered(bubble("them", turn.reply), turn, false);
    }
    hold(told);
    const last = told.turns.at(-1);
    if (last) offer(last, last.relaxations);
    view.undo.hidden = !last;
    tell("wishes");
  } catch (problem) {
    if (problem.status === 404) keep({ session: "" });
  }
}

export const answering = () => Boolean(running);

/** Say something, as if it had been typed; resolves to the reply, or to null where none came. */
export async function say(written) {
  const message = written.trim();
  if (!message || running) return null;
  view.field.value = "";
  grow();
  put(view.ideas);
  bubble("you", message);
  const place = bubble("them", "");
  place.classList.add("thinking");
  place.setAttribute("aria-busy", "true");
  busy(new AbortController());
  const words = place.querySelector(".words");
  let reply = null;
  const before = opinions();
  try {
    if (!state.session) keep({ session: (await api.openSession(state.user)).session_id });
    await api.talk(state.session, message, (event, data) => {
      place.classList.remove("thinking");
      if (event === "sentence") { words.textContent = `${words.textContent} ${data.text}`.trim(); down(); }
      if (event === "done") reply = data;
    }, running.signal);
    if (!reply) throw new api.Problem(502, "The answer broke off", "The answer stopped before its end.");
    answered(place, reply, true);
  } catch (problem) {
    broken(place, words, problem, message);
  } finally {
    place.classList.remove("thinking");
    place.removeAttribute("aria-busy");
    busy(null);
  }
  if (reply) kept.push(await remember(before));
  return reply;
}

function broken(place, words, problem, message) {
  if (problem.name === "AbortError") {
    words.textContent = `${words.textContent} (stopped)`.trim();
    announce("Stopped.");
    return;
  }
  if (problem.status === 404) keep({ session: "" });
  place.append(failure(problem, () => { place.previousElementSibling?.remove(); place.remove(); say(message); }));
  down();
}

function answered(place, reply, fresh) {
  const words = place.querySelector(".words");
  words.textContent = reply.reply;
  const where = { recommendation_id: reply.recommendation_id || "" };
  if (reply.items?.length) place.append(h("ul", { class: "rows", "aria-label": `${noun(2)} in this answer` }, reply.items.map((item, at) => row(item, { ...where, position: at + 1 }))));
  const notes = [...(reply.degraded || [])];
  if (notes.length) place.append(h("p", { class: "note small" }, `Part of the answer is missing: ${notes.join("; ")}`));
  if (!fresh) return down();
  offer(reply, reply.relaxations);
  view.undo.hidden = false;
  hold(reply);
  tell("wishes");
  announce(`${reply.reply} ${(reply.items || []).map((item) => parts(item).title).join(", ")}`);
  const asked = place.previousElementSibling || place;
  view.log.scrollTop = asked.offsetTop - 4;
}

/** Show what can be said next: answers to a question, wishes to give up. */
function offer({ question }, wishes) {
  const options = [...(question?.options || []), ...(wishes || []).map((one) => `Forget ${one.text}`)];
  put(view.ideas, options.slice(0, 6).map(idea));
}

/** Keep likes and dislikes that were said just now as one's own; return what was kept. */
async function remember(before) {
  const fresh = opinions().filter((one) => !before.some((other) => other.title === one.title && other.likes === one.likes));
  const done = [];
  try {
    for (const { title, likes } of fresh) {
      const same = (await api.items(title)).items.filter((item) => item.title === title);
      if (same.length !== 1) continue; // two of one name: which of them was not said here
      const kind = likes ? "like" : "dislike";
      const { event_id } = await api.feedback({ user_id: state.user, item_id: same[0].item_id, kind });
      done.push({ event_id, item: same[0], kind });
      noted(same[0], kind);
    }
  } catch (problem) { toast(`What you like was not kept: ${problem.message}`, { tone: "bad" }); }
  const words = done.map(({ item, kind }) => `${kind === "like" ? "you like" : "not for you:"} ${parts(item).title}`).join(", ");
  if (done.length) toast(`Kept from the chat: ${words}.`, { undo: () => forgotten(done).then(() => toast("Not kept. The chat still goes by it.")) });
  return done;
}

function noted(item, kind) {
  state.likes.delete(item.item_id);
  if (kind === "like") state.likes = new Map([[item.item_id, item], ...state.likes]);
  tell("likes");
  tell("reacted", { item, kind });
}

/** Take back what a turn made part of the profile. */
async function forgotten(done) {
  for (const { event_id, item, kind } of done.splice(0)) {
    await api.takeBack(event_id);
    if (kind === "like") state.likes.delete(item.item_id);
    tell("likes");
    tell("reacted", { item, kind: "undo" });
  }
}

async function undo() {
  try {
    const reply = await api.undoTurn(state.session);
    bubble("you aside", "Taken back");
    answered(bubble("them", reply.reply), reply, true);
    await forgotten(kept.pop() || []);
  } catch (problem) { bubble("them", "").append(failure(problem, undo)); }
}

async function anew() {
  running?.abort();
  const old = state.session;
  keep({ session: "" });
  hold({});
  tell("wishes");
  welcome();
  view.field.focus();
  if (old) await api.endSession(old).catch(() => {});
}

/** Make the log one stop of the Tab key; arrow keys move among what it holds, Escape leaves. */
function within(log) {
  const css = "button:not(.failure button), a[href]";
  new MutationObserver(() => { for (const one of log.querySelectorAll(css)) one.tabIndex = -1; }).observe(log, { childList: true, subtree: true });
  log.addEventListener("keydown", (event) => {
    const all = [...log.querySelectorAll(css)];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at < 0 ? all.length - 1 : at - 1, ArrowLeft: at < 0 ? all.length - 1 : at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape" && at >= 0) log.focus();
    if (next === undefined || !all.length) return;
    event.preventDefault();
    (all[next] || all[Math.max(at, 0)]).focus();
  });
}

function welcome() {
  kept = [];
  put(view.log);
  view.undo.hidden = true;
  bubble("them", `Tell me what you are in the mood for, what you never want to see, or ask about ${a(noun())}.`);
  ideas();
}

function ideas() {
  const first = [...state.likes.values()][0];
  put(view.ideas, [first && `Something like ${parts(first).title}`, "Surprise me", sorts().length > 1 && `Show me ${sorts()[1]}`, "What do you know about me?"].filter(Boolean).map(idea));
}

function idea(words) {
  return h("button", { type: "button", class: "chip", on: { click: () => { say(words); view.field.focus(); } } }, words);
}

function bubble(who, words) {
  const place = h("div", { class: `turn ${who}` }, h("span", { class: "visually-hidden" }, who.startsWith("you") ? "You: " : "Tastemate: "), h("p", { class: "words" }, words));
  view.log.append(place);
  down();
  return place;
}

function busy(controller) {
  running = controller;
  view.stop.hidden = !controller;
  view.send.hidden = Boolean(controller);
}

function down() {
  view.log.scrollTop = view.log.scrollHeight;
}

function grow() {
  view.field.style.setProperty("height", "auto");
  view.field.style.setProperty("height", `${Math.min(view.field.scrollHeight + 2, 140)}px`);
}
