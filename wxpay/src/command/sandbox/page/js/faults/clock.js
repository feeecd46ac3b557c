// The sandbox's clock, and its reset.

import { get, post } from "../base/api.js";
import { h } from "../base/dom.js";
import { date, duration, t } from "../base/text.js";
import { button, card, dialog, toast } from "../base/widgets.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function clockCard() {
  const shown = h("p", { class: "clock-time" });
  const ahead = h("p", { class: "about", "aria-live": "polite" });
  // What the sandbox's clock was, and when by that of this machine.
  let read = null;
  const tick = () => {
    if (read) shown.replaceChildren(date((read.now + (Date.now() - read.at) / 1000) * 1000));
  };
  const take = async () => {
    const { now, ahead_s } = await get("clock");
    read = { now, at: Date.now() };
    ahead.replaceChildren(
      ahead_s === 0
        ? t("The real time.", "真实时间。")
        : t(`${duration(ahead_s * 1000)} ahead of the real time.`, `比真实时间快 ${duration(ahead_s * 1000)}。`),
    );
    tick();
  };
  const advance = async (seconds) => {
    await post("clock", { advance_s: seconds });
    await take();
    toast(t(`The clock moved ahead by ${duration(seconds * 1000)}`, `时钟已前进 ${duration(seconds * 1000)}`));
  };
  const steps = [
    [MINUTE, t("1 minute", "1 分钟")],
    [10 * MINUTE, t("10 minutes", "10 分钟")],
    [2 * HOUR, t("2 hours", "2 小时")],
    [DAY, t("1 day", "1 天")],
    [30 * DAY, t("30 days", "30 天")],
  ];
  const timer = setInterval(tick, 1000);
  return {
    node: card(
      t("Clock", "时钟"),
      shown,
      ahead,
      h("p", null, t(
        "Orders expire, refunds finish and notifications are repeated by this clock. It only moves ahead.",
        "订单过期、退款完成、通知重发都以此时钟为准。时钟只能前进。",
      )),
      h(
        "div",
        { class: "actions", role: "group", "aria-label": t("Move the clock ahead by", "时钟前进") },
        steps.map(([seconds, text]) => button(`+ ${text}`, () => advance(seconds), { kind: "small", id: `clock-${seconds}` })),
      ),
    ),
    read: take,
    close: () => clearInterval(timer),
  };
}

export function resetCard(after) {
  const reset = async () => {
    const sure = await dialog(t("Reset the sandbox?", "重置沙箱？"), (close) => [
      h("p", null, t(
        "Orders, money, requests, notifications and faults are lost. Keys and merchants stay.",
        "订单、资金、请求、通知和故障都会丢失，密钥和商户保留。",
      )),
      h(
        "div",
        { class: "actions" },
        button(t("Cancel", "取消"), () => close(false), { id: "reset-cancel" }),
        button(t("Reset", "重置"), () => close(true), { kind: "danger", id: "reset-sure" }),
      ),
    ]);
    if (!sure) return;
    await post("reset");
    toast(t("The sandbox is as it was after its start", "沙箱已恢复到启动时的状态"));
    await after();
  };
  return card(
    t("Start again", "重新开始"),
    h("p", null, t(
      "Returns to the state after the start: no orders, the opening balances, no faults, the real time.",
      "回到启动时的状态：没有订单，期初余额，没有故障，真实时间。",
    )),
    h("div", { class: "actions" }, button(t("Reset…", "重置…"), reset, { kind: "danger", id: "reset" })),
  );
}
