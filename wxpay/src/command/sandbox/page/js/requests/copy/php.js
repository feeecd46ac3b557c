// Code for the PHP SDK, wechatpay/wechatpay.

import { code, escaped, isPlain, literal, object, options } from "./literal.js";

export function php({ body, template, method, ...call }) {
  const entries = options({ ...call, body });
  const isUpload = body.kind === "upload";
  if (isUpload) {
    entries.push(["body", code("$media->getStream()")]);
    entries.push(["headers", object([["Content-Type", code("$media->getContentType()")]])]);
  }
  const given = entries.length ? literal(object(entries), STYLE) : "";
  const use = isUpload ? "\nuse WeChatPay\\Util\\MediaUtil;\n" : "";
  const media = isUpload ? `$media = new MediaUtil(${string(body.file)});\n` : "";
  return `<?php
require 'vendor/autoload.php';
require 'wechatpay.php'; // wxpay sandbox config --for php
${use}
${media}$response = $client->chain(${string(template)})->${method.toLowerCase()}(${given});
echo $response->getBody(), "\\n";
`;
}

const STYLE = {
  string,
  name: (name) => `${string(name)} => `,
  object: { open: "[", close: "]", empty: "(object) []" },
  array: { open: "[", close: "]" },
};

// Single quotes know the escapes of a quote and a backslash alone, so a control character needs double ones.
function string(text) {
  if (isPlain(text)) return `'${escaped(text, "'")}'`;
  return `"${escaped(text, '"$', (unit) => `\\u{${unit.toString(16)}}`)}"`;
}
