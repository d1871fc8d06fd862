// The page listens to the service's stream of changes; parts that carry
// hx-trigger="hw-changed from:body" fetch themselves anew. A lost stream is said, never hidden.
export function startLive(htmx) {
  const url = document.body.dataset.live;
  if (!url || !("EventSource" in window)) return;
  const stream = new EventSource(url);
  let waiting = 0;
  // Nothing moves under the hands of somebody who types or decides.
  const busy = () =>
    document.querySelector("dialog[open]") ||
    document.activeElement?.closest("main input, main textarea, main select, .editor");
  const refresh = (delay) => {
    clearTimeout(waiting);
    waiting = setTimeout(
      () => (busy() ? refresh(2000) : htmx.trigger(document.body, "hw-changed")), delay);
  };
  stream.addEventListener("changed", () => refresh(300));
  stream.addEventListener("open", () => document.body.classList.remove("is-offline"));
  stream.addEventListener("error", () => document.body.classList.add("is-offline"));
  addEventListener("pagehide", () => stream.close());
}
