// Headers and bodies, to be read or as they were sent.

import { h } from "./dom.js";
import { hex, lines, readJson, visible } from "./json.js";
import { t } from "./text.js";
import { code, icon } from "./widgets.js";
import { readXml } from "./xml.js";

export { visible };

// More lines than these are shown without colours and marks: they would take the browser seconds.
const MAX_LINES = 3000;
// Of a text, so many characters are shown. The layout of a line takes seconds for every hundred thousand.
const MAX_SHOWN = 30000;
// A longer text is shown as it was sent: to read it as JSON would take the browser seconds for each megabyte.
const MAX_READ = 1 << 20;
// Of what is not text, so many bytes are shown.
const MAX_BYTES = 512;

// Whether bodies and headers are shown as they were sent. The choice holds for all of them.
let isRawChosen = false;

export function isRaw() {
  return isRawChosen;
}

// A switch between what is easy to read and what was sent.
export function rawSwitch(onChange) {
  const choices = [
    ["pretty", t("Pretty", "易读"), false],
    ["raw", t("Raw", "原文"), true],
  ];
  return h(
    "fieldset",
    { class: "segments" },
    h("legend", { class: "visually-hidden" }, t("Show as", "显示方式")),
    choices.map(([id, text, value]) => {
      const choose = () => {
        isRawChosen = value;
        onChange();
      };
      const attributes = { type: "radio", name: "raw", id: `raw-${id}`, checked: value === isRawChosen };
      return h("label", null, h("input", { ...attributes, on: { change: choose } }), h("span", null, text));
    }),
  );
}

// A body. `part` is what has `body` or `body_base64`. `problems` are messages by the path of a field, in which all items of
// a list are `[]`.
export function bodyNode(part, { label, problems = new Map() } = {}) {
  if (part.body_base64 !== undefined) return binary(part.body_base64, label);
  const text = part.body ?? "";
  if (text === "") return h("p", { class: "soft" }, t("No body", "无报文主体"));
  const shown = text.length > MAX_READ ? null : linesOf(text);
  if (!shown) return textNode(text, label);
  const isLong = shown.length > MAX_LINES || text.length > 4 * MAX_SHOWN;
  if (isLong) return frame(label, text, visible(shown.map(plain).join("\n")));
  const nodes = shown.map((line) => {
    const parts = line.parts.map(([kind, piece]) => h("span", { class: `json-${kind}` }, visible(piece)));
    // The indent is text, so that it is copied.
    const indent = "  ".repeat(line.depth);
    const problem = line.path && problems.get(line.path.replace(/\[\d+\]/g, "[]"));
    if (!problem) return [indent, parts, "\n"];
    return h(
      "span",
      { class: "json-bad" },
      indent,
      parts,
      h("span", { class: "json-problem" }, indent, icon("cross"), problem),
    );
  });
  return frame(label, text, nodes);
}

function linesOf(text) {
  const tree = readJson(text);
  if (tree) return [...lines(tree)];
  const line = (depth, path, kind, piece) => ({ depth, path, parts: [[kind, piece]] });
  const elements = readXml(text)?.map((element) => line(1, element.name, "name", element.text));
  return elements && [line(0, null, "mark", "<xml>"), ...elements, line(0, null, "mark", "</xml>")];
}

function plain(line) {
  return "  ".repeat(line.depth) + line.parts.map(([, piece]) => piece).join("");
}

// A text or its beginning. What is copied is all of it, as it was sent.
export function textNode(text, label) {
  return frame(label, text, visible(text));
}

function frame(label, text, shown) {
  const isCut = typeof shown === "string" && shown.length > MAX_SHOWN;
  const number = (value) => value.toLocaleString("en");
  const note = t(
    `These are the first ${number(MAX_SHOWN)} of ${number(text.length)} characters. Copy has all of them.`,
    `仅显示前 ${number(MAX_SHOWN)} 个字符，共 ${number(text.length)} 个；复制可得到全部。`,
  );
  return code(text, { label, shown: isCut ? `${shown.slice(0, MAX_SHOWN)}…` : shown, note: isCut && note });
}

function binary(base64, label) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const about = t(`${bytes.length} bytes that are not text`, `${bytes.length} 字节，不是文本`);
  return h(
    "div",
    null,
    h("p", { class: "soft" }, about),
    h(
      "div",
      { class: "code" },
      h("pre", { tabindex: "0", role: "region", "aria-label": label }, dump(bytes.subarray(0, MAX_BYTES))),
    ),
  );
}

// Sixteen bytes on a line, as numbers and as characters.
export function dump(bytes, offset = 0) {
  const found = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = bytes.subarray(at, at + 16);
    const numbers = Array.from(line, (byte) => hex(byte, 2))
      .join(" ")
      .padEnd(47);
    const characters = Array.from(line, (byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    found.push(`${hex(offset + at, 6)}  ${numbers}  ${characters}`);
  }
  return found.join("\n");
}

export function headersNode(headers) {
  const entries = Object.entries(headers ?? {});
  if (!entries.length) return h("p", { class: "soft" }, t("No headers", "无 HTTP 头"));
  const names = entries.map(([name, value]) => [
    h("dt", { class: "mono" }, name),
    // Each part of Authorization on its own line.
    h("dd", { class: "mono" }, visible(value).replace(/",(?=\w+=")/g, '",\n')),
  ]);
  return h("dl", { class: "facts headers" }, names);
}

// A message as it was sent, as far as it is known: of headers, the names are in lower case here.
export function rawNode(first, part, label) {
  const headers = Object.entries(part.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  const head = `${[first, ...headers].join("\n")}\n\n`;
  if (part.body_base64 !== undefined) return h("div", null, textNode(head, label), bodyNode(part, { label }));
  return textNode(head + (part.body ?? ""), label);
}

// A message that is easy to read. Its headers can be folded.
export function prettyNode(first, part, label, problems) {
  const count = Object.keys(part.headers ?? {}).length;
  return h(
    "div",
    null,
    first && h("p", { class: "mono first-line" }, visible(first)),
    h(
      "details",
      { class: "fold", open: true },
      h("summary", null, t(`Headers (${count})`, `HTTP 头（${count}）`)),
      headersNode(part.headers),
    ),
    h("h3", null, t("Body", "报文主体")),
    bodyNode(part, { label, problems }),
  );
}
