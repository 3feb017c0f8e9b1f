// Runs before the first paint, so that a reader who follows the system's theme sees no flash.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
function apply() {
  const wish = root.dataset.theme || "system";
  root.setAttribute("data-bs-theme", wish === "system" ? (dark.matches ? "dark" : "light") : wish);
}
apply();
dark.addEventListener("change", apply);
window.applyTheme = apply;
