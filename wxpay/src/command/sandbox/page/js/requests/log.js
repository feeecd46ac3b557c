// The log of requests as the page knows it: one row for each, oldest first.

import { get } from "../base/api.js";
import * as live from "../base/live.js";

// As many as the sandbox keeps.
const MAX = 10000;
const PAGE = 1000;

let rows = [];
// What arrived while the log is read.
let arrived = [];
let listeners = [];
let isFollowing = false;
let loading = null;
let isComplete = false;

export function all() {
  return rows;
}

// Calls `f` after each change, at most once for each frame. The returned function ends that.
export function onChange(f) {
  listeners.push(f);
  return () => {
    listeners = listeners.filter((known) => known !== f);
  };
}

// Reads the log anew, the latest requests first. Resolves when those are here; the others follow.
export function load() {
  if (!isFollowing) {
    isFollowing = true;
    live.on("request", put);
    live.on("answered", put);
    live.on("reconnected", () => void load().catch(() => {}));
  }
  loading ??= readLatest().finally(() => (loading = null));
  return loading;
}

async function readLatest() {
  arrived = [];
  const page = await get("requests", { brief: true, limit: PAGE });
  const first = page.data[0];
  // After a reset the numbers begin anew, and what is here is of another log.
  const isSame = Boolean(first) && rows[place(first.id)]?.at_ms === first.at_ms;
  rows = merged(page.data, isSame ? rows : arrived);
  isComplete = (isSame && isComplete) || !page.has_earlier;
  changed();
  if (!isComplete) void readEarlier(first.id).catch(() => {});
}

async function readEarlier(first) {
  const page = await get("requests", { brief: true, limit: PAGE, before: first });
  rows = merged(page.data, rows);
  isComplete = !page.has_earlier || rows.length >= MAX;
  changed();
  if (!isComplete && page.data.length) await readEarlier(page.data[0].id);
}

// An answered row replaces the same one without an answer.
function merged(earlier, later) {
  const byId = new Map(earlier.map((row) => [row.id, row]));
  for (const row of later) if (!byId.has(row.id) || row.status !== null) byId.set(row.id, row);
  return [...byId.values()].sort((a, b) => a.id - b.id).slice(-MAX);
}

function put(row) {
  if (loading) arrived.push(row);
  const last = rows.at(-1)?.id ?? 0;
  if (row.id > last) {
    rows.push(row);
    if (rows.length > MAX) rows.shift();
  } else {
    const at = place(row.id);
    if (rows[at]?.id === row.id) rows[at] = row;
    else rows.splice(at, 0, row);
  }
  changed();
}

// Where a request is, or would be.
function place(id) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Returns the row of a request, if it is here.
export function find(id) {
  const row = rows[place(id)];
  return row?.id === id ? row : undefined;
}

// Returns the requests before and after one.
export function neighbours(id) {
  const at = place(id);
  return { older: rows[at - 1], newer: rows[rows[at]?.id === id ? at + 1 : at] };
}

let frame = null;

function changed() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    listeners.forEach((f) => f());
  });
}
