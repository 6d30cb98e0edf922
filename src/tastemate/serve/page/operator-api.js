// What the operator's page asks of the server: reads only, with a key where one is wanted.
import { h, put } from "./dom.js";

const KEY = "tastemate.key";

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const kept = () => { try { return sessionStorage.getItem(KEY) || ""; } catch { return ""; } };
let closed = "";

/** Return what is at a path; `undefined` where the server has no such part. */
export async function ask(path, { optional = false, signal } = {}) {
  const secret = kept() || closed;
  const headers = { Accept: "application/json", ...(secret ? { Authorization: `Bearer ${secret}` } : {}) };
  let answer;
  try {
    answer = await fetch(path, { headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server cannot be reached. Is it running?");
  }
  if (answer.status === 404 && optional) return undefined;
  if ((answer.status === 401 || answer.status === 403) && await askForKey(answer.status)) return ask(path, { optional, signal });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told.detail || `The server answered ${answer.status}.`);
  return told;
}

let waiting;

/** Ask for a key once, whoever needs it; resolves to whether one was given. */
function askForKey(status) {
  waiting ??= new Promise((resolve) => {
    const dialog = document.getElementById("key");
    const field = h("input", { id: "key-field", type: "password", autocomplete: "off", required: true, placeholder: "tm_…" });
    const cancel = h("button", { type: "button", class: "quiet", on: { click: () => dialog.close("") } }, "Not now");
    const form = h("form", { method: "dialog", on: { submit: (event) => { event.preventDefault(); dialog.close(field.value.trim()); } } },
      h("h2", { id: "key-title" }, status === 403 ? "This key may not look here" : "A key is needed"),
      h("p", {}, "The operator's page needs a key with the scope “admin”. Make one with ", h("code", {}, "tastemate keys make ops --scope admin"), ". It stays in this tab only."),
      h("label", { for: "key-field" }, "Key"), field, h("div", { class: "row" }, cancel, h("button", { type: "submit", class: "main" }, "Use it")));
    put(dialog, form);
    dialog.addEventListener("close", () => {
      waiting = undefined;
      if (dialog.returnValue) {
        closed = dialog.returnValue;
        try { sessionStorage.setItem(KEY, closed); } catch { /* kept in memory only */ }
      }
      resolve(Boolean(dialog.returnValue));
      dialog.returnValue = "";
    }, { once: true });
    dialog.showModal();
    field.focus();
  });
  return waiting;
}
