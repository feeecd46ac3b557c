// The states that the API names, in words and with a tone.

import { t } from "./text.js";

const good = (text) => ({ tone: "good", text });
const bad = (text) => ({ tone: "bad", text });
const wait = (text) => ({ tone: "wait", text });
const idle = (text) => ({ tone: "idle", text });

// Returns `{ tone, text }` by the name of a state.
export function states() {
  return {
    NOTPAY: wait(t("Awaiting payment", "待支付")),
    USERPAYING: wait(t("Paying", "支付中")),
    SUCCESS: good(t("Succeeded", "成功")),
    REFUND: idle(t("Refunded", "转入退款")),
    CLOSED: idle(t("Closed", "已关闭")),
    REVOKED: idle(t("Revoked", "已撤销")),
    PAYERROR: bad(t("Payment failed", "支付失败")),
    PROCESSING: wait(t("Processing", "处理中")),
    ABNORMAL: bad(t("Abnormal", "异常")),
    CREATED: wait(t("Awaiting confirmation", "待用户确认")),
    // Of service orders: the state, and what it is about.
    "DOING/USER_CONFIRM": idle(t("In service", "服务中")),
    "DOING/MCH_COMPLETE": wait(t("Awaiting payment", "待支付")),
    DOING: idle(t("In service", "服务中")),
    DONE: good(t("Completed", "已完成")),
    EXPIRED: idle(t("Expired", "已过期")),
    CANCELLED: idle(t("Cancelled", "已撤销")),
    CANCELING: wait(t("Being cancelled", "撤销中")),
    ACCEPTED: wait(t("Accepted", "已受理")),
    WAIT_USER_CONFIRM: wait(t("Awaiting confirmation", "待用户确认")),
    TRANSFERING: wait(t("On its way", "转账中")),
    FAIL: bad(t("Failed", "失败")),
    waiting: wait(t("Waiting", "等待投递")),
    held: wait(t("Held", "暂缓")),
    acknowledged: good(t("Acknowledged", "已应答")),
    given_up: bad(t("Given up", "已放弃")),
    not_sent: bad(t("Not sent", "未投递")),
  };
}
