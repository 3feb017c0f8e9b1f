import { remember } from "../words.js";
export default () => ({
  toggle() {
    const folded = document.documentElement.classList.toggle("folded");
    this.$el.setAttribute("aria-expanded", String(!folded));
    remember("side", folded ? "folded" : "open");
  },
});
