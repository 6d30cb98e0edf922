// What the page knows right now, what of it is kept in this browser, and who hears of changes.

const WHO = "tastemate.user";
const KEPT = ["onboarded", "diversity", "novelty", "filters", "query", "session"];
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
  query: "",
  diversity: 0,
  novelty: 0,
  session: "",
  onboarded: false,
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
  keep({ onboarded: false, diversity: 0, novelty: 0, filters: [], query: "", session: "" });
  state.chips = [];
  state.likes.clear();
  if (!all) return;
  remove(`tastemate.page.${state.user}`);
  remove(WHO);
}

/** Every wish that the list follows now: one's own, and the firm ones of the conversation. */
export function wishes() {
  return [...state.filters, ...state.chips.filter((chip) => chip.firm).flatMap(plain)];
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
