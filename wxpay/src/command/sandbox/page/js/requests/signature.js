// How the signature was checked, step by step, and what the client signed instead.

import { visible } from "../base/body.js";
import { h } from "../base/dom.js";
import { hex } from "../base/json.js";
import { counted, t } from "../base/text.js";
import { card, code, facts, icon } from "../base/widgets.js";
import { bytes, compare, firstDifference } from "./diff.js";

// Bytes around the first difference: lines of sixteen.
const LINES_BEFORE = 1;
const LINES = 4;
// Characters at the begin and at the end of a long piece, and pieces, that are shown.
const CONTEXT = 3000;
const MAX_PIECES = 1000;

// Returns what is wrong, each in one line.
export function verdict({ steps: all, found }) {
  // What was signed says more than that it does not fit.
  const failed = all.filter(({ name, ok }) => ok === false && !(found && name === "signature"));
  const reasons = failed.map((step) => [
    h("strong", null, stepName(step.name)),
    t(": ", "："),
    t(step.detail, step.detail_zh),
  ]);
  if (found) reasons.push([h("strong", null, headline(found)), t(" ", ""), t(found.change, found.change_zh)]);
  return reasons.map((reason) => h("p", { class: "verdict bad" }, icon("cross"), h("span", null, reason)));
}

function headline({ difference_at: at }) {
  return at === null
    ? t("The message was right, but not its signature:", "签名串正确，签名不正确：")
    : t("The client signed something else:", "客户端签名的内容不同：");
}

export function signature(checked) {
  const { found, signed_by: signer } = checked;
  const message = textOf(checked);
  return h(
    "div",
    null,
    card(t("Steps", "验签步骤"), steps(checked.steps)),
    found ? card(t("What differs", "差异"), differs(message, found)) : built(message, checked),
    signer &&
      card(
        t("Signature", "签名"),
        facts([
          // A signature of APIv2 has no serial.
          [signer.serial ? t("Scheme", "认证类型") : t("Type", "签名类型"), checked.scheme],
          [t("Merchant", "商户"), signer.mchid],
          [t("Brand", "品牌"), signer.brand_id],
          [t("Serial", "证书序列号"), signer.serial && h("code", null, signer.serial)],
        ]),
        checked.signature && code(checked.signature, { label: t("Signature", "签名值") }),
      ),
  );
}

