// Countdowns tick on the service's clock: the page says what time it was there when it was made.
const made = document.documentElement.dataset.now;
const offset = made ? Date.parse(made) - Date.now() : 0;

const two = (number) => String(number).padStart(2, "0");

function words(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${two(minutes)}:${two(seconds % 60)}`;
}

function tick() {
  const now = Date.now() + offset;
  for (const clock of document.querySelectorAll("time[data-countdown]")) {
    const left = Math.round((Date.parse(clock.dateTime) - now) / 1000);
    const text = left >= 0 ? words(left) : `${clock.dataset.over} ${words(-left)}`;
    if (clock.textContent !== text) clock.textContent = text;
    clock.classList.toggle("is-over", left < 0);
    clock.classList.toggle("is-soon", left >= 0 && left <= 300);
  }
}

export function startClocks() {
  tick();
  setInterval(tick, 1000);
}
