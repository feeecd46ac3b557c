// The parts that views are made of.

import { h, svg } from "./dom.js";
import { t } from "./text.js";
import { states } from "./states.js";

// The head of a view: its title, a line about it and its buttons.
export function viewHead(title, about, ...actions) {
  return h(
    "header",
    { class: "view-head" },
    h("div", null, h("h1", { tabindex: "-1" }, title), about && h("p", { class: "about" }, about)),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

// A card: a section with a heading of level 2.
export function card(title, ...children) {
  return h("section", { class: "card" }, title && h("h2", null, title), children);
}

// A button that does something. While `f` runs it cannot be pressed again; what `f` throws is shown.
// `kind` is "primary", "danger", "quiet" or nothing.
export function button(text, f, { kind, id, label, icon: symbol, disabled } = {}) {
  const node = h(
    "button",
    { type: "button", class: `button ${kind ?? ""}`, id, "aria-label": label, disabled },
    symbol && icon(symbol),
    text,
  );
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-busy") === "true") return;
    node.setAttribute("aria-busy", "true");
    try {
      await f();
    } catch (error) {
      toast(errorText(error), "bad");
    } finally {
      node.removeAttribute("aria-busy");
    }
  });
  return node;
}

// A button that copies a text, or what a function returns.
export function copyButton(text, { label, id } = {}) {
  const name = label ?? t("Copy", "复制");
  const copy = async () => {
    await writeClipboard(typeof text === "function" ? await text() : text);
    toast(t("Copied", "已复制"));
  };
  return button(name, copy, { kind: "quiet small", id, icon: "copy" });
}

async function writeClipboard(text) {
  // Browsers have the clipboard only where a page came by HTTPS or from this machine.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h("textarea", { class: "visually-hidden" });
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (!isCopied) throw new Error(t("The browser does not let the page copy", "浏览器不允许页面复制"));
}

// The state of an order, a refund, a delivery and so on, in words and in a colour.
export function badge(state, { text, tone } = {}) {
  const known = states()[state] ?? states()[String(state).split("/")[0]];
  return h(
    "span",
    { class: `badge ${tone ?? known?.tone ?? "idle"}`, title: state },
    text ?? known?.text ?? String(state ?? "–"),
  );
}

// A table. `columns` are `{ title, class }`; `rows` are lists of cells, or `{ cells, id, href }`: with `href`
// the first cell is a link, and the whole row leads there.
export function table(label, columns, rows) {
  const head = columns.map((column) => h("th", { scope: "col", class: column.class }, column.title));
  const lines = rows.map((row) => {
    const { cells, id, href } = Array.isArray(row) ? { cells: row } : row;
    const shown = cells.map((cell, i) => {
      const inner = href && i === 0 ? h("a", { href, class: "row-link", id: id && `${id}-link` }, cell) : cell;
      return h("td", { class: columns[i].class, "data-label": columns[i].title }, inner);
    });
    return h("tr", { id, class: href && "has-link" }, shown);
  });
  return h(
    "div",
    { class: "table-scroll", role: "region", "aria-label": label, tabindex: "0" },
    h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, lines)),
  );
}

