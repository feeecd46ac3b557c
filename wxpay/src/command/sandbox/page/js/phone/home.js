// The messages on the phone: what waits for the customer, and what is over.

import { get } from "../base/api.js";
import { h } from "../base/dom.js";
import { money, t } from "../base/text.js";
import { badge } from "../base/widgets.js";
import { address, shortWhen, subject } from "../cashier/item.js";

const LIMIT = 30;

export async function homeScreen() {
  const [orders, services, transfers] = await Promise.all(
    ["orders", "service-orders", "transfers"].map((list) => get(list, { limit: LIMIT })),
  );
  const payments = orders.data.filter((order) => order.kind !== "service" && !order.part_of);
  const items = [...payments, ...services.data, ...transfers.data].sort((a, b) => b.created_at - a.created_at);
  const waiting = items.filter((item) => item.can.some((act) => BY_CUSTOMER.includes(act)));
  const over = items.filter((item) => !waiting.includes(item)).slice(0, LIMIT);
  return [
    h("header", { class: "phone-head" }, h("h2", { tabindex: "-1" }, t("Messages", "消息"))),
    waiting.length === 0 && nothing(),
    h("ul", { class: "messages" }, waiting.map(message)),
    over.length > 0 && h("h3", { class: "phone-part" }, t("Earlier", "更早")),
    h("ul", { class: "receipts" }, over.map(receipt)),
  ];
}

// What the customer does, and not WeChat Pay.
const BY_CUSTOMER = ["pay", "confirm", "enter-password"];

function nothing() {
  return h(
    "div",
    { class: "phone-empty" },
    h("p", null, t("Nothing to do", "暂无待办")),
    h("p", { class: "soft" }, t("Orders of your program arrive here.", "程序创建的订单会出现在这里。")),
  );
}

function message(item) {
  return h(
    "li",
    null,
    h(
      "a",
      { id: `message-${item.id}`, class: "message", href: `#/phone/item/${address(item)}` },
      h("span", { class: "message-kind" }, kindOf(item), h("time", null, shortWhen(item.created_at))),
      h("span", { class: "message-subject" }, subject(item)),
      h("span", { class: "message-amount" }, money(item.amount ?? item.total ?? item.risk_amount)),
      h("span", { class: "message-go" }, invitation(item)),
    ),
  );
}

function kindOf(item) {
  if (item.kind === "transfer") return t("Transfer to you", "待收款");
  if (item.kind === "service") return t("Pay-score", "支付分");
  return t("Payment", "待支付");
}

function invitation(item) {
  if (item.kind === "transfer") return t("Accept the money", "去收款");
  if (item.can.includes("confirm")) return t("Confirm the service", "确认使用服务");
  if (item.can.includes("enter-password")) return t("Enter the password", "输入密码");
  return t("Pay", "去支付");
}

function receipt(item) {
  return h(
    "li",
    null,
    h("span", { class: "receipt-subject" }, subject(item)),
    h("span", { class: "receipt-amount" }, money(item.amount ?? item.total ?? item.risk_amount)),
    h("span", { class: "soft" }, shortWhen(item.created_at)),
    badge(item.is_expired ? "EXPIRED" : item.state),
  );
}
