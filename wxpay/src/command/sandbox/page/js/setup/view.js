// Keys and configuration, to be copied into a program.

import { get } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { t } from "../base/text.js";
import { button, card, code, copyButton, errorLine, tabs, viewHead } from "../base/widgets.js";
import { filled, LANGUAGES, snippet } from "./snippet.js";

export default {
  title: () => t("Setup", "配置"),

  async open(root) {
    const config = await get("config");
    const merchants = config.merchants;
    const body = h("div");
    const show = (mchid) => {
      const merchant = merchants.find((one) => one.mchid === mchid) ?? merchants[0];
      redraw(body, codeCard(merchant), valuesCard(merchant), filesCard(merchant));
    };
    root.append(
      viewHead(
        t("Setup", "配置"),
        t(
          "What a program needs to call this sandbox. These keys are worth nothing at WeChat Pay.",
          "程序调用此沙箱所需的一切。这些密钥在微信支付中无效。",
        ),
        merchants.length > 1 && chooser(merchants, show),
      ),
      body,
    );
    show(config.mchid);
    return () => {};
  },
};

function chooser(merchants, show) {
  const select = h(
    "select",
    { id: "merchant", on: { change: () => show(select.value) } },
    merchants.map(({ mchid }) => h("option", { value: mchid }, mchid)),
  );
  return h("div", { class: "field" }, h("label", { for: "merchant" }, t("Merchant", "商户")), select);
}

function codeCard(merchant) {
  const items = LANGUAGES.map(({ id, title }) => ({ id, title, panel: () => codePanel(id, merchant) }));
  const note = !merchant.files && h("p", { class: "soft" }, t(
    "The files are not exported: save them from below, and write their folder in place of FOLDER.",
    "密钥文件尚未导出：请从下方保存，并将代码中的 FOLDER 换成所在目录。",
  ));
  return card(t("Configuration", "配置代码"), note, tabs(t("Language", "语言"), items));
}

function codePanel(language, merchant) {
  const panel = h("div");
  const label = LANGUAGES.find(({ id }) => id === language).title;
  snippet(language).then(
    (template) => panel.replaceChildren(code(filled(template, language, merchant), { id: "snippet", label })),
    (error) => panel.replaceChildren(errorLine(error)),
  );
  return panel;
}

function valuesCard(merchant) {
  const rows = [
    [t("Base URI", "接口地址"), "base_uri"],
    [t("Base URI over HTTPS", "HTTPS 接口地址"), "https_base_uri"],
    [t("Merchant ID", "商户号"), "mchid"],
    ["AppID", "appid"],
    [t("Serial of the API certificate", "商户API证书序列号"), "serial"],
    [t("APIv3 key", "APIv3 密钥"), "apiv3_key"],
    [t("APIv2 key", "APIv2 密钥"), "apiv2_key"],
    [t("ID of WeChat Pay's public key", "微信支付公钥ID"), "platform_key_id"],
    [t("Folder of the key files", "密钥文件目录"), "folder"],
  ];
  const value = (name) => (name === "folder" ? merchant.files?.folder : merchant[name]);
  const shown = rows.filter(([, name]) => value(name));
  return card(
    t("Values", "参数"),
    h("dl", { class: "values" }, shown.map(([title, name]) => h(
      "div",
      null,
      h("dt", null, title),
      h("dd", null, h("code", null, value(name)), copyIcon(title, value(name))),
    ))),
  );
}

function copyIcon(title, text) {
  const node = copyButton(text);
  node.setAttribute("aria-label", t(`Copy: ${title}`, `复制：${title}`));
  return node;
}

function filesCard(merchant) {
  const files = [
    ["apiclient_key.pem", t("Private key of the merchant", "商户API私钥"), merchant.private_key],
    ["apiclient_cert.pem", t("API certificate of the merchant", "商户API证书"), merchant.certificate],
    ["pub_key.pem", t("WeChat Pay's public key", "微信支付公钥"), merchant.platform_key],
    ["ca.pem", t("Authority of the sandbox's certificates, for HTTPS", "沙箱的CA证书，用于HTTPS"), merchant.ca_certificate],
    ["brand_key.pem", t("Private key of the brand", "品牌API私钥"), merchant.brand_private_key],
    ...(merchant.platform_certificates ?? []).map((pem, i) => [
      `platform_certificate_${i + 1}.pem`,
      t("Platform certificate", "微信支付平台证书"),
      pem,
    ]),
  ];
  return card(
    t("Key files", "密钥文件"),
    h("ul", { class: "files" }, files.filter(([, , pem]) => pem).map(([name, about, pem]) => h(
      "li",
      null,
      h("div", null, h("code", null, name), h("p", { class: "soft" }, about)),
      h("div", { class: "actions" }, copyIcon(name, pem), saveButton(name, pem)),
      h("details", { class: "more" }, h("summary", null, t("Show", "显示")), code(pem, { label: name })),
    ))),
  );
}

function saveButton(name, pem) {
  return button(t("Save", "保存"), () => {
    const link = h("a", { download: name });
    link.href = URL.createObjectURL(new Blob([pem], { type: "application/x-pem-file" }));
    link.click();
    URL.revokeObjectURL(link.href);
  }, { kind: "small", label: t(`Save ${name}`, `保存 ${name}`) });
}
