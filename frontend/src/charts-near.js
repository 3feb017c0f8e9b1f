// The chart bundle is large: it is fetched when a chart card comes near the window, never before.
let bundle;
function draw(card) {
  bundle ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.charts;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  bundle.then(() => window.drawChart(card));
}
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) {
      near.unobserve(target);
      draw(target);
    }
  }
}, { rootMargin: "300px" });
function watch(root) {
  for (const card of root.querySelectorAll("[data-chart]:not([data-watched])")) {
    card.dataset.watched = "yes";
    near.observe(card);
  }
}
watch(document);
document.addEventListener("htmx:afterSettle", ({ target }) => watch(target));
document.addEventListener("themed", () => {
  for (const card of document.querySelectorAll("[data-chart][data-drawn]")) window.drawChart(card);
});