// A message, which need not be text.
function textOf({ message, message_base64: base64 }) {
  if (base64 === undefined) return message;
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

function steps(all) {
  return h(
    "ol",
    { class: "steps" },
    all.map((step) => {
      const state = step.ok === true ? "good" : step.ok === false ? "bad" : "idle";
      const said = { good: t("Passed", "通过"), bad: t("Failed", "未通过"), idle: t("Not checked", "未检查") }[state];
      const mark = state === "idle" ? "–" : icon(step.ok ? "check" : "cross");
      return h(
        "li",
        { class: state },
        h("span", { class: "step-mark" }, mark, h("span", { class: "visually-hidden" }, said)),
        h(
          "div",
          null,
          h("p", { class: "step-name" }, stepName(step.name)),
          h("p", { class: "soft" }, visible(t(step.detail, step.detail_zh) ?? step.detail ?? "")),
          step.earlier &&
            h(
              "p",
              null,
              h("a", { href: `#/requests/${step.earlier}` }, t(`Request ${step.earlier}`, `请求 ${step.earlier}`)),
            ),
        ),
      );
    }),
  );
}

function stepName(name) {
  const names = {
    authorization: t("Header", "请求头"),
    scheme: t("Scheme", "认证类型"),
    timestamp: t("Time", "时间戳"),
    merchant: t("Merchant", "商户"),
    serial: t("Serial", "证书序列号"),
    signature: t("Signature", "签名"),
    nonce: t("Nonce", "随机串"),
    fields: t("Fields", "参数"),
    sign_type: t("Type", "签名类型"),
  };
  return names[name] ?? name;
}

function built(message, { steps: all, tried, signed_by: signer }) {
  if (message === null || message === undefined) return null;
  const hasFailed = all.some(({ name, ok }) => ok === false && name === "signature");
  // A signature of APIv2 has no serial.
  const key = signer?.serial ? t("private key", "私钥") : t("APIv2 key", "APIv2 密钥");
  return card(
    t("The message that was verified", "验签串"),
    hasFailed &&
      tried > 0 &&
      h(
        "p",
        null,
        t(
          `Compare it with what the client signs. ${counted(tried, "message")} that clients sign by mistake were tried, and none fits: the client probably has another ${key}.`,
          `请与客户端的待签名串逐字节对比。已尝试 ${tried} 种常见的错误签名串，均不相符：很可能是${key}不同。`,
        ),
      ),
    message.includes("\n") && h("p", { class: "soft" }, t("LF is a line break.", "LF 表示换行。")),
    shown([{ text: message, differs: false }], t("Message", "签名串"), message),
  );
}

function differs(message, found) {
  const signed = textOf(found);
  const first = found.difference_at ?? firstDifference(message, signed);
  const change = h("p", { class: "change" }, t(found.change, found.change_zh));
  // The same message, with another key or another algorithm.
  if (first === null) return [change, shown([{ text: message, differs: false }], t("Message", "签名串"), message)];
  const pieces = compare(message, signed);
  const sides = [
    [t("The sandbox built", "沙箱构造的验签串"), pieces.left, message],
    [t("The client signed", "客户端的待签名串"), pieces.right, signed],
  ];
  return [
    change,
    h("p", { class: "soft" }, firstText(message, signed, first)),
    h(
      "div",
      { class: "halves" },
      sides.map(([title, side, text]) => h("section", null, h("h3", null, title), shown(side, title, text))),
    ),
    byteTable(pieces, first),
  ];
}

function firstText(left, right, at) {
  const [a, b] = [bytes(left)[at], bytes(right)[at]];
  const named = (byte) => (byte === undefined ? t("the end", "结尾") : byteName(byte));
  return t(
    `They differ first at byte ${at}: ${named(a)} here, ${named(b)} there.`,
    `首个差异在第 ${at} 字节：沙箱为 ${named(a)}，客户端为 ${named(b)}。`,
  );
}

function byteName(byte) {
  const name = NAMES.get(byte) ?? (byte > 32 && byte < 127 ? `“${String.fromCharCode(byte)}”` : "");
  return `0x${hex(byte, 2)} ${name}`.trim();
}

// What has no shape of its own. Few fonts have the symbols ␊, ␍ and so on.
const NAMES = new Map([
  [0, "NUL"],
  [9, "TAB"],
  [10, "LF"],
  [13, "CR"],
  [27, "ESC"],
  [32, "SP"],
  [127, "DEL"],
]);

// A message with the names of its control characters, and marks where it differs. Of a long one, what is around the
// differences is shown.
function shown(pieces, label, text) {
  const nodes = pieces.slice(0, MAX_PIECES).map(({ text: part, differs: isMarked }) => {
    const inner = named(shortened(part), isMarked);
    return isMarked ? h("mark", null, inner) : inner;
  });
  if (pieces.length > MAX_PIECES) nodes.push("…");
  return code(text, { label, shown: nodes });
}

function shortened(text) {
  return text.length > 2 * CONTEXT ? `${text.slice(0, CONTEXT)} … ${text.slice(-CONTEXT)}` : text;
}

// A space is named where it differs: it would be a gap.
function named(text, isMarked) {
  const parts = text.split(isMarked ? /([\u0000- \u007f])/ : /([\u0000-\u001f\u007f])/);
  return parts.map((part, at) => {
    if (at % 2 === 0) return visible(part);
    const unit = part.charCodeAt(0);
    const name = h("span", { class: "control" }, NAMES.get(unit) ?? hex(unit, 2).toUpperCase());
    return unit === 10 ? [name, "\n"] : name;
  });
}

// The bytes around the first difference, one message above the other.
function byteTable({ left, right }, at) {
  const begin = Math.max(0, Math.floor(at / 16) - LINES_BEFORE) * 16;
  const end = begin + LINES * 16;
  const sides = [
    [t("sandbox", "沙箱"), marked(left, begin, end)],
    [t("client", "客户端"), marked(right, begin, end)],
  ];
  const rows = [];
  for (let line = begin; line < end; line += 16) {
    sides.forEach(([who, all], side) => {
      const part = all.slice(line - begin, line - begin + 16);
      if (part.length) rows.push(byteRow(side === 0 ? hex(line, 6) : "", who, part));
    });
  }
  const label = t("Byte by byte, from the first difference", "从首个差异起逐字节对比");
  return h(
    "details",
    { class: "fold" },
    h("summary", null, label),
    h(
      "div",
      { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label },
      h("table", { class: "bytes" }, h("tbody", null, rows)),
    ),
  );
}

// The bytes of a message in a range, with whether each differs.
function marked(pieces, begin, end) {
  const found = [];
  let at = 0;
  for (const { text, differs: isMarked } of pieces) {
    const own = bytes(text);
    const part = own.subarray(Math.max(0, begin - at), Math.max(0, end - at));
    for (const byte of part) found.push([byte, isMarked]);
    at += own.length;
  }
  return found;
}

function byteRow(offset, who, part) {
  const cells = part.map(([byte, isMarked]) => h("td", null, isMarked ? h("mark", null, hex(byte, 2)) : hex(byte, 2)));
  const rest = Array.from({ length: 16 - part.length }, () => h("td"));
  const characters = part.map(([byte]) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
  return h(
    "tr",
    { class: offset ? "first" : "" },
    h("td", { class: "soft" }, offset),
    h("th", { scope: "row", class: "who" }, who),
    cells,
    rest,
    h("td", { class: "soft characters" }, characters),
  );
}
