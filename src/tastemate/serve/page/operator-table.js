// Tables and numbers as the operator reads them.
import { h } from "./dom.js";

/** A table with a caption; wide ones scroll within themselves. `columns`: [{name, label, number, make}]. */
export function table({ caption, columns, rows, empty = "Nothing yet." }) {
  const head = h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.number && "number" }, column.label))));
  const body = h("tbody", {}, rows.length
    ? rows.map((row) => h("tr", { class: row.class }, columns.map((column, at) => cell(row, column, at))))
    : h("tr", {}, h("td", { colspan: columns.length, class: "empty" }, empty)));
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": caption }, h("table", {}, h("caption", {}, h("span", {}, caption)), head, body));
}

function cell(row, column, at) {
  const content = column.make ? column.make(row) : row[column.name];
  const shown = content === undefined || content === null ? "" : content;
  return h(at ? "td" : "th", { scope: at ? undefined : "row", class: column.number && "number" }, typeof shown === "object" ? shown : String(shown));
}

/** A few figures that say most. `rows`: [[label, value, note]]. */
export function facts(...rows) {
  return h("dl", { class: "facts" }, rows.filter(Boolean).map(([label, value, note, tone]) => h("div", { class: tone }, h("dt", {}, label), h("dd", {}, value, note ? h("small", {}, note) : ""))));
}

export const share = (value) => (Number.isFinite(value) ? `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)}%` : "");
export const exact = (value) => (Number.isFinite(value) ? new Intl.NumberFormat("en", { maximumSignificantDigits: 4 }).format(value) : "");
export const whole = (value) => (Number.isFinite(value) ? new Intl.NumberFormat("en").format(Math.round(value)) : "");
export const fixed = (digits) => (value) => (Number.isFinite(value) ? value.toFixed(digits) : "");
export const times = (value) => (Number.isFinite(value) ? `${value.toFixed(2)}×` : "");
export const dollars = (value) => (Number.isFinite(value) ? `$${value < 0.01 && value > 0 ? value.toPrecision(2) : value.toFixed(2)}` : "");

export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let at = 0;
  let left = value;
  while (left >= 1000 && at < units.length - 1) { left /= 1000; at += 1; }
  return `${at ? left.toFixed(1) : left} ${units[at]}`;
}

export const when = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") : "");

/** A figure with its interval in small. */
export function between(figure, format) {
  if (!figure || !Number.isFinite(figure.value)) return h("span", { class: "few" }, "too few");
  if (figure.low === undefined || figure.low === figure.high) return format(figure.value);
  return h("span", {}, format(figure.value), h("small", { class: "interval" }, `${format(figure.low)} to ${format(figure.high)}`));
}

export const tag = (text, tone = "") => h("span", { class: `tag ${tone}` }, text);
