// What opens the payment of an order: a QR code, a link, or the parameters of a front end.

import { h } from "../base/dom.js";
import { t } from "../base/text.js";
import { code, copyButton, facts } from "../base/widgets.js";
import { qrCode } from "./qr.js";

// Returns the part of the view, or null if nothing opens the order.
export function opens(order) {
  const given = order.parameters ?? {};
  if (given.qr) return native(given);
  if (given.h5_url) return link(given.h5_url);
  if (given.prepay_id) return frontEnd(given);
  // Only the confirmation is opened with it.
  if (given.package && order.can.includes("confirm")) return packageOf(given.package);
  return null;
}

function native({ code_url: url, qr }) {
  return h(
    "div",
    { class: "opens native" },
    qrCode(qr, t("QR code of the order", "订单的二维码")),
    h(
      "div",
      null,
      h("h3", null, t("Native: the customer scans this code", "Native支付：用户扫描此二维码")),
      h(
        "p",
        { class: "soft" },
        t(
          "It holds the code_url that your program received. WeChat itself cannot pay it: press Pay, or open it on the page's phone.",
          "二维码内容即程序收到的 code_url。真实的微信无法支付，请点击“支付”，或用本页的手机打开。",
        ),
      ),
      value(url),
    ),
  );
}

function link(url) {
  return h(
    "div",
    { class: "opens" },
    h("h3", null, t("H5: the customer's browser opens this link", "H5支付：用户的浏览器打开此链接")),
    value(url),
  );
}

function frontEnd(given) {
  const { prepay_id: prepayId, appid, appId, names = [], signed = [] } = given;
  return h(
    "div",
    { class: "opens" },
    h("h3", null, t("The front end opens the payment with these parameters", "前端以下列参数调起支付")),
    facts([
      ["prepay_id", value(prepayId)],
      ["appid", (appid ?? appId) && h("code", null, appid ?? appId)],
      [t("Parameters", "参数"), h("code", null, names.join(", "))],
      [t("Signed, in this order", "按此顺序签名"), h("code", null, signed.join(", "))],
    ]),
  );
}

function packageOf(text) {
  return h(
    "div",
    { class: "opens" },
    h("h3", null, t("The front end opens the confirmation with this package", "前端以此 package 调起确认页面")),
    code(text, { id: "opens-package", label: "package" }),
  );
}

function value(text) {
  return h("p", { class: "value" }, h("code", null, text), copyButton(text, { id: "copy-opens" }));
}
