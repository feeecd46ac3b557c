// The timeline: a list whose entries are drawn between three lanes, as in a sequence diagram. The drawing is
// one with the list, so that its text wraps, is read aloud and leads to the requests and notifications.

import { h, svg } from "../base/dom.js";
import { duration, preciseTime, t } from "../base/text.js";
import { step } from "./steps.js";

// The middle of each lane: the style decides how wide they are together.
const LANES = { merchant: 14, wechat: 50, customer: 86 };
// How far below an entry's upper edge its arrow is, in pixels.
const LEVEL = 22;
// A break this long, in milliseconds, is drawn.
const BREAK = 30_000;

export function timeline(order) {
  const entries = order.timeline ?? [];
  const steps = entries.map((entry) => step(entry, order)).filter(Boolean);
  const items = [];
  steps.forEach((one, i) => {
    const before = steps[i - 1];
    if (before && one.at - before.at >= BREAK) items.push(pause(one.at - before.at));
    items.push(item(one));
  });
  return h(
    "div",
    { class: "timeline" },
    h(
      "div",
      { class: "lanes", "aria-hidden": "true" },
      h("span", null, t("Merchant", "商户")),
      h("span", null, t("WeChat Pay", "微信支付")),
      h("span", null, t("Customer", "用户")),
    ),
    h("ol", null, items),
  );
}

function item(one) {
  const title = one.href
    ? h("a", { href: one.href, id: one.id }, one.title)
    : h("span", null, one.title);
  return h(
    "li",
    { class: `step ${one.tone}` },
    picture(arrow(one)),
    h("div", { class: "what" }, h("p", { class: "step-title" }, title, one.badge && [" ", one.badge]), one.detail && h("p", { class: "soft" }, one.detail)),
    h("time", { class: "soft", datetime: new Date(one.at).toISOString() }, preciseTime(one.at)),
  );
}

function pause(ms) {
  return h("li", { class: "pause" }, picture(null, true), h("p", { class: "soft" }, t(`${duration(ms)} later`, `${duration(ms)}之后`)));
}

// The lanes behind an entry, and what happens between them.
function picture(inner, isBroken) {
  return h(
    "div",
    { class: `lane-lines ${isBroken ? "broken" : ""}` },
    svg(
      "svg",
      { width: "100%", height: "100%", "aria-hidden": "true" },
      Object.values(LANES).map((x) => svg("line", { class: "lane", x1: `${x}%`, x2: `${x}%`, y1: 0, y2: "100%" })),
      inner,
    ),
  );
}

function arrow({ from, to, isDashed }) {
  const [start, end] = [`${LANES[from]}%`, `${LANES[to]}%`];
  if (start === end) return svg("circle", { class: "mark", cx: start, cy: LEVEL, r: 6 });
  const way = LANES[to] > LANES[from] ? 1 : -1;
  return [
    svg("line", { class: `arrow ${isDashed ? "dashed" : ""}`, x1: start, x2: end, y1: LEVEL, y2: LEVEL }),
    svg("circle", { class: "mark", cx: start, cy: LEVEL, r: 4 }),
    // A picture of its own, since the parts of a path cannot be percentages.
    svg("svg", { x: end, y: LEVEL, overflow: "visible" }, svg("path", { class: "mark", d: `M${-way} 0 l${-way * 10} -6 v12 z` })),
  ];
}
