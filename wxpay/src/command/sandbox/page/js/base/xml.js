// The flat XML of APIv2.

const ELEMENT = /\s*(<([\w.-]+)>(?:\s*<!\[CDATA\[([^]*?)\]\]>\s*|([^<]*))<\/\2>)\s*/y;

// Returns the elements in `<xml>`, each `{ name, value, text }` with its text as it was sent, or null if the text is not
// such XML.
export function readXml(text) {
  const inner = text.trim().match(/^(?:<\?xml[^>]*\?>\s*)?<xml>([^]*)<\/xml>$/)?.[1];
  if (inner === undefined) return null;
  const elements = [];
  ELEMENT.lastIndex = 0;
  while (inner.slice(ELEMENT.lastIndex).trim() !== "") {
    const found = ELEMENT.exec(inner);
    if (!found) return null;
    const [, own, name, data, plain] = found;
    elements.push({ name, value: data ?? unescaped(plain), text: own });
  }
  return elements;
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescaped(text) {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (all, hex, number, name) => {
    const code = hex ? parseInt(hex, 16) : Number(number);
    if (name) return ENTITIES[name] ?? all;
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
