// Checks of a page for those who do not see it, or not well, or use no mouse: WCAG 2.2 AA.
// Evaluated in the page; returns what is wrong, in words, and nothing where all is well.
// Contrast is computed from the styles in force: the text's colour over all grounds below it.
() => {
  const wrong = [];
  const shown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const inert = (e) => document.querySelector("dialog[open]") && !e.closest("dialog[open]");
  const all = (css) => [...document.querySelectorAll(css)].filter((e) => shown(e) && !inert(e));
  const say = (e, what) => wrong.push(`${what}: <${e.tagName.toLowerCase()}> ${(e.id || e.className || "").toString().slice(0, 40)} "${(e.textContent || "").trim().slice(0, 40)}"`);
  const hidden = (e) => e.closest("[aria-hidden=true]");

  // names
  const named = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by) return by.split(" ").map((id) => document.getElementById(id)?.textContent || "").join("").trim();
    const own = [...e.childNodes].map((n) => n.nodeType === 3 ? n.textContent : n.nodeType === 1 && !n.matches("[aria-hidden=true]") ? n.textContent : "").join("");
    const label = e.id && document.querySelector(`label[for="${CSS.escape(e.id)}"]`)?.textContent || e.closest("label")?.textContent || "";
    return (e.getAttribute("aria-label") || label || (e.matches("input,select,textarea") ? "" : own) || "").trim();
  };
  for (const e of all("button, a[href], input, select, textarea, [role=menu], [role=log], [role=group], dialog, nav, section")) {
    if (!named(e) && !hidden(e)) say(e, "no name");
  }
  for (const e of all("svg, canvas, img")) if (!hidden(e) && !e.getAttribute("alt") && !e.getAttribute("aria-label")) say(e, "picture without words");

  // structure
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title.trim()) wrong.push("no title");
  if (all("main").length + (inert(document.querySelector("main")) ? 1 : 0) !== 1) wrong.push("not one main");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) wrong.push(`id twice: ${id}`);
  for (const name of ["aria-labelledby", "aria-controls", "for"]) for (const e of document.querySelectorAll(`[${name}]`)) for (const id of e.getAttribute(name).split(" ")) if (!document.getElementById(id) && !e.closest("[hidden]")) say(e, `${name} names nothing (${id})`);
  let level = 1;
  for (const e of all("h1, h2, h3, h4, h5, h6")) {
    const now = Number(e.tagName[1]);
    if (now > level + 1) say(e, `heading ${now} after ${level}`);
    level = now;
  }
  for (const e of all("ul, ol")) for (const one of e.children) if (one.tagName !== "LI") say(one, "no item of a list");

  // keyboard
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) say(e, "own place in the tab order");
  for (const e of all("[aria-hidden=true]")) for (const one of e.querySelectorAll("button, a[href], input, [tabindex='0']")) say(one, "can be reached but is hidden");

  // touch: 44 pixels, but for links within a sentence
  for (const e of all("button, input, select, textarea, a[href], summary")) {
    if (e.matches(".evidence, .visually-hidden, .skip")) continue;
    const box = (e.closest("label.option") || e).getBoundingClientRect();
    if (box.width < 43.5 || box.height < 43.5) say(e, `small target ${box.width.toFixed(0)}x${box.height.toFixed(0)}`);
  }

  // contrast
  const parse = (text) => {
    const n = text.match(/[\d.]+/g)?.map(Number) || [0, 0, 0, 0];
    return text.startsWith("color(srgb") ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(e) || !shown(e) || inert(e) || e.closest(":disabled, .visually-hidden, noscript, option, .skip")) continue;
    seen.add(e);
    const style = getComputedStyle(e);
    const under = ground(e);
    const got = ratio(over(parse(style.color), under), under);
    const size = parseFloat(style.fontSize);
    const big = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (got < (big ? 3 : 4.5)) say(e, `contrast ${got.toFixed(2)}`);
  }
  for (const e of all("input:not([type=range], [type=radio], [type=checkbox]), select, textarea")) {
    const under = ground(e.parentElement);
    if (ratio(parse(getComputedStyle(e).borderTopColor), under) < 3) say(e, "faint edge");
  }
  return [...new Set(wrong)];
}
