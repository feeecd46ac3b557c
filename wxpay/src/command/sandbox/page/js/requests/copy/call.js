// The request that is copied, taken apart as an SDK wants it: template, variables, query, body.

import { readJson } from "../../base/json.js";
import { readXml } from "../../base/xml.js";

// Headers that belong to the request itself; an SDK makes all others. The first names the key of sealed fields.
const KEPT = ["wechatpay-serial", "idempotency-key"];

// What a path keeps as it is. Anything else becomes the value of a variable: `wxpay` would take a hyphen at the begin
// for an option.
const PLAIN = /^[a-z0-9._][a-z0-9._-]*$/;

const FILE_NAME = /;\s*filename="([^"\r\n]*)"/;

// More parts than these are no upload.
const MAX_PARTS = 16;

// Returns the call of a recorded request: `{method, target, template, variables, query, version, body, headers,
// mchid, base}`. The base is the sandbox's URL without a final slash. A variable is `[name, value, value as sent]`.
//
// The body is `{kind}` with: `none`; `json` and `node`; `xml` and `fields`; `upload` with `meta`, `file` and
// `type`; `text`; `binary`. What has text has it in `text`.
export function callOf(request, base) {
  const [path, search] = split(request.target, "?");
  const version = isV2(request) ? 2 : 3;
  const { template, variables } = apart(path, request.documents?.template ?? request.operation);
  return {
    method: request.method,
    target: request.target,
    version,
    template: version === 2 ? `v2/${template}` : template,
    variables,
    query: search ? search.split("&").map((pair) => split(pair, "=").map(decoded)) : [],
    body: bodyOf(request, version),
    headers: kept(request).map((name) => [titled(name), request.headers[name]]),
    mchid: request.signature?.signed_by?.mchid ?? request.mchid,
    base,
  };
}

function kept({ headers, decrypted }) {
  const isSealed = Object.keys(decrypted?.request ?? {}).length > 0;
  return KEPT.filter((name) => headers?.[name] && (isSealed || name !== "wechatpay-serial"));
}

function isV2({ target }) {
  return !/(^|\/)v3\//.test(target);
}

// Takes the path apart by its documented template, otherwise segment by segment.
function apart(path, documented) {
  const segments = path.replace(/^\//, "").split("/");
  const names = (documented ?? "").replace(/^(\w+ )?\/?(v2\/)?/, "").split("/");
  const fits =
    names.length === segments.length &&
    names.every((name, at) => /^\{\w+\}$/.test(name) || name === decoded(segments[at]));
  const variables = [];
  const template = segments.map((segment, at) => {
    const named = fits ? names[at].match(/^\{(\w+)\}$/)?.[1] : undefined;
    if (!named && PLAIN.test(segment)) return segment;
    // PHP and Node would change capitals outside of variables.
    const name = named ?? `segment_${at + 1}`;
    variables.push([name, decoded(segment), segment]);
    return `{${name}}`;
  });
  return { template: template.join("/"), variables };
}

function bodyOf({ body, body_base64: binary, headers }, version) {
  const type = headers?.["content-type"] ?? "";
  if (binary !== undefined || /^multipart\//i.test(type)) {
    const boundary = type.match(/;\s*boundary="?([^";]+)/i)?.[1];
    // Bytes as characters, so that the text around a file can be searched.
    const upload =
      binary === undefined ? uploadOf(body, boundary, (text) => text) : uploadOf(atob(binary), boundary, utf8);
    return upload ?? { kind: "binary" };
  }
  if (!body) return { kind: "none", text: "" };
  if (version === 2) {
    const fields = readXml(body)?.map(({ name, value }) => [name, value]);
    return fields ? { kind: "xml", text: body, fields } : { kind: "text", text: body };
  }
  const node = readJson(body);
  return node ? { kind: "json", text: body, node } : { kind: "text", text: body };
}

// The parts of an upload. Its file is copied by name alone.
function uploadOf(body, boundary, read) {
  if (!boundary) return null;
  const whole = body.split(`--${boundary}`, MAX_PARTS).filter((part) => part.includes("\r\n\r\n"));
  const parts = whole.map((part) => split(part, "\r\n\r\n"));
  const meta = parts.find(([head]) => /name="?meta"?/.test(head))?.[1];
  const head = parts.map(([head]) => head).find((head) => FILE_NAME.test(head));
  if (meta === undefined || head === undefined) return null;
  const text = read(meta.replace(/\r\n$/, ""));
  const name = read(head.match(FILE_NAME)[1]).split(/[\\/]/).pop();
  // Of anything behind it curl would make other options, such as files to send.
  const type = head.match(/content-type:\s*([\w.+-]+\/[\w.+-]+)/i)?.[1] ?? "application/octet-stream";
  return { kind: "upload", text, node: readJson(text), file: name, type };
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function titled(name) {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function utf8(bytes) {
  return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}
