// The request as a command or as code, signed when it runs.

import { get } from "../base/api.js";
import { textNode } from "../base/body.js";
import { h } from "../base/dom.js";
import { t } from "../base/text.js";
import { tabs } from "../base/widgets.js";
import { callOf, FORMS, hasKnownMethod } from "./copy/index.js";

// The form that was chosen last.
let chosen = FORMS[0].id;

export function copying(request) {
  const place = h("div", { class: "copying" });
  void sandboxUri().then((base) => {
    const call = callOf(request, base);
    const items = FORMS.map((form) => ({ id: `copy-${form.id}`, title: form.title, panel: () => panel(form, call) }));
    place.replaceChildren(tabs(t("Copy as", "复制为"), items, { selected: chosen, onSelect: (id) => (chosen = id) }));
  });
  return place;
}

function panel(form, call) {
  const text = call.body.kind === "binary" ? null : form.write(call);
  if (text === null) return h("p", { class: "soft" }, refusal(form, call));
  return h("div", null, h("p", { class: "soft" }, about(form, call)), textNode(text, form.title));
}

function refusal({ title }, call) {
  const { body, version, method } = call;
  if (body.kind === "binary")
    return t("The body is neither text nor an upload of a file.", "报文主体既不是文本，也不是文件上传。");
  if (!hasKnownMethod(call)) return t(`Only curl sends the method ${method}.`, `只有 curl 能发送请求方法 ${method}。`);
  if (version === 2) return t(`The SDK for ${title} has APIv3 alone.`, `${title} 的 SDK 仅支持 APIv3。`);
  return t(
    `The SDK for ${title} sends JSON alone, which this body is not.`,
    `${title} 的 SDK 只发送 JSON，而此报文主体不是 JSON。`,
  );
}

function about({ id }, { version, body }) {
  const file =
    body.kind === "upload" ? t(` Run it in a folder with ${body.file}.`, ` 请在 ${body.file} 所在的目录中运行。`) : "";
  if (id === "curl" && version === 2) return t("With the signature that was sent.", "使用原请求的签名。") + file;
  if (id === "curl")
    return t("wxpay sign makes the signature when the command runs.", "运行命令时由 wxpay sign 生成签名。") + file;
  if (id === "wxpay") return t("Signs, sends, and verifies the response.", "签名、发送并验证应答。") + file;
  const setup = h("a", { href: "#/setup" }, t("Setup", "配置"));
  return t(
    ["With the client that ", setup, " shows for this language.", file],
    ["使用", setup, "中该语言的客户端。", file],
  );
}

// The address for clients: that of this page, unless the page came by HTTPS, whose certificate no client knows.
async function sandboxUri() {
  if (location.protocol === "http:") return location.origin;
  const { base_uri: uri } = await get("config");
  return uri.replace(/\/$/, "");
}
