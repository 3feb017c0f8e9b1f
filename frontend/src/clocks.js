// Deadlines count down by the minute. The words come from the server; only the number of minutes is ours.
import { say } from "./words.js";
function tick() {
  for (const clock of document.querySelectorAll("[data-deadline]")) {
    const minutes = Math.round((Date.parse(clock.dataset.deadline) - Date.now()) / 60000);
    const size = Math.abs(minutes);
    const key = size < 60 ? "minutes" : size < 2880 ? "hours" : "days";
    const text = say(`${minutes < 0 ? "late" : "left"}_${key}`, { n: key === "minutes" ? size : Math.floor(size / (key === "hours" ? 60 : 1440)) });
    const place = clock.querySelector("[data-left]");
    if (place && place.textContent !== text) place.textContent = text;
    const total = (Date.parse(clock.dataset.deadline) - Date.parse(clock.dataset.since || 0)) / 60000;
    const share = clock.dataset.since ? minutes / total : 1;
    clock.classList.remove("tone-neutral", "tone-caution", "tone-warn", "tone-bad");
    clock.classList.add(minutes < 0 ? "tone-bad" : share < 0.2 ? "tone-warn" : share < 0.5 ? "tone-caution" : "tone-neutral");
  }
}
tick();
setInterval(tick, 20000);
document.addEventListener("htmx:afterSettle", tick);
