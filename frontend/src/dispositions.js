// The outcome tree on the contact form: results of the chosen channel, with the debtor or who answers beside them, with their keys, what
// follows each, the promise where one belongs.
function set(form) {
  const tree = JSON.parse(form.querySelector("#dispositions").textContent);
  const channel = form.elements.channel;
  const party = form.elements.party;
  const action = form.elements.next_action;
  const day = form.elements.next_action_on;
  const promise = form.querySelector("[data-promise]");
  const touched = new Set();
  if (day.value) touched.add(day).add(action);

  function results() {
    const offered = tree[channel.value] || {};
    for (const radio of form.querySelectorAll("input[name=outcome]")) {
      const found = offered[radio.value];
      const info = found && (party?.value ? !found.person : !found.obligor) ? found : undefined;
      const row = radio.closest(".form-check");
      const label = row.querySelector("label");
      row.hidden = !info;
      radio.disabled = !info;
      if (!info) radio.checked = false;
      if (info) label.dataset.key = info.key;
      else delete label.dataset.key;
      const shown = label.querySelector("kbd");
      if (shown && info) shown.textContent = info.key;
    }
    follow();
  }
  function follow() {
    const chosen = form.querySelector("input[name=outcome]:checked");
    const info = chosen && tree[channel.value]?.[chosen.value];
    promise.hidden = !info?.promise;
    if (!info) return;
    if (!touched.has(action)) action.value = info.next;
    const today = form.dataset.today;
    const due = form.elements.due_on_1.value;
    if (!touched.has(day)) day.value = after(info.promise && due > today ? due : today, info.promise ? 2 : info.days);
  }
  form.addEventListener("change", ({ target }) => {
    if (target === channel || target === party) results();
    else if (target.name === "outcome" || target.name === "due_on_1") follow();
    else if (target === action || target === day) touched.add(target);
  });
  results();
}
function after(day, days) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}
for (const form of document.querySelectorAll("[data-dispositions]")) set(form);

// What was refused is shown as the answer to a form. It gets the address it belongs to, so that Back leads there and the browser does not
// ask whether to send the form once more.
const answered = document.querySelector("[data-belongs-to]");
if (answered) history.replaceState(history.state, "", answered.dataset.belongsTo);
