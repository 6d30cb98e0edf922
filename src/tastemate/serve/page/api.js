// Every call the page makes, in one place. Each returns the answer or throws a `Problem`.

const KEY = "tastemate.key";
let askForKey = async () => "";
let heard = () => {};

/** What went wrong, in words a person can use. */
export class Problem extends Error {
  constructor(status, title, detail, more = {}) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.retryAfter = Number(more.retryAfter) || 0;
    this.request = more.request_id || "";
    this.errors = more.errors || [];
  }

  get unreachable() { return this.status === 0; }
}

/** `onKey()` resolves to a key when the server wants one; `onState(reached)` hears every answer. */
export function setUp(onKey, onState) {
  askForKey = onKey;
  heard = onState;
}

const at = encodeURIComponent;

function key() {
  try { return sessionStorage.getItem(KEY) || ""; } catch { return ""; }
}

/** Keep a key that the server takes; return why it does not, or an empty text. */
export async function tryKey(value) {
  try {
    const answer = await fetch("/v1/project", { headers: { Accept: "application/json", Authorization: `Bearer ${value}` } });
    if (answer.status === 401 || answer.status === 403) return (await problem(answer)).message;
  } catch {
    return "The server cannot be reached. Check the connection and try again.";
  }
  try { sessionStorage.setItem(KEY, value); } catch { /* a closed storage keeps no key */ }
  return "";
}

async function send(method, path, body, { signal, accept = "application/json", again = true } = {}) {
  const headers = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key()) headers.Authorization = `Bearer ${key()}`;
  let answer;
  try {
    answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    heard(false);
    throw new Problem(0, "No connection", "The server cannot be reached. Check the connection and try again.");
  }
  heard(true);
  if (answer.status === 401 && again && await askForKey()) return send(method, path, body, { signal, accept, again: false });
  if (!answer.ok) throw await problem(answer);
  return answer;
}

async function problem(answer) {
  const told = await answer.json().catch(() => ({}));
  const retryAfter = answer.headers.get("Retry-After");
  const words = {
    401: "This server wants a valid key.",
    403: "This key may not do that.",
    404: "That is not here (any more).",
    413: "That is more than the server takes at once.",
    429: "That was a lot at once. Wait a moment, then try again.",
    503: "The server is busy or starting. Try again in a moment.",
  };
  const detail = told.detail || words[answer.status] || `The server could not answer (${answer.status}).`;
  return new Problem(answer.status, told.title || "That did not work", detail, { ...told, retryAfter });
}

async function json(...given) {
  const answer = await send(...given);
  return answer.status === 204 ? {} : answer.json();
}

const get = (path, more) => json("GET", path, undefined, more);
const post = (path, body, more) => json("POST", path, body, more);

export const project = () => get("/v1/project");
export const attributes = () => get("/v1/attributes");
export const recommend = (body, signal) => post("/v1/recommend", body, { signal });
export const similar = (item_id, k) => post("/v1/similar", { item_id, k });
export const items = (query, after = "") => get(`/v1/items?limit=100&query=${at(query)}&after=${at(after)}`);
export const explain = (user_id, item_id) => post("/v1/explain", { user_id, item_id });
export const item = (id) => get(`/v1/items/${at(id)}`);
export const record = (events) => post("/v1/events", { events });
export const feedback = (said) => post("/v1/feedback", said);
export const takeBack = (event_id) => json("DELETE", `/v1/feedback/${at(event_id)}`);
export const complain = (said) => post("/v1/complaints", said);

export const taste = (user) => get(`/v1/users/${at(user)}/taste`);
export const say = (user, attribute, value, likes) => json("PUT", `/v1/users/${at(user)}/taste`, { attribute, value, likes });
export const unsay = (user) => json("DELETE", `/v1/users/${at(user)}/taste`);
export const forgetOne = (user, attribute, value) => json("DELETE", `/v1/users/${at(user)}/taste?attribute=${at(attribute)}&value=${at(value)}`);
export const history = (user) => get(`/v1/users/${at(user)}/history`);
export const reset = (user) => post(`/v1/users/${at(user)}/reset`, {});
export const exported = (user) => get(`/v1/users/${at(user)}/export`);
export const erase = (user) => json("DELETE", `/v1/users/${at(user)}?erase=all`);

export const openSession = (user_id) => post("/v1/sessions", { user_id });
export const session = (id) => get(`/v1/sessions/${at(id)}`);
export const endSession = (id) => json("DELETE", `/v1/sessions/${at(id)}`);
export const dropChip = (id, number, text) => json("DELETE", `/v1/sessions/${at(id)}/chips/${number}?text=${at(text)}`);
export const undoTurn = (id) => post(`/v1/sessions/${at(id)}/undo`, {});

/** Say something in a conversation; `on(event, data)` hears the reply as it comes. */
export async function talk(id, message, on, signal) {
  const answer = await send("POST", `/v1/sessions/${at(id)}/messages`, { message }, { signal, accept: "text/event-stream" });
  if (!(answer.headers.get("Content-Type") || "").includes("event-stream")) {
    on("done", await answer.json());
    return;
  }
  for await (const { event, data } of events(answer.body)) {
    if (event === "error") throw new Problem(data.status || 500, data.title, data.detail, data);
    on(event, data);
  }
}

/** Read server-sent events from a stream of bytes, as they come. */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let waiting = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      waiting += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const blocks = waiting.split(/\r?\n\r?\n/);
      waiting = blocks.pop();
      for (const block of blocks) {
        const read = one(block);
        if (read) yield read;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function one(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (!data.length) return null;
  try { return { event, data: JSON.parse(data.join("\n")) }; } catch { return null; }
}
