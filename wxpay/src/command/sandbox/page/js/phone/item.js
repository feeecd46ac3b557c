// One order or transfer on the phone: what it is, and the customer's buttons.

import { get, path } from "../base/api.js";
import { h } from "../base/dom.js";
import { money, t } from "../base/text.js";
import { badge, button, icon } from "../base/widgets.js";
import { acts, carryOut } from "../cashier/acts.js";
import { subject } from "../cashier/item.js";

export async function itemScreen([mchid, kind, number], changed) {
  const item = await read(mchid, kind, number);
  if (!item) return [head(t("Not found", "未找到")), leave()];
  const { title, question, main, other } = screenOf(item);
  const isDone = DONE.includes(item.state.split("/")[0]) && item.can.every((act) => act !== main);
  const canAct = main && item.can.includes(main);
  return [
    head(isDone ? t("Result", "结果") : title),
    h(
      "div",
      { class: `sheet ${isDone ? "done" : ""}` },
      isDone && h("span", { class: "tick" }, icon("check")),
      h("p", { class: "sheet-to" }, isDone ? doneText(item) : question),
      h("p", { class: "sheet-amount" }, money(item.amount ?? item.total ?? item.risk_amount)),
      h("p", { class: "sheet-subject" }, subject(item)),
      !isDone && !canAct && badge(item.is_expired ? "EXPIRED" : item.state),
    ),
    canAct &&
      h(
        "div",
        { class: "sheet-actions" },
        [main, other].filter((act) => item.can.includes(act)).map((act) => actButton(item, act, changed)),
      ),
    leave(isDone),
  ];
}

const DONE = ["SUCCESS", "REFUND", "DOING", "DONE", "ACCEPTED", "TRANSFERING", "PROCESSING"];

async function read(mchid, kind, number) {
  if (kind === "transfer" || kind === "service") {
    const list = kind === "transfer" ? "transfers" : "service-orders";
    const { data } = await get(list, { mchid, text: number, limit: 1000 });
    return data.find((item) => item.number === number);
  }
  return get(path`orders/${number}`, { mchid, kind });
}

// What the customer is asked, and may do.
function screenOf(item) {
  if (item.kind === "transfer") {
    return {
      title: t("Transfer", "转账"),
      question: t(`Merchant ${item.mchid} sends you`, `商户 ${item.mchid} 向你转账`),
      main: "confirm",
      other: "fail",
    };
  }
  if (item.kind === "service" && item.can.includes("confirm")) {
    return {
      title: t("Pay-score", "支付分"),
      question: t("Use first, pay later. At most", "先享后付，最高"),
      main: "confirm",
    };
  }
  return {
    title: t("Payment", "确认付款"),
    question: t(`To merchant ${item.mchid}`, `付款给商户 ${item.mchid}`),
    main: item.can.includes("enter-password") ? "enter-password" : "pay",
    other: "fail",
  };
}

function doneText(item) {
  if (item.kind === "transfer") return t("Accepted", "已收款");
  if (item.state === "REFUND") return t("Refunded", "已退款");
  if (item.kind === "service") return item.total ? t("Paid", "支付成功") : t("Confirmed", "已确认");
  return t("Paid", "支付成功");
}

function actButton(item, name, changed) {
  const act = acts(item.kind, name)[0];
  const press = async () => {
    await carryOut(item, act);
    await changed();
  };
  return button(wording(item.kind, name), press, { kind: act.kind === "primary" ? "primary" : "quiet", id: `phone-${name}` });
}

// As the phone says it.
function wording(kind, name) {
  if (kind === "transfer") return name === "confirm" ? t("Accept", "收款") : t("Decline", "拒收");
  return {
    confirm: t("Agree and use", "同意并使用"),
    pay: t("Pay now", "立即支付"),
    "enter-password": t("Enter the password and pay", "输入密码并支付"),
    fail: t("The balance is too low", "余额不足，支付失败"),
  }[name];
}

function head(title) {
  return h(
    "header",
    { class: "phone-head" },
    h("a", { class: "phone-back", id: "phone-back", href: "#/phone", "aria-label": t("Back to the messages", "返回消息") }, icon("back")),
    h("h2", { tabindex: "-1" }, title),
  );
}

function leave(isDone) {
  return h(
    "p",
    { class: "sheet-leave" },
    h("a", { id: "phone-leave", class: isDone ? "button primary" : "button quiet", href: "#/phone" }, isDone ? t("Done", "完成") : t("Not now", "暂不处理")),
  );
}
