// What was typed into a form comes back when its act was refused or the session had ended: the page
// shows it once more, nothing is sent by itself. It is kept in the tab alone, for one hour and for
// the same person, and never holds a password or a file.
const KEY = "hw-draft";
const HOUR = 3600 * 1000;

const typed = (form) =>
  [...form.elements].filter((field) => field.name && !["hidden", "password", "submit", "file"].includes(field.type));

function keep(form) {
  const values = typed(form).map((field) =>
    ["checkbox", "radio"].includes(field.type)
      ? [field.name, field.value, field.checked]
      : [field.name, field.value]);
  if (!values.length) return;
  const { person } = document.body.dataset;
  const draft = { at: Date.now(), person, page: location.pathname, action: form.getAttribute("action"), values };
  sessionStorage.setItem(KEY, JSON.stringify(draft));
}

function restore(draft) {
  const form = [...document.forms].find((one) => one.getAttribute("action") === draft.action);
  if (!form) return;
  for (const [name, value, checked] of draft.values) {
    for (const field of typed(form).filter((one) => one.name === name)) {
      if (checked === undefined) field.value = value;
      else if (field.value === value) field.checked = checked;
    }
  }
  const dialog = form.closest("dialog");
  if (dialog) dialog.showModal();
}

export function startDrafts() {
  document.addEventListener("submit", (event) => {
    const { target } = event;
    if (event.defaultPrevented || target.method !== "post") return;
    if (target.getAttribute("action") === "/logout") sessionStorage.removeItem(KEY);
    else if (document.body.dataset.person && target.closest("main")) keep(target);
  });
  const draft = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!draft) return;
  // The sign-in page stands between: what was typed waits until somebody has signed in.
  if (!document.body.dataset.person) {
    sessionStorage.setItem(KEY, JSON.stringify({ ...draft, waits: true }));
    return;
  }
  sessionStorage.removeItem(KEY);
  const fits = draft.person === document.body.dataset.person && draft.page === location.pathname;
  const wanted = draft.waits || document.querySelector(".flash-bad");
  if (fits && wanted && Date.now() - draft.at < HOUR) restore(draft);
}
