// Plots as SVG, drawn to the width they get. Every one has its numbers in a table behind it.
import { h, put, s } from "./dom.js";
import { table } from "./operator-table.js";

const TALL = 200;
const EDGE = { top: 12, right: 14, bottom: 26, left: 52 };

/** A figure with a caption, a drawing that follows its width, and a table behind it. */
function figure(title, note, draw, behind, key = "") {
  const stage = h("div", { class: "stage" });
  const made = h("figure", { class: "plot" },
    h("figcaption", {}, h("strong", {}, title), note ? h("span", { class: "note" }, note) : ""),
    key, stage,
    h("details", { class: "behind" }, h("summary", {}, "The numbers"), behind));
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (width < 40 || width === drawn) return;
    drawn = width;
    put(stage, draw(width));
  }).observe(stage);
  return made;
}

const there = (point) => point !== undefined && Number.isFinite(point.value);

/**
 * Lines over the same places on x, each with a band from low to high where there is one.
 * `series`: [{name, points: [{value, low?, high?} | undefined]}]; a missing point is a gap.
 */
export function lines({ title, note, places, series, format, floor = 0, ceiling }) {
  const all = series.flatMap((one) => one.points).filter(there);
  if (!all.length) return nothing(title, "There is too little to draw yet.");
  const scale = round(Math.min(floor, ...all.map((p) => p.low ?? p.value)), Math.max(...all.map((p) => p.high ?? p.value), floor + 1e-9), ceiling);
  const behind = table({
    caption: `${title}, by day`,
    columns: [{ name: "day", label: "Day" }, ...series.map((one, at) => ({ name: at, label: one.name, number: true }))],
    rows: places.map((place, at) => ({ day: place, ...Object.fromEntries(series.map((one, column) => [column, told(one.points[at], format)])) })),
  });
  const draw = (width) => lineDrawing({ title, width, places, series, scale, format });
  return figure(title, note, draw, behind, legend(series));
}

function legend(series) {
  if (series.length < 2) return "";
  return h("ul", { class: "legend", "aria-hidden": "true" },
    series.map((one, at) => h("li", { class: `series-${at + 1}` }, h("i", {}), one.name)));
}

function lineDrawing({ title, width, places, series, scale, format }) {
  const x = (at) => EDGE.left + (places.length < 2 ? 0.5 : at / (places.length - 1)) * (width - EDGE.left - EDGE.right);
  const y = (value) => TALL - EDGE.bottom - ((value - scale.low) / (scale.high - scale.low)) * (TALL - EDGE.top - EDGE.bottom);
  const svg = s("svg", { viewBox: `0 0 ${width} ${TALL}`, width, height: TALL, role: "img", "aria-label": summary(title, places, series, format), tabindex: 0 });
  svg.append(...grid(scale, y, width, format), ...days(places, x, width));
  series.forEach((one, at) => svg.append(s("g", { class: `series-${at + 1}` }, band(one.points, x, y), path(one.points, x, y), dots(one.points, x, y))));
  return h("div", { class: "drawn" }, svg, reader(svg, { places, series, x, y, format }));
}

/** What a pointer or the arrow keys point at, in words under the plot. */
function reader(svg, { places, series, x, format }) {
  const rule = s("line", { class: "rule", y1: EDGE.top, y2: TALL - EDGE.bottom, visibility: "hidden" });
  svg.append(rule);
  const words = h("p", { class: "readout" });
  let now = places.length - 1;
  const show = (at) => {
    now = Math.max(0, Math.min(places.length - 1, at));
    rule.setAttribute("x1", x(now));
    rule.setAttribute("x2", x(now));
    rule.setAttribute("visibility", "visible");
    put(words, h("b", {}, places[now]), ...series.map((one, number) => h("span", { class: `series-${number + 1}` }, h("i", {}), `${one.name} ${told(one.points[now], format)}`)));
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const left = event.clientX - box.left;
    let best = 0;
    for (let at = 1; at < places.length; at += 1) if (Math.abs(x(at) - left) < Math.abs(x(best) - left)) best = at;
    show(best);
  });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: places.length - 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(step);
  });
  show(now);
  rule.setAttribute("visibility", "hidden");
  return words;
}

