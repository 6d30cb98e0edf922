// Dialogs and messages. The browser's own <dialog> holds the focus, closes on Escape and gives the
// focus back; what is here adds a heading, a close button and a click on the veil.
import { announce, h, put } from "./dom.js";
import { icon } from "./icons.js";

let number = 0;

/** Open a dialog; `fill(close)` gives its content. Resolves to what `close` was given. */
export function dialog(title, fill, { wide = false } = {}) {
  return new Promise((resolve) => {
    const back = document.activeElement;
    const named = `dialog-${(number += 1)}`;
    let result;
    const close = (value) => { result = value; box.close(); };
    const box = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": named, role: "dialog", "aria-modal": "true" });
    const heading = h("h2", { id: named, tabindex: "-1" }, title);
    box.append(h("div", { class: "dialog-head" }, heading, h("button", { type: "button", class: "quiet icon-only", "aria-label": "Close", on: { click: () => close() } }, icon("close"))));
    const body = h("div", { class: "dialog-body" });
    box.append(body);
    put(body, fill(close, body));
    box.addEventListener("click", (event) => { if (event.target === box) close(); });
    box.addEventListener("close", () => {
      box.remove();
      const goal = back && back.isConnected ? back : document.getElementById("main");
      goal.focus({ preventScroll: true });
      resolve(result);
    });
    document.body.append(box);
    box.showModal();
    (body.querySelector("[autofocus]") || heading).focus();
  });
}

/** Ask before something that cannot be taken back; `typed` has to be typed where it is given. */
export function confirm(title, text, { yes = "Yes", danger = false, typed = "" } = {}) {
  return dialog(title, (close) => {
    const button = h("button", { type: "submit", class: danger ? "danger" : "primary", disabled: Boolean(typed) }, yes);
    const field = typed && h("input", { id: "typed", autocomplete: "off", autocapitalize: "off", spellcheck: "false", autofocus: true, on: { input: (event) => { button.disabled = event.target.value.trim().toLowerCase() !== typed; } } });
    return h("form", { class: "stack", on: { submit: (event) => { event.preventDefault(); close(true); } } },
      text.split("\n").map((line) => h("p", {}, line)),
      field && h("label", { for: "typed" }, `Type “${typed}” to go on`), field,
      h("div", { class: "row end" }, h("button", { type: "button", on: { click: () => close(false) } }, "Cancel"), button));
  });
}

let latest = null;

/** Show a message at the foot of the page, with a way to undo where there is one. */
export function toast(text, { undo, action = "Undo", tone = "" } = {}) {
  const shelf = document.getElementById("toasts");
  shelf.replaceChildren();
  const box = h("div", { class: `toast ${tone}` }, h("p", {}, text));
  let timer = 0;
  const gone = () => { clearTimeout(timer); box.remove(); if (latest?.box === box) latest = null; };
  const act = () => { gone(); undo(); };
  if (undo) box.append(h("button", { type: "button", on: { click: act } }, action));
  box.append(h("button", { type: "button", class: "quiet icon-only", "aria-label": "Dismiss this message", on: { click: gone } }, icon("close")));
  const wait = () => { clearTimeout(timer); timer = setTimeout(gone, undo ? 12_000 : 7_000); };
  for (const event of ["pointerenter", "focusin"]) box.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) box.addEventListener(event, wait);
  latest = { box, act: undo ? act : null };
  shelf.append(box);
  announce(undo ? `${text} Control Z undoes it.` : text);
  wait();
}

// Control or Command and Z undoes what the message offers to undo, outside of text fields.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea");
  if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !typing && latest?.act) {
    event.preventDefault();
    latest.act();
  }
});

/** Return a message that takes the place of content that could not be loaded. */
export function failure(problem, again) {
  const wait = problem.retryAfter ? ` It says to wait ${problem.retryAfter} seconds.` : "";
  return h("div", { class: "failure", role: "alert" },
    h("p", { class: "failure-title" }, problem.title || "That did not work"),
    h("p", {}, `${problem.message}${wait}`),
    problem.request && h("p", { class: "soft small" }, `Request ${problem.request}`),
    again && h("button", { type: "button", class: "primary", on: { click: again } }, "Try again"));
}

/** Ask for an API key until `check` takes one; it resolves to what is wrong with a key, or "". */
export function askKey(check) {
  return dialog("This server wants a key", (close) => {
    const wrong = h("p", { id: "key-wrong", class: "wrong", role: "alert" });
    const field = h("input", { id: "key", type: "password", autocomplete: "off", autofocus: true, required: true, "aria-describedby": "key-wrong" });
    const button = h("button", { type: "submit", class: "primary" }, "Use this key");
    const submit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      const why = await check(field.value.trim());
      button.disabled = false;
      if (!why) return close(true);
      wrong.textContent = why;
      field.select();
      field.focus();
    };
    return h("form", { class: "stack", on: { submit } },
      h("p", {}, "Whoever runs this server can give you one. It stays in this tab and is forgotten when you close it."),
      h("label", { for: "key" }, "API key"), field, wrong,
      h("div", { class: "row end" }, button));
  }).then(Boolean);
}
