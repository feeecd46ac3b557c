// A bar chart: what came in above the line, what went out below it. The table beside it says the same in words.

import { svg } from "../base/dom.js";
import { lang, money } from "../base/text.js";

const LEFT = 64;
const RIGHT = 24;
const TOP = 12;
const HEIGHT = 220;
const LABELS = 26;
// No bar is wider, however few days there are.
const WIDEST = 36;

// Returns the chart of `[{ day, in, out }]`, amounts in fen, `outer` pixels wide with the card around it.
export function chart(data, outer) {
  const width = Math.max(240, outer - 42);
  const most = (name) => Math.max(...data.map((day) => day[name]));
  const step = niceStep(Math.max(most("in"), most("out"), 100));
  const [above, below] = [Math.ceil(most("in") / step), Math.ceil(most("out") / step)];
  const unit = HEIGHT / (above + below);
  const y = (fen) => TOP + above * unit - (fen / step) * unit;
  const slot = (width - LEFT - RIGHT) / data.length;
  const bar = Math.min(WIDEST, Math.max(2, slot * 0.7));
  const lines = Array.from({ length: above + below + 1 }, (_, i) => (above - i) * step);
  const every = Math.ceil(64 / slot);
  return svg(
    "svg",
    { class: "chart", width, height: TOP + HEIGHT + LABELS, "aria-hidden": "true" },
    lines.map((fen) => [
      svg("line", { class: fen === 0 ? "zero" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(fen), y2: y(fen) }),
      svg("text", { x: LEFT - 10, y: y(fen) + 4, "text-anchor": "end" }, shortMoney(fen)),
    ]),
    data.map((day, i) => {
      const middle = LEFT + slot * (i + 0.5);
      // The last day is today: it has its label, and those before it keep their distance.
      const hasLabel = (data.length - 1 - i) % every === 0;
      return [
        column("in", middle, bar, y(day.in), y(0), `${dayName(day.day)} +${money(day.in)}`),
        column("out", middle, bar, y(0), y(-day.out), `${dayName(day.day)} −${money(day.out)}`),
        hasLabel && svg("text", { x: middle, y: TOP + HEIGHT + 18, "text-anchor": "middle" }, dayName(day.day)),
      ];
    }),
  );
}

function column(kind, middle, width, top, bottom, title) {
  if (bottom <= top) return null;
  // An amount that is small beside the others can still be seen.
  const height = Math.max(2, bottom - top);
  return svg(
    "rect",
    { class: kind, x: middle - width / 2, y: kind === "in" ? bottom - height : top, width, height, rx: Math.min(3, height / 2) },
    svg("title", null, title),
  );
}

// A step of 1, 2 or 5 times a power of ten, of which at most four make the amount.
function niceStep(fen) {
  const power = 10 ** Math.floor(Math.log10(fen / 4));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step * 4 >= fen);
}

function shortMoney(fen) {
  const yuan = Math.abs(fen) / 100;
  const sign = fen < 0 ? "−" : "";
  const number = new Intl.NumberFormat(lang() === "zh" ? "zh-CN" : "en", { notation: "compact", maximumFractionDigits: 2 });
  return `${sign}¥${number.format(yuan)}`;
}

// Writes a day such as 2026-11-29.
export function dayName(day) {
  const format = new Intl.DateTimeFormat(lang() === "zh" ? "zh-CN" : "en-GB", { month: "short", day: "numeric", timeZone: "UTC" });
  return format.format(new Date(`${day}T00:00:00Z`));
}
