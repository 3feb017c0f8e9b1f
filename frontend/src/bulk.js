// Choosing rows: the head's box chooses the page, Shift chooses a range, `x` the row one stands on; the bar says how many.
let last;
const boxes = () => [...document.querySelectorAll("input[name=row][form=bulk]")];
function tell() {
  const chosen = boxes().filter((box) => box.checked).length;
  const said = document.querySelector("[data-picked]");
  if (said) said.textContent = chosen === 1 ? said.dataset.one : said.dataset.many.replace("{n}", chosen);
  const all = document.querySelector("[data-pick-all]");
  if (all) {
    all.checked = chosen > 0 && chosen === boxes().length;
    all.indeterminate = chosen > 0 && !all.checked;
  }
}
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-pick-all]")) {
    for (const box of boxes()) box.checked = target.checked;
    tell();
  } else if (target.matches("input[name=row][form=bulk]")) tell();
});
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("input[name=row][form=bulk]")) return;
  if (event.shiftKey && last?.isConnected) {
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
    tell();
  }
  last = box;
});
export function pickRow(row) {
  const box = row?.querySelector("input[name=row]");
  if (!box) return false;
  box.click();
  return true;
}
