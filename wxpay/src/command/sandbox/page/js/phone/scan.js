// Scanning a code, and opening what a front end passes to WeChat.

import { get, path, post } from "../base/api.js";
import { h } from "../base/dom.js";
import { money, t } from "../base/text.js";
import { button } from "../base/widgets.js";
import { address, subject } from "../cashier/item.js";
import { qrCode } from "../cashier/qr.js";

// So many codes are in front of the camera.
const CODES = 6;

export async function scanScreen() {
  const codes = await nativeOrders();
  return [
    h("header", { class: "phone-head" }, h("h2", { tabindex: "-1" }, t("Scan", "扫一扫"))),
    codes.length === 0
      ? h("p", { class: "phone-empty soft" }, t("No code of a Native order is in view.", "没有Native订单的二维码。"))
      : h("ul", { class: "codes" }, codes.map(codeOf)),
    opener(),
  ];
}

// Whoever pastes parameters must not lose them to news.
scanScreen.isKept = true;

async function nativeOrders() {
  const { data } = await get("orders", { can: "pay", limit: 100 });
  const natives = data.filter((order) => order.trade_type === "NATIVE").reverse().slice(0, CODES);
  return Promise.all(natives.map(({ mchid, kind, number }) => get(path`orders/${number}`, { mchid, kind })));
}

function codeOf(order) {
  return h(
    "li",
    null,
    h(
      "a",
      { id: `code-${order.id}`, href: `#/phone/item/${address(order)}` },
      qrCode(order.parameters.qr, t("QR code", "二维码")),
      h("span", { class: "receipt-subject" }, subject(order)),
      h("strong", null, money(order.total)),
    ),
  );
}

function opener() {
  const field = h("textarea", {
    id: "phone-open",
    rows: "5",
    spellcheck: "false",
    placeholder: '{"appId":"…","timeStamp":"…","nonceStr":"…","package":"prepay_id=…","signType":"RSA","paySign":"…"}',
  });
  const result = h("p", { class: "opened", role: "status" });
  const open = async () => {
    result.className = "opened";
    try {
      const paid = await post("phone/pay", parameters(field.value.trim()));
      result.textContent = t(`Paid: ${paid.out_trade_no}`, `已支付：${paid.out_trade_no}`);
    } catch (error) {
      result.className = "opened error-line";
      result.textContent = error.message;
    }
  };
  return h(
    "div",
    { class: "opener" },
    h("label", { for: "phone-open" }, t("Or open what your front end has", "或打开前端的参数")),
    h(
      "p",
      { class: "soft", id: "phone-open-about" },
      t(
        "The parameters of JSAPI or APP as JSON, a code_url or an h5_url. They are checked as WeChat does, the signature too, and paid.",
        "JSAPI 或 APP 的参数（JSON）、code_url 或 h5_url。沙箱像微信一样检查（包括签名）并支付。",
      ),
    ),
    field,
    button(t("Open and pay", "打开并支付"), open, { kind: "primary", id: "phone-open-pay" }),
    result,
  );
}

function parameters(text) {
  if (text.startsWith("weixin://")) return { code_url: text };
  if (/^https?:/.test(text)) return { h5_url: text };
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(t("Neither JSON nor a link", "既不是 JSON，也不是链接"));
  }
}
