// Processes whose memory is not accounted for, or not given back.

import { h } from './dom.js';
import { age, bytes } from './format.js';

export function bypasses(list, now) {
  return (
    list.length > 0 &&
    h(
      'ul',
      { class: 'bypasses', 'aria-label': 'Memory that is not accounted for, or not given back' },
      list.map(each =>
        h(
          'li',
          { key: `${each.pid} ${each.kind}` },
          h('span', { class: 'badge warn' }, each.kind),
          ` ${each.command} (${each.pid}) holds ${bytes(each.bytes)}, first seen ${age(each.since, now)}: ${each.action}`,
        ),
      ),
    )
  );
}
