// The wishes the list follows: a removable chip for each, and the dialog that makes new ones.
import * as api from "./api.js";
import { dialog, toast } from "./dialogs.js";
import { announce, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { keep, state, tell } from "./state.js";
import { counted, kind, kinds, label, noun, shown, spoken } from "./words.js";

/** Draw the chips of every wish: the words asked for, one's own filters, the conversation's. */
export function chips(box) {
  const drawn = [
    state.query && chip(`“${state.query}”`, "Words", () => change({ query: "" }, `No longer looking for ${state.query}.`)),
    ...state.filters.map((wish, at) => chip(spoken(wish), "", () => change({ filters: state.filters.filter((_, one) => one !== at) }, `${spoken(wish)} is off.`))),
    ...state.chips.map((wish) => chip(wish.text, wish.firm ? "From the chat" : "From the chat, if possible", () => withdraw(wish))),
  ].filter(Boolean);
  put(box, drawn, drawn.length > 1 ? h("button", { type: "button", class: "quiet small", on: { click: clear } }, "Clear all") : "");
  box.hidden = !drawn.length;
}

function chip(words, from, off) {
  const remove = async (event) => {
    const box = event.target.closest(".chips");
    const at = [...box.querySelectorAll(".chip")].indexOf(event.target.closest(".chip"));
    await off();
    const left = box.querySelectorAll(".chip");
    (left[Math.min(at, left.length - 1)] || document.getElementById("add-filter"))?.focus();
  };
  return h("button", { type: "button", class: from.startsWith("From") ? "chip own chat" : "chip own", "aria-label": `Remove: ${words}${from ? ` (${from.toLowerCase()})` : ""}`, title: from || "Your filter", on: { click: remove } }, h("span", {}, words), icon("close"));
}

function change(changes, words) {
  keep(changes);
  announce(words);
  tell("wishes");
}

async function withdraw(wish, again = true) {
  try {
    const reply = await api.dropChip(state.session, wish.number, wish.text);
    state.chips = reply.chips;
    tell("wishes");
    tell("said", { words: `Taken back: ${wish.text}`, reply });
    announce(`${wish.text} is off.`);
  } catch (problem) {
    if (problem.status === 409 && again) return elsewhere(wish);
    toast(`That wish is still on. ${problem.message}`, { undo: () => withdraw(wish), action: "Try again", tone: "bad" });
  }
}

/** Read again what the conversation holds by now, and take the wish back where it still does. */
async function elsewhere(wish) {
  try { state.chips = (await api.session(state.session)).chips; } catch { /* the second try says what is wrong */ }
  const same = state.chips.find((one) => one.text === wish.text);
  if (same) return withdraw(same, false);
  tell("wishes");
}

async function clear() {
  keep({ filters: [], query: "" });
  for (let most = 50; state.chips.length && most; most -= 1) {
    const before = state.chips.length;
    await withdraw(state.chips[0]);
    if (state.chips.length >= before) break;
  }
  announce("All wishes are off.");
  tell("wishes");
  document.getElementById("add-filter")?.focus();
}

/** Let somebody make a wish out of what the catalogue knows. */
export function build() {
  return dialog("Add a filter", (close) => {
    const pick = h("select", { id: "attribute" }, kinds().map((one) => h("option", { value: one.name }, label(one.name))));
    const body = h("div", { class: "stack" });
    let read = () => [];
    const draw = () => {
      const chosen = kind(pick.value);
      const [drawn, reading] = chosen.kind === "number" ? range(chosen) : values(chosen);
      read = reading;
      put(body, drawn);
    };
    pick.addEventListener("change", draw);
    if (kinds().length) draw();
    const add = (event) => { event.preventDefault(); close(read()); };
    if (!kinds().length) return h("p", {}, `Nothing is known of these ${noun(2)} that one could filter by.`);
    return h("form", { class: "stack", on: { submit: add } },
      h("label", { for: "attribute" }, "What should it depend on?"), pick, body,
      h("div", { class: "row end" }, h("button", { type: "button", on: { click: () => close([]) } }, "Cancel"), h("button", { type: "submit", class: "primary" }, "Add")));
  }).then((made) => {
    if (!made?.length) return;
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    change({ filters: [...state.filters.filter((one) => !made.some((other) => same(one, other))), ...made].slice(-24) }, `Filter added: ${made.map(spoken).join(", ")}`);
  });
}

function range(one) {
  const field = (id, words, value) => [h("label", { for: id }, words), h("input", { id, type: "number", step: "any", placeholder: String(value), inputmode: "decimal" })];
  const drawn = h("div", { class: "pair" }, h("div", {}, field("low", "From", one.low)), h("div", {}, field("high", "Up to", one.high)));
  const note = h("p", { class: "soft small" }, `Known values go from ${shown(one.name, one.low)} to ${shown(one.name, one.high)}.`);
  const read = () => [["low", "at least"], ["high", "at most"]].map(([id, operator]) => [document.getElementById(id).value, operator]).filter(([value]) => value !== "" && Number.isFinite(Number(value))).map(([value, operator]) => ({ attribute: one.name, operator, value: Number(value) }));
  return [[drawn, note], read];
}

function values(one) {
  const mode = h("select", { id: "mode" }, h("option", { value: "any of" }, "one of these"), h("option", { value: "none of" }, "none of these"));
  const chosen = new Set();
  const list = h("div", { class: "chips scroll", role: "group", "aria-label": `Values of ${label(one.name)}` });
  const find = h("input", { id: "find", type: "search", placeholder: "Find a value", autocomplete: "off" });
  const option = (value, count) => {
    const button = h("button", { type: "button", class: "chip toggle", "aria-pressed": String(chosen.has(value)), on: { click: () => toggle(button, value) } }, value, count ? h("span", { class: "soft" }, ` ${count.toLocaleString("en")}`) : "");
    return button;
  };
  const toggle = (button, value) => {
    if (chosen.has(value)) chosen.delete(value); else chosen.add(value);
    button.setAttribute("aria-pressed", String(chosen.has(value)));
  };
  const draw = () => {
    const wanted = find.value.trim().toLowerCase();
    const known = one.values.filter(({ value }) => String(value).toLowerCase().includes(wanted));
    const other = wanted && !known.length ? [option(find.value.trim(), 0)] : [];
    const kept = [...chosen].filter((value) => !known.some((each) => String(each.value) === value)).map((value) => option(value, 0));
    put(list, kept, known.map(({ value, count }) => option(String(value), count)), other);
  };
  find.addEventListener("input", draw);
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); list.querySelector("[aria-pressed=false]")?.click(); } });
  draw();
  const most = one.values.length >= 50 ? h("p", { class: "soft small" }, `These are the ${counted(50, "most common value")}. Type any other one.`) : "";
  const read = () => {
    if (!chosen.size) return [];
    const operator = chosen.size > 1 ? mode.value : { "any of": "is", "none of": "is not" }[mode.value];
    return [{ attribute: one.name, operator, value: chosen.size > 1 ? [...chosen] : [...chosen][0] }];
  };
  return [[h("label", { for: "mode" }, `${label(one.name)} is`), mode, h("label", { for: "find", class: "visually-hidden" }, "Find a value"), find, list, most], read];
}