function summary(title, places, series, format) {
  const parts = series.map((one) => {
    const known = one.points.map((point, at) => [point, places[at]]).filter(([point]) => there(point));
    if (!known.length) return `${one.name}: too little to say`;
    const [first, last] = [known[0], known.at(-1)];
    return `${one.name}: ${format(first[0].value)} on ${first[1]}, ${format(last[0].value)} on ${last[1]}`;
  });
  return `${title}. ${parts.join(". ")}. Arrow keys read each day; a table follows.`;
}

const runs = (points) => {
  const found = [];
  points.forEach((point, at) => {
    if (!there(point)) return;
    if (!there(points[at - 1])) found.push([]);
    found.at(-1).push([point, at]);
  });
  return found;
};

function band(points, x, y) {
  return runs(points).filter((run) => run.length > 1 && run.every(([p]) => p.low !== undefined)).map((run) => s("polygon", {
    class: "band",
    points: [...run.map(([p, at]) => `${x(at)},${y(p.high)}`), ...run.toReversed().map(([p, at]) => `${x(at)},${y(p.low)}`)].join(" "),
  }));
}

function path(points, x, y) {
  return runs(points).map((run) => s("polyline", { class: "line", points: run.map(([p, at]) => `${x(at)},${y(p.value)}`).join(" ") }));
}

function dots(points, x, y) {
  return runs(points).flat().map(([point, at]) => s("circle", { class: "dot", cx: x(at), cy: y(point.value), r: 3 }));
}

function grid(scale, y, width, format) {
  return scale.ticks.flatMap((tick) => [
    s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(tick), y2: y(tick) }),
    s("text", { class: "axis", x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
  ]);
}

function days(places, x, width) {
  const every = Math.max(1, Math.ceil(places.length / Math.max(2, Math.floor((width - EDGE.left) / 90))));
  return places.map((place, at) => [place, at]).filter(([, at]) => (places.length - 1 - at) % every === 0).map(([place, at]) => s("text", {
    class: "axis", x: x(at), y: TALL - 6, "text-anchor": at === places.length - 1 && places.length > 1 ? "end" : "middle",
  }, place.length === 10 ? place.slice(5) : place));
}

/** Round numbers from low to high, about four of them. */
function round(low, high, ceiling) {
  const top = ceiling === undefined ? high : Math.min(high, ceiling);
  const raw = Math.max(top - low, 1e-9) / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * unit).find((one) => one >= raw) || raw;
  const first = Math.floor(low / step) * step;
  const last = Math.ceil(top / step - 1e-9) * step;
  const ticks = [];
  for (let tick = first; tick <= last + step / 2; tick += step) ticks.push(Math.abs(tick) < 1e-12 ? 0 : tick);
  return { low: first, high: Math.max(last, first + step), ticks };
}

/**
 * Bars, one a row, with an interval and a mark to hold them against.
 * `rows`: [{label, value, low?, high?, mark?, said?}].
 */
export function bars({ title, note, rows, format, mark = "", series = 1 }) {
  const known = rows.filter((row) => Number.isFinite(row.value));
  if (!known.length) return nothing(title, "There is too little to draw yet.");
  const most = Math.max(...known.flatMap((row) => [row.value, row.high ?? 0, row.mark ?? 0]), 1e-9);
  const behind = table({
    caption: title,
    columns: [{ name: "label", label: "Group" }, { name: "value", label: "Value", number: true }, ...(mark ? [{ name: "mark", label: mark, number: true }] : [])],
    rows: rows.map((row) => ({ label: row.label, value: told(row, format), mark: row.mark === undefined ? "" : format(row.mark) })),
  });
  const key = mark ? h("ul", { class: "legend", "aria-hidden": "true" }, h("li", { class: `series-${series}` }, h("i", {}), "measured"), h("li", { class: "marked" }, h("i", {}), mark)) : "";
  return figure(title, note, (width) => barDrawing({ title, width, rows, most, format, mark, series }), behind, key);
}

