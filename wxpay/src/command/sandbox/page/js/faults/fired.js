// The faults that met a request or a notification, as they happen.

import { get } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { on } from "../base/live.js";
import { preciseTime, t } from "../base/text.js";
import { card, empty, errorLine, table } from "../base/widgets.js";
import { eventTitle } from "../notifications/title.js";
import { deliveryFaultTitle, responseFaultTitle } from "./kinds.js";

// The last ones: more is in the lists of requests and notifications.
const SHOWN = 30;

export function firedCard() {
  const fired = new Map();
  const list = h("div", { "aria-live": "polite" });
  const show = () => {
    const newest = [...fired.values()].sort((a, b) => b.at - a.at).slice(0, SHOWN);
    redraw(list, newest.length > 0 ? tableOf(newest) : empty(
      t("No fault has met anything yet.", "尚无故障触发。"),
      t("Add one above and send a request: it appears here at once.", "在上方添加故障并发送请求，触发后会立即显示在此处。"),
    ));
  };
  const addRequest = (request) => {
    if (!request.fault) return;
    fired.set(`request ${request.id}`, {
      at: request.at_ms,
      title: responseFaultTitle(request.fault),
      to: `#/requests/${request.id}`,
      what: `${request.method} ${request.path}`,
      result: request.status ?? t("no response", "无应答"),
    });
  };
  const addDelivery = (delivery) => {
    delivery.attempts.forEach((attempt, i) => {
      if (!attempt.fault) return;
      fired.set(`attempt ${delivery.id} ${i}`, {
        at: attempt.at * 1000,
        title: deliveryFaultTitle(attempt.fault),
        to: `#/notifications/${encodeURIComponent(delivery.id)}`,
        what: eventTitle(delivery),
        result: attempt.status ?? attempt.error ?? "–",
      });
    });
  };
  const read = async () => {
    try {
      const [requests, deliveries] = await Promise.all([
        get("requests", { brief: true, limit: 1000 }),
        get("notifications", { brief: true, limit: 1000 }),
      ]);
      fired.clear();
      requests.data.forEach(addRequest);
      deliveries.data.forEach(addDelivery);
      show();
    } catch (error) {
      redraw(list, errorLine(error));
    }
  };
  const live = (add) => (data) => {
    const before = fired.size;
    add(data);
    if (fired.size !== before) show();
  };
  const ends = [on("answered", live(addRequest)), on("delivery", live(addDelivery)), on("reconnected", read)];
  void read();
  return {
    node: card(t("Fired", "已触发"), list),
    close: () => ends.forEach((end) => end()),
  };
}

function tableOf(fired) {
  const columns = [
    { title: t("Request or notification", "请求或通知") },
    { title: t("Fault", "故障") },
    { title: t("Response", "应答"), class: "number" },
    { title: t("Time", "时间"), class: "number fired-time" },
  ];
  const rows = fired.map(({ at, title, to, what, result }) => ({
    href: to,
    cells: [what, title, String(result), preciseTime(at)],
  }));
  return table(t("Faults that fired", "已触发的故障"), columns, rows);
}
