// The code that a customer shows to a cashier, for code payments.

import { post } from "../base/api.js";
import { h } from "../base/dom.js";
import { t } from "../base/text.js";
import { button, copyButton } from "../base/widgets.js";

export function codeScreen() {
  const place = h("div", { class: "pay-code", "aria-live": "polite" });
  const draw = async () => {
    const { auth_code: code } = await post("auth-codes");
    place.replaceChildren(
      h("p", { class: "pay-code-digits" }, code.replace(/(\d{4})(?=\d)/g, "$1 ")),
      copyButton(code, { id: "copy-code", label: t("Copy auth_code", "复制 auth_code") }),
    );
  };
  return [
    h("header", { class: "phone-head" }, h("h2", { tabindex: "-1" }, t("Pay code", "付款码"))),
    h(
      "p",
      { class: "soft phone-about" },
      t("A cashier scans it: send it as auth_code of a code payment.", "收银员扫描此码：在付款码支付中作为 auth_code 提交。"),
    ),
    place,
    h("div", { class: "sheet-actions" }, button(t("Show a code", "出示付款码"), draw, { kind: "primary", id: "new-code" })),
  ];
}

codeScreen.isKept = true;
