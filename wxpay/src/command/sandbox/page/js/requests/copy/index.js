// A request as a command or as code.

import { go } from "./go.js";
import { java } from "./java.js";
import { node } from "./node.js";
import { php } from "./php.js";
import { python } from "./python.js";
import { rust } from "./rust.js";
import { curl, wxpay } from "./shell.js";

export { callOf } from "./call.js";

// Each returns its text by `write(call)`, or null if the SDK has no APIv2.
export const FORMS = [
  { id: "curl", title: "curl", write: curl },
  { id: "wxpay", title: "wxpay", write: wxpay },
  { id: "rust", title: "Rust", write: rust },
  { id: "php", title: "PHP", write: php },
  { id: "node", title: "Node.js", write: node },
  { id: "python", title: "Python", write: python },
  { id: "go", title: "Go", write: go },
  { id: "java", title: "Java", write: java },
];
