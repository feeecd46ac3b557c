// Commands for a shell: curl, signed when it runs, and `wxpay`.

import { hex, pretty, quoted as json } from "../../base/json.js";
import { ownFields } from "./literal.js";

// Returns a command of curl. `wxpay sign` makes its signature at the moment of use.
export function curl(call) {
  const { body } = call;
  const hasBody = body.kind !== "none";
  const parts = [`curl${asIs(call.target)} -X ${quoted(call.method)} ${quoted(call.base + call.target)}`];
  if (call.version === 3) {
    const sign = `wxpay sign ${whose(call)} --method ${quoted(call.method)} --url ${quoted(call.target)}`;
    parts.push(hasBody ? `-H "$(printf %s "$body" | ${sign} --body -)"` : `-H "$(${sign})"`);
    parts.push("-H 'Accept: application/json'");
    if (body.kind === "json" || body.kind === "text") parts.push("-H 'Content-Type: application/json'");
  } else if (hasBody) {
    parts.push("-H 'Content-Type: text/xml'");
  }
  for (const [name, value] of call.headers) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body.kind === "upload") {
    // In an argument, curl would read a semicolon of `meta` as the end of the value.
    parts.push("-F 'meta=<-;type=application/json'", `-F ${quoted(`file=@${formName(body.file)};type=${body.type}`)}`);
  } else if (hasBody) {
    parts.push('--data-raw "$body"');
  }
  const command = `${body.kind === "upload" ? 'printf %s "$body" | ' : ""}${parts.join(" \\\n  ")}\n`;
  return hasBody ? `body=${quoted(body.text)}\n${command}` : command;
}

// Returns the options with which curl sends a target as it is: it would make a series of `[1-9]`, and take dots away.
function asIs(target) {
  const series = /[{}[\]]/.test(target) ? " --globoff" : "";
  return series + (/\/(\.|%2e){1,2}(\/|\?|$)/i.test(target) ? " --path-as-is" : "");
}

// Returns a command of `wxpay`, which signs, sends and verifies.
export function wxpay(call) {
  const { body, template, variables } = call;
  if (body.kind === "upload") {
    const as = template === "v3/merchant/media/upload" ? [] : [`--as ${quoted(template)}`];
    const fields = variables.map(([name, value]) => `-f ${quoted(`${name}=${value}`)}`);
    return `${[`wxpay upload ${quoted(fileName(body.file))} ${whose(call)}`, ...as, ...fields].join(" \\\n  ")}\n`;
  }
  const entries = variables.map(([name, value]) => [name, json(value)]);
  if (call.query.length) entries.push(["query", texts(call.query)]);
  if (call.headers.length) entries.push(["headers", texts(call.headers)]);
  if (body.kind === "json") entries.push(["json", pretty(body.node)]);
  if (body.kind === "xml") entries.push(["xml", texts(ownFields(body.fields))]);
  if (body.kind === "text") entries.push(["body", json(body.text)]);
  const map = entries.map(([name, value]) => `${json(name)}: ${value}`).join(", ");
  // What the documents forbid was sent all the same.
  const command = `wxpay ${call.method.toLowerCase()} ${quoted(template)} ${whose(call)} --no-check`;
  return entries.length ? `${command} \\\n  -o ${quoted(`{${map}}`)}\n` : `${command}\n`;
}

function texts(pairs) {
  return `{${pairs.map(([name, value]) => `${json(name)}: ${json(value)}`).join(", ")}}`;
}

function whose({ base, mchid }) {
  return `--sandbox=${quoted(base)}${mchid ? ` --mchid ${quoted(mchid)}` : ""}`;
}

// Returns the name of a file that is not an option.
function fileName(name) {
  return name.startsWith("-") ? `./${name}` : name;
}

// Returns the name of a file for `curl -F`, which reads a comma and a semicolon.
function formName(name) {
  return `"${name.replace(/[\\"]/g, "\\$&")}"`;
}

const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

// Returns a word that the shell takes as it is. Control characters are written as escapes: pasted into a terminal,
// they could end the paste and run what follows.
export function quoted(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!UNSAFE.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const bytes = new TextEncoder().encode(text);
  return `$'${Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return /[\w@%+=:,./ {}"[\]-]/.test(character) ? character : `\\x${hex(byte, 2)}`;
  }).join("")}'`;
}
