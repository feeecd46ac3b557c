// A JSON tree as a literal of a programming language.

import { UNSEEN } from "../../base/json.js";

// Returns a tree as a literal. A style has `string(text)`, `name(text)` for what stands before a value, `object` and
// `array` as `{open, close, empty}`, and where they differ from JSON's `number(text)`, `literal(value)` and `indent`.
export function literal(node, style, depth = 0) {
  const inner = (child) => literal(child, style, depth + 1);
  switch (node.type) {
    case "string":
      return style.string(node.value);
    case "number":
      return (style.number ?? String)(node.text);
    case "literal":
      return (style.literal ?? String)(node.value);
    case "code":
      return node.text;
    case "array":
      return list(node.items.map(inner), style.array, style, depth);
    default: {
      const entries = unique(node.entries).map(([name, value]) => style.name(name) + inner(value));
      return list(entries, style.object, style, depth);
    }
  }
}

function list(items, { open, close, empty = open + close }, { indent = "    " }, depth) {
  if (!items.length) return empty;
  const before = `\n${indent.repeat(depth + 1)}`;
  return `${open}${items.map((item) => `${before}${item},`).join("")}\n${indent.repeat(depth)}${close}`;
}

// Of equal names the last counts, as for WeChat Pay. Go does not compile both.
function unique(entries) {
  return [...new Map(entries)];
}

// Returns the tree of an object of texts.
export function texts(pairs) {
  return object(pairs.map(([name, value]) => [name, { type: "string", value }]));
}

export function object(entries) {
  return { type: "object", entries };
}

// Returns a variable of the program, in the place of a value.
export function code(text) {
  return { type: "code", text };
}

const CONTROL = /[\u0000-\u001f\\"'$]/g;
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

// Returns what stands between the quotes. `special` are the characters that end or change such a string; a backslash
// always does. `control` writes any other that must not stand in a source file as it is.
export function escaped(text, special, control) {
  // Half of a surrogate pair is no character, and most languages have no escape for it.
  const whole = text.toWellFormed();
  return whole
    .replace(CONTROL, (found) => {
      if (found === "\\" || special.includes(found)) return `\\${found}`;
      return SHORT[found] ?? (found < " " ? control(found.charCodeAt(0)) : found);
    })
    .replace(UNSEEN, (found) => control(found.charCodeAt(0)));
}

// Returns whether a text has nothing that must be written as an escape in a source file.
export function isPlain(text) {
  return escaped(text, "", () => "\n") === text.replaceAll("\\", "\\\\") && !/[\n\r\t]/.test(text);
}

// Returns the fields of an APIv2 request without those that each SDK makes.
export function ownFields(fields) {
  return fields.filter(([name]) => name !== "sign" && name !== "nonce_str");
}

// Returns what the options map of this library and of the PHP SDK has for a call.
export function options({ variables, query, headers, body }) {
  const entries = [...texts(variables).entries];
  if (query.length) entries.push(["query", texts(query)]);
  if (headers.length) entries.push(["headers", texts(headers)]);
  if (body.kind === "json") entries.push(["json", body.node]);
  if (body.kind === "xml") entries.push(["xml", texts(ownFields(body.fields))]);
  if (body.kind === "text") entries.push(["body", { type: "string", value: body.text }]);
  return entries;
}
