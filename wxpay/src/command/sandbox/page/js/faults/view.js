// Faults on request, the clock and the reset.

import { del, get } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { on, onAny } from "../base/live.js";
import { t } from "../base/text.js";
import { button, card, empty, errorLine, table, toast, viewHead } from "../base/widgets.js";
import { clockCard, resetCard } from "./clock.js";
import { firedCard } from "./fired.js";
import { deliveryForm, responseForm } from "./form.js";
import { deliveryFaultTitle, responseFaultTitle } from "./kinds.js";

export default {
  title: () => t("Faults", "故障"),

  open(root) {
    const responses = waitingList("faults", responseWaiting);
    const deliveries = waitingList("delivery-faults", deliveryWaiting);
    const clock = clockCard();
    const fired = firedCard();
    const read = () => Promise.all([responses.read(), deliveries.read(), clock.read()]);
    root.append(
      viewHead(
        t("Faults", "故障"),
        t(
          "What goes wrong in production, on request: see how your program copes with it.",
          "按需制造生产环境中的故障，检验你的程序能否应对。",
        ),
      ),
      h(
        "div",
        { class: "columns" },
        card(t("Responses of WeChat Pay", "微信支付的应答"), responseForm(responses.read), responses.node),
        card(t("Notifications", "回调通知"), deliveryForm(deliveries.read), deliveries.node),
      ),
      fired.node,
      h("div", { class: "columns" }, clock.node, resetCard(read)),
    );
    void read();
    const ends = [
      onAny(["answered"], responses.read),
      onAny(["delivery"], deliveries.read),
      on("reconnected", () => void read()),
      fired.close,
      clock.close,
    ];
    return () => ends.forEach((end) => end());
  },
};

// The faults that wait, with a button that removes them. `show` returns what stands for them.
function waitingList(path, show) {
  const node = h("div", { class: "waiting-faults", "aria-live": "polite" });
  const clearAll = async () => {
    await del(path);
    toast(t("Faults cleared", "故障已清除"));
    await read();
  };
  const read = async () => {
    try {
      const { data } = await get(path);
      const head = h(
        "div",
        { class: "row-head" },
        h("h3", null, t("Waiting", "等待触发"), data.length > 0 && ` (${data.length})`),
        data.length > 0 && button(t("Clear", "清除"), clearAll, { kind: "small", id: `${path}-clear`, label: t("Clear the waiting faults", "清除等待触发的故障") }),
      );
      redraw(node, head, data.length > 0 ? show(data) : empty(t("No fault is waiting.", "没有等待触发的故障。")));
    } catch (error) {
      redraw(node, errorLine(error));
    }
  };
  return { node, read };
}

function responseWaiting(data) {
  const columns = [
    { title: t("Fault", "故障") },
    { title: t("Only for", "限于") },
    { title: t("Left", "剩余"), class: "number" },
  ];
  const rows = data.map((fault) => [
    [h("strong", null, responseFaultTitle(fault.fault)), details(fault)],
    [fault.method, fault.path].filter(Boolean).join(" ") || t("any request", "任何请求"),
    left(fault),
  ]);
  return table(t("Faults waiting for requests", "等待请求的故障"), columns, rows);
}

function left({ times, probability }) {
  const count = times === null ? t("no limit", "不限") : t(`${times}×`, `${times} 次`);
  return probability === null ? count : `${count}, ${Number((probability * 100).toFixed(2))}%`;
}

// What was given beside the fault's name.
function details(fault) {
  const names = ["status", "code", "delay_ms", "bytes", "offset_s", "retry_after_s"];
  const given = names.filter((name) => fault[name] !== undefined && fault[name] !== null);
  return given.length > 0 && h("div", { class: "soft" }, given.map((name) => `${name} ${fault[name]}`).join(", "));
}

function deliveryWaiting(data) {
  return h(
    "ol",
    { class: "numbered" },
    data.map(({ fault }) => h("li", null, h("strong", null, deliveryFaultTitle(fault)))),
  );
}
