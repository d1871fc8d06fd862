// One-letter shortcuts: an element with data-key="c" is pressed by C. "?" shows them all,
// "/" goes to the search field, j and k walk through the lines of a list.
const typing = (element) =>
  element.closest("input, textarea, select, [contenteditable], .editor, dialog[open]");

function walk(step) {
  const lines = [...document.querySelectorAll("[data-line] a[data-main], a[data-line]")];
  if (!lines.length) return false;
  const at = lines.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : lines.length - 1) : at + step;
  lines[Math.min(Math.max(next, 0), lines.length - 1)].focus();
  return true;
}

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && typing(event.target)) return;
    const key = event.key.toLowerCase();
    if (key === "?") {
      document.getElementById("shortcuts")?.showModal();
    } else if (key === "/") {
      document.querySelector("[data-search]")?.focus();
    } else if (key === "j" || key === "k") {
      if (!walk(key === "j" ? 1 : -1)) return;
    } else {
      const target = document.querySelector(`[data-key="${CSS.escape(key)}"]:not([disabled])`);
      if (!target) return;
      target.focus();
      target.click();
    }
    event.preventDefault();
  });
}
