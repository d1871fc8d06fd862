// Countdowns tick on the service's clock: the page says what time it was there when it was made.
const made = document.documentElement.dataset.now;
const offset = made ? Date.parse(made) - Date.now() : 0;

// As Format.countdown writes it (service/i18n/formats.py): the two largest units, never a colon.
const names = (document.documentElement.dataset.units ?? "d h min s").split(" ");
const units = [86_400, 3600, 60, 1].map((size, place) => ({ size, name: names[place] }));

function words(seconds) {
  const place = units.findIndex(({ size }) => seconds >= size);
  if (place < 0 || place === units.length - 1) return `${seconds}\u00a0${names[3]}`;
  const [large, small] = units.slice(place);
  const rest = String(Math.floor((seconds % large.size) / small.size)).padStart(2, "0");
  return [Math.floor(seconds / large.size), large.name, rest, small.name].join("\u00a0");
}

function tick() {
  const now = Date.now() + offset;
  for (const clock of document.querySelectorAll("time[data-countdown]")) {
    const left = Math.round((Date.parse(clock.dateTime) - now) / 1000);
    const phrase = left >= 0 ? clock.dataset.left : clock.dataset.over;
    const text = phrase.replace("{left}", words(Math.abs(left)));
    if (clock.textContent !== text) clock.textContent = text;
    clock.classList.toggle("is-over", left < 0);
    clock.classList.toggle("is-soon", left >= 0 && left <= 300);
  }
}

export function startClocks() {
  tick();
  setInterval(tick, 1000);
}
