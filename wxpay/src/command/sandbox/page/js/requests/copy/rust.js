// Code for this library.

import { hex, pretty } from "../../base/json.js";
import { code, escaped, literal, object, options, texts } from "./literal.js";

// The macro `json!` expands itself for each field, and the compiler limits how often.
const MAX_NODES = 24;

export function rust(call) {
  const { body, template, method } = call;
  if (body.kind === "upload") return upload(call);
  const isLong = body.kind === "json" && nodes(body.node) > MAX_NODES;
  const entries = options(call).map(([name, value]) => [name, isLong && name === "json" ? code("body") : value]);
  const uses = [...(isLong ? ["Value"] : []), ...(entries.length ? ["json"] : [])];
  const use = uses.length ? `use wechatpay_chain::${uses.length > 1 ? `{${uses.join(", ")}}` : uses[0]};\n\n` : "";
  const value = isLong ? `let body: Value = ${raw(pretty(body.node))}.parse().expect("JSON");\n` : "";
  const given = entries.length ? `json!(${literal(object(entries), STYLE)})` : "()";
  return `${use}${value}let response = client
    .chain(${string(template)})
    .${method.toLowerCase()}(${given.replaceAll("\n", "\n    ")})?;
println!("{}", response.text()?);
`;
}

function upload({ body, template, variables }) {
  const fields = (body.node?.entries ?? []).filter(([name]) => name !== "filename" && name !== "sha256");
  const meta = fields.map(([name, value]) => `.meta_field(${string(name)}, json!(${literal(value, STYLE)}))`);
  const uses = ["Media", "Options", ...(meta.length ? ["json"] : [])].join(", ");
  const vars = variables.map(([name, value]) => `.var(${string(name)}, ${string(value)})`).join("");
  return `use wechatpay_chain::{${uses}};

let media = Media::from_file(${string(body.file)})?${meta.join("")};
let response = client
    .chain(${string(template)})
    .post(Options::new()${vars}.media(media))?;
println!("{}", response.text()?);
`;
}

const STYLE = {
  string,
  name: (name) => `${string(name)}: `,
  number,
  object: { open: "{", close: "}" },
  array: { open: "[", close: "]" },
};

function string(text) {
  return `"${escaped(text, '"', (unit) => `\\u{${unit.toString(16)}}`)}"`;
}

// A literal without a suffix is an `i32`.
function number(text) {
  if (!/^-?\d+$/.test(text)) return text;
  const value = BigInt(text);
  if (BigInt.asIntN(32, value) === value) return text;
  if (BigInt.asIntN(64, value) === value) return `${text}_i64`;
  return BigInt.asUintN(64, value) === value ? `${text}_u64` : `${text}.0`;
}

// A raw string ends with as many number signs as it begins with.
function raw(text) {
  let longest = 0;
  for (const [, signs] of text.matchAll(/"(#*)/g)) longest = Math.max(longest, signs.length + 1);
  const end = "#".repeat(longest);
  return `r${end}"${text}"${end}`;
}

function nodes(node) {
  const children = node.items ?? node.entries?.map(([, value]) => value) ?? [];
  return children.reduce((sum, child) => sum + nodes(child), 1);
}
