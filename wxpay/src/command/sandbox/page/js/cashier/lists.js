// The lists of the cashier: orders, refunds and transfers.

import { get } from "../base/api.js";
import { h } from "../base/dom.js";
import { money, t } from "../base/text.js";
import { badge, code, empty } from "../base/widgets.js";
import { actButtons } from "./acts.js";
import { address, isOf, product, shortWhen, subject, timelineOf } from "./item.js";

// As many as a person looks through. Others are found by their text.
export const LIMIT = 100;

// Reads a list, the newest first. `isOpen`: only those that wait for a decision.
export function read(section, isOpen, text) {
  return section === "orders" ? readOrders(isOpen, text) : readOthers(section, isOpen, text);
}

async function readOrders(isOpen, text) {
  const query = { limit: LIMIT, text };
  if (!isOpen) return newestFirst([await get("orders", query)]);
  return newestFirst(
    await Promise.all([
      get("orders", { ...query, can: "pay" }),
      get("service-orders", { ...query, can: "confirm" }),
    ]),
  );
}

async function readOthers(list, isOpen, text) {
  const items = newestFirst([await get(list, { limit: LIMIT, text })]);
  return isOpen ? items.filter((item) => item.can.length > 0) : items;
}

function newestFirst(pages) {
  return pages.flatMap((page) => page.data).reverse().sort((a, b) => b.created_at - a.created_at);
}

// Orders as links to their details. `chosen` is the id of the one on show.
export function orderList(orders, chosen) {
  return h(
    "ul",
    { class: "items", id: "orders" },
    orders.map((order) =>
      h(
        "li",
        null,
        h(
          "a",
          {
            id: `order-${order.id}`,
            href: `#/cashier/orders/${address(order)}`,
            "aria-current": isOf(order, chosen) && "true",
          },
          h("span", { class: "item-subject" }, subject(order)),
          h("strong", { class: "item-amount" }, money(order.total ?? order.risk_amount, order.currency)),
          h("span", { class: "item-about" }, `${product(order)} · ${shortWhen(order.created_at)}`),
          badge(order.is_expired ? "EXPIRED" : order.state),
        ),
      ),
    ),
  );
}

// Refunds or transfers, each with what can be done with it.
export function otherList(items, changed) {
  return h(
    "ul",
    { class: "others" },
    items.map((item) =>
      h(
        "li",
        { class: "card" },
        h(
          "div",
          { class: "line" },
          h("strong", { class: "item-amount" }, money(item.amount)),
          h("span", { class: "item-subject" }, subject(item)),
          badge(item.state),
        ),
        h(
          "p",
          { class: "item-about" },
          h("code", null, item.number),
          item.order && [` · ${t("of order", "订单")} `, toTimeline(item)],
          item.openid && ` · ${item.openid}`,
          ` · ${shortWhen(item.created_at)}`,
          item.fail_reason && ` · ${item.fail_reason}`,
        ),
        item.can.length > 0 && h("div", { class: "actions" }, actButtons(item, changed)),
      ),
    ),
  );
}

function toTimeline(refund) {
  return h("a", { href: timelineOf({ number: refund.order, mchid: refund.mchid }) }, refund.order);
}

// What is shown when nothing waits.
export async function nothing(section, isOpen, text) {
  if (text) return empty(t("Nothing has this text", "没有匹配的内容"), t("Try a part of the number.", "请尝试输入单号的一部分。"));
  const titles = {
    orders: isOpen ? t("No order awaits payment", "没有待支付的订单") : t("No orders yet", "还没有订单"),
    refunds: isOpen ? t("No refund awaits its result", "没有处理中的退款") : t("No refunds yet", "还没有退款"),
    transfers: isOpen ? t("No transfer awaits the customer", "没有待确认的转账") : t("No transfers yet", "还没有转账"),
  };
  return h(
    "div",
    null,
    empty(titles[section], t("What your program does shows up here at once.", "程序的操作会立即显示在这里。")),
    section === "orders" && (await firstOrder()),
  );
}

// Returns a command that makes an order of the first merchant.
async function firstOrder() {
  const { merchants } = await get("config");
  const { appid, mchid } = merchants[0];
  const at = location.port === "8080" ? "" : `=${location.origin}`;
  const command =
    "wxpay post v3/pay/transactions/native \\\n" +
    `  -f appid=${appid} -f mchid=${mchid} \\\n` +
    "  -f description=Tea -f out_trade_no=tea-0001 -f amount.total=100 \\\n" +
    `  -f notify_url=http://127.0.0.1:3000/notify --sandbox${at}`;
  return h(
    "div",
    { class: "first" },
    h("p", null, t("An order to begin with:", "先创建一个订单：")),
    code(command, { id: "first-order", label: t("Command", "命令") }),
  );
}
