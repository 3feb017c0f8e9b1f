// Single keys open, focus or move and never commit; Ctrl+Enter does. None works in a field or while an input method composes.
import { pickRow } from "./bulk.js";
import { announce } from "./words.js";

const links = () => document.querySelectorAll("[data-key]");
let prefix = "";
let timer;

function inField(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
function rows() {
  return [...document.querySelectorAll("table.rows tbody tr")];
}
function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("at"));
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  all[at]?.classList.remove("at");
  next.classList.add("at");
  const link = next.querySelector("a");
  link?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}
function press(element) {
  if (element.matches("summary, button, a, label")) element.click();
  else element.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    // An open dialog stands before the page: what lies under it is never committed.
    const dialog = [...document.querySelectorAll("dialog[open]")].pop();
    const form = event.target.closest?.("form") || (dialog ? dialog.querySelector("form") : document.querySelector("form[data-commit]"));
    form?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || inField(event.target) || document.documentElement.dataset.keys === "off") return;
  if (document.querySelector("dialog[open]") && event.key !== "Escape") return;
  const key = prefix + event.key;
  prefix = "";
  clearTimeout(timer);
  const own = [...links()].find((element) => element.dataset.key === key && element.offsetParent !== null) || [...links()].find((element) => element.dataset.key === key);
  if (own) {
    event.preventDefault();
    press(own);
  } else if (event.key === "g") {
    prefix = "g ";
    timer = setTimeout(() => (prefix = ""), 1200);
  } else if (event.key === "?") help();
  else if (event.key === "/") {
    const field = document.querySelector("[data-filter] input:not([type=hidden]), [data-filter] select");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "x") pickRow(rows().find((row) => row.classList.contains("at")));
  else if (event.key === "j" || event.key === "ArrowDown") { if (rows().length) { event.preventDefault(); move(1); } }
  else if (event.key === "k" || event.key === "ArrowUp") { if (rows().length) { event.preventDefault(); move(-1); } }
});

function help() {
  const box = document.getElementById("keys");
  const list = box?.querySelector("dl");
  if (!list) return;
  list.querySelectorAll("[data-own]").forEach((element) => element.remove());
  const seen = new Set();
  for (const element of links()) {
    const text = (element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent).trim().replace(/\s+/g, " ").replace(/ \S$/, "");
    if (seen.has(element.dataset.key) || !text) continue;
    seen.add(element.dataset.key);
    const key = document.createElement("dt");
    const label = document.createElement("dd");
    key.dataset.own = label.dataset.own = "";
    key.append(Object.assign(document.createElement("kbd"), { textContent: element.dataset.key }));
    label.textContent = text;
    list.append(key, label);
  }
  box.showModal();
  announce(box.querySelector("h2").textContent);
}
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-keys-help]")) help();
  if (target.closest("#keys [data-close]")) document.getElementById("keys").close();
});
