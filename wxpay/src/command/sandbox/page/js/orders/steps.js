// What an entry of a timeline shows: between which lanes, in which colour, with which words and link.

import { states } from "../base/states.js";
import { money, t } from "../base/text.js";
import { badge } from "../base/widgets.js";
import { deliveryFaultTitle } from "../faults/kinds.js";
import { eventTitle } from "../notifications/title.js";

// Returns the step of an entry, or null for a kind that this page does not know.
export function step(entry, order) {
  return Object.hasOwn(STEPS, entry.kind) ? { at: entry.at_ms, ...STEPS[entry.kind](entry, order) } : null;
}

const STEPS = {
  request(entry) {
    return {
      id: `request-${entry.id}`,
      from: "merchant",
      to: "wechat",
      tone: isGood(entry) ? "idle" : "bad",
      title: entry.title ?? `${entry.method} ${entry.path}`,
      detail: entry.title && `${entry.method} ${entry.path}`,
      badge: statusBadge(entry),
      href: `#/requests/${entry.id}`,
    };
  },

  state(entry, order) {
    const isPaid = entry.to === "SUCCESS";
    const amount = money(order.total, order.currency);
    return {
      from: isPaid ? "customer" : "wechat",
      to: "wechat",
      tone: toneOf(entry.to),
      title: isPaid ? t(`The customer pays ${amount}`, `用户支付 ${amount}`) : t("State of the order", "订单状态"),
      badge: badge(entry.to),
    };
  },

  refund(entry, order) {
    const amount = money(entry.amount, order.currency);
    return {
      from: "wechat",
      to: entry.to === "SUCCESS" ? "customer" : "wechat",
      tone: toneOf(entry.to),
      title: t(`Refund of ${amount}`, `退款 ${amount}`),
      detail: entry.number,
      badge: badge(entry.to),
    };
  },

  delivery(entry) {
    return {
      id: `delivery-${entry.id}`,
      from: "wechat",
      to: "wechat",
      tone: toneOf(entry.state),
      title: t("Notification", "回调通知"),
      detail: eventTitle(entry),
      badge: badge(entry.state),
      href: notification(entry),
    };
  },

  attempt(entry) {
    const number = entry.attempt + 1;
    return {
      id: `attempt-${entry.id}-${entry.attempt}`,
      from: "wechat",
      to: "merchant",
      isDashed: true,
      tone: isGood(entry) ? "good" : "bad",
      title: t(`Delivery, attempt ${number}`, `第 ${number} 次投递`),
      detail: [entry.fault && t(`Fault: ${deliveryFaultTitle(entry.fault)}`, `故障：${deliveryFaultTitle(entry.fault)}`), entry.error]
        .filter(Boolean)
        .join(" · "),
      badge: statusBadge(entry),
      href: notification(entry),
    };
  },
};

function isGood({ status, error }) {
  return !error && status >= 200 && status < 300;
}

function statusBadge(entry) {
  const text = entry.status ?? t("No response", "无应答");
  return badge(entry.status, { text, tone: isGood(entry) ? "good" : "bad" });
}

function toneOf(state) {
  return states()[state]?.tone ?? "idle";
}

function notification({ id }) {
  return `#/notifications/${encodeURIComponent(id)}`;
}
