import assert from "node:assert/strict";
import { test } from "node:test";

import { lines, pretty, readJson } from "../../src/command/sandbox/page/js/base/json.js";

test("JSON is shown with the numbers and names that were sent", () => {
  const text = '{"a":12345678901234567890,"b":[1.50,-0,1E5,{}],"a":"\\u4e2d\\u202e\\n","c":[]}';
  const shown = pretty(readJson(text));
  for (const kept of ["12345678901234567890", "1.50", "-0", "1E5", '"a": 1', '"a": "中\\u202e\\n"', '"c": []']) {
    assert(shown.includes(kept), shown);
  }
  assert.deepEqual(JSON.parse(shown), JSON.parse(text));
});

test("what is not JSON, or nested too deep, is no tree", () => {
  for (const text of ["", "{", "{'a':1}", "01", "nul", "[1,]", "[".repeat(100000), "[".repeat(300) + "]".repeat(300)]) {
    assert.equal(readJson(text), null, text.slice(0, 20));
  }
});

test("each line names its field", () => {
  const tree = readJson('{"amount":{"total":1},"goods":[{"id":"a"},2],"__proto__":{"x":1}}');
  const paths = [...lines(tree)].map((line) => line.path).filter((path) => path);
  assert.deepEqual(paths, [
    "amount",
    "amount.total",
    "goods",
    "goods[0]",
    "goods[0].id",
    "goods[1]",
    "__proto__",
    "__proto__.x",
  ]);
});

test("a long string does not exhaust the stack", () => {
  const text = JSON.stringify("\\a".repeat(1 << 20));
  assert.equal(readJson(text).value.length, 1 << 21);
});
