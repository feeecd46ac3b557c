// Code for the Go SDK, wechatpay-go.

import { hex } from "../../base/json.js";
import { escaped, literal } from "./literal.js";

const HOST = "https://api.mch.weixin.qq.com";

export function go({ body, target, method, headers, version }) {
  if (version === 2) return null;
  const url = string(HOST + target);
  if (body.kind === "upload") return program(["bytes", "io", "log", "mime/multipart", "os"], upload(url, body), true);
  const json = body.kind === "json" && hasFraction(body.node) ? ["encoding/json"] : [];
  const name = method[0] + method.slice(1).toLowerCase();
  // The method Delete would send `null` in place of no body.
  if (headers.length || (method === "DELETE" && body.kind === "none")) {
    const lines = headers.map(([header, value]) => `\t\t${string(header)}: {${string(value)}},\n`).join("");
    const header = lines ? `http.Header{\n${lines}\t}` : "nil";
    const call = `client.Request(ctx, http.Method${name}, ${url}, ${header}, nil, ${data(body)}, "application/json")`;
    return program([...json, "io", "log", "net/http"], `\tresult, err := ${call}\n`);
  }
  const given = method === "GET" ? "" : `, ${data(body)}`;
  return program([...json, "io", "log"], `\tresult, err := client.${name}(ctx, ${url}${given})\n`);
}

function data(body) {
  if (body.kind === "json") return literal(body.node, STYLE, 1);
  return body.kind === "text" ? string(body.text) : "nil";
}

function isWhole(text) {
  return /^-?\d{1,18}$/.test(text);
}

function hasFraction(node) {
  if (node.type === "number") return !isWhole(node.text);
  const children = node.items ?? node.entries?.map(([, value]) => value) ?? [];
  return children.some(hasFraction);
}

// The client comes from the file that the sandbox writes.
function program(imports, call, hasCore) {
  const own = hasCore ? '\n\t"github.com/wechatpay-apiv3/wechatpay-go/core"\n' : "";
  return `// Beside wechatpay.go: wxpay sandbox config --for go
package main

import (
${[...imports, "context"]
  .sort()
  .map((name) => `\t"${name}"\n`)
  .join("")}${own})

func main() {
	ctx := context.Background()
	client, _, err := wechatPay(ctx)
	if err != nil {
		log.Fatal(err)
	}
${call}	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(result.Response.Body)
	if err != nil {
		log.Fatal(err)
	}
	log.Println(string(text))
}
`;
}

function upload(url, body) {
  return `	file, err := os.ReadFile(${string(body.file)})
	if err != nil {
		log.Fatal(err)
	}
	meta := ${string(body.text)}
	form := new(bytes.Buffer)
	writer := multipart.NewWriter(form)
	if err := core.CreateFormField(writer, "meta", "application/json", []byte(meta)); err != nil {
		log.Fatal(err)
	}
	if err := core.CreateFormFile(writer, ${string(body.file)}, ${string(body.type)}, file); err != nil {
		log.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		log.Fatal(err)
	}
	result, err := client.Upload(ctx, ${url}, meta, form.String(), writer.FormDataContentType())
`;
}

const STYLE = {
  string,
  name: (name) => `${string(name)}: `,
  // Go would write a fraction as a float, and not exactly.
  number: (text) => (isWhole(text) ? text : `json.Number(${string(text)})`),
  literal: (value) => (value === null ? "nil" : String(value)),
  object: { open: "map[string]interface{}{", close: "}" },
  array: { open: "[]interface{}{", close: "}" },
  indent: "\t",
};

function string(text) {
  return `"${escaped(text, '"', (code) => `\\u${hex(code, 4)}`)}"`;
}
