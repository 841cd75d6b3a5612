// The tenants of one device, a row for each; what there is more to say of one can be opened.

import { bypasses } from './bypass.js';
import { tenantBar } from './bar.js';
import { h } from './dom.js';
import { bytes, duration, time } from './format.js';
import { isMarked, isOpen, mark, toggle } from './ui.js';

/** States in which a tenant's data is not on its device. */
export const OUT = new Set(['swapped', 'deep']);
const MOVING = new Set(['leaving', 'returning', 'diving', 'surfacing', 'starting', 'ending']);
const COLUMNS = 8;

export function tenants(mine, hues, device, state) {
  const name = device ? `Tenants of GPU ${device.index}` : 'Tenants';
  return h(
    'table',
    { class: 'tenants' },
    h('caption', { class: 'unseen' }, name),
    h('thead', {}, h('tr', {}, head('Tenant', 'who'), head('Memory', 'memory'), ...['Used', 'Request', 'Limit', 'Loan', 'In host'].map(each => head(each, 'number')), head('State', 'state'))),
    h('tbody', {}, mine.flatMap(tenant => rows(tenant, hues.get(tenant.id), device, state))),
  );
}

function head(words, kind) {
  return h('th', { scope: 'col', class: kind }, words);
}

function rows(tenant, hue, device, state) {
  const id = `${tenant.id}-${Math.max(0, tenant.deviceIndex)}`;
  const open = isOpen(id);
  const figure = (label, value) => h('td', { class: value > 0 ? 'number' : 'number none', 'data-label': label }, value > 0 ? bytes(value) : '–');
  const row = h(
    'tr',
    {
      key: id,
      class: `tenant${isMarked(tenant.id) ? ' marked' : ''}`,
      onpointerenter: () => mark(tenant.id),
      onpointerleave: () => mark(''),
      onfocusin: () => mark(tenant.id),
    },
    h(
      'th',
      { scope: 'row', class: 'who' },
      h(
        'button',
        { type: 'button', class: 'opener', 'aria-expanded': String(open), 'aria-controls': open ? `more-${id}` : null, onclick: () => toggle(id), onfocus: () => mark(tenant.id), onblur: () => mark('') },
        h('span', { class: `swatch part within hue-${hue}`, 'aria-hidden': 'true' }),
        h('span', { class: 'tenant-name' }, tenant.name),
      ),
      tenant.pod && h('span', { class: 'pod' }, [tenant.namespace, tenant.pod, tenant.container].filter(Boolean).join(' / ')),
    ),
    h('td', { class: 'memory' }, tenantBar(tenant, hue, device?.capacityBytes ?? 0)),
    figure('Used', tenant.usedBytes),
    figure('Request', tenant.requestBytes),
    figure('Limit', tenant.limitBytes),
    figure('Loan', tenant.loanBytes),
    figure('In host', tenant.demotedBytes),
    h(
      'td',
      { class: 'state' },
      h('span', { class: `badge ${kind(tenant.state)}` }, tenant.state),
      tenant.priority !== 'normal' && h('span', { class: 'badge plain' }, `${tenant.priority} priority`),
      tenant.refusals > 0 && h('span', { class: 'badge warn' }, `${tenant.refusals} refused`),
    ),
  );
  return [row, open && h('tr', { key: `more-${id}`, id: `more-${id}`, class: 'more' }, h('td', { colspan: COLUMNS }, more(tenant, state)))];
}

function kind(state) {
  if (OUT.has(state)) {
    return 'out';
  }
  return MOVING.has(state) ? 'moving' : state === 'running' ? 'good' : 'bad';
}

function more(tenant, state) {
  const { swap } = tenant;
  const rate = move => (move.bytesPerSecond > 0 ? `, ${(move.bytesPerSecond / 1e9).toFixed(1)} GB/s` : '');
  const moved = move => move && `${bytes(move.bytes)} in ${duration(move.seconds)}${rate(move)}`;
  const facts = [
    ['Stays on the device', swap.stays],
    ['Cannot move', swap.pinned.map(each => `${bytes(each.bytes)} ${each.reason}`).join(', ')],
    ['Overhead', `${bytes(tenant.overheadBytes)} for contexts and modules`],
    ['Driver’s figure', bytes(tenant.groundTruthBytes)],
    ['May hold now', `${bytes(tenant.creditBytes)} without asking`],
    ['Swapping', swap.swapOuts > 0 ? `${swap.mode}; out ${swap.swapOuts === 1 ? 'once' : `${swap.swapOuts} times`}, waited ${duration(swap.waitedSeconds)} to come back` : swap.mode],
    ['Last move out', moved(swap.lastOut)],
    ['Last move in', moved(swap.lastIn)],
    ['Priority', tenant.priority],
    ['Since', time(tenant.created, state.now)],
    ['Id', tenant.id],
  ].filter(([, value]) => value);
  return h(
    'div',
    { class: 'details' },
    h('dl', {}, facts.map(([name, value]) => h('div', { key: name }, h('dt', {}, name), h('dd', {}, value)))),
    tenant.processes.length === 0
      ? h('p', { class: 'note' }, 'No process of it uses the device.')
      : h(
          'ul',
          { class: 'processes', 'aria-label': `Processes of ${tenant.name}` },
          tenant.processes.map(each =>
            h('li', { key: each.pid }, h('code', {}, each.command), ` pid ${each.pid}`, h('span', { class: 'note' }, `reports ${bytes(each.reportedBytes)}, overhead ${bytes(each.overheadBytes)}`)),
          ),
        ),
    bypasses(tenant.bypasses, state.now),
  );
}
