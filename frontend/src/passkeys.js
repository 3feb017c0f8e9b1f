// Passkeys: asks the browser's authenticator and sends what it says in the form the button stands in.
// And the way a form was to be swapped goes along, so that a question between (see governance/step_up.py) can go on in the same place.
import { announce } from "./words.js";

function options(button) {
  const from = button.dataset.optionsFrom;
  if (!from) return Promise.resolve(JSON.parse(button.closest("form").querySelector("#passkey-options").textContent));
  return fetch(from, { headers: { Accept: "application/json" }, credentials: "same-origin" }).then(async (answer) => {
    if (!answer.ok) throw new Error(`passkey: ${answer.status}`);
    return (await answer.json()).request_options;
  });
}

async function pressed(button) {
  const form = button.closest("form");
  const asked = (await options(button)).publicKey;
  const credential =
    button.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
  document.getElementById(button.dataset.into).value = JSON.stringify(credential.toJSON());
  form.requestSubmit();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-passkey]");
  if (!button) return;
  event.preventDefault();
  button.disabled = true;
  pressed(button)
    .catch(() => {
      // Refused, cancelled or not there: the other ways stay open.
      let said = button.form.querySelector("[data-passkey-said]");
      if (!said) {
        said = document.createElement("p");
        said.className = "error";
        said.dataset.passkeySaid = "";
        button.form.append(said);
      }
      said.textContent = button.dataset.refused;
      announce(said.textContent);
    })
    .finally(() => (button.disabled = false));
});

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const swap = detail.elt.closest("[hx-swap]")?.getAttribute("hx-swap");
  if (swap) detail.headers["X-Swap"] = swap.split(" ")[0];
});
