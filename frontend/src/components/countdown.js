import htmx from "htmx.org";
// Counts `data-seconds` down; at zero asks the element to fetch what stands there afterwards (`hx-trigger="expired"`).
export default () => ({
  left: "",
  timer: 0,
  init() {
    const end = Date.now() + Number(this.$el.dataset.seconds) * 1000;
    const step = () => {
      const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
      this.left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds === 0) {
        clearInterval(this.timer);
        htmx.trigger(this.$el, "expired");
        for (const name of this.$el.querySelectorAll("[data-opens-at-zero]")) name.disabled = false;
      }
    };
    step();
    this.timer = setInterval(step, 1000);
  },
  destroy() {
    clearInterval(this.timer);
  },
});
