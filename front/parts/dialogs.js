// A button with data-dialog="id" opens that <dialog>; data-close closes the one it stands in.
// Without script the same forms stand open on the page (see parts.css, .no-script).
export function startDialogs() {
  document.documentElement.classList.add("has-script");
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog) {
        event.preventDefault();
        dialog.showModal();
      }
      return;
    }
    const closer = event.target.closest("[data-close]");
    if (closer?.closest("dialog")) {
      event.preventDefault();
      closer.closest("dialog").close();
      return;
    }
    if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
  });
  // A form that was refused comes back open; only showModal gives it its backdrop and the focus.
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    dialog.removeAttribute("open");
    dialog.showModal();
    dialog.querySelector("[aria-invalid=true]")?.focus();
  }
  // A second press of an acting button would be refused by the version check anyway.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    const pressed = event.submitter;
    if (pressed) setTimeout(() => pressed.setAttribute("disabled", ""), 0);
  });
}
