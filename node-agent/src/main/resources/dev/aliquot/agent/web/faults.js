// The latest faults, what keeps them from being seen, and what was done to processes.

import { h } from './dom.js';
import { age, time } from './format.js';

const MOST_FAULTS = 12;
const MOST_EVENTS = 6;
const GRAVE = new Set(['reset', 'node', 'replace']);

export function faults(state) {
  const { health } = state.node;
  const latest = health.faults.slice(-MOST_FAULTS).reverse();
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'faults-title' },
    h('h2', { id: 'faults-title' }, 'Faults'),
    health.degraded.map(each => h('p', { class: 'banner warn' }, h('strong', {}, 'Faults may be missed: '), each)),
    cluster(health.kubernetes),
    latest.length === 0 ? h('p', { class: 'empty' }, 'No fault is remembered.') : h('ol', { class: 'faults' }, latest.map(each => fault(each, state))),
  );
}

function fault(each, { node, now }) {
  const device = node.devices.find(one => one.uuid === each.device);
  const code = /^\d+$/.test(each.code) ? `XID ${each.code}` : each.code;
  const blamed = each.tenantName && [each.tenantName, [each.namespace, each.pod, each.container].filter(Boolean).join(' / ')].filter(Boolean).join(', ');
  return h(
    'li',
    { key: each.id },
    h(
      'p',
      { class: 'fault-head' },
      h('span', { class: `badge ${GRAVE.has(each.faultClass) ? 'bad' : 'warn'}` }, code),
      each.drill && h('span', { class: 'badge plain' }, 'drill'),
      h('b', {}, device ? `GPU ${device.index}` : each.device || 'the node'),
      h('time', { class: 'note', datetime: each.last }, `${time(each.last, now)}, ${age(each.last, now)}`),
    ),
    h('p', {}, each.text),
    blamed && h('p', {}, h('span', { class: 'label' }, 'Blamed: '), blamed, each.process && ` (${each.process}${each.pid > 0 ? `, ${each.pid}` : ''})`),
    each.action && h('p', {}, h('span', { class: 'label' }, 'What to do: '), each.action),
    h(
      'details',
      {},
      h('summary', {}, 'More'),
      h(
        'p',
        { class: 'note' },
        [
          `class ${each.faultClass}`,
          `seen ${each.sightings === 1 ? 'once' : `${each.sightings} times`} by ${each.sources.join(', ')}`,
          each.place,
          each.message,
        ]
          .filter(Boolean)
          .join('; '),
      ),
    ),
  );
}

function cluster(view) {
  if (!view) {
    return null;
  }
  return [
    view.problem && h('p', { class: 'banner warn' }, h('strong', {}, 'The cluster does not know all yet: '), view.problem),
    view.breaker && h('p', { class: 'banner warn' }, h('strong', {}, 'The node may not be taken out: '), view.breaker),
    view.mode === 'dry-run' && view.wouldDo.map(each => h('p', { class: 'note' }, `Dry run, would be done: ${each}`)),
  ];
}

export function events({ node, now }) {
  const latest = node.events.slice(-MOST_EVENTS).reverse();
  return (
    latest.length > 0 &&
    h(
      'section',
      { class: 'card', 'aria-labelledby': 'events-title' },
      h('h2', { id: 'events-title' }, 'Done to processes'),
      h(
        'ol',
        { class: 'faults' },
        latest.map(each =>
          h(
            'li',
            { key: `${each.time} ${each.pid}` },
            h('p', { class: 'fault-head' }, h('span', { class: 'badge warn' }, each.what), h('time', { class: 'note', datetime: each.time }, `${time(each.time, now)}, ${age(each.time, now)}`)),
            h('p', {}, each.reason),
          ),
        ),
      ),
    )
  );
}
