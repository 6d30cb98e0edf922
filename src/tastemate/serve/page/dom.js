// Elements made from values. Text only ever becomes text nodes, so no title can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: props are attributes, `on` holds listeners, `data` dataset values. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  fill(element, props);
  element.append(...children.flat(Infinity).filter((child) => child !== "" && child != null && child !== false));
  return element;
}

/** Make an SVG element. */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, String(value));
  element.append(...children.flat(Infinity));
  return element;
}

function fill(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Put children in place of what an element holds. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== "" && child != null && child !== false));
}

/** Tell a screen reader what changed. */
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 60);
}

/** Call `act` when `wait` milliseconds went by without another call. */
export function debounced(act, wait) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
}

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Bring an element into view without haste, or at once for those who want no motion. */
export function bring(element, block = "center") {
  element.scrollIntoView({ block, inline: "center", behavior: still() ? "auto" : "smooth" });
}

/** Move elements from where they were to where they are now (FLIP), so that nothing jumps. */
export function reflow(container, change) {
  const key = (child) => child.dataset.id;
  const before = new Map();
  for (const child of container.children) if (key(child)) before.set(key(child), child.getBoundingClientRect());
  change();
  if (still()) return;
  for (const child of container.children) {
    const was = before.get(key(child));
    const now = child.getBoundingClientRect();
    if (was) {
      const [x, y] = [was.left - now.left, was.top - now.top];
      if (Math.abs(x) + Math.abs(y) > 1) child.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: 280, easing: "cubic-bezier(.2,.7,.2,1)" });
    } else if (key(child)) {
      child.animate([{ opacity: 0, transform: "translateY(8px)" }, { opacity: 1, transform: "none" }], { duration: 280, easing: "ease-out" });
    }
  }
}

/** Let arrow keys, Home and End move among the elements a selector finds in a container. */
export function arrows(container, selector) {
  container.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: "down", ArrowUp: "up", Home: "first", End: "last" };
    const step = steps[event.key];
    if (step === undefined || !event.target.matches(selector)) return;
    const all = [...container.querySelectorAll(selector)].filter((one) => !one.disabled && one.offsetParent);
    const next = target(all, all.indexOf(event.target), step);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function target(all, at, step) {
  if (step === "first") return all[0];
  if (step === "last") return all.at(-1);
  if (typeof step === "number") return all[at + step];
  const from = all[at].getBoundingClientRect();
  const wanted = all.filter((one) => {
    const box = one.getBoundingClientRect();
    return step === "down" ? box.top >= from.bottom - 4 : box.bottom <= from.top + 4;
  });
  const far = (one) => {
    const box = one.getBoundingClientRect();
    return Math.abs(box.top - from.top) * 4 + Math.abs(box.left - from.left);
  };
  return wanted.sort((one, other) => far(one) - far(other))[0];
}
