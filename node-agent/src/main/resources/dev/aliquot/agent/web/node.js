// The node: who it is, its kubelet, its figures, its devices, its faults, its host memory.

import { device, lostDevices } from './device.js';
import { h } from './dom.js';
import { events, faults } from './faults.js';
import { bytes, duration, percent, plural, time } from './format.js';
import { kubelet } from './kubelet.js';
import { pool } from './pool.js';
import { OUT } from './tenant.js';

export function head(state) {
  const { node, live } = state;
  return [
    h('p', { class: 'name' }, h('img', { src: 'icon.svg', alt: '', width: 28, height: 28 }), h('span', {}, 'Aliquot')),
    h('h1', {}, node ? node.node : 'a node'),
    h(
      'ul',
      { class: 'chips', 'aria-label': 'Versions' },
      node?.simulated && h('li', { class: 'chip attention' }, 'simulated'),
      node && h('li', { class: 'chip' }, `driver ${node.driverVersion}`),
      node && h('li', { class: 'chip' }, `CUDA ${node.cudaVersion}`),
      node && h('li', { class: 'chip' }, `Aliquot ${node.version}`),
    ),
    h('p', { class: live ? 'status live' : 'status lost', role: 'status', id: 'status' }, status(state)),
  ];
}

function status({ live, node, trouble, since }) {
  if (live) {
    return 'live';
  }
  const words = node ? `not live since ${time(since, Date.now())}` : 'connecting';
  return trouble ? `${words}: ${trouble}` : words;
}

export function main(state) {
  const { node, now } = state;
  return [
    !node.ready && h('p', { key: 'ready', class: 'banner bad', role: 'alert' }, h('strong', {}, 'The agent is not ready. '), node.readyReason),
    kubelet(node),
    totals(node, now),
    h(
      'section',
      { key: 'devices', id: 'devices', tabindex: -1, 'aria-labelledby': 'devices-title' },
      h('h2', { id: 'devices-title' }, 'Devices'),
      node.devices.length === 0 &&
        h('p', { class: 'empty' }, 'There is no device. ', h('code', {}, 'aliquot doctor'), ' says what this machine lacks.'),
      node.devices.map(each => device(each, state)),
      lostDevices(state),
      node.devices.length > 0 && legend(),
    ),
    h('div', { key: 'below', class: 'below' }, faults(state), h('div', { class: 'side' }, pool(node), events(state))),
  ].filter(Boolean);
}

function totals(node, now) {
  const { devices, tenants } = node;
  const capacity = sum(devices, 'capacityBytes');
  const bad = devices.filter(each => each.health !== 'healthy' || each.state !== 'healthy').length;
  const out = new Set(tenants.filter(each => OUT.has(each.state)).map(each => each.id)).size;
  const loans = tenants.filter(each => each.loanBytes > 0).length;
  const there = new Set(tenants.map(each => each.id)).size;
  const used = sum(devices, 'usedBytes');
  const requests = sum(devices, 'allocatedBytes');
  return h(
    'section',
    { key: 'totals', class: 'totals', 'aria-label': 'The node in figures' },
    h(
      'dl',
      {},
      total('Devices', devices.length, bad === 0 ? 'all healthy' : `${bad} not healthy`, bad > 0),
      total('In use', bytes(used), `${percent(used, capacity)} of ${bytes(capacity)}`),
      total('Guaranteed', bytes(requests), `${percent(requests, capacity)} given as requests`),
      total('On loan', bytes(sum(tenants, 'loanBytes')), loans === 0 ? 'nobody borrows' : `to ${plural(loans, 'tenant')}`),
      total('In host memory', bytes(sum(tenants, 'demotedBytes')), out === 0 ? 'nobody is swapped out' : `${plural(out, 'tenant')} swapped out`),
      total('Tenants', there, `agent up ${duration(Math.max(1, (now - Date.parse(node.started)) / 1000))}`),
    ),
  );
}

function total(name, figure, note, attention) {
  return h('div', { class: 'total' }, h('dt', {}, name), h('dd', {}, h('b', {}, figure), h('span', { class: attention ? 'note attention' : 'note' }, note)));
}

function sum(list, field) {
  return list.reduce((all, each) => all + Math.max(0, each[field]), 0);
}

function legend() {
  const part = (kind, words) => h('li', {}, h('span', { class: `swatch part ${kind} hue-0`, 'aria-hidden': 'true' }), words);
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'What the bars show' },
    part('within', 'held, within the request'),
    part('loan', 'held on loan, beyond it'),
    part('unused', 'guaranteed, not used'),
    part('host', 'in host memory'),
    h('li', {}, h('span', { class: 'swatch limit', 'aria-hidden': 'true' }), 'limit'),
    part('stranger', 'no tenant’s'),
    part('headroom', 'held back'),
    part('gap', 'nothing known'),
  );
}
