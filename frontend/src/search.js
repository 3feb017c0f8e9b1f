// The search dialog: Ctrl/⌘ K opens, arrows choose, Enter opens, Esc closes. What was typed leaves the page only in the body of a post.
const box = document.getElementById("search");
const field = box?.querySelector("input[name=text]");
const hits = () => [...box.querySelectorAll("[role=option]")];
let opener;
let asked = ""; // the text the hits on the screen belong to
let hurry = false; // Enter came before the answer: a single hit then opens at once

export function openSearch(text = "") {
  if (!box || box.open) return;
  if (document.querySelector("dialog[open]")) return;
  opener = document.activeElement;
  box.showModal();
  field.value = text;
  field.focus();
  field.dispatchEvent(new CustomEvent("query", { bubbles: true }));
}
function choose(step) {
  const all = hits();
  if (!all.length) return;
  const at = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
  select(all, (at + step + all.length) % all.length);
}
function select(all, at) {
  for (const hit of all) hit.setAttribute("aria-selected", String(hit === all[at]));
  field.setAttribute("aria-activedescendant", all[at].id);
  all[at].scrollIntoView({ block: "nearest" });
}

if (box) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (box.open) field.select();
      else openSearch();
    }
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && event.target === field) {
      const chosen = box.querySelector("[role=option][aria-selected=true]");
      event.preventDefault();
      hurry = !chosen || asked !== field.value;
      if (!hurry) location.assign(chosen.href);
      else field.dispatchEvent(new CustomEvent("query", { bubbles: true }));
    }
  });
  // The first hit is chosen when an answer comes, so that a name and Enter are enough; with nothing typed nothing is chosen.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id !== "search-hits") return;
    const all = hits();
    // An answer belongs to the text that was sent, which may be older than what stands in the field by now.
    asked = detail.requestConfig.formData.get("text");
    field.removeAttribute("aria-activedescendant");
    if (asked !== field.value) return;
    if (all.length && asked.trim()) select(all, 0);
    if (hurry && all.length === 1) location.assign(all[0].href);
    hurry = false;
  });
  box.addEventListener("click", ({ target }) => {
    if (target === box || target.closest("[data-search-close]")) box.close();
  });
  box.addEventListener("close", () => {
    field.value = "";
    document.getElementById("search-hits").replaceChildren();
    if (opener?.isConnected) opener.focus();
  });
  // The field in the bar is a form for browsers without scripts; with them it opens the dialog.
  document.addEventListener("mousedown", (event) => {
    if (!event.target.closest(".bar-find, [data-search-open]")) return;
    event.preventDefault();
    openSearch();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-search-open]")) return;
    event.preventDefault();
    openSearch();
  });
  document.querySelector(".bar-find input[name=text]")?.addEventListener("input", ({ target }) => {
    const text = target.value;
    target.value = "";
    openSearch(text);
  });
}
