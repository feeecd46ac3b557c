// Which requests a list shows.

// What the list shows, kept while the page is open.
export const wanted = { text: "", method: "", status: "", operation: "", mchid: "" };

export function isAll() {
  return Object.values(wanted).every((value) => value === "");
}

// Returns what tells whether a row is wanted. `inBodies` are the requests that have the text in a header or a body.
export function matcher({ text, method, status, operation, mchid }, inBodies = new Set()) {
  const words = text.trim().toLowerCase();
  return (row) =>
    (!method || row.method === method) &&
    (!status || classOf(row) === status) &&
    (!operation || operationOf(row) === operation) &&
    (!mchid || row.mchid === mchid) &&
    (!words || has(row, words) || inBodies.has(row.id));
}

function has(row, words) {
  const texts = [row.target, row.code, row.title, row.operation, row.mchid, row.fault, `#${row.id}`];
  return texts.some((text) => text && text.toLowerCase().includes(words));
}

// Returns the class of a response: "2xx" and so on, "failed" for an APIv2 failure, which has status 200, or "none".
export function classOf({ status, code }) {
  if (status === null || status === undefined) return "none";
  if (status < 300 && code) return "failed";
  return `${Math.floor(status / 100)}xx`;
}

// The template with its method, or the path that is not documented.
export function operationOf({ method, operation, path }) {
  return `${method} ${operation ?? path}`;
}
