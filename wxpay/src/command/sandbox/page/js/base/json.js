// JSON as it was sent. `JSON.parse` rounds long numbers and keeps one of two equal names, which an
// inspector must show.

const TOKEN = /\s*(?:([{}[\],:])|("[^"\\]*(?:\\.[^"\\]*)*")|(-?\d[\d.eE+-]*)|(true|false|null))/y;

// Deeper JSON is shown as text: reading it would exhaust the stack.
const MAX_DEPTH = 200;

// Returns the tree of a JSON text, or `null` if it is not JSON. A node is `{type: "object", entries: [[name, node]]}`,
// `{type: "array", items}`, `{type: "string", value}`, `{type: "number", text}` or `{type: "literal", value}`.
export function readJson(text) {
  try {
    JSON.parse(text);
    return new Reader(text).value(0);
  } catch {
    return null;
  }
}

// Reads what is known to be JSON.
class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  token() {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    this.at = TOKEN.lastIndex;
    return found;
  }

  value(depth) {
    if (depth > MAX_DEPTH) throw new RangeError("too deep");
    const [, mark, string, number, literal] = this.token();
    if (mark === "{") return { type: "object", entries: this.list("}", () => this.entry(depth)) };
    if (mark === "[") return { type: "array", items: this.list("]", () => this.value(depth + 1)) };
    if (string) return { type: "string", value: JSON.parse(string) };
    if (number) return { type: "number", text: number };
    return { type: "literal", value: JSON.parse(literal) };
  }

  entry(depth) {
    const name = JSON.parse(this.token()[2]);
    this.token();
    return [name, this.value(depth + 1)];
  }

  list(end, item) {
    const items = [];
    const begin = this.at;
    if (this.token()[1] === end) return items;
    this.at = begin;
    for (;;) {
      items.push(item());
      if (this.token()[1] === end) return items;
    }
  }
}

// Returns JSON in lines, two spaces deep.
export function pretty(node) {
  return [...lines(node)]
    .map((line) => "  ".repeat(line.depth) + line.parts.map(([, text]) => text).join(""))
    .join("\n");
}

// Yields the lines of a tree: `{depth, path, parts: [[kind, text]]}`. The path names the field that a line begins,
// such as `amount.total` or `goods_detail[0].price`.
export function* lines(node, depth = 0, path = "", before = [], after = []) {
  const children = node.entries ?? node.items;
  if (!children?.length) {
    yield { depth, path, parts: [...before, scalar(node), ...after] };
    return;
  }
  const [open, close] = node.type === "object" ? "{}" : "[]";
  yield { depth, path, parts: [...before, ["mark", open]] };
  for (const [at, child] of children.entries()) {
    const comma = at + 1 < children.length ? [["mark", ","]] : [];
    if (node.type === "object") {
      const [name, value] = child;
      const key = [
        ["name", quoted(name)],
        ["mark", ": "],
      ];
      yield* lines(value, depth + 1, path ? `${path}.${name}` : name, key, comma);
    } else {
      yield* lines(child, depth + 1, `${path}[${at}]`, [], comma);
    }
  }
  // The closing line is no field's.
  yield { depth, path: null, parts: [["mark", close], ...after] };
}

function scalar(node) {
  switch (node.type) {
    case "object":
      return ["mark", "{}"];
    case "array":
      return ["mark", "[]"];
    case "string":
      return ["string", quoted(node.value)];
    case "number":
      return ["number", node.text];
    default:
      return ["literal", String(node.value)];
  }
}

// What would be unseen, or change the order in which the rest of a line is seen.
export const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

// Returns a string of JSON, with escapes for what would be unseen.
export function quoted(text) {
  return JSON.stringify(text).replace(UNSEEN, (found) => `\\u${hex(found.charCodeAt(0), 4)}`);
}

// Returns the text with the number of each control character in place of it, and of what would change the order of the
// others. Line breaks and tabs stay.
export function visible(text) {
  const number = (found) => `⟨${hex(found.charCodeAt(0), 4)}⟩`;
  const unified = text.replaceAll("\r\n", "\n");
  return unified.replace(/[\u0000-\u0008\u000b-\u001f]/g, number).replace(UNSEEN, number);
}

// Returns a number in hexadecimal digits, at least so many.
export function hex(code, digits) {
  return code.toString(16).padStart(digits, "0");
}
