// Code for Python with wechatpayv3, which has a method for each operation it knows. Its core sends any other.

import { hex } from "../../base/json.js";
import { escaped, literal, texts } from "./literal.js";

export function python({ body, target, method, headers, version }) {
  // Its core would send text as a string of JSON.
  if (version === 2 || body.kind === "text") return null;
  const given = [string(normal(target)), `method=RequestType.${method}`];
  if (body.kind === "json") given.push(`data=${literal(body.node, STYLE, 1)}`);
  if (body.kind === "upload") {
    given.push('data={"meta": meta}', "sign_data=meta");
    given.push(`files=[("file", (${string(body.file)}, content, ${string(body.type)}))]`);
  }
  const own = headers.filter(([name]) => name !== "Wechatpay-Serial");
  if (own.length) given.push(`headers=${literal(texts(own), STYLE, 1)}`);
  const file =
    body.kind === "upload"
      ? `with open(${string(body.file)}, "rb") as file:
    content = file.read()
meta = ${string(body.text)}
`
      : "";
  return `from client import client  # wxpay sandbox config --for python
from wechatpayv3.type import RequestType

${file}status, text = client._core.request(
${given.map((argument) => `    ${argument},\n`).join("")})
print(status, text)
`;
}

// The target as the package requests sends it, whatever was signed.
function normal(target) {
  return target.replace(/%[0-9a-f]{2}/gi, (found) => {
    const character = String.fromCharCode(parseInt(found.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : found.toUpperCase();
  });
}

const WORDS = new Map([
  [true, "True"],
  [false, "False"],
  [null, "None"],
]);

const STYLE = {
  string,
  name: (name) => `${string(name)}: `,
  literal: (value) => WORDS.get(value),
  object: { open: "{", close: "}" },
  array: { open: "[", close: "]" },
};

function string(text) {
  return `"${escaped(text, '"', (code) => `\\u${hex(code, 4)}`)}"`;
}
