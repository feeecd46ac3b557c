import assert from "node:assert/strict";
import { test } from "node:test";

import { compare, firstDifference } from "../../src/command/sandbox/page/js/requests/diff.js";

function marked(pieces) {
  return pieces.map(({ text, differs }) => (differs ? `[${text}]` : text)).join("");
}

function both(left, right) {
  const found = compare(left, right);
  return [marked(found.left), marked(found.right)];
}

test("only the bytes that differ are marked", () => {
  assert.deepEqual(both("POST\n/v3/x\n1\nn\n{}\n", "POST\n/v3/x\n1\nn\n{}"), [
    "POST\n/v3/x\n1\nn\n{}[\n]",
    "POST\n/v3/x\n1\nn\n{}",
  ]);
  assert.deepEqual(both('{"a": 1, "b": 2}', '{"a":1,"b":2}'), ['{"a":[ ]1,[ ]"b":[ ]2}', '{"a":1,"b":2}']);
  assert.deepEqual(both("/v3/a", "v3/a?b"), ["[/]v3/a", "v3/a[?b]"]);
  assert.deepEqual(both("abc", "abc"), ["abc", "abc"]);
  assert.deepEqual(both("", "a"), ["", "[a]"]);
  assert.deepEqual(both("茶", "茶😀"), ["茶", "茶[😀]"]);
});

test("marks leave equal texts on both sides", () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const text = () => Array.from({ length: random(40) }, () => "ab{ \n"[random(5)]).join("");
  for (let round = 0; round < 500; round += 1) {
    const [left, right] = [text(), text()];
    const found = compare(left, right);
    const same = (pieces) =>
      pieces
        .filter((piece) => !piece.differs)
        .map((piece) => piece.text)
        .join("");
    assert.equal(found.left.map((piece) => piece.text).join(""), left);
    assert.equal(found.right.map((piece) => piece.text).join(""), right);
    assert.equal(same(found.left), same(found.right));
    assert.equal(same(found.left).length, common(left, right), `${JSON.stringify([left, right])}`);
  }
});

// The length of the longest common sequence, by its definition.
function common(left, right) {
  const rows = [new Array(right.length + 1).fill(0)];
  for (const a of left) {
    const above = rows.at(-1);
    const row = [0];
    [...right].forEach((b, at) => row.push(a === b ? above[at] + 1 : Math.max(above[at + 1], row[at])));
    rows.push(row);
  }
  return rows.at(-1).at(-1);
}

test("texts without anything in common are marked as a whole, however long", () => {
  const found = compare("a".repeat(100000), "b".repeat(100000));
  assert.deepEqual([found.left.length, found.right.length], [1, 1]);
});

test("the first difference is counted in bytes", () => {
  assert.equal(firstDifference("茶a", "茶b"), 3);
  assert.equal(firstDifference("a", "a\n"), 1);
  assert.equal(firstDifference("a", "a"), null);
});
