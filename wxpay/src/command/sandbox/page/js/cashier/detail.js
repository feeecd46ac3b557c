// One order: what opens it, what can be done with it, its refunds, and the response to its query.

import { get, path } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { money, t } from "../base/text.js";
import { badge, code, copyButton, empty, errorLine, facts, icon } from "../base/widgets.js";
import { actButtons } from "./acts.js";
import { address, product, subject, timelineOf, when } from "./item.js";
import { opens } from "./opens.js";

// Reads an order and shows it in `root`. `changed` is called after something was done with it.
export async function showOrder(root, id, changed) {
  const [mchid, kind, number] = id;
  try {
    const order = await get(path`orders/${number}`, { mchid, kind });
    // A service order can be confirmed, which its row among all orders does not say.
    if (kind === "service") order.can = await serviceActs(order);
    redraw(root, ...parts(order, changed));
  } catch (error) {
    redraw(root, error.status === 404 ? gone() : errorLine(error));
  }
}

async function serviceActs(order) {
  const { data } = await get("service-orders", { mchid: order.mchid, text: order.number, limit: 1000 });
  return data.find((row) => row.number === order.number)?.can ?? order.can;
}

// What is shown for an order that is not there.
export function gone() {
  return empty(
    t("No such order", "没有此订单"),
    t("The sandbox may have been reset or started anew.", "沙箱可能已重置或重新启动。"),
  );
}

function parts(order, changed) {
  const buttons = actButtons(order, changed);
  return [
    h(
      "header",
      { class: "order-head" },
      h("div", null, h("h2", { tabindex: "-1" }, subject(order)), h("p", { class: "soft" }, product(order))),
      badge(order.is_expired ? "EXPIRED" : order.state),
    ),
    h("p", { class: "amount" }, money(order.total ?? order.risk_amount, order.currency), order.total === null && upTo()),
    buttons.length > 0 && h("div", { class: "actions" }, buttons, onPhone(order)),
    buttons.length > 0 && opens(order),
    facts([
      [t("Order number", "商户订单号"), h("span", { class: "value" }, h("code", null, order.number), copyButton(order.number, { id: "copy-number" }))],
      [t("Transaction ID", "微信支付订单号"), order.transaction_id && h("code", null, order.transaction_id)],
      [t("Merchant", "商户号"), merchant(order)],
      [t("Parts", "子单"), order.parts && order.parts.map((part) => [toOrder("payment", part), " "])],
      [t("Part of", "所属合单"), order.part_of && toOrder("combined", order.part_of)],
      [t("Payer", "支付者"), order.openid && h("code", null, order.openid)],
      [t("Created", "创建时间"), when(order.created_at)],
      [t("Expires", "过期时间"), when(order.expires_at)],
      [t("Paid", "支付时间"), when(order.paid_at)],
      [t("Refunded", "已退款"), order.refunded > 0 && money(order.refunded)],
    ]),
    order.refunds.length > 0 && refunds(order.refunds, changed),
    h(
      "p",
      { class: "onward" },
      h("a", { href: timelineOf(order), id: "to-timeline" }, t("Timeline of this order", "此订单的时间线")),
    ),
    buttons.length === 0 && opened(order),
    h(
      "details",
      { class: "resource", id: "order-resource" },
      h("summary", null, t("The response to the query", "查询订单的应答")),
      code(JSON.stringify(order.resource, null, 2), { id: "resource-code", label: t("The response to the query", "查询订单的应答") }),
    ),
  ];
}

// What opened the payment, of an order that waits no longer.
function opened(order) {
  const shown = opens(order);
  return (
    shown &&
    h("details", { class: "resource", id: "order-opened" }, h("summary", null, t("What opened the payment", "调起支付的参数")), shown)
  );
}

function onPhone(order) {
  const text = t("Open on the phone", "在手机上打开");
  return h("a", { id: "on-phone", class: "button quiet", href: `#/phone/item/${address(order)}` }, icon("phone"), text);
}

function upTo() {
  return h("span", { class: "soft" }, t(" at most", " 上限"));
}

function merchant(order) {
  if (!order.sp_mchid) return h("code", null, order.mchid);
  return t(`${order.mchid} of the service provider ${order.sp_mchid}`, `${order.mchid}（服务商 ${order.sp_mchid}）`);
}

function toOrder(kind, { mchid, number }) {
  return h("a", { href: `#/cashier/orders/${address({ mchid, kind, number })}` }, number);
}

function refunds(list, changed) {
  return h(
    "section",
    { class: "refunds" },
    h("h3", null, t("Refunds", "退款")),
    h(
      "ul",
      null,
      list.map((refund) =>
        h(
          "li",
          null,
          h("div", { class: "line" }, h("code", null, refund.number), h("strong", null, money(refund.amount)), badge(refund.state)),
          h("div", { class: "actions" }, actButtons(refund, changed)),
        ),
      ),
    ),
  );
}
