// One notification: what it says, and each attempt to deliver it.

import { get, path, post } from "../base/api.js";
import { bodyNode, headersNode, isRaw, prettyNode, rawNode, rawSwitch } from "../base/body.js";
import { h, redraw } from "../base/dom.js";
import * as live from "../base/live.js";
import { date, duration, t } from "../base/text.js";
import { badge, button, card, facts, icon, toast } from "../base/widgets.js";
import { deliveryFaultTitle, faultBadge } from "../faults/kinds.js";
import { eventTitle } from "./title.js";

export async function openDetail(root, id) {
  const place = h("div");
  let delivery = await get(path`notifications/${id}`);
  // Those that the reader folded or unfolded stay so.
  const open = new Map();
  let due = Date.now() + (delivery.due_in_s ?? 0) * 1000;
  const next = h("span", { class: "soft" });
  const tick = () => {
    const left = Math.max(0, due - Date.now());
    const isWaiting = delivery.state === "waiting";
    next.textContent = isWaiting
      ? t(
          `next attempt in ${duration(Math.ceil(left / 1000) * 1000)}`,
          `${duration(Math.ceil(left / 1000) * 1000)}后投递`,
        )
      : "";
  };
  const draw = () => {
    tick();
    redraw(place, head(delivery, next, act), attempts(delivery, open), content(delivery, draw));
  };
  const read = async () => {
    delivery = await get(path`notifications/${id}`);
    due = Date.now() + (delivery.due_in_s ?? 0) * 1000;
    draw();
  };
  const act = (what, said) => async () => {
    await post(path`notifications/${id}/${what}`);
    toast(said);
    await read();
  };

  root.append(
    h(
      "nav",
      { class: "trail", "aria-label": t("Notifications", "通知") },
      h(
        "a",
        { class: "button quiet small", href: "#/notifications" },
        icon("back"),
        t("All notifications", "全部通知"),
      ),
    ),
    place,
  );
  draw();
  const ends = [
    live.on("delivery", (changed) => changed.id === id && void read().catch(() => {})),
    live.on("reconnected", () => void read().catch(() => {})),
  ];
  const timer = setInterval(tick, 1000);
  return () => {
    clearInterval(timer);
    ends.forEach((end) => end());
  };
}

function head(delivery, next, act) {
  const { mchid, url, version } = delivery;
  return h(
    "div",
    null,
    h(
      "header",
      { class: "view-head" },
      h(
        "div",
        null,
        h("h1", { tabindex: "-1" }, eventTitle(delivery)),
        h("p", { class: "request-facts" }, badge(delivery.state), next),
      ),
      h(
        "div",
        { class: "actions" },
        button(t("Resend", "重新投递"), act("resend", t("Sent again", "已重新投递")), {
          kind: "primary",
          id: "resend",
        }),
        button(t("Send a copy", "重复投递一次"), act("duplicate", t("A copy was sent", "已重复投递")), {
          id: "duplicate",
        }),
      ),
    ),
    card(
      null,
      facts([
        ["URL", h("code", null, url)],
        [t("Merchant", "商户"), mchid],
        [t("Order", "订单"), orderLink(delivery)],
        [t("Version", "版本"), version && `APIv${String(version).replace(/\D/g, "") || "3"}`],
        ["ID", h("code", null, delivery.id)],
        [t("Not sent because", "未投递原因"), delivery.error],
      ]),
    ),
  );
}

// To the timeline of the order that it is about.
function orderLink({ resource }) {
  const number = resource?.out_trade_no;
  return typeof number === "string" && h("a", { href: `#/orders/${encodeURIComponent(number)}` }, number);
}

function attempts({ attempts: all }, open) {
  if (!all.length) return card(t("Attempts", "投递记录"), h("p", { class: "soft" }, t("None yet.", "尚未投递。")));
  const latest = all.length - 1;
  return card(
    t(`Attempts (${all.length})`, `投递记录（${all.length}）`),
    h(
      "ol",
      { class: "attempts" },
      all
        .map((attempt, at) => item(attempt, at, open.get(at) ?? at === latest, (isOpen) => open.set(at, isOpen)))
        .reverse(),
    ),
  );
}

function item(attempt, at, isOpen, onToggle) {
  const { status, error, fault } = attempt;
  const isGood = status >= 200 && status < 300;
  const title = t(`Attempt ${at + 1}`, `第 ${at + 1} 次投递`);
  return h(
    "li",
    null,
    h(
      "details",
      { class: "attempt", open: isOpen },
      h(
        "summary",
        { id: `attempt-${at}`, on: { click: (event) => onToggle(!event.currentTarget.parentNode.open) } },
        h("span", { class: "attempt-title" }, title),
        badge(status ?? "error", { text: status ?? t("No response", "无应答"), tone: isGood ? "good" : "bad" }),
        fault && faultBadge(deliveryFaultTitle(fault)),
        h("time", { class: "soft", datetime: new Date(attempt.at * 1000).toISOString() }, date(attempt.at * 1000)),
        h("span", { class: "soft" }, duration(attempt.took_ms)),
      ),
      error && h("p", { class: "error-line" }, error),
      h(
        "div",
        { class: "halves" },
        h("section", null, h("h3", null, t("Headers sent", "发送的请求头")), headersNode(attempt.sent_headers)),
        h(
          "section",
          null,
          h("h3", null, t("The receiver's response", "接收端的应答")),
          status === null
            ? h("p", { class: "soft" }, t("None.", "无。"))
            : prettyNode(`HTTP/1.1 ${status}`, attempt, t(`${title}: response`, `${title}：应答`)),
        ),
      ),
    ),
  );
}

function content(delivery, draw) {
  const sent = {
    headers: delivery.attempts.at(-1)?.sent_headers,
    body: delivery.body,
    body_base64: delivery.body_base64,
  };
  return h(
    "section",
    { class: "card" },
    h("div", { class: "section-head" }, h("h2", null, t("Content", "内容")), rawSwitch(draw)),
    h(
      "div",
      { class: "halves" },
      h(
        "section",
        null,
        h("h3", null, t("Decrypted resource", "解密后的 resource")),
        bodyNode({ body: JSON.stringify(delivery.resource) }, { label: t("Decrypted resource", "解密后的 resource") }),
      ),
      h(
        "section",
        null,
        h("h3", null, t("Body that was sent", "发送的报文主体")),
        isRaw()
          ? rawNode(`POST ${target(delivery.url)} HTTP/1.1`, sent, t("Message that was sent", "发送的报文"))
          : bodyNode(sent, { label: t("Body that was sent", "发送的报文主体") }),
      ),
    ),
  );
}

function target(url) {
  try {
    const { pathname, search } = new URL(url);
    return pathname + search;
  } catch {
    return url;
  }
}
