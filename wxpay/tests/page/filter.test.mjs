import assert from "node:assert/strict";
import { test } from "node:test";

import { classOf, matcher } from "../../src/command/sandbox/page/js/requests/filter.js";

const ALL = { text: "", method: "", status: "", operation: "", mchid: "" };

const ROWS = [
  {
    id: 0,
    method: "GET",
    target: "/v3/a?x=Tea",
    path: "/v3/a",
    status: 200,
    code: null,
    mchid: "1",
    operation: "v3/a",
    title: "查询",
  },
  {
    id: 1,
    method: "POST",
    target: "/v3/b",
    path: "/v3/b",
    status: 401,
    code: "SIGN_ERROR",
    mchid: "2",
    operation: null,
    title: null,
  },
  {
    id: 2,
    method: "POST",
    target: "/pay/orderquery",
    path: "/pay/orderquery",
    status: 200,
    code: "ORDERNOTEXIST",
    mchid: "1",
  },
  {
    id: 3,
    method: "GET",
    target: "/v3/a",
    path: "/v3/a",
    status: null,
    code: null,
    mchid: null,
    operation: "v3/a",
    fault: "delay",
  },
];

function found(wanted, inBodies) {
  return ROWS.filter(matcher({ ...ALL, ...wanted }, inBodies)).map((row) => row.id);
}

test("each part of a filter leaves what fits it", () => {
  assert.deepEqual(found({}), [0, 1, 2, 3]);
  assert.deepEqual(found({ method: "POST" }), [1, 2]);
  assert.deepEqual(found({ status: "2xx" }), [0]);
  assert.deepEqual(found({ status: "failed" }), [2]);
  assert.deepEqual(found({ status: "none" }), [3]);
  assert.deepEqual(found({ operation: "GET v3/a" }), [0, 3]);
  assert.deepEqual(found({ operation: "POST /v3/b" }), [1]);
  assert.deepEqual(found({ mchid: "1", method: "GET" }), [0]);
});

test("a text is looked for in the row, whatever its case, and in the bodies that the sandbox searched", () => {
  assert.deepEqual(found({ text: " tea " }), [0]);
  assert.deepEqual(found({ text: "sign_error" }), [1]);
  assert.deepEqual(found({ text: "delay" }), [3]);
  assert.deepEqual(found({ text: "#2" }), [2]);
  assert.deepEqual(found({ text: "needle" }), []);
  assert.deepEqual(found({ text: "needle", method: "POST" }, new Set([0, 1])), [1]);
});

test("a failure of APIv2 is none of its status", () => {
  assert.deepEqual(ROWS.map(classOf), ["2xx", "4xx", "failed", "none"]);
});
