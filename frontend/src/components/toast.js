export default () => ({
  timer: 0,
  init() { this.resume(); },
  resume() { this.timer = setTimeout(() => this.$root.remove(), 8000); },
  pause() { clearTimeout(this.timer); },
  close() { clearTimeout(this.timer); this.$root.remove(); },
});
