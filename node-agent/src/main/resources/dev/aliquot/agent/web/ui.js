// What the user has opened or points at. It is nobody's state but this page's.

const opened = new Set();
const cursors = new Map();
let marked = '';
let change = () => {};

export function onChange(callback) {
  change = callback;
}

export function isOpen(id) {
  return opened.has(id);
}

export function toggle(id) {
  if (!opened.delete(id)) {
    opened.add(id);
  }
  change();
}

/** The tenant that is pointed at. */
export function isMarked(id) {
  return marked === id;
}

export function mark(id) {
  if (marked !== id) {
    marked = id;
    change();
  }
}

/** The point of a chart that is looked at; null: none. */
export function cursor(chart) {
  return cursors.get(chart) ?? null;
}

export function setCursor(chart, point) {
  if (cursor(chart) !== point) {
    cursors.set(chart, point);
    change();
  }
}
