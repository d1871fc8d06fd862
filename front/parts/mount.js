// What a page or a swapped part needs is loaded when it is there.
export function mount(root) {
  const charts = take(root, "[data-chart]");
  if (charts.length) {
    import("../chart.js").then(({ draw }) => charts.forEach(draw));
  }
  const sources = take(root, "textarea[data-editor]");
  if (sources.length) {
    import("../editor.js").then(({ edit }) => sources.forEach(edit));
  }
  for (const pick of take(root, "[data-pick-all]")) {
    pick.addEventListener("change", () => {
      const boxes = pick.closest("form, table")?.querySelectorAll("input[type=checkbox][name]");
      boxes?.forEach((box) => {
        box.checked = pick.checked;
      });
    });
  }
  for (const select of take(root, "select[data-submits]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
}

/** Elements that nobody has mounted yet, marked at once: a chunk may arrive after a second call. */
function take(root, selector) {
  const found = [...root.querySelectorAll(`${selector}:not([data-mounted])`)];
  for (const element of found) element.dataset.mounted = "";
  return found;
}
