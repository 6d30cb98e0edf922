// The wishes the list follows: a removable chip for each, and the dialog that makes new ones.
import * as api from "./api.js";
import { dialog, toast } from "./dialogs.js";
import { announce, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { hold, keep, state, tell } from "./state.js";
import { counted, kind, kinds, label, noun, shown, spoken } from "./words.js";

/** Draw the chips of every wish: the words asked for, one's own filters, the conversation's. */
export function chips(box) {
  const drawn = [
    state.query && chip(`“${state.query}”`, "Words", () => change({ query: "" }, `No longer looking for ${state.query}.`)),
    ...state.filters.map((wish, at) => chip(spoken(wish), "", () => change({ filters: state.filters.filter((_, one) => one !== at) }, `${spoken(wish)} is off.`))),
    ...state.lines.map((line) => chip(line.axis ? line.words : line.refused ? `not “${line.words}”` : `“${line.words}”`, line.refused ? "From the chat; nothing here tells what has it" : line.axis ? `From the chat: ${line.axis}` : "From the chat, as words", () => withdraw(line))),
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
    hold(reply);
    tell("wishes");
    const words = wish.words || wish.text;
    tell("said", { words: `Taken back: ${words}`, reply });
    announce(`${words} is off.`);
  } catch (problem) {
    if (problem.status === 409 && again) return elsewhere(wish);
    toast(`That wish is still on. ${problem.message}`, { undo: () => withdraw(wish), action: "Try again", tone: "bad" });
  }
}

/** Read again what the conversation holds by now, and take the wish back where it still does. */
async function elsewhere(wish) {
  try { hold(await api.session(state.session)); } catch { /* the second try says what is wrong */ }
  const same = [...state.chips, ...state.lines].find((one) => one.text === wish.text);
  if (same) return withdraw(same, false);
  tell("wishes");
}

async function clear() {
  keep({ filters: [], query: "" });
  const held = () => [...state.chips, ...state.lines];
  for (let most = 50; held().length && most; most -= 1) {
    const before = held().length;
    await withdraw(held()[0]);
    if (held().length >= before) break;
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
    const wrong = h("p", { class: "wrong", role: "alert" });
    const draw = () => {
      const chosen = kind(pick.value);
      const [drawn, reading] = chosen.kind === "number" ? range(chosen) : values(chosen);
      read = reading;
      put(body, drawn);
      wrong.textContent = "";
    };
    pick.addEventListener("change", draw);
    if (kinds().length) draw();
    const add = (event) => {
      event.preventDefault();
      const made = read();
      if (Array.isArray(made)) return close(made);
      wrong.textContent = made;
      body.querySelector("input")?.focus();
    };
    if (!kinds().length) return h("p", {}, `Nothing is known of these ${noun(2)} that one could filter by.`);
    return h("form", { class: "stack", on: { submit: add } },
      h("label", { for: "attribute" }, "What should it depend on?"), pick, body, wrong,
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
  const read = () => {
    const [low, high] = ["low", "high"].map((id) => document.getElementById(id).value).map((value) => (value === "" || !Number.isFinite(Number(value)) ? null : Number(value)));
    if (low !== null && high !== null) return low > high ? `Nothing goes from ${shown(one.name, low)} up to ${shown(one.name, high)}. Change one of the two.` : [{ attribute: one.name, operator: "between", value: [low, high] }];
    if (low !== null) return [{ attribute: one.name, operator: "at least", value: low }];
    return high !== null ? [{ attribute: one.name, operator: "at most", value: high }] : [];
  };
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
