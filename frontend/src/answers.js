// What happens to answers that are not a plain success. A panel shows its own trouble; the rest goes to #problem.
import { sessionEnded } from "./session.js";
import { announce, offline, say } from "./words.js";

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const status = detail.xhr.status;
  if (status < 400 || status === 409 || status === 422) return;
  if (status === 401) {
    sessionEnded();
    detail.shouldSwap = detail.isError = false;
    return;
  }
  const panel = detail.requestConfig.elt.closest("[data-panel]");
  detail.shouldSwap = true;
  detail.isError = false;
  detail.target = panel || document.getElementById("problem");
  detail.swapOverride = "innerHTML";
  if (!/text\/html/.test(detail.xhr.getResponseHeader("Content-Type") || "") || /<html/i.test(detail.serverResponse)) {
    const number = detail.xhr.getResponseHeader("X-Request-ID") || "";
    detail.serverResponse = `<div class="c-note tone-bad" role="alert"><p>${say("failed", { number })}</p></div>`;
  }
  detail.target.scrollIntoView({ block: "nearest" });
});

document.addEventListener("htmx:sendError", offline);

// A thin bar after 400 ms, a sentence after 4 s: a quick answer shows neither.
let open = 0;
let slow, slower;
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  detail.target?.setAttribute?.("aria-busy", "true");
  if (open++ === 0) {
    slow = setTimeout(() => document.documentElement.classList.add("busy"), 400);
    slower = setTimeout(() => announce(say("working")), 4000);
  }
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  detail.target?.removeAttribute?.("aria-busy");
  open = Math.max(0, open - 1);
  if (open === 0) {
    clearTimeout(slow);
    clearTimeout(slower);
    document.documentElement.classList.remove("busy");
  }
});

// `target` is what was swapped in; `detail.target` may be the element that went away.
function within(element, selector) {
  return element.matches?.(selector) ? element : element.querySelector?.(selector);
}
document.addEventListener("htmx:afterSettle", ({ target }) => {
  const summary = within(target, "[data-focus]");
  if (summary && !summary.closest("[data-panel]")) setTimeout(() => summary.focus());
  const count = within(target, "[data-announce]");
  if (count) announce(count.dataset.announce);
});
document.addEventListener("focus", ({ detail }) => detail?.id && document.querySelector(detail.id)?.focus());

const head = document.querySelector(".page-head");
if (head) addEventListener("scroll", () => head.classList.toggle("stuck", scrollY > 8), { passive: true });

// A table wider than its window is scrolled by keyboard too; it is named after its caption.
function reachable(root) {
  for (const wrap of root.querySelectorAll?.(".table-wrap:not([tabindex])") || []) {
    if (wrap.scrollWidth <= wrap.clientWidth) continue;
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "region");
    wrap.setAttribute("aria-label", wrap.querySelector("caption")?.textContent.trim() || document.title);
  }
}
reachable(document);
addEventListener("resize", () => reachable(document));
document.addEventListener("htmx:afterSettle", ({ target }) => reachable(target.closest?.(".card") || target));
