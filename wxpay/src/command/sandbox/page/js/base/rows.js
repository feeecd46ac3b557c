// A long list, of which only the rows in sight are in the document. It scrolls with the page.

import { h } from "./dom.js";

// Rows beyond the edges, so that a reader who moves on finds the next ones.
const BEYOND = 12;

// Makes a list. `kind` is its class; `columns` are `{ title, class }`; `key(item)` names an item, `href(item)` is where
// its row leads, and `cells(item)` are the nodes of its columns, of which the first is within the link. All rows have
// the height that the style sheet gives as `--row`.
export function rows({ label, kind, columns, key, href, cells }) {
  const head = columns.map((column) => h("span", { role: "columnheader", class: column.class }, column.title));
  const body = h("div", { role: "rowgroup", class: "rows-body" });
  const table = h(
    "div",
    { role: "table", class: `rows ${kind}`, "aria-label": label },
    h("div", { role: "rowgroup", class: "rows-head" }, h("div", { role: "row", "aria-rowindex": "1" }, head)),
    body,
  );
  const drawn = new Map();
  let items = [];
  let places = new Map();
  // The row that the Tab key reaches. Arrow keys move it.
  let current = null;
  let height = 0;
  let frame = null;
  // The row whose link was followed, and how far from the window's top: `{ name, y }`.
  let left = null;

  function show(shown) {
    const anchor = top() < 0 ? items[Math.floor(-top() / height)] : null;
    const before = anchor && places.get(key(anchor));
    items = shown;
    places = new Map(items.map((item, at) => [key(item), at]));
    table.setAttribute("aria-rowcount", items.length + 1);
    measure();
    // What is being read stays where it is while rows come in above it.
    const after = anchor && places.get(key(anchor));
    if (after !== undefined && after !== null && after !== before) window.scrollBy(0, (after - before) * height);
    draw();
  }

  function measure() {
    height = parseFloat(getComputedStyle(table).getPropertyValue("--row")) || 48;
    body.style.height = `${items.length * height}px`;
  }

  function top() {
    return body.getBoundingClientRect().top;
  }

  function draw() {
    const first = Math.max(0, Math.floor(-top() / height) - BEYOND);
    const last = Math.min(items.length, Math.ceil((window.innerHeight - top()) / height) + BEYOND);
    const wanted = new Map();
    for (let at = first; at < last; at += 1) wanted.set(at, items[at]);
    // The row with the focus stays, however far it is scrolled away: without it the keyboard would lose its place.
    const focused = places.get([...drawn].find(([, row]) => row.node.contains(document.activeElement))?.[0]);
    if (focused !== undefined) wanted.set(focused, items[focused]);
    // Otherwise the Tab key leads to the first row in sight.
    if (!wanted.has(places.get(current)))
      current = wanted.size ? key(items[Math.min(first + (first && BEYOND), last - 1)]) : null;
    const isWanted = new Set([...wanted.values()].map(key));
    for (const [name, row] of drawn) {
      if (isWanted.has(name)) continue;
      row.node.remove();
      drawn.delete(name);
    }
    let next = body.firstChild;
    for (const at of [...wanted.keys()].sort((a, b) => a - b)) {
      const node = place(items[at], at);
      if (node === next) next = next.nextSibling;
      else body.insertBefore(node, next);
    }
  }

  function place(item, at) {
    const name = key(item);
    const known = drawn.get(name);
    const row = known ?? { node: h("div", { role: "row" }), link: h("a", { class: "row-link", href: href(item) }) };
    if (row.item !== item) fill(row, item);
    row.item = item;
    row.node.setAttribute("aria-rowindex", at + 2);
    row.node.style.transform = `translateY(${at * height}px)`;
    row.link.setAttribute("tabindex", name === current ? "0" : "-1");
    drawn.set(name, row);
    return row.node;
  }

  // The link stays the same element, for it may have the focus.
  function fill(row, item) {
    const [first, ...others] = cells(item);
    row.link.replaceChildren(...[first].flat());
    if (!row.link.parentNode) row.node.append(h("span", { role: "cell", class: columns[0].class }, row.link));
    while (row.node.childNodes.length > 1) row.node.lastChild.remove();
    row.node.append(...others.map((cell, i) => h("span", { role: "cell", class: columns[i + 1].class }, cell)));
  }

  // Moves to a row, which need not be in sight.
  function focus(name) {
    const at = places.get(name);
    if (at === undefined) return;
    const cover = table.querySelector(".rows-head").getBoundingClientRect().bottom;
    const above = cover - (top() + at * height);
    const below =
      top() + (at + 1) * height - (window.innerHeight - parseFloat(getComputedStyle(table).scrollMarginBottom));
    if (above > 0) window.scrollBy(0, -above);
    else if (below > 0) window.scrollBy(0, below);
    current = name;
    draw();
    drawn.get(name).link.focus({ preventScroll: true });
  }

  // Moves to a row, as far from the window's top as it was.
  function goBack({ name, y }) {
    const at = places.get(name);
    if (at === undefined) return;
    window.scrollBy(0, top() + at * height - y);
    focus(name);
  }

  const onClick = (event) => {
    const found = [...drawn].find(([, row]) => row.link.contains(event.target));
    if (found) left = { name: found[0], y: found[1].node.getBoundingClientRect().top };
  };
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !body.contains(event.target)) return;
    const page = Math.max(1, Math.floor((window.innerHeight * 0.7) / height));
    const at = places.get(current);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: items.length,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    focus(key(items[Math.min(Math.max(to, 0), items.length - 1)]));
  };
  const onFocus = (event) => {
    const found = [...drawn].find(([, row]) => row.link === event.target);
    if (!found || found[0] === current) return;
    drawn.get(current)?.link.setAttribute("tabindex", "-1");
    current = found[0];
    event.target.setAttribute("tabindex", "0");
  };
  const later = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      draw();
    });
  };
  const onResize = () => {
    measure();
    later();
  };
  table.addEventListener("click", onClick);
  table.addEventListener("keydown", onKey);
  table.addEventListener("focusin", onFocus);
  window.addEventListener("scroll", later, { passive: true });
  window.addEventListener("resize", onResize);

  return {
    node: table,
    show,
    goBack,
    left: () => left,
    close() {
      cancelAnimationFrame(frame);
      window.removeEventListener("scroll", later);
      window.removeEventListener("resize", onResize);
    },
  };
}
