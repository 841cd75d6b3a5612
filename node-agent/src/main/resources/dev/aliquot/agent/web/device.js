// One device: how it is, its bar, its last hour, its tenants.

import { bypasses } from './bypass.js';
import { deviceBar } from './bar.js';
import { chart } from './chart.js';
import { h } from './dom.js';
import { bytes, plural } from './format.js';
import { hues } from './hue.js';
import { tenants } from './tenant.js';

export function device(view, state) {
  const mine = state.node.tenants.filter(each => each.device === view.uuid);
  const title = `device-${view.index}`;
  const colours = hues(view.uuid, mine);
  return h(
    'article',
    { key: view.uuid, class: 'card device', 'aria-labelledby': title },
    h(
      'div',
      { class: 'card-head' },
      h('h3', { id: title }, h('span', { class: 'gpu' }, `GPU ${view.index}`), ' ', view.name),
      condition(view),
      h('ul', { class: 'facts', 'aria-label': `GPU ${view.index} now` }, facts(view).map(each => h('li', {}, each))),
    ),
    reasons(view).map(each => h('p', { class: `reason ${kind(view)}` }, each)),
    h(
      'p',
      { class: 'bar-head' },
      h('b', {}, bytes(view.usedBytes)),
      ` of ${bytes(view.capacityBytes)} in use`,
      h('span', { class: 'note' }, `${bytes(view.allocatedBytes)} guaranteed, ${bytes(Math.max(0, view.capacityBytes - view.allocatedBytes))} not given to anybody`),
    ),
    deviceBar(view, mine, colours),
    mine.length === 0
      ? h('p', { class: 'empty' }, 'No tenant has a share of this device. ', h('code', {}, 'aliquot run --gpu-fraction 25 -- COMMAND'), ' makes one.')
      : tenants(mine, colours, view, state),
    strangers(view),
    bypasses(view.bypasses, state.now),
    charts(view, state),
    h('p', { class: 'identity' }, `${view.uuid} at ${view.pciAddress}`),
  );
}

/** What faults have made of it, else what the driver's answers say. */
function condition(view) {
  const words = view.state !== 'healthy' ? view.state : view.health;
  return h('p', { class: `badge ${kind(view)}` }, words, view.replace && ', wants replacing');
}

function kind(view) {
  if (view.health !== 'healthy') {
    return 'bad';
  }
  return view.state === 'healthy' ? 'good' : 'warn';
}

function reasons(view) {
  const all = [view.state !== 'healthy' && view.stateReason, view.health !== 'healthy' && view.healthReason].filter(Boolean);
  return all.length === 2 && all[1].includes(all[0]) ? [all[1]] : all;
}

function facts(view) {
  return [
    view.utilizationPercent >= 0 && `busy ${view.utilizationPercent} %`,
    view.memoryUtilizationPercent >= 0 && `memory traffic ${view.memoryUtilizationPercent} %`,
    view.temperatureCelsius >= 0 && `${view.temperatureCelsius} °C`,
    view.powerMilliwatts >= 0 && `${Math.round(view.powerMilliwatts / 1000)} W`,
    view.exchangesPerMinute > 0 && `${plural(view.exchangesPerMinute, 'exchange')} a minute`,
  ].filter(Boolean);
}

function charts(view, { past }) {
  const mine = past?.devices.find(each => each.device === view.uuid);
  if (!mine) {
    return null;
  }
  const of = `GPU ${view.index}`;
  return h(
    'div',
    { class: 'charts' },
    chart({ id: `busy-${view.index}`, name: 'Busy', of, values: mine.utilizationPercent, past, most: 100, words: value => `${Math.round(value)} %` }),
    chart({ id: `memory-${view.index}`, name: 'Memory', of, values: mine.usedBytes, past, most: view.capacityBytes, words: bytes }),
  );
}

function strangers(view) {
  return (
    view.strangers.length > 0 &&
    h(
      'p',
      { class: 'strangers' },
      h('span', { class: 'swatch part stranger', 'aria-hidden': 'true' }),
      h('b', {}, 'No tenant’s: '),
      view.strangers.map(each => `${each.command} (${each.pid}) ${bytes(each.groundTruthBytes)}`).join(', '),
    )
  );
}

/** Tenants of devices that were not there when the agent started. */
export function lostDevices(state) {
  const there = new Set(state.node.devices.map(each => each.uuid));
  const lost = state.node.tenants.filter(each => !there.has(each.device));
  return [...new Set(lost.map(each => each.device))].map(uuid =>
    h(
      'article',
      { key: uuid, class: 'card device', 'aria-label': `Device ${uuid}, not there` },
      h('div', { class: 'card-head' }, h('h3', {}, 'A device that is not there'), h('p', { class: 'badge bad' }, 'lost')),
      h('p', { class: 'reason' }, `${uuid} was not there when the agent started. Its tenants’ shares are kept for it.`),
      lostTenants(lost.filter(each => each.device === uuid), uuid, state),
    ),
  );
}

function lostTenants(mine, uuid, state) {
  return tenants(mine, hues(uuid, mine), null, state);
}
