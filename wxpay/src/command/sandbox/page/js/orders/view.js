// The timeline of one order, from its first request to its last refund.

import { get, path } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { onAny } from "../base/live.js";
import { money, t } from "../base/text.js";
import { badge, card, empty, errorLine, viewHead } from "../base/widgets.js";
import { gone } from "../cashier/detail.js";
import { address, subject } from "../cashier/item.js";
import { timeline } from "./timeline.js";

const NEWS = ["answered", "delivery", "state", "reconnected"];

export default {
  title: () => t("Order", "订单"),

  // A number alone is enough, unless several merchants use it, or one for several kinds of orders.
  async open(root, number, mchid, kind) {
    if (!number) {
      root.append(viewHead(t("Order", "订单")), empty(t("No order chosen", "未选择订单"), null, toCashier("#/cashier")));
      return () => {};
    }
    const show = async () => {
      try {
        redraw(root, parts(await get(path`orders/${number}`, { mchid, kind })));
      } catch (error) {
        redraw(root, viewHead(number, null, toCashier("#/cashier")), error.status === 404 ? gone() : errorLine(error));
      }
    };
    await show();
    return onAny(NEWS, show, 300);
  },
};

function parts(order) {
  const about = h(
    "span",
    { class: "order-line" },
    badge(order.is_expired ? "EXPIRED" : order.state),
    h("strong", { class: "order-total" }, money(order.total ?? order.risk_amount, order.currency)),
    h("code", null, order.number),
  );
  const leftOut = order.timeline_left_out > 0 && h("p", { class: "soft" }, t(
    `Older entries that are left out: ${order.timeline_left_out}.`,
    `更早的 ${order.timeline_left_out} 条未显示。`,
  ));
  return [
    viewHead(subject(order), about, toCashier(`#/cashier/orders/${address(order)}`)),
    card(t("Timeline", "时间线"), leftOut, timeline(order)),
  ];
}

function toCashier(href) {
  return h("a", { class: "button", href, id: "to-cashier-order" }, t("At the cashier", "在收银台查看"));
}
