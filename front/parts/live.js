// The page listens to the service's stream of changes; parts that carry
// hx-trigger="hw-changed from:body" fetch themselves anew. A lost stream is said, never hidden.
export function startLive(htmx) {
  const url = document.body.dataset.live;
  if (!url || !("EventSource" in window)) return;
  const stream = new EventSource(url);
  let waiting = 0;
  stream.addEventListener("changed", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => htmx.trigger(document.body, "hw-changed"), 300);
  });
  stream.addEventListener("open", () => document.body.classList.remove("is-offline"));
  stream.addEventListener("error", () => document.body.classList.add("is-offline"));
  addEventListener("pagehide", () => stream.close());
}
