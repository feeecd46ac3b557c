// The code that `wxpay sandbox config` prints, from the same templates. The places are filled in as it does it:
// see `snippets/mod.rs` and `snippets/quote.rs`.

import { forShell, inString } from "./quote.js";

export const LANGUAGES = [
  { id: "rust", title: "Rust" },
  { id: "php", title: "PHP" },
  { id: "node", title: "Node.js" },
  { id: "python", title: "Python" },
  { id: "go", title: "Go" },
  { id: "java", title: "Java" },
];

// Where `wxpay sandbox --proxy` listens unless it is told otherwise.
const PROXY = "http://127.0.0.1:8081";
const NAMES = ["base_uri", "mchid", "appid", "serial", "apiv3_key", "apiv2_key", "platform_key_id"];

// Reads the template of a language.
export async function snippet(language) {
  const response = await fetch(new URL(`../../snippets/${language}.txt`, import.meta.url));
  if (!response.ok) throw new Error(`${response.url}: HTTP ${response.status}`);
  return response.text();
}

// Fills the places of a template, such as `{mchid}`: those in comments are in lines for a shell, the others in
// a string.
export function filled(template, language, merchant) {
  const values = valuesOf(merchant);
  const comment = language === "python" ? "#" : "//";
  const lines = template.split(/(?<=\n)/).map((line) => {
    const quote = line.startsWith(comment) ? forShell : (value) => inString(language, value);
    return line.replace(/\{([A-Za-z0-9_]+)\}/g, (place, name) => (Object.hasOwn(values, name) ? quote(values[name]) : place));
  });
  return lines.join("");
}

function valuesOf(merchant) {
  const proxy = merchant.proxy_uri ?? PROXY;
  const [host, port] = proxy.replace(/^(http:\/\/)+/, "").split(/:(?=[^:]*$)/);
  const values = { folder: merchant.files?.folder ?? "FOLDER", proxy, proxy_host: host, proxy_port: port ?? "" };
  for (const name of NAMES) values[name] = merchant[name] ?? "";
  return values;
}
