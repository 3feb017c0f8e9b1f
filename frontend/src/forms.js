// Forms: one submit, typed input guarded, and a `query` event for search fields that knows about input methods.
document.addEventListener("submit", (event) => {
  const form = event.target;
  delete form.dataset.changed;
  if (form.matches("[hx-post], [hx-get], [method=dialog]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") form.dataset.sent = "yes";
  const button = event.submitter;
  if (button) {
    button.classList.add("sending");
    button.setAttribute("aria-disabled", "true");
  }
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll(".sending")) {
      button.classList.remove("sending");
      button.removeAttribute("aria-disabled");
    }
  }
});
document.addEventListener("input", ({ target }) => {
  const form = target.closest("form[data-guard]");
  if (form) form.dataset.changed = "yes";
});
addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-guard][data-changed]")) event.preventDefault();
});

const waiting = new WeakMap();
function soon(field) {
  clearTimeout(waiting.get(field));
  waiting.set(field, setTimeout(() => field.dispatchEvent(new CustomEvent("query", { bubbles: true })), 200));
}
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-query]:is(input, textarea), form[data-query] input[type=text], form[data-query] input[type=number]") && !event.isComposing) soon(event.target);
});
document.addEventListener("compositionend", ({ target }) => target.matches("[data-query], [data-query] input") && soon(target));
document.addEventListener("change", ({ target }) => {
  if (target.matches("select[data-query], form[data-query] select, form[data-query] input[type=checkbox], form[data-query] input[type=date]")) soon(target);
});

// Filters left empty do not belong into the address.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get") return;
  for (const name of Object.keys(detail.parameters)) {
    if (detail.parameters[name] === "") delete detail.parameters[name];
  }
});
