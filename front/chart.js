// Charts. Data and words stand in the element's data-chart attribute. The SVG renderer prints well, and richText tooltips need no inline style.
import { init, use } from "echarts/core";
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, BrushComponent, GridComponent, LegendComponent, MarkLineComponent,
  TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, AriaComponent, BrushComponent, GridComponent, LegendComponent,
  MarkLineComponent, TooltipComponent, SVGRenderer]);

const token = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--hw-${name}`).trim();

function frame(data, width) {
  const text = { color: token("muted"), fontSize: 11, fontFamily: "inherit" };
  const line = { lineStyle: { color: token("line") } };
  return {
    animation: false,
    aria: { enabled: false },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 8, top: 16, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      backgroundColor: token("surface"),
      borderColor: token("line"),
      textStyle: { color: token("ink"), fontSize: 12 },
    },
    useUTC: true,
    xAxis: data.times ? clock(data, text, line)
      : { type: "category", data: data.labels, axisLine: line, ...axis(data, text, line, width) },
    yAxis: { type: "value", axisLabel: text, splitLine: line, splitNumber: 3,
      minInterval: data.kind === "histogram" ? 1 : 0 },
  };
}

/** An axis of time, on which a step is as wide as it lasted; words only where there is room. */
function clock(data, text, line) {
  const last = data.times.length - 1;
  const days = data.times[last] - data.times[0] >= 86400000;
  return { type: "time", min: data.times[0], max: data.times[last], axisLine: line,
    axisLabel: { ...text, hideOverlap: true, formatter: days ? "{MM}-{dd} {HH}:{mm}" : "{HH}:{mm}:{ss}" } };
}

/** Every label, or where the page names marks: those that have room, each with its tick. */
function axis(data, text, line, width) {
  if (!data.marks) return { axisLabel: text, axisTick: { show: false } };
  const told = roomy(data, width);
  const marked = (place) => told.has(place);
  return {
    axisLabel: { ...text, interval: marked, formatter: (_, place) => data.marks[place],
      alignMinLabel: "left" },
    axisTick: { show: true, interval: marked, alignWithLabel: false, lineStyle: line.lineStyle },
  };
}

/** The marks that can be written side by side; the first one always, as it says when it begins. */
function roomy(data, width) {
  const bar = width / data.labels.length;
  const told = new Set();
  let free = 0;
  for (const place of Object.keys(data.marks).map(Number)) {
    const half = data.marks[place].length * 3.5 + 4;
    const middle = (place + 0.5) * bar;
    if (told.size && middle - half < free) continue;
    told.add(place);
    free = middle + (told.size === 1 ? 2 * half : half);
  }
  return told;
}

function options(data, width) {
  const base = frame(data, width);
  if (data.kind === "histogram") {
    base.series = data.series.map((series) => ({
      type: "bar", name: series.name, stack: "all", data: series.values, barCategoryGap: "20%",
      itemStyle: { color: token(`kind-${series.code}`) || token("accent") },
    }));
    if (data.from) {
      base.brush = { xAxisIndex: 0, brushType: "lineX", brushMode: "single",
        brushStyle: { color: token("brush"), borderColor: token("accent") } };
    }
    return base;
  }
  if (data.kind === "shares") return { ...base, ...shares(data, base) };
  base.series = data.series.map((series) => ({
    type: "line", name: series.name, step: "end", showSymbol: false,
    data: data.times ? series.values.map((value, place) => [data.times[place], value]) : series.values,
    lineStyle: { width: 2, color: token(series.code) || token("accent") },
    itemStyle: { color: token(series.code) || token("accent") },
    markLine: data.limit == null ? undefined : {
      silent: true, symbol: "none", label: { show: false },
      lineStyle: { type: "dashed", color: token("muted") },
      data: [{ yAxis: data.limit }, { yAxis: -data.limit }],
    },
  }));
  return base;
}

const SHAPES = ["circle", "rect", "triangle"];

/** Shares of a whole, from 0 to 100 %; each series has a shape of its own, not only a colour. */
function shares(data, base) {
  return {
    legend: { top: 0, left: 8, selectedMode: false, itemWidth: 18, itemHeight: 8,
      textStyle: { color: token("ink"), fontSize: 12 } },
    grid: { ...base.grid, top: 36 },
    yAxis: { ...base.yAxis, min: 0, max: 100, interval: 25,
      axisLabel: { ...base.yAxis.axisLabel, formatter: "{value} %" } },
    series: data.series.map((series, place) => ({
      type: "line", name: series.name, data: series.values, showSymbol: true,
      symbol: SHAPES[place % SHAPES.length], symbolSize: 14 - 4 * place, z: 2 + place,
      lineStyle: { width: 2, color: token(series.code) || token("accent") },
      itemStyle: { color: token(series.code) || token("accent") },
    })),
  };
}

/** A drag over the histogram narrows the search to that span of time. */
function brushes(chart, data) {
  chart.dispatchAction({ type: "takeGlobalCursor", key: "brush",
    brushOption: { brushType: "lineX", brushMode: "single" } });
  chart.on("brushEnd", ({ areas }) => {
    if (!areas.length) return;
    const [first, last] = areas[0].coordRange;
    const url = new URL(location.href);
    url.searchParams.set("from", data.from[Math.max(first, 0)]);
    url.searchParams.set("to", data.to[Math.min(last, data.to.length - 1)]);
    url.searchParams.delete("cursor");
    location.assign(url);
  });
}

export function draw(element) {
  const data = JSON.parse(element.dataset.chart);
  const chart = init(element, null, { renderer: "svg" });
  const show = () => chart.setOption(options(data, element.clientWidth));
  show();
  if (data.from) brushes(chart, data);
  new ResizeObserver(() => {
    chart.resize();
    show();
  }).observe(element);
  new MutationObserver(show).observe(document.documentElement,
    { attributes: true, attributeFilter: ["data-bs-theme"] });
}
