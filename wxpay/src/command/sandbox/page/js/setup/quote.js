// A value inside a string, by each language's own rule, and as an argument for a shell.

import { hex } from "../base/json.js";

// Returns what writes a value into a string of the templates: with single quotes in PHP and JavaScript, with
// double ones in the others.
export function inString(language, value) {
  const braced = (c) => `\\u{${c.codePointAt(0).toString(16)}}`;
  const long = (c) => `\\U${hex(c.codePointAt(0), 8)}`;
  switch (language) {
    // Nothing else has a meaning there, and a line may end in it.
    case "php":
      return escaped(value, "'", (c) => c);
    case "node":
      return escaped(value, "'", braced);
    case "rust":
      return escaped(value, '"', braced);
    case "java":
      return escaped(value, '"', ofJava);
    default:
      return escaped(value, '"', long);
  }
}

// Java reads `\u000a` as the end of the line before it looks for strings, so it is octal. The others are in
// UTF-16.
function ofJava(c) {
  if (c < "\x80") return `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`;
  return c.split("").map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`).join("");
}

function escaped(value, quote, other) {
  const escape = (c) => {
    if (c === "\\") return "\\\\";
    if (c === quote) return `\\${c}`;
    // An end of a line, or what is not seen or turns the direction of what is.
    return isPlain(c) ? c : other(c);
  };
  return Array.from(value, escape).join("");
}

function isPlain(c) {
  return /^[ -~\p{Alphabetic}\p{N}]$/u.test(c);
}

// Returns an argument for a shell, on one line.
export function forShell(value) {
  if (/^[\p{Alphabetic}\p{N}/._\-+:@%,=]+$/u.test(value)) return value;
  // Not with a backslash: Java reads `\u` in comments, too.
  if (Array.from(value).every((c) => isPlain(c) && c !== "\\" && c !== "'")) return `'${value}'`;
  const bytes = (c) => Array.from(new TextEncoder().encode(c), (byte) => `\\x${hex(byte, 2)}`).join("");
  return `$'${escaped(value, "'", bytes)}'`;
}
