// What a person can say of an item, wherever it is shown: told to the server, known to the page,
// and taken back from the message at the foot.
import * as api from "./api.js";
import { dialog, failure, toast } from "./dialogs.js";
import { h, put } from "./dom.js";
import { state, tell } from "./state.js";
import { label, noun, parts, traits } from "./words.js";
import { row } from "./card.js";

const SAID = { like: "You like", dislike: "Not for you:", seen: "Seen already:" };

/** Say like, dislike or seen; `back` is called when it is undone. Resolves to whether it was kept. */
export async function react(item, kind, where = {}, back = () => {}) {
  const { title } = parts(item);
  let kept;
  try {
    kept = await api.feedback({ user_id: state.user, item_id: item.item_id, kind, recommendation_id: where.recommendation_id || "", position: where.position || 0 });
  } catch (problem) {
    toast(`“${title}” was not saved. ${problem.message}`, { undo: () => react(item, kind, where, back), action: "Try again", tone: "bad" });
    return false;
  }
  note(item, kind);
  toast(`${SAID[kind]} ${title}.`, { undo: () => undo(item, kind, kept.event_id, back) });
  tell("reacted", { item, kind });
  return true;
}

async function undo(item, kind, event, back) {
  try {
    await api.takeBack(event);
  } catch (problem) {
    toast(`That could not be undone. ${problem.message}`, { undo: () => undo(item, kind, event, back), action: "Try again", tone: "bad" });
    return;
  }
  if (kind === "like") state.likes.delete(item.item_id);
  tell("likes");
  back();
  toast(`Undone: ${parts(item).title}.`);
  tell("reacted", { item, kind: "undo" });
}

function note(item, kind) {
  state.likes.delete(item.item_id);
  if (kind === "like") state.likes = new Map([[item.item_id, item], ...state.likes]);
  tell("likes");
}

/** Ask what of an item there should be more or less of, and show what is like it. */
export function tune(item, likes) {
  const { title } = parts(item);
  const heading = likes ? `More like ${title}` : `Less like ${title}`;
  return dialog(heading, (close) => {
    const chosen = new Map();
    const choices = traits(item).map((trait) => {
      const button = h("button", { type: "button", class: "chip toggle", "aria-pressed": "false" }, h("span", { class: "soft" }, `${label(trait.attribute)} `), trait.value);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        if (on) chosen.set(button, trait); else chosen.delete(button);
      });
      return button;
    });
    const near = likes ? h("div", { class: "near" }, h("h3", {}, `${label(noun(2))} like it`), nearest(item)) : "";
    return h("div", { class: "stack" },
      choices.length ? h("p", {}, likes ? "What do you like about it? Pick what you want more of." : "What puts you off? Pick what you want less of.") : "",
      h("div", { class: "chips" }, choices),
      h("div", { class: "row end" }, h("button", { type: "button", class: "primary", on: { click: () => close([...chosen.values()]) } }, likes ? "More of that" : "Less of that")),
      near);
  }).then((traitsChosen) => traitsChosen && lean(item, traitsChosen, likes));
}

async function lean(item, chosen, likes) {
  const { title } = parts(item);
  try {
    const before = chosen.length ? (await api.taste(state.user)).edits : [];
    const { event_id } = await api.feedback({ user_id: state.user, item_id: item.item_id, kind: likes ? "click" : "skip" });
    await Promise.all(chosen.map(({ attribute, value }) => api.say(state.user, attribute, value, likes)));
    const what = chosen.length ? chosen.map(({ value }) => value).join(", ") : title;
    toast(`${likes ? "More" : "Less"} of ${what} from now on.`, { undo: () => straighten(item, chosen, before, event_id) });
    tell("reacted", { item, kind: "lean" });
  } catch (problem) {
    toast(`That was not saved. ${problem.message}`, { undo: () => lean(item, chosen, likes), action: "Try again", tone: "bad" });
  }
}

/** Undo "more of" or "less of": what was said of each value before holds again. */
async function straighten(item, chosen, before, event_id) {
  try {
    await api.takeBack(event_id);
    for (const { attribute, value } of chosen) {
      const had = before.find((one) => one.attribute === attribute && String(one.value) === value);
      await (had ? api.say(state.user, attribute, value, had.likes) : api.forgetOne(state.user, attribute, value));
    }
    toast("Undone.");
    tell("reacted", { item, kind: "undo" });
  } catch (problem) { toast(`That could not be undone. ${problem.message}`, { undo: () => straighten(item, chosen, before, event_id), action: "Try again", tone: "bad" }); }
}

function nearest(item) {
  const list = h("ul", { class: "rows", "aria-busy": "true" }, h("li", { class: "skeleton line" }), h("li", { class: "skeleton line" }));
  const load = () => api.similar(item.item_id, 5).then(({ items }) => {
    list.removeAttribute("aria-busy");
    put(list, items.length ? items.map((one) => row(one)) : h("li", { class: "soft" }, "Nothing is close to it."));
  }).catch((problem) => put(list, h("li", {}, failure(problem, load))));
  load();
  return list;
}

const KINDS = [["unfair", "It is unfair to somebody"], ["wrong", "Something in it is wrong"], ["harmful", "It could hurt somebody"], ["other", "Something else"]];

/** Let somebody say that a list, or an item of it, is not right. */
export function complain(recommendation_id, item) {
  return dialog(item ? `What is wrong with ${parts(item).title}?` : "What is wrong with this list?", (close) => {
    const text = h("textarea", { id: "complaint", rows: "4", maxlength: "2000" });
    const trouble = h("div", {});
    const kinds = KINDS.map(([value, words], at) => h("label", { class: "option" }, h("input", { type: "radio", name: "kind", value, checked: at === 0 }), words));
    const send = async (event) => {
      event.preventDefault();
      const kind = event.target.querySelector("input[name=kind]:checked").value;
      try {
        await api.complain({ user_id: state.user, recommendation_id: recommendation_id || "", item_id: item ? item.item_id : "", kind, text: text.value });
        close(true);
      } catch (problem) { put(trouble, failure(problem)); }
    };
    return h("form", { class: "stack", on: { submit: send } },
      h("fieldset", { class: "options" }, h("legend", {}, "What is it?"), kinds),
      h("label", { for: "complaint" }, "In your words, if you like"), text, trouble,
      h("div", { class: "row end" }, h("button", { type: "button", on: { click: () => close() } }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Send")));
  }).then((sent) => sent && toast("Thank you. Whoever runs this server will read it."));
}
