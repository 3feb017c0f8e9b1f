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
export function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}
