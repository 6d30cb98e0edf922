// What the page knows right now, what of it is kept in this browser, and who hears of changes.

const WHO = "tastemate.user";
const KEPT = ["onboarded", "acted", "diversity", "novelty", "filters", "query", "session"];
const heard = new Map();

export const state = {
  user: "",
  project: { name: "", noun: "title", items: 0 },
  /** What was liked, by id: {item_id, title}; the latest first. */
  likes: new Map(),
  /** Wishes of the filter builder: {attribute, operator, value}. */
  filters: [],
  /** Wishes the conversation holds: chips as the service gives them. */
  chips: [],
  /** All it believes of this person, as texts. */
  beliefs: [],
  /** What the conversation holds besides: free words {number, text, words, refused} and the moment {…, axis}. */
  lines: [],
  /** The list the conversation gave last: {items, recommendation_id}, or null. */
  lead: null,
  query: "",
  diversity: 0,
  novelty: 0,
  session: "",
  onboarded: false,
  /** Whether anything was done here, so that there is a history to ask for. */
  acted: false,
};

/** Hear of a change: "likes", "wishes", "reacted", "forgotten". */
export function hear(name, act) {
  heard.set(name, [...(heard.get(name) || []), act]);
}

export function tell(name, what) {
  for (const act of heard.get(name) || []) act(what);
}

/** Read who this is: `?user=` says it, else a random id that stays in this browser. */
export function whoami() {
  const said = new URLSearchParams(location.search).get("user");
  state.user = said || read(WHO) || someone();
  if (!said) write(WHO, state.user);
  try {
    const kept = JSON.parse(read(`tastemate.page.${state.user}`) || "{}");
    for (const name of KEPT) if (typeof kept[name] === typeof state[name]) state[name] = kept[name];
    if (kept.acted === undefined) state.acted = state.onboarded;
    if (!Array.isArray(state.filters)) state.filters = [];
  } catch { /* what cannot be read is begun anew */ }
}

/** Keep what should be there after a reload. */
export function keep(changes = {}) {
  Object.assign(state, changes);
  write(`tastemate.page.${state.user}`, JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, state[name]]))));
}

/** Forget what is kept in this browser; `all` makes this somebody else. */
export function forget(all = false) {
  keep({ onboarded: false, acted: false, diversity: 0, novelty: 0, filters: [], query: "", session: "" });
  hold({});
  state.likes.clear();
  if (!all) return;
  remove(`tastemate.page.${state.user}`);
  remove(WHO);
}

/** Every wish that the list follows now: one's own, and the firm ones of the conversation. */
export function wishes() {
  return [...state.filters, ...state.chips.filter((chip) => chip.firm)].flatMap(plain);
}

/** Every word that the list leans to: one's own, and what the conversation holds besides filters. */
export function leaning() {
  const soft = state.chips.filter((chip) => !chip.firm && ["is", "any of"].includes(chip.operator)).flatMap((chip) => chip.value);
  return [state.query, ...state.lines.filter((line) => !line.refused && !line.axis).map((line) => line.words), ...soft].filter(Boolean).join(" ").slice(0, 2000);
}

/** Return the moment that the conversation knows of: {time: "evening"}. */
export const moment = () => Object.fromEntries(state.lines.filter((line) => line.axis).map((line) => [line.axis, line.words]));

/** Take over what a conversation holds by now, from a reply or from the whole of it. */
export function hold({ chips = [], beliefs = [], items = [], recommendation_id = "", state: kind = "" }) {
  state.chips = chips;
  state.beliefs = beliefs.map(({ text }) => text);
  state.lines = beliefs.map(free).filter(Boolean);
  state.lead = items.length && recommendation_id && kind !== "exploration" ? { items, recommendation_id } : null;
}

function free({ number, text }) {
  const [, refused, words] = /^you (asked for|do not want): "([^]*)"(?: \(nothing here tells what has it\))?(?:, since your \d+\w\w message)?$/.exec(text) || [];
  if (words) return { number, text, words, refused: refused !== "asked for", axis: "" };
  const [, axis, value] = /^(time|weekday|season|place|device|company|mood|occasion): (.+)$/.exec(text) || [];
  return axis ? { number, text, words: value, refused: false, axis } : null;
}

/** Return the items that the conversation says are liked or not: [{title, likes}]. */
export function opinions() {
  const said = state.beliefs.map((text) => /^you (like|dislike): ([^]+?)(?:, since your \d+\w\w message)?$/.exec(text)).filter(Boolean);
  return said.map(([, verb, title]) => ({ title, likes: verb === "like" }));
}

function plain({ attribute, operator, value }) {
  if (operator !== "between") return [{ attribute, operator, value }];
  return [{ attribute, operator: "at least", value: value[0] }, { attribute, operator: "at most", value: value[1] }];
}

function someone() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `visitor-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export function read(name) {
  try { return localStorage.getItem(name) || ""; } catch { return ""; }
}

export function write(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a closed storage keeps nothing */ }
}

function remove(name) {
  try { localStorage.removeItem(name); } catch { /* nothing was kept */ }
}
