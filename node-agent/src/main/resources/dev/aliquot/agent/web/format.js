// Figures in words, the same as those of `aliquot status`.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const SHORT_CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hour12: false });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export function bytes(count) {
  let unit = 0;
  let rest = count;
  for (; unit < UNITS.length - 1 && Math.abs(rest) >= 1024; unit++) {
    rest /= 1024;
  }
  return `${rest.toFixed(unit === 0 || Math.abs(rest) >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

export function percent(part, whole) {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : '–';
}

/** A time of day; with its date where that is not today. */
export function time(instant, now) {
  const when = new Date(instant);
  return new Date(now).toDateString() === when.toDateString() ? CLOCK.format(when) : `${DAY.format(when)}, ${CLOCK.format(when)}`;
}

export function shortTime(millis) {
  return SHORT_CLOCK.format(new Date(millis));
}

export function duration(seconds) {
  if (seconds < 1) {
    return `${Math.round(seconds * 1000)} ms`;
  }
  if (seconds < 100) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  if (seconds < 7200) {
    return `${Math.round(seconds / 60)} min`;
  }
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

export function age(instant, now) {
  const seconds = Math.max(0, (now - Date.parse(instant)) / 1000);
  return seconds < 5 ? 'now' : `${duration(Math.floor(seconds))} ago`;
}

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
