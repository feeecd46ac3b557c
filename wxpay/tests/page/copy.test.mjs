// The generators of commands and code, over strings that end literals, begin substitutions or hide characters.
// Each language reads its own literal and prints the value as JSON.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { FORMS, callOf } from "../../src/command/sandbox/page/js/requests/copy/index.js";

const HOSTILE = [
  `'`,
  `"`,
  "`",
  "\\",
  "\\'",
  '\\"',
  "\\\\",
  "'''",
  '"""',
  "\n",
  "\r\n",
  "\t",
  "\u0000",
  "\u001b[201~",
  "\u0007",
  "\u007f",
  "$HOME",
  "${HOME}",
  "$(id)",
  "`id`",
  "{$x}",
  "#{x}",
  "%s",
  "%d",
  "\\n",
  "\\u0041",
  "\\x41",
  "\\101",
  "\\N{BULLET}",
  "*/",
  "//",
  "?>",
  "<?php",
  "</script>",
  "<b>",
  "&amp;",
  "@file",
  "-o",
  "--",
  "!",
  "!!",
  "EOF",
  "\nEOF\n",
  "}#",
  '"#',
  '"##',
  "中文",
  "é",
  "😀",
  "\u202e",
  "\u2028",
  "\u2066",
  "\ufeff",
  "__proto__",
  "constructor",
  "json.Number(",
  "",
  " ",
  "a;b,c",
  "'; exit 1; '",
];

const BODY = {
  strings: HOSTILE,
  names: HOSTILE.map((name) => [{ [name]: name }]).flat(),
  numbers: [0, -1, 1.5, 2147483648, -2147483649, 9007199254740991, 1e30],
  others: [true, false, null, [], {}, [[]], { a: {} }],
};

function request(more = {}) {
  return {
    method: "POST",
    target: "/v3/pay/transactions/native",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(BODY),
    mchid: "1900000001",
    ...more,
  };
}

function written(id, more) {
  const { write } = FORMS.find((form) => form.id === id);
  return write(callOf(request(more), "http://127.0.0.1:8080"));
}

// Runs a program, or skips the test if it is not here.
function run(t, program, args, input, cwd) {
  const ran = spawnSync(program, args, { input, cwd, encoding: "utf8", maxBuffer: 1 << 26 });
  if (ran.error?.code === "ENOENT") {
    assert.notEqual(process.env.WECHATPAY_CHAIN_STRICT, "1", `${program} is missing`);
    t.skip(`${program} is missing`);
    return null;
  }
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout;
}

