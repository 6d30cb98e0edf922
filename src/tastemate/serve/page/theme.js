// Dark or light: as the system says, until somebody switches; then as they said.
import { put } from "./dom.js";
import { icon } from "./icons.js";
import { write } from "./state.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const now = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");

/** Make a button the switch. */
export function begin(button) {
  const draw = () => {
    const other = now() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
    button.title = `Switch to ${other} colours`;
    put(button, icon(other === "dark" ? "moon" : "sun"));
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    write("tastemate.theme", now());
    draw();
  });
  dark.addEventListener("change", draw);
  draw();
}
