// The few signs of the page, drawn as paths: 24 units wide, in the colour of the text around them.
import { s } from "./dom.js";

const PATHS = {
  like: ["M12 20.5s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7.6a4.3 4.3 0 0 1 7.5 2.7c0 5.6-7.5 10.2-7.5 10.2z"],
  dislike: ["M5 5l14 14", "M19 5L5 19"],
  seen: ["M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z", "M12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z"],
  more: ["M5 11a1 1 0 1 0 .01 0", "M12 11a1 1 0 1 0 .01 0", "M19 11a1 1 0 1 0 .01 0"],
  plus: ["M12 5v14", "M5 12h14"],
  minus: ["M5 12h14"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  sun: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2.5v2", "M12 19.5v2", "M2.5 12h2", "M19.5 12h2", "M5.3 5.3l1.4 1.4", "M17.3 17.3l1.4 1.4", "M5.3 18.7l1.4-1.4", "M17.3 6.7l1.4-1.4"],
  moon: ["M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"],
  send: ["M4 12l16-7-6 16-3-7z"],
  stop: ["M7 7h10v10H7z"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  flag: ["M6 21V4", "M6 4h11l-2 4 2 4H6"],
  search: ["M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M16 16l4 4"],
  why: ["M9.2 9a2.9 2.9 0 1 1 4 2.7c-.8.4-1.2 1-1.2 1.9v.4", "M12 17.5h.01"],
  undo: ["M8 5L4 9l4 4", "M4 9h9.5a5.5 5.5 0 0 1 0 11H9"],
};

/** Return a sign; it says nothing to a screen reader, the control around it does. */
export function icon(name) {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" },
    PATHS[name].map((d) => s("path", { d })));
}
