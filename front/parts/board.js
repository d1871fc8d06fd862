// The board of orders. A card's acts open as a dialog, the same acts as on the order's page. Dragging
// a card to a column opens those of them that lead there: nothing is done by a drag alone.
// Without script the link to the acts is a page of its own.
export function startBoard() {
  const root = document.documentElement;
  let dragged = null;

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-board] a[data-acts]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link.href);
  });
  // A mouse can drag; what is only touched or typed has the menu.
  document.addEventListener("pointerdown", (event) => {
    const card = event.target.closest("[data-board] [data-acts-url]");
    if (card) card.draggable = event.pointerType === "mouse" && !event.target.closest("a, button");
  });
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-board] [data-acts-url]") ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.querySelector("[data-main]").textContent);
    root.classList.add("is-dragging");
  });
  document.addEventListener("dragover", (event) => {
    const column = target(event);
    mark(column);
    if (column) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const column = target(event);
    if (!column) return;
    event.preventDefault();
    const url = new URL(dragged.dataset.actsUrl, location.href);
    url.searchParams.set("to", column.dataset.column);
    open(url.href);
  });
  document.addEventListener("dragend", () => {
    dragged = null;
    mark(null);
    root.classList.remove("is-dragging");
  });

  const target = (event) => {
    const column = dragged && event.target.closest?.("[data-board] [data-column]");
    return column && !column.contains(dragged) ? column : null;
  };
  const mark = (column) => {
    for (const one of document.querySelectorAll("[data-board] [data-column]")) {
      one.classList.toggle("is-target", one === column);
    }
  };
}

// A session that ended, a lost line: the same address says so itself.
async function open(url) {
  let answer;
  try {
    answer = await fetch(url, { headers: { Accept: "text/html" } });
  } catch {
    location.assign(url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const acts = answer.ok && page.getElementById("order-acts");
  if (!acts) {
    location.assign(url);
    return;
  }
  document.getElementById("card-acts")?.remove();
  const dialog = document.createElement("dialog");
  dialog.id = "card-acts";
  dialog.className = "ask";
  dialog.setAttribute("aria-labelledby", "order-acts-title");
  acts.removeAttribute("aria-labelledby");
  dialog.append(document.importNode(acts, true));
  dialog.addEventListener("close", () => dialog.remove());
  document.getElementById("main").append(dialog);
  dialog.showModal();
}
