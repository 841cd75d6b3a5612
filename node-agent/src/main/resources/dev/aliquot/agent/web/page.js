// Begins: the state comes in, the page is made from it, at most once for each frame.

import { patch } from './dom.js';
import { watch } from './live.js';
import { head, main } from './node.js';
import { add, load } from './past.js';
import { onChange } from './ui.js';

const state = { node: null, now: Date.now(), past: null, live: false, trouble: '', since: Date.now() };
let skew = 0;
let asked = false;

function refresh() {
  if (!asked) {
    asked = true;
    requestAnimationFrame(render);
  }
}

function render() {
  asked = false;
  state.now = Date.now() + skew;
  patch(document.getElementById('head'), head(state));
  if (state.node) {
    document.title = `${state.node.node} – Aliquot`;
    patch(document.getElementById('main'), main(state));
  }
  document.body.classList.toggle('stale', !state.live && state.node !== null);
}

async function told({ at, node, point }) {
  skew = Date.parse(at) - Date.now();
  state.node = node;
  refresh();
  state.past = add(state.past, point, Date.now() + skew) ?? (await load());
  refresh();
}

function status(live, trouble) {
  if (live !== state.live) {
    state.since = Date.now();
  }
  state.live = live;
  state.trouble = trouble;
  refresh();
}

onChange(refresh);
setInterval(refresh, 1000); // ages
watch(told, status);
