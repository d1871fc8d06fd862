// Charts. Data and words stand in the element's data-chart attribute. The SVG renderer prints well, and richText tooltips need no inline style.
import { init, use } from "echarts/core";
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, BrushComponent, GridComponent, MarkLineComponent, TooltipComponent }
  from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, AriaComponent, BrushComponent, GridComponent, MarkLineComponent,
  TooltipComponent, SVGRenderer]);

const token = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--hw-${name}`).trim();

function frame(data) {
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
    xAxis: { type: "category", data: data.labels, axisLine: line, ...axis(data, text, line) },
    yAxis: { type: "value", axisLabel: text, splitLine: line, splitNumber: 3,
      minInterval: data.kind === "histogram" ? 1 : 0 },
  };
}

/** Every label, or where the page names marks: those alone, each with its tick. */
function axis(data, text, line) {
  if (!data.marks) return { axisLabel: text, axisTick: { show: false } };
  const marked = (place) => place in data.marks;
  return {
    axisLabel: { ...text, interval: marked, formatter: (_, place) => data.marks[place],
      hideOverlap: true },
    axisTick: { show: true, interval: marked, alignWithLabel: false, lineStyle: line.lineStyle },
  };
}

function options(data) {
  const base = frame(data);
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
  base.series = data.series.map((series) => ({
    type: "line", name: series.name, data: series.values, step: "end", showSymbol: false,
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
  chart.setOption(options(data));
  if (data.from) brushes(chart, data);
  new ResizeObserver(() => chart.resize()).observe(element);
  new MutationObserver(() => chart.setOption(options(data))).observe(document.documentElement,
    { attributes: true, attributeFilter: ["data-bs-theme"] });
}
