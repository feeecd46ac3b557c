// A QR code from its rows of modules.

import { svg } from "../base/dom.js";

// The margin that readers need, in modules.
const MARGIN = 4;

// Returns the code as one picture. `rows` are texts of "0" and "1".
export function qrCode(rows, label) {
  const size = rows.length + 2 * MARGIN;
  const dark = rows.flatMap((row, y) =>
    // Neighbours in a row are one bar: separate squares would show gaps between them.
    [...row.matchAll(/1+/g)].map((bar) => `M${bar.index + MARGIN} ${y + MARGIN}h${bar[0].length}v1h-${bar[0].length}z`),
  );
  return svg(
    "svg",
    { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" },
    // Readers expect dark on light, in a dark theme too.
    svg("rect", { width: size, height: size, fill: "#fff" }),
    svg("path", { d: dark.join(""), fill: "#000" }),
  );
}
