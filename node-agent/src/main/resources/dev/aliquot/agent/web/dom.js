// The document as a function of the state. What a user has focused, opened or scrolled stays, because elements are kept.
// Text only ever becomes text: nothing here parses markup.

const SVG = 'http://www.w3.org/2000/svg';
const SHAPES = new Set(['svg', 'path', 'rect', 'line', 'g']);
const given = new WeakMap();

/**
 * An element to be: props are attributes, but for key (which of its siblings it is), style (an object, always of the same
 * properties) and functions, which are handlers (onclick). Children: elements, texts, numbers, lists of these, or null and false for none.
 */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, children: children.flat(Infinity).filter(each => each !== null && each !== false && each !== '') };
}

/** Makes an element's children these, with as few changes as will do. */
export function patch(parent, wanted) {
  const old = [...parent.childNodes];
  const byKey = new Map(old.filter(node => given.has(node)).map(node => [given.get(node).key, node]));
  let at = parent.firstChild;
  for (const [index, want] of wanted.entries()) {
    const name = isText(want) ? '' : key(want, index);
    const node = isText(want) ? text(at, want) : element(want, name, byKey.get(name));
    if (node === at) {
      at = at.nextSibling;
    } else {
      parent.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function isText(want) {
  return typeof want !== 'object';
}

function text(at, want) {
  if (at?.nodeType !== Node.TEXT_NODE) {
    return document.createTextNode(want);
  }
  if (at.data !== String(want)) {
    at.data = want;
  }
  return at;
}

/** Elements without a key of their own are told apart by what and where they are. */
function key(want, index) {
  return `${want.tag} ${want.props.key ?? `#${index}`}`;
}

function element(want, name, kept) {
  const node = kept ?? (SHAPES.has(want.tag) ? document.createElementNS(SVG, want.tag) : document.createElement(want.tag));
  const before = given.get(node)?.props ?? {};
  for (const each of Object.keys(before)) {
    if (!(each in want.props)) {
      set(node, each, null);
    }
  }
  for (const [each, value] of Object.entries(want.props)) {
    if (before[each] !== value) {
      set(node, each, value);
    }
  }
  given.set(node, { key: name, props: want.props });
  patch(node, want.children);
  return node;
}

function set(node, name, value) {
  if (name === 'key') {
    return;
  }
  if (name === 'style') {
    for (const [property, each] of Object.entries(value ?? {})) {
      if (node.style.getPropertyValue(property) !== each) {
        node.style.setProperty(property, each);
      }
    }
  } else if (typeof value === 'function' || name.startsWith('on')) {
    node[name] = value;
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? '' : value);
  }
}