// The files of a test, in a folder of its own.
function folder(t, files) {
  const at = mkdtempSync(join(tmpdir(), "wxpay-page-"));
  t.after(() => rmSync(at, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(at, name), text);
  return at;
}

test("curl's body is the recorded body, byte by byte", (t) => {
  const bodies = [
    JSON.stringify(BODY),
    JSON.stringify(BODY, null, 2),
    ...HOSTILE.filter((text) => text && !text.includes("\0")),
  ];
  for (const body of bodies) {
    const command = written("curl", { body });
    const script = `curl() { printf %s "$body"; }; wxpay() { cat >/dev/null; }\n${command}`;
    const sent = run(t, "bash", ["-c", script]);
    if (sent !== null) assert.equal(sent, body);
  }
});

test("curl's arguments are the recorded target and the kept headers", (t) => {
  const target = "/v3/a'b/$(id)?x=`id`&y=%27";
  const more = { method: "GET", target, body: "", headers: { "idempotency-key": "a'b $(id)" } };
  const script = `curl() { for word; do printf '%s\\0' "$word"; done; }; wxpay() { echo "Authorization: $*"; }\n`;
  const words = run(t, "bash", ["-c", script + written("curl", more)])?.split("\0");
  if (!words) return;
  assert.equal(words[2], `http://127.0.0.1:8080${target}`);
  assert.equal(
    words[4],
    `Authorization: sign --sandbox=http://127.0.0.1:8080 --mchid 1900000001 --method GET --url ${target}`,
  );
  assert(words.includes("Idempotency-Key: a'b $(id)"), words);
});

test("a method of a client's own is an argument of curl, and no part of code", (t) => {
  for (const method of ["GET`touch$IFS$9hacked`", "GET|id", "get-`id`-exit", "$HOME", "'", "*", "CONNECT", "HEAD"]) {
    for (const { id } of FORMS.slice(1)) assert.equal(written(id, { method }), null, `${id} ${method}`);
    const script = `curl() { for word; do printf '%s\\0' "$word"; done; }; wxpay() { printf '%s ' "$@"; }\n`;
    const words = run(t, "bash", ["-c", script + written("curl", { method })], "", folder(t, {}))?.split("\0");
    if (!words) return;
    assert.equal(words[1], method);
    assert(words[4].includes(` --method ${method} --url `), words[4]);
  }
});

test("curl sends the target as it is", () => {
  assert.match(written("curl", { target: "/v3/x/[1-1000000]?a={b,c}" }), /^curl --globoff -X /m);
  for (const target of ["/v3/../x", "/v3/./x", "/v3/x/..", "/v3/x/.?y", "/v3/%2E%2e/x"]) {
    assert.match(written("curl", { target }), /^curl --path-as-is -X /m, target);
  }
  assert.match(written("curl", { target: "/v3/x.y/..z" }), /^curl -X /m);
});

test("wxpay takes no part of a path for an option", () => {
  assert.match(written("wxpay", { target: "/--config/v3/x" }), /^wxpay post '\{segment_1\}\/v3\/x' /);
});

test("commands contain no control character but line breaks", () => {
  for (const body of HOSTILE) {
    for (const id of ["curl", "wxpay"]) {
      assert.doesNotMatch(
        written(id, { body, target: `/v3/${body.replace(/\n/g, "")}` }),
        /[\u0000-\u0009\u000b-\u001f\u007f\u202e\u2028\u2066]/,
      );
    }
  }
});

test("wxpay's options are the recorded body, variables and query", (t) => {
  const more = { target: "/v3/x/Ab%2Fc/y?q=%27%20z", operation: "v3/x/{id}/y" };
  const script = `wxpay() { printf '%s' "\${@: -1}"; }\n${written("wxpay", more)}`;
  const options = run(t, "bash", ["-c", script]);
  if (options !== null) assert.deepEqual(JSON.parse(options), { id: "Ab/c", query: { q: "' z" }, json: BODY });
});

test("Node's literal is the recorded body", () => {
  const code = written("node", { target: "/v3/x/Ab%27" });
  const sent = [];
  const client = { chain: (path) => ({ post: async (...given) => (sent.push(path, ...given), {}) }) };
  new Function("require", code)(() => ({ client }));
  assert.deepEqual(sent.slice(0, 1), ["v3/x/{segment_3}"]);
  assert.equal(JSON.stringify(sent[1]), JSON.stringify(BODY));
  // The plugin puts the value into the URL as it is.
  assert.deepEqual(sent[2], { segment_3: "Ab%27" });
});

test("PHP's literal is the recorded body", (t) => {
  const code = written("php")
    .replace(/^require .*$/gm, "")
    .replace(
      "<?php",
      `<?php
    class Response { function getBody() { return ''; } }
    class Client {
      function chain($path) { return $this; }
      function post($options) {
        echo json_encode($options['json'], JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION | JSON_THROW_ON_ERROR);
        return new Response;
      }
    }
    $client = new Client;`,
    );
  const sent = run(t, "php", [], code);
  if (sent !== null) assert.deepEqual(JSON.parse(sent), JSON.parse(JSON.stringify(BODY)));
});

test("Python's literal is the recorded body", (t) => {
  const code = written("python");
  const files = {
    "call.py": code,
    "client.py": `
import json
class Core:
    def request(self, path, method, data=None):
        print(json.dumps(data))
        return 200, ""
class client:
    _core = Core()
`,
    "type.py": "class RequestType:\n    POST = 'POST'\n",
  };
  const at = folder(t, { ...files, "call.py": code.replace("from wechatpayv3.type", "from type") });
  const printed = run(t, "python3", ["call.py"], "", at);
  if (printed !== null) assert.deepEqual(JSON.parse(printed.split("\n")[0]), JSON.parse(JSON.stringify(BODY)));
});

test("Go's and Java's literals have no character that ends a line or a string", () => {
  const text = HOSTILE.join("").replaceAll("\n", "").replaceAll("\r", "");
  for (const id of ["go", "java", "rust"]) {
    const code = written(id, { body: JSON.stringify({ text }) });
    assert.doesNotMatch(code, /[\u0000-\u0008\u000b-\u001f\u007f\u202e\u2028\u2066\ufeff]/, id);
  }
  // Java reads such an escape before it reads the string.
  assert.doesNotMatch(written("java"), /(^|[^\\])(\\\\)*\\u00[0-9a-f]{2}/m);
});

test("numbers and repeated names are copied as they were sent", () => {
  const body = '{"a":12345678901234567890,"b":1.50,"c":1,"c":2}';
  const call = callOf(request({ body }), "");
  assert.match(FORMS[1].write(call), /12345678901234567890/);
  assert.match(FORMS[1].write(call), /"b": 1\.50/);
  assert.match(written("go", { body }), /json\.Number\("12345678901234567890"\)/);
  assert.match(written("rust", { body }), /12345678901234567890_u64/);
});

test("an APIv2 request is copied by its fields, without what an SDK makes", () => {
  const body =
    "<xml><appid><![CDATA[wx]]></appid><body>a &lt;b&gt; &#x4e2d;</body><nonce_str>n</nonce_str><sign>S</sign></xml>";
  const more = { target: "/pay/unifiedorder", body, headers: {} };
  assert.match(written("php", more), /chain\('v2\/pay\/unifiedorder'\)/);
  assert.match(written("php", more), /'body' => 'a <b> 中'/);
  assert.doesNotMatch(written("php", more), /nonce_str|'sign'/);
  for (const id of ["python", "go", "java"]) assert.equal(written(id, more), null, id);
});

test("an upload is copied with its meta and the name of its file", () => {
  const meta = '{"filename":"a\'b.png","sha256":"00"}';
  const body =
    `--x\r\nContent-Disposition: form-data; name="meta";\r\nContent-Type: application/json\r\n\r\n${meta}\r\n` +
    `--x\r\nContent-Disposition: form-data; name="file"; filename="../a'b.png";\r\nContent-Type: image/png\r\n\r\n\u0089PNG\r\n--x--\r\n`;
  const more = {
    target: "/v3/merchant/media/upload",
    headers: { "content-type": "multipart/form-data; boundary=x" },
    body: undefined,
    body_base64: Buffer.from(body, "latin1").toString("base64"),
  };
  assert.match(written("wxpay", more), /^wxpay upload 'a'\\''b\.png' /);
  assert.match(written("curl", more), /file=@"a'\\''b\.png";type=image\/png/);
  assert.match(written("rust", more), /Media::from_file\("a'b\.png"\)/);
  assert.match(written("php", more), /new MediaUtil\('a\\'b\.png'\)/);
  assert.match(written("go", more), /CreateFormFile\(writer, "a'b\.png", "image\/png", file\)/);
});

test("an upload's content type adds nothing to curl's options", () => {
  const body =
    `--x\r\nContent-Disposition: form-data; name="meta";\r\n\r\n{}\r\n` +
    `--x\r\nContent-Disposition: form-data; name="file"; filename="a";\r\n` +
    `Content-Type: image/png;headers=@/etc/passwd\r\n\r\nPNG\r\n--x--\r\n`;
  const more = { target: "/v3/merchant/media/upload", headers: { "content-type": "multipart/form-data; boundary=x" } };
  assert.match(written("curl", { ...more, body }), /'file=@"a";type=image\/png'\n$/);
});

test("an upload with many begins of parts and no end is read once", () => {
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  for (const piece of ['name="meta"', '; filename="a"', '--x\r\n; name="meta"; filename="a"\r\n', "; \t"]) {
    const call = callOf(request({ headers, body: piece.repeat((2 << 20) / piece.length) }), "");
    assert.equal(call.body.kind, "binary", piece);
  }
});

test("a body that is neither text nor an upload is not copied", () => {
  const call = callOf(request({ body: undefined, body_base64: "/w==" }), "");
  assert.equal(call.body.kind, "binary");
});

test("a long body is copied in every language", () => {
  const body = JSON.stringify({ list: Array.from({ length: 50000 }, (_, at) => ({ id: `"#${at}` })) });
  for (const { id } of FORMS) assert.match(written(id, { body }), /49999/, id);
});
