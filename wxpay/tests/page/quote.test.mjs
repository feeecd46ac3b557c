// Values in the configuration that the page shows: each language reads back what was written.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { forShell, inString } from "../../src/command/sandbox/page/js/setup/quote.js";
import { filled } from "../../src/command/sandbox/page/js/setup/snippet.js";

const VALUES = [
  "/home/tea/keys",
  "C:\\keys\\new",
  `it's a "folder"`,
  "$HOME `id` {mchid} ${x} %s",
  "沙箱 🍵",
  "line\nbreak\tand tab",
  "\u202eturned",
];

const run = (program, ...args) => execFileSync(program, args, { encoding: "utf8" });

test("node reads back what was written", () => {
  for (const value of VALUES) assert.equal(run("node", "-e", `process.stdout.write('${inString("node", value)}')`), value);
});

test("python reads back what was written", () => {
  for (const value of VALUES) {
    const code = `import sys; sys.stdout.buffer.write("${inString("python", value)}".encode())`;
    assert.equal(run("python3", "-c", code), value);
  }
});

test("php reads back what was written", () => {
  for (const value of VALUES) assert.equal(run("php", "-r", `echo '${inString("php", value)}';`), value);
});

test("bash reads back what was written, from one line", () => {
  for (const value of VALUES) {
    const written = forShell(value);
    assert.ok(!written.includes("\n"));
    assert.equal(run("bash", "-c", `printf %s ${written}`), value);
  }
});

// As in `snippets/quote.rs`: these languages are not everywhere.
test("escapes of the compiled languages are their own", () => {
  const value = 'a"\\\n🍵';
  assert.equal(inString("rust", value), 'a\\"\\\\\\u{a}\\u{1f375}');
  assert.equal(inString("go", value), 'a\\"\\\\\\U0000000a\\U0001f375');
  assert.equal(inString("java", value), 'a\\"\\\\\\012\\ud83c\\udf75');
});

test("each place is filled once, and other braces stay", () => {
  const merchant = { mchid: "{serial}", serial: "S", proxy_uri: "http://[::1]:2", files: { folder: "it's" } };
  const template = "// {folder} {proxy_host}:{proxy_port}\nuse { '{mchid}' '{folder}' {other} }\n";
  assert.equal(filled(template, "node", merchant), "// $'it\\'s' '[::1]':2\nuse { '{serial}' 'it\\'s' {other} }\n");
});
