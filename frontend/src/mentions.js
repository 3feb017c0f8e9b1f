// People one may name: a click on one writes @name where the cursor stands in the text they belong to.
document.addEventListener("click", ({ target }) => {
  const person = target.closest?.("[data-mention]");
  const field = person && person.closest("form")?.querySelector("textarea");
  if (!field) return;
  const at = field.selectionStart ?? field.value.length;
  const before = field.value.slice(0, at);
  const gap = before && !/\s$/.test(before) ? " " : "";
  field.setRangeText(`${gap}${person.dataset.mention} `, at, field.selectionEnd ?? at, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
