// What can be done with an order, a refund or a transfer. The sandbox says in `can` what its rules allow now.

import { path, post } from "../base/api.js";
import { t } from "../base/text.js";
import { button, toast } from "../base/widgets.js";

// The first part of the address of what is done, by kind.
const FOLDERS = {
  payment: "orders",
  combined: "orders",
  service: "service-orders",
  refund: "refunds",
  transfer: "transfers",
};

// Returns the buttons of all that can be done with an item now. `done` is called after each.
export function actButtons(item, done) {
  // Whoever pays has entered the password.
  const can = item.can.includes("enter-password") ? item.can.filter((name) => name !== "pay") : item.can;
  return can.flatMap((name) => acts(item.kind, name)).map((act) =>
    button(
      act.text,
      async () => {
        await carryOut(item, act);
        await done?.();
      },
      { kind: act.kind, id: `act-${act.name}${act.body?.status ?? ""}-${item.id}` },
    ),
  );
}

// Does one thing with an item, and says that it is done.
export async function carryOut(item, act) {
  await post(path`${FOLDERS[item.kind]}/${item.number}/${act.name}`, act.body, { mchid: item.mchid });
  toast(act.done);
}

// Returns the acts of a name in `can`. A failed refund may end in two ways.
export function acts(kind, name) {
  if (kind === "refund" && name === "fail") {
    const failed = t("The refund failed", "退款已失败");
    return [
      {
        name,
        kind: "danger",
        text: t("Fail: abnormal", "退款异常"),
        done: failed,
        body: { status: "ABNORMAL" },
      },
      { name, text: t("Fail: closed", "退款关闭"), done: failed, body: { status: "CLOSED" } },
    ];
  }
  const known = (kind === "refund" ? refundActs() : kind === "transfer" ? transferActs() : orderActs())[name];
  // An act that this page does not know is offered by its name.
  return [{ name, ...(known ?? { text: name, done: name }) }];
}

function orderActs() {
  return {
    confirm: {
      kind: "primary",
      text: t("Confirm", "用户确认"),
      done: t("The customer confirmed the service order", "用户已确认支付分订单"),
    },
    pay: { kind: "primary", text: t("Pay", "支付"), done: t("Paid", "已支付") },
    "enter-password": {
      kind: "primary",
      text: t("Enter the password", "输入密码"),
      done: t("The customer entered the password", "用户已输入密码"),
    },
    fail: {
      kind: "danger",
      text: t("Fail", "支付失败"),
      done: t("The payment failed on the phone", "用户支付失败"),
    },
    expire: { text: t("Expire", "使其过期"), done: t("Expired", "已过期") },
  };
}

function refundActs() {
  return {
    succeed: { kind: "primary", text: t("Succeed", "退款成功"), done: t("The refund succeeded", "退款已成功") },
  };
}

function transferActs() {
  return {
    confirm: {
      kind: "primary",
      text: t("Confirm", "用户确认收款"),
      done: t("The customer confirmed the transfer", "用户已确认收款"),
    },
    succeed: { kind: "primary", text: t("Succeed", "转账成功"), done: t("The transfer succeeded", "转账已成功") },
    fail: { kind: "danger", text: t("Decline or fail", "拒收或失败"), done: t("The transfer failed", "转账已失败") },
    cancel: { text: t("Finish the cancellation", "完成撤销"), done: t("The transfer is cancelled", "转账已撤销") },
  };
}
