// Where somebody is on the page: what has the focus, which details are open, how far tables are
// scrolled. Taken before a part is fetched anew, put back after.
const within = "#live";
const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";

const sign = (element) =>
  [
    element.tagName, element.id, element.getAttribute("href"), element.getAttribute("name"),
    element.dataset.dialog, element.form?.getAttribute("action"),
    element.tagName === "SUMMARY" && !element.id ? element.textContent.trim() : "",
  ].join("|");

const all = (selector) => [...(document.querySelector(within)?.querySelectorAll(selector) ?? [])];

// Two folds may say the same: each is known by its words and by which of those it is.
function folds() {
  const seen = new Map();
  return all("details > summary").map((summary) => {
    const at = seen.get(sign(summary)) ?? 0;
    seen.set(sign(summary), at + 1);
    return { key: `${sign(summary)}#${at}`, fold: summary.parentElement };
  });
}

export function hold() {
  const focused = document.activeElement;
  const same = focused?.closest(within) ? all(FOCUSABLE).filter((one) => sign(one) === sign(focused)) : [];
  return {
    focus: same.length ? { sign: sign(focused), at: same.indexOf(focused) } : null,
    details: new Map(folds().map(({ key, fold }) => [key, fold.open])),
    scrolled: all(".scroll-x").map((one) => one.scrollLeft),
  };
}

export function put({ focus, details, scrolled }) {
  for (const { key, fold } of folds()) {
    if (details.has(key)) fold.open = details.get(key);
  }
  all(".scroll-x").forEach((one, at) => {
    one.scrollLeft = scrolled[at] ?? 0;
  });
  if (!focus || document.activeElement !== document.body) return;
  const same = all(FOCUSABLE).filter((one) => sign(one) === focus.sign);
  const found = same[Math.min(focus.at, same.length - 1)] ?? document.getElementById("main");
  found.focus({ preventScroll: true });
}