function barDrawing({ title, width, rows, most, format, mark, series }) {
  const left = Math.min(Math.max(...rows.map((row) => row.label.length)) * 7.4 + 12, width * 0.36);
  const right = 64;
  const x = (value) => left + (Math.min(value, most) / most) * (width - left - right);
  const tall = 26;
  const svg = s("svg", { viewBox: `0 0 ${width} ${rows.length * tall + 4}`, width, height: rows.length * tall + 4, role: "img",
    "aria-label": `${title}. ${rows.map((row) => `${row.label}: ${told(row, format)}${mark && row.mark !== undefined ? ` (${mark} ${format(row.mark)})` : ""}`).join("; ")}` });
  const most_letters = Math.floor((left - 10) / 7.2);
  rows.forEach((row, at) => {
    const middle = at * tall + tall / 2 + 2;
    const name = row.label.length > most_letters ? `${row.label.slice(0, most_letters - 1)}…` : row.label;
    svg.append(s("text", { class: "axis name", x: left - 8, y: middle + 4, "text-anchor": "end" }, name, s("title", {}, row.label)));
    if (!Number.isFinite(row.value)) {
      svg.append(s("text", { class: "axis", x: left, y: middle + 4 }, row.said || "too few to say"));
      return;
    }
    svg.append(s("rect", { class: `bar series-${series}`, x: left, y: middle - 8, width: Math.max(x(row.value) - left, 1), height: 16, rx: 3 }));
    if (row.low !== undefined && row.high > row.low) svg.append(s("path", { class: "whisker", d: `M${x(row.low)} ${middle}H${x(row.high)}M${x(row.low)} ${middle - 4}v8M${x(row.high)} ${middle - 4}v8` }));
    if (row.mark !== undefined) svg.append(s("path", { class: "mark", d: `M${x(row.mark)} ${middle - 11}v22` }));
    svg.append(s("text", { class: "axis value", x: width - 4, y: middle + 4, "text-anchor": "end" }, format(row.value)));
  });
  return svg;
}

/** Differences with their intervals about zero: one that leaves zero out is told apart. `rows`: [{label, value, low, high}]. */
export function forest({ title, note, rows, format }) {
  const known = rows.filter(there);
  if (!known.length) return nothing(title, "There is too little to draw yet.");
  const most = Math.max(...known.flatMap((row) => [Math.abs(row.low), Math.abs(row.high)]), 1e-9);
  const behind = table({ caption: title, columns: [{ name: "label", label: "Against the control" }, { name: "value", label: "Difference", number: true }], rows: rows.map((row) => ({ label: row.label, value: told(row, format) })) });
  return figure(title, note, (width) => forestDrawing({ title, width, rows, most, format }), behind);
}

function forestDrawing({ title, width, rows, most, format }) {
  const left = Math.min(Math.max(...rows.map((row) => row.label.length)) * 7.2 + 12, width * 0.5);
  const [right, tall, foot] = [14, 28, 22];
  const bottom = rows.length * tall + 4;
  const x = (value) => left + ((value + most) / (2 * most)) * (width - left - right);
  const svg = s("svg", { viewBox: `0 0 ${width} ${bottom + foot}`, width, height: bottom + foot, role: "img", "aria-label": `${title}. ${rows.map((row) => `${row.label}: ${told(row, format)}`).join("; ")}` },
    s("line", { class: "rule", x1: x(0), x2: x(0), y1: 0, y2: bottom }));
  for (const [value, anchor] of [[-most, "start"], [0, "middle"], [most, "end"]]) svg.append(s("text", { class: "axis", x: x(value), y: bottom + 16, "text-anchor": anchor }, format(value)));
  const letters = Math.floor((left - 10) / 7);
  rows.forEach((row, at) => {
    const middle = at * tall + tall / 2 + 2;
    const name = row.label.length > letters ? `${row.label.slice(0, letters - 1)}…` : row.label;
    svg.append(s("text", { class: "axis name", x: left - 8, y: middle + 4, "text-anchor": "end" }, name, s("title", {}, row.label)));
    if (!there(row)) { svg.append(s("text", { class: "axis", x: x(0) + 8, y: middle + 4 }, "too early to say")); return; }
    const sure = row.low > 0 ? "up" : row.high < 0 ? "down" : "same";
    svg.append(s("g", { class: `slope ${sure}` }, s("path", { class: "line", d: `M${x(row.low)} ${middle}H${x(row.high)}M${x(row.low)} ${middle - 5}v10M${x(row.high)} ${middle - 5}v10` }), s("circle", { class: "dot", cx: x(row.value), cy: middle, r: 5 })));
  });
  return svg;
}

