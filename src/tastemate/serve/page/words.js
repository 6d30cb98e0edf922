// How the catalogue is put into words: nothing here knows whether it holds films, books or boots.

const about = { one: "title", many: "titles", attributes: [], kinds: new Map(), hue: "", ranks: new Map() };

/** Learn what the catalogue holds: the project's noun and its attributes. */
export function learn(project, attributes) {
  const said = (project.noun || "titles").trim().toLowerCase();
  about.one = /[^s]s$/.test(said) ? said.slice(0, -1) : said;
  about.many = /[^s]s$/.test(said) ? said : /(s|x|ch|sh)$/.test(said) ? `${said}es` : `${said}s`;
  about.attributes = attributes;
  about.kinds = new Map(attributes.map((one) => [one.name, { ...one, role: role(one) }]));
  about.hue = families(attributes)[0] || "";
  const values = about.kinds.get(about.hue)?.values || [];
  about.ranks = new Map(values.map(({ value }, rank) => [String(value), rank]));
}

/** Return "film" or "films". */
export const noun = (n = 1) => (n === 1 ? about.one : about.many);

/** Return "a film" or "an item". */
export const a = (word) => `${/^[aeiou]/i.test(word) ? "an" : "a"} ${word}`;

export const counted = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const kinds = () => about.attributes;
export const kind = (name) => about.kinds.get(name);

/** Return a name as a label: "average_rating" is "Average rating". */
export function label(name) {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function role(one) {
  if (one.kind === "number") return (one.low >= 1000 && one.high <= 2200) || (/year/i.test(one.name) && one.high <= 2200) ? "year" : "number";
  const values = one.values.map((each) => String(each.value));
  const named = values.filter((value) => /^\p{Lu}.*\s\p{Lu}/u.test(value)).length;
  return values.length && named > values.length * 0.6 ? (one.kind === "list" ? "names" : "name") : "group";
}

/** List attributes that sort the catalogue into a dozen kinds or so, the best of them first. */
function families(attributes) {
  const scored = attributes.filter((one) => one.kind === "list" && about.kinds.get(one.name).role === "group" && one.values.length > 1).map((one) => {
    const all = one.values.reduce((sum, each) => sum + each.count, 0) || 1;
    const entropy = -one.values.reduce((sum, { count }) => sum + (count / all) * Math.log(Math.max(count / all, 1e-9)), 0);
    return [one.name, Math.abs(Math.log(Math.exp(entropy) / 12))];
  });
  return scored.sort((one, other) => one[1] - other[1]).map(([name]) => name);
}

const listed = (value) => (Array.isArray(value) ? value : value === "" || value === undefined ? [] : [value]);

/** Return what kinds an item is of: in the catalogue's order, or of many the least common first. */
function telling(item) {
  const values = listed((item.attributes || {})[about.hue]).map(String);
  const known = values.filter((value) => about.ranks.has(value));
  if (values.length <= 4 || !known.length) return values;
  return known.sort((one, other) => about.ranks.get(other) - about.ranks.get(one));
}

/** Return the value that gives an item's cover its colours, and how common it is (0: the most). */
export function family(item) {
  const value = String(telling(item)[0] ?? "");
  return [value, about.ranks.get(value) ?? -1];
}

/** Return a few values that stand for kinds of items, such as genres. */
export const sorts = () => [...about.ranks.keys()];

/** Return a title without a year in brackets at its end. */
export const bare = (title) => title.replace(/\s*\(\d{4}\)$/, "") || title;

/** Return an item's title without a year that is told apart, and that year. */
export function parts(item) {
  const attributes = item.attributes || {};
  const title = String(item.title || item.item_id);
  const yearly = about.attributes.find((one) => kind(one.name).role === "year" && attributes[one.name] !== undefined);
  const year = yearly ? String(attributes[yearly.name]) : (/\((\d{4})\)\s*$/.exec(title) || [])[1] || "";
  return { title: bare(title), year, kinds: telling(item).slice(0, 3) };
}

/** Return who made or carries an item, at most two kinds of names: [["Directors", "A, B"]]. */
export function people(item) {
  const found = [];
  for (const one of about.attributes) {
    const values = listed((item.attributes || {})[one.name]);
    if (kind(one.name).role === "names" && values.length) found.push([label(one.name), values.slice(0, 3).join(", ")]);
  }
  return found.slice(0, 2);
}

/** Return values of an item that somebody could want more or less of: [{attribute, value}]. */
export function traits(item, most = 12) {
  const rows = about.attributes.filter((one) => one.kind !== "number").map((one) => listed((item.attributes || {})[one.name]).filter((value) => value !== "").map((value) => ({ attribute: one.name, value: String(value) })));
  const found = [];
  for (let at = 0; found.length < most && rows.some((row) => row.length > at); at += 1) for (const row of rows) if (row[at]) found.push(row[at]);
  return found.slice(0, most);
}

/** Return a value as text. */
export function shown(name, value) {
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "number") return kind(name)?.role === "year" ? String(value) : value.toLocaleString("en", { maximumFractionDigits: 2 });
  return String(value);
}

