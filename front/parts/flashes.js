// A message with an undo stays for its ten seconds; others stay until they are closed.
export function startFlashes() {
  for (const flash of document.querySelectorAll("[data-lasts]")) {
    setTimeout(() => flash.querySelector("form")?.remove(), Number(flash.dataset.lasts) * 1000);
  }
  document.addEventListener("click", (event) => {
    event.target.closest("[data-dismiss]")?.closest(".flash")?.remove();
  });
}
