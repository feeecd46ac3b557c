// The request and its response beside each other, with what was encrypted in them.

import { isRaw, prettyNode, rawNode, rawSwitch, visible } from "../base/body.js";
import { h } from "../base/dom.js";
import { t } from "../base/text.js";
import { problemsByField } from "./documents.js";

export function exchange(request) {
  const halves = h("div", { class: "halves" });
  const draw = () => halves.replaceChildren(requestHalf(request), responseHalf(request));
  draw();
  return h("div", { class: "exchange" }, rawSwitch(draw), halves);
}

function requestHalf(request) {
  const first = `${request.method} ${request.target} HTTP/1.1`;
  const problems = problemsByField(request.documents);
  return half(t("Request", "请求"), first, request, request.decrypted?.request, problems);
}

function responseHalf({ response, decrypted }) {
  const title = t("Response", "应答");
  if (!response)
    return h(
      "section",
      null,
      h("h2", null, title),
      h("p", { class: "soft" }, t("None was sent, or not yet.", "未应答，或尚未应答。")),
    );
  return half(title, `HTTP/1.1 ${response.status}`, response, decrypted?.response);
}

function half(title, first, part, opened, problems) {
  const label = t(`${title}: message`, `${title}报文`);
  return h(
    "section",
    null,
    h("h2", null, title),
    isRaw() ? rawNode(first, part, label) : prettyNode(first, part, label, problems),
    part.is_cut &&
      h(
        "p",
        { class: "soft" },
        t(`Cut here: the body had ${part.body_length} bytes.`, `此处截断：报文主体共 ${part.body_length} 字节。`),
      ),
    sealed(opened),
  );
}

// What was encrypted, in clear text.
function sealed(opened) {
  const fields = Object.entries(opened ?? {});
  if (!fields.length) return null;
  const shown = fields.map(([name, value]) => [
    h("dt", { class: "mono" }, name),
    value === null
      ? h("dd", { class: "bad-text" }, t("cannot be opened with the sandbox's keys", "无法用沙箱的密钥解密"))
      : h("dd", { class: "mono" }, visible(String(value))),
  ]);
  return h("section", { class: "sealed" }, h("h3", null, t("Decrypted", "解密后")), h("dl", { class: "facts" }, shown));
}
