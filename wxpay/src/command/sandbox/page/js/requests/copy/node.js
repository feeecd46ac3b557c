// Code for Node.js with wechatpay-axios-plugin.

import { hex } from "../../base/json.js";
import { code, escaped, literal, object, ownFields, texts } from "./literal.js";

export function node(call) {
  const { body, template, method } = call;
  const isUpload = body.kind === "upload";
  // The plugin does not encode them.
  const settings = [...texts(call.variables.map(([name, , sent]) => [name, sent])).entries];
  if (call.query.length) settings.push(["params", texts(call.query)]);
  if (isUpload) settings.push(["meta", code("meta")], ["headers", code("form.getHeaders()")]);
  else if (call.headers.length) settings.push(["headers", texts(call.headers)]);
  const given = [];
  if (["POST", "PUT", "PATCH"].includes(method)) given.push(data(body));
  if (settings.length) given.push(literal(object(settings), STYLE));
  const form = isUpload
    ? `
const meta = ${literal(body.node ?? object([]), STYLE)};
const form = new Multipart()
  .append('meta', JSON.stringify(meta), 'meta.json')
  .append('file', createReadStream(${string(body.file)}), meta.filename);
`
    : "";
  const uses = isUpload
    ? `const { createReadStream } = require('node:fs');
const { Multipart } = require('wechatpay-axios-plugin');
`
    : "";
  return `${uses}const { client } = require('./wechatpay'); // wxpay sandbox config --for node
${form}
client.chain(${string(template)}).${method.toLowerCase()}(${given.join(", ")})
  .then(({ data }) => console.log(data))
  .catch((error) => console.error(error.message, error.response?.data));
`;
}

function data(body) {
  switch (body.kind) {
    case "json":
      return literal(body.node, STYLE);
    case "xml":
      return literal(texts(ownFields(body.fields)), STYLE);
    case "text":
      return string(body.text);
    case "upload":
      return "form";
    default:
      return "undefined";
  }
}

const STYLE = {
  string,
  // As a plain name, this one would set the prototype.
  name: (name) => (name === "__proto__" ? "['__proto__']: " : `${/^[A-Za-z_]\w*$/.test(name) ? name : string(name)}: `),
  object: { open: "{", close: "}" },
  array: { open: "[", close: "]" },
  indent: "  ",
};

function string(text) {
  return `'${escaped(text, "'", (unit) => `\\u${hex(unit, 4)}`)}'`;
}
