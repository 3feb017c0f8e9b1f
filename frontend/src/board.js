// The board by keyboard: arrows walk over the cards as they lie, full stop opens the next steps of a card.
document.addEventListener("keydown", (event) => {
  const board = event.target.closest?.("[data-board]");
  if (!board || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("details.menu[open]")) return;
  const columns = [...board.querySelectorAll(".board-column")].map((column) => [...column.querySelectorAll("[data-card]")]).filter((cards) => cards.length && cards[0].offsetParent);
  const here = event.target.closest(".board-card")?.querySelector("[data-card]");
  const x = columns.findIndex((cards) => cards.includes(here));
  const y = x < 0 ? -1 : columns[x].indexOf(here);
  if (event.key === "." && here) {
    here.closest(".board-card").querySelector("details.menu > summary")?.click();
  } else if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key) && columns.length) {
    const to = {
      ArrowLeft: [Math.max(0, x - 1), y],
      ArrowRight: [Math.min(columns.length - 1, x + 1), y],
      ArrowUp: [x, y - 1],
      ArrowDown: [x, y + 1],
    }[event.key];
    const cards = columns[Math.max(0, to[0])];
    const next = cards[Math.min(cards.length - 1, Math.max(0, to[1]))];
    next.focus();
    next.closest(".board-card").scrollIntoView({ block: "nearest", inline: "nearest" });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
