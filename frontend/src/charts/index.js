// Draws a chart card from the figures of its endpoint. The page carries the same figures as a table; this is a picture of them.
import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, MarkLineComponent, TooltipComponent, VisualMapComponent, LegendComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { option } from "./option.js";

echarts.use([BarChart, LineChart, ScatterChart, HeatmapChart, AriaComponent, GridComponent, MarkLineComponent, TooltipComponent, VisualMapComponent, LegendComponent, SVGRenderer]);

async function draw(card) {
  card.dataset.drawn = "yes";
  const plot = card.querySelector(".plot");
  const inline = card.querySelector("script[type='application/json']");
  let data;
  if (inline) data = JSON.parse(inline.textContent);
  else {
    const answer = await fetch(card.dataset.chart, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) {
      plot.textContent = card.dataset.failed || "";
      return;
    }
    data = await answer.json();
  }
  if (!data.series?.length) {
    plot.textContent = data.note || card.dataset.empty || "";
    plot.classList.add("c-line");
    return;
  }
  echarts.getInstanceByDom(plot)?.dispose();
  const chart = echarts.init(plot, null, { renderer: "svg" });
  let drawn = 0;
  const paint = () => {
    drawn = plot.clientWidth;
    chart.setOption(option(data, getComputedStyle(document.documentElement), document.documentElement.lang, drawn), true);
  };
  paint();
  if (data.drill) {
    chart.on("click", "series", ({ dataIndex, seriesIndex }) => {
      // A heat map is one series to the library: its cells lie row after row.
      const across = data.x.values.length;
      const row = data.series[data.kind === "heat" ? Math.floor(dataIndex / across) : seriesIndex];
      const column = (data.x.keys || data.x.values)[data.kind === "heat" ? dataIndex % across : dataIndex];
      const url = new URL(data.drill.replaceAll("{x}", encodeURIComponent(column)).replaceAll("{s}", encodeURIComponent(row.key)), location.origin);
      if (url.origin === location.origin) location.assign(url);
    });
  }
  // Drawn anew at another width: the library moves bars on a resize, but leaves the ends of intervals where they were.
  new ResizeObserver(() => {
    chart.resize();
    if (plot.clientWidth !== drawn) paint();
  }).observe(plot);
}
window.drawChart = draw;
