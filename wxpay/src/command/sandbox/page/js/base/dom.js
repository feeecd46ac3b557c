// Elements without HTML text: what comes from outside becomes a text node or an attribute, never markup. What would hide
// in a text, or change its order, is shown by its number.

import { visible } from "./json.js";

const SVG = "http://www.w3.org/2000/svg";

// Makes an element. `props` are attributes; `on: { click: f }` adds listeners. `null`, `undefined` and
// `false` are left out, among the children too.
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// Makes an element of SVG.
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

// Removes all that is in a node.
export function clear(node) {
  node.replaceChildren();
  return node;
}

// Replaces what is in a node. The element with the same id keeps the focus, its selection, how far it is
// scrolled and whether it is open, so that news do not interrupt who types or reads. If it is gone, as a button
// that has done its work, the focus goes to the heading, and not back to the begin of the page.
export function redraw(node, ...children) {
  const active = node.contains(document.activeElement) ? document.activeElement : null;
  const selection = active && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  const scrolled = [...node.querySelectorAll("[id]")]
    .filter((part) => part.scrollTop > 0 || part.scrollLeft > 0)
    .map((part) => [part.id, part.scrollTop, part.scrollLeft]);
  const opened = [...node.querySelectorAll("details[id][open]")].map((part) => part.id);
  node.replaceChildren();
  append(node, children);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, top, left] of scrolled) {
    const part = document.getElementById(id);
    if (part) {
      part.scrollTop = top;
      part.scrollLeft = left;
    }
  }
  const again = active?.id ? document.getElementById(active.id) : null;
  if (active && !again) focusOn(node);
  if (again) {
    again.focus({ preventScroll: true });
    if (selection && selection[0] !== null) again.setSelectionRange(...selection);
  }
  return node;
}

function focusOn(node) {
  const heading = node.querySelector("h2[tabindex]") ?? node;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "href") {
      if (isPlainLink(value)) node.setAttribute(name, value);
    } else if (name === "style" || name.startsWith("on")) {
      throw new Error(`${name} is not set as an attribute: the page's policy forbids it`);
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : visible(String(child)));
  }
}

// A link from outside may be of any scheme, `javascript:` for one.
function isPlainLink(link) {
  return /^(#|\/(?!\/)|https?:\/\/)/.test(link);
}
