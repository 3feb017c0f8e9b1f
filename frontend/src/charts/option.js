// From the product's chart form (v 1) to ECharts' options. Tooltips are rich text: the default one writes inline styles.
const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3], [2, 4], [12, 4]];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "roundRect", "pin"];

export function option(data, style, lang, width = 0) {
  const colour = (name) => resolve(style, name);
  const text = colour("--text");
  const muted = colour("--muted");
  const line = colour("--line");
  const figure = formatter(data.y?.unit, lang);
  const kind = { stack: "bar", hist: "bar", waterfall: "bar" }[data.kind] || data.kind;
  const visible = data.series.slice(0, 6);
  const stacked = data.kind === "stack" || data.kind === "waterfall"; // a waterfall's bars stand on what is not painted: role "base"
  const named = visible.filter((series) => series.role !== "base" && series.role !== "end");
  const base = {
    animation: false,
    textStyle: { fontFamily: "system-ui, 'Noto Sans SC', 'Noto Sans CJK SC', sans-serif", color: text },
    grid: { left: 8, right: 16, top: named.length > 1 ? 34 : 14, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: named.length > 1 ? { data: named.map((series) => series.name), type: "scroll", top: 0, left: 0, right: 0, pageIconColor: text, pageTextStyle: { color: muted }, icon: "roundRect", itemWidth: 14, itemHeight: 8, textStyle: { color: text, fontSize: 12 } } : undefined,
    tooltip: {
      renderMode: "richText", trigger: kind === "scatter" || kind === "heat" ? "item" : "axis",
      backgroundColor: colour("--surface"), borderColor: line, textStyle: { color: text, fontSize: 12 }, valueFormatter: figure,
    },
    aria: { enabled: true, decal: { show: kind === "bar" && visible.filter((series) => series.role !== "end").length > 1 } },
    xAxis: { type: "category", data: data.x?.values, axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: muted, hideOverlap: true, ...fitted(data, kind, width) } },
    yAxis: { type: "value", minInterval: data.y?.unit === "count" ? 1 : 0, axisLabel: { color: muted, formatter: figure }, splitLine: { lineStyle: { color: line } } },
  };
  if (kind === "heat") {
    const cells = data.series.flatMap((row, y) => row.values.map((value, x) => [x, y, value]));
    return {
      ...base, yAxis: { type: "category", data: data.y.values, axisLabel: { color: muted } },
      visualMap: { min: Math.min(...cells.map((c) => c[2] ?? 0)), max: Math.max(...cells.map((c) => c[2] ?? 0)), show: false, inRange: { color: [colour("--surface-2"), colour("--series-1")] } },
      series: [{ type: "heatmap", data: cells }],
    };
  }
  const ends = visible.filter((series) => series.role === "end");
  base.series = visible.map((series, i) => {
    // The ends of an interval: two caps and the stem between them, over the bar of the value.
    if (series.role === "end") return {
      id: series.key, name: series.name, type: "line", data: series.values, color: text, symbol: "rect", symbolSize: [18, 2], lineStyle: { opacity: 0 }, silent: true, z: 5,
      markLine: series === ends.at(-1) && ends.length === 2 ? {
        symbol: "none", silent: true, lineStyle: { color: text, width: 2, type: "solid" }, label: { show: false },
        data: series.values.map((high, x) => [{ coord: [x, ends[0].values[x]] }, { coord: [x, high] }]),
      } : undefined,
    };
    const paint = series.role === "compare" ? muted : colour(`--series-${i + 1}`);
    return {
      id: series.key, name: series.name, type: kind, data: series.values, color: paint, stack: stacked ? "all" : undefined, silent: series.role === "base",
      symbol: SYMBOLS[i], symbolSize: 6, showSymbol: (series.values?.length || 0) < 40, barMaxWidth: 36,
      lineStyle: { width: 2, type: series.role === "compare" ? "dashed" : DASHES[i] },
      itemStyle: series.role === "base" ? { color: "transparent", decal: { symbol: "none" } } : series.role === "holdout" ? { color: "transparent", borderColor: paint } : kind === "bar" ? { borderRadius: [3, 3, 0, 0], opacity: ends.length ? 0.6 : 1 } : undefined, // the stem of an interval shows on its bar
      markLine: i === 0 && data.marks?.length ? {
        symbol: "none", silent: true,
        data: data.marks.map((mark) => ({ [mark.axis === "x" ? "xAxis" : "yAxis"]: mark.value, label: { formatter: mark.label, color: muted, position: "insideEndTop" }, lineStyle: { color: colour(`--tone-${mark.tone || "neutral"}`) } })),
      } : undefined,
    };
  });
  return base;
}

// Long names of few bars break within their own share of the width instead of running out of the picture.
function fitted(data, kind, width) {
  const names = data.x?.values || [];
  if (kind !== "bar" || !width || !names.length || names.length > 8 || !names.some((name) => String(name).length > 8)) return {};
  return { width: Math.max(60, Math.floor((width - 64) / names.length) - 8), overflow: "break", interval: 0 };
}

// Custom properties hold light-dark(): only a painted element knows which half applies.
function resolve(style, name) {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  probe.style.color = `var(${name})`;
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function formatter(unit, lang) {
  const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 });
  const compact = new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 2 });
  return (value) => {
    if (value == null) return "–";
    if (unit === "percent") return `${number.format(value * 100)}%`;
    if (unit === "money") return compact.format(value);
    return number.format(value);
  };
}
