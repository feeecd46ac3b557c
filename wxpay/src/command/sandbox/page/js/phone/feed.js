// What the program sees of what the customer does: the latest states and notifications.

import { get } from "../base/api.js";
import { h } from "../base/dom.js";
import { on } from "../base/live.js";
import { t, time } from "../base/text.js";
import { badge } from "../base/widgets.js";
import { eventTitle } from "../notifications/title.js";

const LINES = 8;

export function feed() {
  const list = h("ol", { class: "feed", "aria-live": "polite" });
  const hint = h("p", { class: "soft" }, t("Changes of states and notifications show up here.", "状态变化与通知会显示在这里。"));
  const add = (line, at = Date.now()) => {
    hint.remove();
    list.prepend(h("li", null, h("time", null, time(at)), line));
    while (list.childElementCount > LINES) list.lastElementChild.remove();
  };
  const begin = async () => {
    const { data } = await get("notifications", { brief: true, limit: LINES });
    const attempted = data.filter((sent) => sent.attempts.length > 0).sort((a, b) => latest(a) - latest(b));
    for (const sent of attempted) add(delivery(sent), latest(sent) * 1000);
  };
  // Without it the list begins empty.
  begin().catch(() => {});
  const ends = [
    on("state", ({ number, to }) => add([h("code", null, number), badge(to)])),
    on("delivery", (sent) => add(delivery(sent))),
  ];
  return {
    node: h("section", { class: "happenings" }, h("h2", null, t("What your program sees", "程序看到的")), hint, list),
    close: () => ends.forEach((end) => end()),
  };
}

// In seconds since 1970.
function latest(sent) {
  return sent.attempts.at(-1).at;
}

function delivery(sent) {
  const attempt = sent.attempts.at(-1);
  return [
    h("a", { href: `#/notifications/${encodeURIComponent(sent.id)}` }, eventTitle(sent)),
    attempt && h("span", { class: "soft" }, attempt.status ? `HTTP ${attempt.status}` : attempt.error),
    badge(sent.state),
  ];
}