const SIGNS = { is: "=", "is not": "!=", "at least": ">=", "at most": "<=", "any of": " in ", "none of": " not in " };

/** Write a wish the way the service reads filters. */
export function written({ attribute, operator, value }) {
  const many = operator.endsWith(" of");
  const quoted = listed(value).map((one) => (many && /[",]/.test(String(one)) ? `"${String(one).replaceAll('"', '""')}"` : String(one)));
  return `${attribute}${SIGNS[operator]}${quoted.join(",")}`;
}

/** Say a wish in words: "Year from 1990", "Genres: no Horror". */
export function spoken({ attribute, operator, value }) {
  const name = label(attribute);
  if (operator === "between") return `${name} ${value.map((one) => shown(attribute, one)).join("–")}`;
  const text = listed(value).map((one) => shown(attribute, one)).join(", ");
  if (operator === "at least") return `${name} ${kind(attribute)?.role === "year" ? "from" : "at least"} ${text}`;
  if (operator === "at most") return `${name} ${kind(attribute)?.role === "year" ? "up to" : "at most"} ${text}`;
  return operator === "is" || operator === "any of" ? `${name}: ${text}` : `${name}: no ${text}`;
}

/** Return text without accents, case and signs, so that it can be compared. */
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

/** Say how near words are to a title: 3 is part of it, 2 has all words, 1 nearly so, 0 is not. */
export function nearness(words, title) {
  const [asked, there] = [folded(words), folded(title)];
  if (!asked) return title.toLowerCase().includes(words.trim().toLowerCase()) ? 3 : 0;
  if (there === asked || bare(title) !== title && folded(bare(title)) === asked) return 4;
  if (` ${there}`.includes(` ${asked}`)) return 3;
  const names = there.split(" ");
  const each = asked.split(" ").map((word) => (names.some((name) => name.startsWith(word)) ? 2 : names.some((name) => slip(word, name)) ? 1 : 0));
  return Math.min(...each);
}

/** Tell whether a word is another but for one letter, or two letters that changed places. */
function slip(word, name) {
  if (word.length < 4 || Math.abs(word.length - name.length) > 1) return false;
  let [from, to] = [0, 0];
  while (from < word.length && word[from] === name[from]) from += 1;
  while (to < Math.min(word.length, name.length) - from && word.at(-1 - to) === name.at(-1 - to)) to += 1;
  const [mine, its] = [word.slice(from, word.length - to), name.slice(from, name.length - to)];
  return (mine.length <= 1 && its.length <= 1) || (mine.length === 2 && its === mine[1] + mine[0]);
}

/** Say to a visitor why a list is a lesser one; `wished`: whether it follows wishes. */
export function toYou(fallback, wished) {
  const [, what] = /^(?:Nothing is known of this user yet|Nobody was named): this is ([^]+)\.$/.exec(fallback) || [];
  if (!what) return fallback;
  return wished ? `I do not know you yet; of what fits your wishes, this is ${what}.` : `I do not know you yet; this is ${what}.`;
}
