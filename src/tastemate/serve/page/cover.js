// Covers drawn from an item's own data: no pictures are stored or fetched. The colours follow the
// item's kind (one genre, one family of colours), the pattern follows its id: always the same.
import { h, s } from "./dom.js";
import { family, parts } from "./words.js";

// Ground, shape, light, ink. Ink on ground is at least 7:1 everywhere.
const PALETTES = [
  ["#7a2416", "#a53a22", "#f6bd60", "#fff3e0"], ["#12343b", "#1f5a63", "#f0b67f", "#fdf5e6"],
  ["#f3dfc1", "#e3bd8c", "#b5412b", "#33180f"], ["#2a2a6b", "#4545a0", "#ff9f80", "#f3f1ff"],
  ["#1b4332", "#2d6a4f", "#f4e285", "#f6f7e6"], ["#5b1647", "#862c69", "#ffc15e", "#fff0f7"],
  ["#dbe6f0", "#aecbe4", "#1f4e8c", "#0f2440"], ["#241f1c", "#4b423b", "#e8623d", "#f7f2e9"],
  ["#0b4f6c", "#12759c", "#ffd166", "#eefaff"], ["#f4d3cb", "#e8b0a2", "#8f2d56", "#3a0f22"],
  ["#4a2c17", "#754a2a", "#f2c14e", "#fdf3e3"], ["#3c1f66", "#5f3a96", "#8be0c8", "#f6f0ff"],
  ["#dfe8dc", "#b3cfae", "#23603f", "#10291c"], ["#8a1c3b", "#b53557", "#ffcdb2", "#fff1ee"],
  ["#37431f", "#5a6b31", "#ffd166", "#f8f8e8"], ["#123a6b", "#1f5aa0", "#ff8c61", "#eef5fc"],
  ["#f6e7a8", "#e9cf6a", "#1d5b5b", "#2a2405"], ["#2b2d42", "#4a4d73", "#ef8a8a", "#f6f3f4"],
];

/** Return a small number that a text always gives (FNV-1a). */
export function hash(text) {
  let sum = 2166136261;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 16777619);
  sum ^= sum >>> 15;
  return Math.imul(sum, 2246822519) >>> 0;
}

