// What the kubelet has of the node's devices; nothing where they are not offered to one.

import { h } from './dom.js';
import { plural } from './format.js';

const UNITS_OF_A_DEVICE = 100;

export function kubelet({ kubelet: view, devices }) {
  if (!view) {
    return null;
  }
  return h(
    'section',
    { key: 'kubelet', class: 'kubelet', 'aria-label': 'Kubelet' },
    h(
      'p',
      {},
      h('span', { class: 'label' }, 'Kubelet '),
      h('span', { class: `badge ${view.registered ? 'good' : 'bad'}` }, view.registered ? 'registered' : 'not registered'),
      ` ${view.resource}${view.way && `, by ${view.way}`}`,
      h('span', { class: 'note' }, ` ${given(view, devices)} `),
      unstarted(view),
      h('span', { class: 'note' }, waited(view)),
    ),
    view.problems.length > 0 && h('ul', {}, view.problems.map(each => h('li', { class: 'banner warn' }, each))),
  );
}

function given({ grants }, devices) {
  const units = grants.reduce((all, each) => all + each.units * each.devices.length, 0);
  return `${units} of ${UNITS_OF_A_DEVICE * devices.length} units given to ${plural(grants.length, 'container')}`;
}

function unstarted({ grants }) {
  const count = grants.filter(each => each.holder === '').length;
  return count > 0 && h('span', { class: 'badge warn' }, `${count} not started yet`);
}

/** Since the agent began; one container may have waited often. */
function waited({ waits }) {
  const reasons = Object.entries(waits)
    .filter(([, count]) => count > 0)
    .sort(([one], [other]) => one.localeCompare(other));
  return reasons.length === 0 ? '' : ` starts that had to wait so far: ${reasons.map(([why, count]) => `${why} ${count}`).join(', ')}`;
}
