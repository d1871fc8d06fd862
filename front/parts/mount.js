// What a page or a swapped part needs is loaded when it is there.
export function mount(root) {
  const charts = [...root.querySelectorAll("[data-chart]:not([data-mounted])")];
  if (charts.length) {
    import("../chart.js").then(({ draw }) => charts.forEach(draw));
  }
  const sources = [...root.querySelectorAll("textarea[data-editor]:not([data-mounted])")];
  if (sources.length) {
    import("../editor.js").then(({ edit }) => sources.forEach(edit));
  }
  const picks = root.querySelectorAll("[data-pick-all]:not([data-mounted])");
  for (const pick of picks) {
    pick.dataset.mounted = "";
    pick.addEventListener("change", () => {
      const boxes = pick.closest("form, table")?.querySelectorAll("input[type=checkbox][name]");
      boxes?.forEach((box) => {
        box.checked = pick.checked;
      });
    });
  }
  for (const select of root.querySelectorAll("select[data-submits]:not([data-mounted])")) {
    select.dataset.mounted = "";
    select.addEventListener("change", () => select.form.requestSubmit());
  }
}
