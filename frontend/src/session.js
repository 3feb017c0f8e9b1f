// A session that ended while somebody typed: the page stays as it is, the sign-in opens in a tab of its own, and then it is sent.
import { offline, say, toast } from "./words.js";

const FRESH = 60_000; // ms after an answer of the server in which a form is sent without asking first
const box = document.getElementById("session");
const who = document.body.dataset.who;
let heard = Date.now();
let passed; // the form that was asked about and may go

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) heard = Date.now();
});

async function ask() {
  const answer = await fetch("/session/", { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`session: ${answer.status}`);
  const now = await answer.json();
  if (now.who && now.who !== who) location.reload(); // another person signed in: this page is not theirs
  if (now.who === who) {
    heard = Date.now();
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = now.token;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": now.token }));
  }
  return now.who === who;
}

export function sessionEnded() {
  if (!box || box.open) return;
  box.showModal();
  box.querySelector("a").focus();
}

if (box && who) {
  // In the capture phase: before anything marks the form as sent.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form === passed || form.method !== "post" || form.matches("[hx-post]") || Date.now() - heard < FRESH) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const button = event.submitter;
      ask().then(
        (lives) => {
          if (!lives) return sessionEnded();
          passed = form;
          form.requestSubmit(button);
          passed = undefined;
        },
        offline,
      );
    },
    true,
  );
  const back = () => {
    if (!box.open || document.hidden) return;
    ask().then(
      (lives) => {
        if (!lives) return;
        box.close();
        toast(say("back_again"));
      },
      () => {}, // still away: the dialog says what to do
    );
  };
  addEventListener("focus", back);
  document.addEventListener("visibilitychange", back);
  box.addEventListener("click", (event) => event.target.closest("[data-close]") && box.close());
}
