// Memory as bars. A bar is one picture with a sentence for those who do not see it; what it shows is told in figures beside it, too.

import { h } from './dom.js';
import { bytes } from './format.js';
import { isMarked, mark } from './ui.js';

/** Where a label fits: the part of the bar's width that a letter takes, at the least. */
const LETTER = 1.4;

/** Of a tenant on a device. */
export function shares(tenant) {
  const within = Math.min(tenant.usedBytes, tenant.requestBytes);
  return {
    within,
    loan: Math.max(0, tenant.usedBytes - tenant.requestBytes),
    unused: tenant.requestBytes - within,
    host: tenant.demotedBytes,
  };
}

function part(kind, hue, of, from, width, props, ...label) {
  return (
    width > 0 &&
    h(
      'span',
      {
        ...props,
        class: `part ${kind} hue-${hue}${props?.class ?? ''}`,
        style: { left: `${(100 * from) / of}%`, width: `${(100 * Math.min(width, of - from)) / of}%` },
      },
      label,
    )
  );
}

/** The device: who holds what of it; what is guaranteed to whom; what is in host memory instead. */
export function deviceBar(device, tenants, hues) {
  const all = Math.max(1, device.totalBytes);
  const strangers = device.strangers.reduce((sum, each) => sum + each.groundTruthBytes, 0);
  const held = [];
  const requests = [];
  const host = [];
  let out = 0;
  let at = 0;
  let from = 0;
  let unused = 0;
  for (const tenant of tenants) {
    const hue = hues.get(tenant.id);
    const mine = shares(tenant);
    const marked = isMarked(tenant.id) ? ' marked' : '';
    const over = { onpointerenter: () => mark(tenant.id), onpointerleave: () => mark('') };
    const fits = (100 * mine.within) / all > LETTER * Math.min(12, tenant.name.length);
    held.push(
      part('within', hue, all, at, mine.within, { key: `w${tenant.id}`, class: marked, ...over }, fits && h('span', {}, tenant.name)),
      part('loan', hue, all, at + mine.within, mine.loan, { key: `l${tenant.id}`, class: marked, ...over }),
    );
    requests.push(part('request', hue, all, from, tenant.requestBytes, { key: tenant.id, class: marked, ...over }));
    host.push(part('host', hue, all, out, mine.host, { key: tenant.id, class: marked, ...over }));
    out += mine.host;
    at += mine.within + mine.loan;
    from += tenant.requestBytes;
    unused += mine.unused;
  }
  held.push(part('stranger', 0, all, at, strangers, { key: 'strangers' }));
  at += strangers;
  const end = all - device.headroomBytes - device.reservedBytes;
  unused = Math.min(unused, Math.max(0, end - at));
  held.push(
    part('unused', 'none', all, at, unused, { key: 'unused' }),
    part('headroom', 'none', all, end, all - end, { key: 'headroom' }),
  );
  const sentence = [
    `${bytes(device.usedBytes)} of ${bytes(device.capacityBytes)} in use`,
    ...tenants.map(each => `${each.name} holds ${bytes(each.usedBytes)}`),
    strangers > 0 && `${bytes(strangers)} belong to no tenant`,
    out > 0 && `${bytes(out)} in host memory`,
    `${bytes(unused)} guaranteed and not used`,
    `${bytes(device.headroomBytes + device.reservedBytes)} held back`,
  ].filter(Boolean);
  return h(
    'div',
    { class: 'bars device-bars', role: 'img', 'aria-label': `Memory of GPU ${device.index}: ${sentence.join('; ')}` },
    lane('held', 'device-bar', held),
    lane('requests', 'requests', requests),
    out > 0 && lane('in host', 'host-lane', host),
  );
}

function lane(name, kind, parts) {
  return [h('span', { key: `${kind}-name`, class: 'lane-name' }, name), h('div', { key: kind, class: `bar ${kind}` }, parts)];
}

/** A tenant: what it holds and may hold, and below it what it has in host memory, all on the device's scale. */
export function tenantBar(tenant, hue, of) {
  const mine = shares(tenant);
  const all = Math.max(1, of, tenant.limitBytes);
  const words = [
    `holds ${bytes(mine.within)} within its request of ${bytes(tenant.requestBytes)}`,
    mine.loan > 0 && `${bytes(mine.loan)} on loan`,
    mine.host > 0 && `${bytes(mine.host)} in host memory`,
    `its limit is ${bytes(tenant.limitBytes)}`,
  ].filter(Boolean);
  return h(
    'div',
    { class: 'bars', role: 'img', 'aria-label': `${tenant.name} ${words.join('; ')}` },
    h(
      'div',
      { class: 'bar tenant-bar' },
      part('within', hue, all, 0, mine.within, { key: 'w' }),
      part('unused', hue, all, mine.within, mine.unused, { key: 'u' }),
      part('loan', hue, all, mine.within, mine.loan, { key: 'l' }),
      h('span', { key: 'limit', class: 'limit', style: { left: `${(100 * tenant.limitBytes) / all}%` } }),
    ),
    h('div', { class: 'bar host-bar' }, part('host', hue, all, 0, mine.host, { key: 'h' })),
  );
}
