// The page listens to the service's stream of changes; parts that carry
// hx-trigger="hw-changed from:body" fetch themselves anew. A lost stream is said, never hidden.
import { hold, put } from "./places.js";

// A box that is ticked, a text that is begun: it would be lost with the part that is fetched anew.
function changed(field) {
  if (field instanceof HTMLSelectElement) {
    const given = [...field.options].findIndex((one) => one.defaultSelected);
    return field.selectedIndex !== Math.max(given, 0);
  }
  if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  return field.type !== "hidden" && field.value !== field.defaultValue;
}

export function startLive(htmx) {
  const url = document.body.dataset.live;
  if (!url || !("EventSource" in window)) return;
  const stream = new EventSource(url);
  let waiting = 0;
  // Nothing moves under the hands of somebody who types or decides.
  const busy = () =>
    document.querySelector("dialog[open]") ||
    document.activeElement?.closest("#live input, #live textarea, #live select, .editor") ||
    [...document.querySelectorAll("#live input, #live textarea, #live select")].some(changed);
  const refresh = (delay) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const held = Boolean(busy());
      document.body.classList.toggle("has-changed", held);
      if (held) refresh(2000);
      else htmx.trigger(document.body, "hw-changed");
    }, delay);
  };
  let places;
  document.body.addEventListener("htmx:beforeSwap", () => {
    places = hold();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (places) put(places);
    places = undefined;
  });
  stream.addEventListener("changed", () => refresh(300));
  stream.addEventListener("open", () => document.body.classList.remove("is-offline"));
  stream.addEventListener("error", () => document.body.classList.add("is-offline"));
  addEventListener("pagehide", () => stream.close());
}