// Names and values: `[["Number", node or text], …]`.
export function facts(rows) {
  const shown = rows.filter((row) => row && (row[1] || row[1] === 0));
  return h("dl", { class: "facts" }, shown.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

// What is shown in place of a list without entries.
export function empty(title, hint, ...actions) {
  return h(
    "div",
    { class: "empty" },
    h("p", { class: "empty-title" }, title),
    hint && h("p", null, hint),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

// An error in the place of what could not be read.
export function errorLine(error) {
  return h("p", { class: "error-line", role: "alert" }, errorText(error));
}

export function errorText(error) {
  if (error instanceof TypeError && /fetch/i.test(error.message)) {
    return t("The sandbox does not answer. Is it still running?", "沙箱没有应答，是否仍在运行？");
  }
  return error.message;
}

// Code as it is, which can be scrolled and copied. `shown` are the nodes that stand for it, and `note` is below them.
export function code(text, { label, id, shown = text, note } = {}) {
  return h(
    "div",
    { class: "code" },
    copyButton(text, { id: id && `${id}-copy` }),
    h("pre", { id, tabindex: "0", role: "region", "aria-label": label ?? t("Code", "代码") }, shown),
    note && h("p", { class: "note" }, note),
  );
}

// Says something for a moment, to screen readers too.
export function toast(text, tone = "good") {
  const region = document.getElementById("toasts");
  const node = h("p", { class: `toast ${tone}` }, text);
  // Errors stay for their time. What went well matters until the next thing does.
  region.querySelector(".toast.good")?.remove();
  region.append(node);
  setTimeout(() => node.remove(), tone === "bad" ? 8000 : 2500);
}

// Says something to screen readers alone: what everybody else sees happen.
export function announce(text) {
  document.getElementById("news").textContent = text;
}

// A dialog over the page. Resolves to what `close` was called with, or null. `body(close)` returns its nodes.
export function dialog(title, body) {
  return new Promise((resolve) => {
    let result = null;
    const node = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" });
    const close = (value) => {
      result = value ?? null;
      node.close();
    };
    node.append(h("h2", { id: "dialog-title" }, title), ...[body(close)].flat());
    node.addEventListener("close", () => {
      node.remove();
      resolve(result);
    });
    document.body.append(node);
    node.showModal();
  });
}

// Tabs, of which one is open: `[{ id, title, panel: () => node }]`. Arrow keys move between them.
export function tabs(label, items, { selected = items[0].id, onSelect } = {}) {
  const panel = h("div", { role: "tabpanel", class: "tabpanel", tabindex: "0" });
  const heads = items.map((item) =>
    h(
      "button",
      { type: "button", role: "tab", id: `tab-${item.id}`, on: { click: () => select(item.id) } },
      item.title,
    ),
  );
  const select = (id) => {
    const chosen = items.find((item) => item.id === id) ?? items[0];
    heads.forEach((head, i) => {
      const isChosen = items[i] === chosen;
      head.setAttribute("aria-selected", isChosen);
      head.setAttribute("tabindex", isChosen ? "0" : "-1");
    });
    panel.setAttribute("aria-labelledby", `tab-${chosen.id}`);
    panel.replaceChildren(chosen.panel());
    onSelect?.(chosen.id);
  };
  const list = h("div", { role: "tablist", class: "tablist", "aria-label": label }, heads);
  list.addEventListener("keydown", (event) => {
    const to = nextTab(event.key, heads.indexOf(document.activeElement), heads.length);
    if (to === undefined) return;
    event.preventDefault();
    select(items[to].id);
    heads[to].focus();
  });
  select(selected);
  return h("div", { class: "tabs" }, list, panel);
}

function nextTab(key, at, count) {
  return { ArrowRight: (at + 1) % count, ArrowLeft: (at + count - 1) % count, Home: 0, End: count - 1 }[key];
}

// A symbol that says nothing to a screen reader: what it stands for is beside it.
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    ICONS[name].map((d) => svg("path", { d })),
  );
}

const ICONS = {
  cashier: ["M4 4h6v6H4z", "M14 4h6v6h-6z", "M4 14h6v6H4z", "M14 14h2v2h-2z", "M18 18h2v2h-2z", "M18 14h2", "M14 20h2"],
  phone: ["M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z", "M11 18h2"],
  requests: ["M4 8h14l-3-3", "M20 16H6l3 3"],
  notifications: ["M6 16V11a6 6 0 0 1 12 0v5l2 2H4z", "M10 21h4"],
  money: ["M4 20V10", "M10 20V4", "M16 20v-7", "M21 20H3"],
  faults: ["M13 3 5 14h6l-1 7 8-11h-6z"],
  setup: ["M4 7h10", "M18 7h2", "M16 5v4", "M4 17h2", "M10 17h10", "M8 15v4"],
  messages: ["M4 5h16v11H10l-5 4v-4H4z", "M8 9h8", "M8 12h5"],
  code: ["M4 6v12", "M8 6v12", "M11 6v12", "M15 6v12", "M17 6v12", "M20 6v12"],
  copy: ["M9 9h10v11H9z", "M15 9V4H5v11h4"],
  check: ["M5 13l4 4 10-10"],
  cross: ["M6 6l12 12", "M18 6 6 18"],
  sun: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2v2", "M12 20v2", "M2 12h2", "M20 12h2", "M5 5l1.5 1.5", "M17.5 17.5 19 19", "M5 19l1.5-1.5", "M17.5 6.5 19 5"],
  moon: ["M20 14a8 8 0 1 1-9-11 6.5 6.5 0 0 0 9 11z"],
  back: ["M15 5l-7 7 7 7"],
  refresh: ["M19 12a7 7 0 1 1-2-5l2 2", "M19 4v5h-5"],
};
