// Money in and out for each day, by the sandbox's clock.

import { get } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { onAny } from "../base/live.js";
import { money, t } from "../base/text.js";
import { empty, errorLine, table, viewHead } from "../base/widgets.js";
import { chart, dayName } from "./chart.js";

const SPANS = [7, 30, 90];

export default {
  title: () => t("Money", "资金"),

  async open(root) {
    const { merchants } = await get("config");
    const days = select("money-days", t("Time", "时间"), SPANS.map((span) => [span, t(`${span} days`, `${span} 天`)]), 30);
    const merchant = select(
      "money-merchant",
      t("Merchant", "商户"),
      [["", t("All merchants", "所有商户")], ...merchants.map(({ mchid }) => [mchid, mchid])],
      "",
    );
    const body = h("div", { "aria-live": "off" });
    let data = null;
    const draw = () => data && redraw(body, data.some(isMoved) ? shown(data, body.clientWidth) : nothing());
    const read = async () => {
      try {
        ({ data } = await get("money", { days: days.control.value, mchid: merchant.control.value }));
        draw();
      } catch (error) {
        redraw(body, errorLine(error));
      }
    };
    for (const { control } of [days, merchant]) control.addEventListener("change", () => void read());
    root.append(
      viewHead(
        t("Money", "资金"),
        t(
          "What came in and went out on each day: payments, refunds, transfers and what else moves balances.",
          "每天的收入与支出：支付、退款、转账及其他变动。",
        ),
        merchants.length > 1 && merchant.node,
        days.node,
      ),
      body,
    );
    await read();
    // The picture has as many pixels as the page: its text is as large as any other.
    const resized = new ResizeObserver(draw);
    resized.observe(body);
    const end = onAny(["answered", "state", "reconnected"], read, 500);
    return () => {
      resized.disconnect();
      end();
    };
  },
};

function isMoved(day) {
  return day.in !== 0 || day.out !== 0;
}

function select(id, title, options, chosen) {
  const control = h("select", { id }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return { control, node: h("div", { class: "field" }, h("label", { for: id }, title), control) };
}

function shown(data, width) {
  const sum = (name) => data.reduce((total, day) => total + day[name], 0);
  const [income, expense] = [sum("in"), sum("out")];
  const figure = (title, fen, tone) => h("div", { class: `figure ${tone}` }, h("dt", null, title), h("dd", null, money(fen)));
  const moved = data.filter(isMoved).reverse();
  return [
    h(
      "dl",
      { class: "figures" },
      figure(t("In", "收入"), income, "in"),
      figure(t("Out", "支出"), expense, "out"),
      figure(t("Net", "净额"), income - expense, ""),
    ),
    h("section", { class: "card" }, h("h2", null, t("By day", "按天")), chart(data, width)),
    h("section", { class: "card days" }, h("h2", null, t("Days on which money moved", "有资金变动的日期")), table(
      t("Money by day", "每天的资金"),
      [
        { title: t("Day", "日期"), class: "day" },
        { title: t("In", "收入"), class: "number" },
        { title: t("Out", "支出"), class: "number" },
        { title: t("Net", "净额"), class: "number net" },
      ],
      moved.map((day) => [dayName(day.day), amount(day.in), amount(day.out), money(day.in - day.out)]),
    )),
  ];
}

// Without the noise of ¥0.00.
function amount(fen) {
  return fen === 0 ? "–" : money(fen);
}

function nothing() {
  return empty(
    t("No money has moved in this time.", "这段时间没有资金变动。"),
    t("Pay an order at the cashier, and its day appears here.", "在收银台支付一个订单，即可在此看到当天的资金。"),
    h("a", { class: "button primary", href: "#/cashier" }, t("To the cashier", "前往收银台")),
  );
}