/** A line as small as a word; what it shows is said beside it. */
export function spark(values, { width = 120, height = 28 } = {}) {
  const known = values.filter(Number.isFinite);
  if (known.length < 2) return "";
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (at) => 3 + (at / (values.length - 1)) * (width - 6);
  const y = (value) => height - 4 - ((value - low) / (high - low || 1)) * (height - 8);
  const points = values.map((value, at) => [value, at]).filter(([value]) => Number.isFinite(value));
  const [last, place] = points.at(-1);
  return s("svg", { class: "spark series-1", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true", focusable: "false" },
    s("polyline", { class: "line", points: points.map(([value, at]) => `${x(at)},${y(value)}`).join(" ") }),
    s("circle", { class: "dot", cx: x(place), cy: y(last), r: 3 }));
}

/** Where each item stood after each stage: lines that go up were lifted. */
export function slopes({ title, note, stages, rows }) {
  const deep = Math.max(...rows.flatMap((row) => row.ranks.filter(Boolean)));
  const behind = table({
    caption: title,
    columns: [{ name: "title", label: "Item" }, ...stages.map((stage, at) => ({ name: at, label: stage, number: true }))],
    rows: rows.map((row) => ({ title: row.title, ...Object.fromEntries(row.ranks.map((rank, at) => [at, rank ?? "below"])) })),
  });
  return figure(title, note, (width) => slopeDrawing({ title, width, stages, rows, deep }), behind);
}

function slopeDrawing({ title, width, stages, rows, deep }) {
  const tall = 24;
  const [top, left, right] = [30, 30, Math.min(width * 0.5, 300)];
  const x = (at) => left + (at / Math.max(stages.length - 1, 1)) * (width - left - right);
  const y = (rank) => top + (rank - 0.5) * tall;
  const svg = s("svg", { viewBox: `0 0 ${width} ${top + deep * tall + 6}`, width, height: top + deep * tall + 6, role: "img",
    "aria-label": `${title}. ${rows.map((row) => `${row.title}: ${row.ranks.map((rank, at) => `${stages[at]} ${rank ?? "below"}`).join(", ")}`).join("; ")}` });
  stages.forEach((stage, at) => svg.append(s("text", { class: "axis head", x: x(at), y: 16, "text-anchor": at ? "middle" : "start" }, stage)));
  const letters = Math.floor((right - 34) / 7.2);
  for (const row of rows) {
    const known = row.ranks.map((rank, at) => [rank, at]).filter(([rank]) => rank);
    const [first, last] = [known[0][0], known.at(-1)[0]];
    const [came, stayed] = [row.ranks[0], row.ranks.at(-1)];
    const way = !stayed || (came && last > first) ? "down" : !came || last < first ? "up" : "same";
    const group = s("g", { class: `slope ${way}` }, s("polyline", { class: "line", points: known.map(([rank, at]) => `${x(at)},${y(rank)}`).join(" ") }));
    for (const [rank, at] of known) group.append(s("circle", { class: "dot", cx: x(at), cy: y(rank), r: 4 }));
    if (known.at(-1)[1] === stages.length - 1) {
      const name = row.title.length > letters ? `${row.title.slice(0, letters - 1)}…` : row.title;
      group.append(s("text", { class: "axis name", x: x(stages.length - 1) + 12, y: y(last) + 4 }, `${last} ${name}`));
    }
    group.append(s("title", {}, row.title));
    svg.append(group);
  }
  return svg;
}

export const nothing = (title, words) => h("figure", { class: "plot" }, h("figcaption", {}, h("strong", {}, title)), h("p", { class: "empty" }, words));

function told(point, format) {
  if (!there(point || {})) return "too few to say";
  const value = format(point.value);
  return point.low === undefined || point.high === point.low ? value : `${value} (${format(point.low)} to ${format(point.high)})`;
}
