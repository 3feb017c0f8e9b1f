// A part that lands in #dialog or #drawer opens it; an empty answer closes it. Focus goes back to what opened it.
let opener;
for (const id of ["dialog", "drawer"]) {
  const box = document.getElementById(id);
  if (!box) continue;
  const edited = () => [...box.querySelectorAll("form[data-guard]")].some((form) => form.dataset.changed);
  box.addEventListener("cancel", (event) => {
    if (edited() && !confirmLeave(box)) event.preventDefault();
  });
  box.addEventListener("close", () => {
    box.replaceChildren();
    if (opener?.isConnected) opener.focus();
    opener = undefined;
  });
  box.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]") || (event.target === box && id === "drawer")) {
      event.preventDefault();
      if (!edited() || confirmLeave(box)) box.close();
    }
  });
}
function confirmLeave(box) {
  return window.confirm(box.dataset.leave || "");
}
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target?.matches?.("dialog") && !detail.target.open) opener = detail.elt;
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const box = detail.target.closest?.("dialog");
  if (!box || box.id === "search") return;
  if (!box.textContent.trim()) box.open && box.close();
  else if (!box.open) {
    box.showModal();
    box.querySelector("[autofocus], h2, h1")?.focus();
  }
});
// Server asks to close (after a save): HX-Trigger: close-dialog
document.addEventListener("close-dialog", () => {
  for (const box of document.querySelectorAll("dialog[open]")) {
    for (const form of box.querySelectorAll("form")) delete form.dataset.changed;
    box.close();
  }
});
for (const button of document.querySelectorAll("[data-open-dialog]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.openDialog).showModal());
}
