import { remember } from "../words.js";
// The buttons also post, so that the choice works without scripts; with them the page does not load again.
export default () => ({
  choose(event) {
    event.preventDefault();
    const wish = this.$el.value;
    document.documentElement.dataset.theme = wish;
    window.applyTheme();
    remember("theme", wish);
    for (const button of this.$root.querySelectorAll("button[name=theme]")) {
      button.setAttribute("aria-current", String(button === this.$el));
    }
    this.$el.closest("details")?.removeAttribute("open");
    document.dispatchEvent(new CustomEvent("themed"));
  },
});