function draws(seed) {
  let state = seed || 1;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const W = 240;
const H = 160;
const circle = (cx, cy, r, fill, more = {}) => s("circle", { cx, cy, r, fill, ...more });
const ring = (cx, cy, r, stroke, width) => circle(cx, cy, r, "none", { stroke, "stroke-width": width });
const many = (n, make) => Array.from({ length: n }, (_, at) => make(at));

const PATTERNS = [
  function sunrise(random, shape, light) {
    const x = 90 + random() * 60;
    return [circle(x, 84, 34 + random() * 14, light), ...many(4, (at) => s("path", { d: wave(92 + at * 17, 10, random()), fill: shape, opacity: 0.55 + at * 0.14 }))];
  },
  function rings(random, shape, light) {
    const [x, y] = [85 + random() * 70, 30 + random() * 45];
    return [...many(7, (at) => ring(x, y, 14 + at * 17, shape, 7)), circle(x, y, 9, light)];
  },
  function bars(random, shape, light) {
    const chosen = 3 + Math.floor(random() * 4);
    return many(10, (at) => { const tall = 30 + random() * 105; return s("rect", { x: at * 24 + 4, y: 140 - tall, width: 14, height: tall + 20, fill: at === chosen ? light : shape, rx: 2 }); });
  },
  function moon(random, shape, light) {
    const x = 95 + random() * 50;
    return [...many(26, () => circle(random() * W, random() * 100, 0.7 + random() * 1.6, light, { opacity: 0.8 })), circle(x, 62, 38, light), circle(x + 15, 54, 34, shape)];
  },
  function rays(random, shape, light) {
    const x = W * (0.4 + random() * 0.2);
    return [...many(12, (at) => { const turn = (at / 12) * Math.PI * 2; return s("path", { d: `M${x} 74L${x + Math.cos(turn) * 260} ${74 + Math.sin(turn) * 260}L${x + Math.cos(turn + 0.26) * 260} ${74 + Math.sin(turn + 0.26) * 260}Z`, fill: shape }); }), circle(x, 74, 25, light)];
  },
  function blocks(random, shape, light) {
    const chosen = 3 + Math.floor(random() * 2) + 8 * Math.floor(random() * 2);
    return many(24, (at) => { const [x, y] = [(at % 8) * 30, Math.floor(at / 8) * 34]; const turn = Math.floor(random() * 4) * 90; return s("path", { d: "M0 0H30A30 30 0 0 1 0 30Z", fill: at === chosen ? light : shape, transform: `translate(${x} ${y}) rotate(${turn} 15 15)`, opacity: random() < 0.3 ? 0.45 : 1 }); });
  },
  function peaks(random, shape, light) {
    const x = 90 + random() * 60;
    return [circle(x, 42, 18, light), ...many(3, (at) => { const peak = 60 + random() * 120; const top = 40 + at * 18; return s("path", { d: `M${peak - 120} 175L${peak} ${top}L${peak + 120} 175Z`, fill: shape, opacity: 0.5 + at * 0.25 }); })];
  },
  function pair(random, shape, light) {
    const x = 92 + random() * 16;
    return [circle(x, 62, 38, shape), circle(x + 38, 62, 38, light, { opacity: 0.92 }), ring(x, 62, 38, light, 2)];
  },
  function threads(random, shape, light) {
    const chosen = Math.floor(random() * 9);
    const slant = random() * 40;
    return many(9, (at) => s("path", { d: `M-10 ${at * 17 - 10 + slant}C60 ${at * 17 - 50},150 ${at * 17 + 60},250 ${at * 17 - slant}`, fill: "none", stroke: at === chosen ? light : shape, "stroke-width": at === chosen ? 5 : 3 }));
  },
  function dots(random, shape, light) {
    const [x, y] = [80 + random() * 80, 20 + random() * 60];
    return many(84, (at) => { const [cx, cy] = [(at % 14) * 18 + 4, Math.floor(at / 14) * 18 + 8]; const near = Math.max(0, 1 - Math.hypot(cx - x, cy - y) / 110); return circle(cx, cy, 1.5 + near * 7, near > 0.62 ? light : shape); });
  },
  function steps(random, shape, light) {
    const up = random() < 0.5;
    return [circle(up ? 98 : 142, 38, 17, light), ...many(6, (at) => s("rect", { x: up ? at * 40 : 200 - at * 40, y: 116 - at * 19, width: 40, height: 160, fill: shape, opacity: 0.45 + at * 0.1 }))];
  },
  function arch(random, shape, light) {
    const x = 100 + random() * 40;
    return many(4, (at) => s("path", { d: `M${x - 72 + at * 18} 180V${78}A${72 - at * 18} ${72 - at * 18} 0 0 1 ${x + 72 - at * 18} 78V180Z`, fill: at === 3 ? light : shape, opacity: at === 3 ? 1 : 0.4 + at * 0.3 }));
  },
];

function wave(y, high, shift) {
  const x = -40 * shift;
  return `M${x} ${y}Q${x + 40} ${y - high} ${x + 80} ${y}T${x + 160} ${y}T${x + 240} ${y}T${x + 320} ${y}V200H${x}Z`;
}

const face = (item) => ["serif", "sans", "slant"][(hash(String(item.item_id)) >>> 8) % 3];

/** Return the drawing of an item's cover, with the colours that words on it take. */
export function cover(item, ...words) {
  const seed = hash(String(item.item_id));
  const random = draws(seed);
  const [kind, rank] = family(item);
  const [ground, shape, light, ink] = PALETTES[(rank < 0 ? hash(kind || String(item.item_id)) : rank) % PALETTES.length];
  const pattern = PATTERNS[(seed >>> 4) % PATTERNS.length];
  const art = s("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "xMidYMin slice", class: "art", "aria-hidden": "true", focusable: "false" }, pattern(random, shape, light));
  return h("div", { class: "cover", data: { type: face(item) }, vars: { "--ground": ground, "--shape": shape, "--light": light, "--cover-ink": ink } }, art, words);
}

/** Return the words on a cover: the title, set by its length, and a line below; `put` wraps the title. */
export function lettering(item, put = (title) => title) {
  const { title, year, kinds } = parts(item);
  const longest = Math.max(...title.split(/\s+/).map((word) => word.length));
  const ems = Math.max(...title.split(/\s+|(?<=[-–—])/).map((word) => wide(word, face(item))));
  const size = longest > 13 || title.length > 52 ? "s" : longest > 10 || title.length > 26 ? "m" : title.length > 12 ? "l" : "xl";
  return h("div", { class: "lettering" },
    put(h("span", { class: "cover-title", data: { size }, vars: { "--ems": ems.toFixed(2) } }, title)),
    h("span", { class: "cover-line" }, [year, kinds[0]].filter(Boolean).join(" · "), kinds[1] ? h("span", { class: "second" }, ` · ${kinds[1]}`) : ""));
}

const FACES = { serif: ["700", "--serif"], sans: ["800", "--sans"], slant: ["italic 600", "--serif"] };
let pen = null;

/** Measure how wide a word stands in a face, in letter sizes; a little is kept free at its end. */
function wide(word, face) {
  pen ||= document.createElement("canvas").getContext("2d");
  const [weight, family] = FACES[face];
  pen.font = `${weight} 100px ${getComputedStyle(document.documentElement).getPropertyValue(family)}`;
  return pen.measureText(word).width / 100 + 0.2;
}

/** Return a small square of an item's cover with its initials, for rows and strips. */
export function badge(item) {
  const letters = parts(item).title.replace(/^(the|a|an)\s+/i, "").split(/\s+/).map((word) => [...word].find((one) => /[\p{L}\p{N}]/u.test(one)) || "").join("").slice(0, 2);
  const drawn = cover(item, h("span", { class: "initials", "aria-hidden": "true" }, letters.toUpperCase()));
  drawn.classList.add("badge");
  return drawn;
}
