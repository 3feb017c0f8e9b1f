// Sentences the browser says itself, written into the page by the server in the reader's language.
const element = document.getElementById("words");
const words = element ? JSON.parse(element.textContent) : {};
export function say(key, values = {}) {
  return (words[key] || key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
export function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}
export function offline() {
  announce(say("offline"));
  const box = document.createElement("div");
  box.className = "c-note tone-warn";
  box.setAttribute("role", "alert");
  box.textContent = say("offline");
  document.getElementById("problem")?.replaceChildren(box);
}
export function toast(text) {
  const box = document.createElement("div");
  box.className = "c-toast";
  box.setAttribute("x-data", "toast");
  box.textContent = text;
  document.getElementById("toasts")?.append(box);
}
export function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}
