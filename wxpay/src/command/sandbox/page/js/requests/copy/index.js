// A request as a command or as code.

import { go } from "./go.js";
import { java } from "./java.js";
import { node } from "./node.js";
import { php } from "./php.js";
import { python } from "./python.js";
import { rust } from "./rust.js";
import { curl, wxpay } from "./shell.js";

export { callOf } from "./call.js";

// What `wxpay` and the SDKs send. A client may send any other word, and one such as GET`id` would run as a part of code.
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

// Returns whether the method of a call is one that is not of curl alone.
export function hasKnownMethod({ method }) {
  return METHODS.includes(method);
}

function known(write) {
  return (call) => (hasKnownMethod(call) ? write(call) : null);
}

// Each returns its text by `write(call)`, or null if the SDK has no APIv2 or no such method.
export const FORMS = [
  { id: "curl", title: "curl", write: curl },
  { id: "wxpay", title: "wxpay", write: known(wxpay) },
  { id: "rust", title: "Rust", write: known(rust) },
  { id: "php", title: "PHP", write: known(php) },
  { id: "node", title: "Node.js", write: known(node) },
  { id: "python", title: "Python", write: known(python) },
  { id: "go", title: "Go", write: known(go) },
  { id: "java", title: "Java", write: known(java) },
];
