// Host memory for lent and swapped data.

import { h } from './dom.js';
import { bytes } from './format.js';

export function pool({ hostPool: view }) {
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'pool-title' },
    h('h2', { id: 'pool-title' }, 'Host pool'),
    view.sizeBytes === 0 ? h('p', { class: 'empty' }, 'There is none: nothing is lent against host memory.') : content(view),
    view.reason && h('p', { class: 'banner warn' }, view.reason),
  );
}

function content(view) {
  const parts = [
    ['taken', 'in tenants’ hands', view.takenBytes],
    ['idle', 'kept for them', view.idleBytes],
    ['prepared', 'made ahead', view.preparedBytes],
  ];
  const free = Math.max(0, view.sizeBytes - parts.reduce((sum, [, , size]) => sum + size, 0));
  const sentence = parts.map(([, name, size]) => `${bytes(size)} ${name}`).join(', ');
  return [
    h('p', { class: 'bar-head' }, h('b', {}, bytes(view.madeBytes)), ` of ${bytes(view.sizeBytes)} made`),
    h(
      'div',
      { class: 'bars', role: 'img', 'aria-label': `Host pool of ${bytes(view.sizeBytes)}: ${sentence}, ${bytes(free)} free` },
      h(
        'div',
        { class: 'bar pool-bar flow' },
        parts.map(([kind, , size]) => size > 0 && h('span', { key: kind, class: `part pool-${kind}`, style: { width: `${(100 * size) / view.sizeBytes}%` } })),
      ),
    ),
    h(
      'ul',
      { class: 'legend' },
      parts.map(([kind, name, size]) => h('li', { key: kind }, h('span', { class: `swatch part pool-${kind}`, 'aria-hidden': 'true' }), `${name} ${bytes(size)}`)),
      h('li', {}, `free ${bytes(free)}`),
    ),
    view.refusals > 0 && h('p', { class: 'note attention' }, `${view.refusals} wishes for host memory were refused`),
  ];
}
