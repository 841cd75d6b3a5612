// The last hour of one figure of one device. Time of which nothing is known is a gap.

import { h } from './dom.js';
import { duration, shortTime } from './format.js';
import { cursor, setCursor } from './ui.js';

const HEIGHT = 100;

/** What a chart shows at the least, and then more and more, up to all that is kept: an agent that began lately has no hour yet. */
const SPANS = [60, 180, 360];

/**
 * @param values the oldest first, -1 for nothing known
 * @param most what the top of the chart is
 * @param words a value in words
 */
export function chart({ id, name, of, values, past, most, words }) {
  const points = SPANS.find(span => span >= values.length) ?? past.mostPoints;
  const lead = points - values.length;
  const at = Math.min(cursor(id) ?? -1, points - 1);
  const known = values.filter(value => value >= 0);
  const shown = at < 0 ? (values.at(-1) ?? -1) : (values[at - lead] ?? -1);
  const when = at < 0 ? 'now' : shortTime(past.end - (points - 1 - at) * past.stepSeconds * 1000);
  const text = shown < 0 ? 'nothing known' : words(shown);
  const y = value => HEIGHT - (HEIGHT * Math.min(value, most)) / Math.max(1, most);
  const runs = runsOf(values);
  const summary =
    known.length === 0 ? 'nothing known' : `mean ${words(known.reduce((a, b) => a + b, 0) / known.length)}, most ${words(Math.max(...known))}`;
  return h(
    'div',
    { class: 'chart', key: id },
    h('p', { class: 'chart-head' }, h('span', { class: 'chart-name' }, name), h('b', {}, text), h('span', { class: 'note' }, when)),
    h(
      'div',
      {
        class: 'plot',
        tabindex: 0,
        role: 'slider',
        'aria-label': `${name} of ${of} in the last ${duration(points * past.stepSeconds)}; ${summary}`,
        'aria-valuemin': 0,
        'aria-valuemax': points - 1,
        'aria-valuenow': at < 0 ? points - 1 : at,
        'aria-valuetext': `${when}: ${text}`,
        'aria-readonly': 'true',
        onkeydown: event => move(event, id, at < 0 ? points - 1 : at, points),
        onpointermove: event => point(event, id, points),
        onpointerdown: event => point(event, id, points),
        onpointerleave: () => setCursor(id, null),
        onblur: () => setCursor(id, null),
      },
      h(
        'svg',
        { viewBox: `0 0 ${points} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' },
        gaps(runs, lead, points).map(([from, to]) => h('rect', { key: `g${from}`, class: 'gap', x: from, y: 0, width: to - from, height: HEIGHT })),
        h('path', { key: 'grid', class: 'grid', d: `M0 ${HEIGHT / 2}H${points}` }),
        runs.map(([from, to]) => {
          const line = outline(values, from, to, lead, y);
          return h(
            'g',
            { key: `r${from}` },
            h('path', { class: 'area', d: `M${lead + from} ${HEIGHT}V${y(values[from])}${line}V${HEIGHT}Z` }),
            h('path', { class: 'line', d: `M${lead + from} ${y(values[from])}${line}` }),
          );
        }),
        at >= 0 && h('path', { key: 'cursor', class: 'cursor', d: `M${at + 0.5} 0V${HEIGHT}` }),
      ),
    ),
    h('p', { class: 'chart-foot', 'aria-hidden': 'true' }, h('span', {}, `${duration(points * past.stepSeconds)} ago`), h('span', {}, 'now')),
  );
}

/** One step for each point: it stands for the whole of its time. */
function outline(values, from, to, lead, y) {
  let path = '';
  for (let i = from; i < to; i++) {
    const level = Math.round(y(values[i]) * 10) / 10;
    path += `${i > from ? `V${level}` : ''}H${lead + i + 1}`;
  }
  return path;
}

function runsOf(values) {
  const runs = [];
  let from = -1;
  for (let i = 0; i <= values.length; i++) {
    const known = i < values.length && values[i] >= 0;
    if (known && from < 0) {
      from = i;
    } else if (!known && from >= 0) {
      runs.push([from, i]);
      from = -1;
    }
  }
  return runs;
}

function gaps(runs, lead, points) {
  const edges = [0, ...runs.flatMap(([from, to]) => [from + lead, to + lead]), points];
  const between = [];
  for (let i = 0; i < edges.length; i += 2) {
    if (edges[i + 1] > edges[i]) {
      between.push([edges[i], edges[i + 1]]);
    }
  }
  return between;
}

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -60, PageUp: 60, Home: -Infinity, End: Infinity };

function move(event, id, at, points) {
  const step = STEPS[event.key];
  if (step !== undefined) {
    event.preventDefault();
    setCursor(id, Math.min(points - 1, Math.max(0, at + step)));
  } else if (event.key === 'Escape') {
    setCursor(id, null);
  }
}

function point(event, id, points) {
  const box = event.currentTarget.getBoundingClientRect();
  const at = Math.floor((points * (event.clientX - box.left)) / box.width);
  setCursor(id, Math.min(points - 1, Math.max(0, at)));
}
