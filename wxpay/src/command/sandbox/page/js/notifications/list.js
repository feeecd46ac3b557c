// The deliveries of notifications, the latest first.

import { get } from "../base/api.js";
import { h } from "../base/dom.js";
import * as live from "../base/live.js";
import { rows } from "../base/rows.js";
import { counted, date, t, time } from "../base/text.js";
import { badge, empty, errorLine, viewHead } from "../base/widgets.js";
import { holding } from "./holding.js";
import { eventTitle } from "./title.js";

// The notification that was opened, and where its row was: back from it, the list is there again.
let left = null;
let wantedState = "";

const PAGE = 1000;
const STATES = ["waiting", "held", "acknowledged", "given_up", "not_sent"];

export async function openList(root) {
  const list = rows({
    label: t("Notifications", "通知"),
    kind: "deliveries",
    columns: [
      { title: t("Notification", "通知"), class: "cell-request" },
      { title: t("State", "状态"), class: "cell-result" },
      { title: t("Attempts", "投递次数"), class: "cell-took number" },
      { title: t("Merchant", "商户"), class: "cell-merchant" },
      { title: t("Latest attempt", "最近投递"), class: "cell-time number" },
    ],
    key: (delivery) => delivery.id,
    href: (delivery) => `#/notifications/${encodeURIComponent(delivery.id)}`,
    cells,
  });
  const place = h("div", { class: "rows-place" });
  const count = h("p", { class: "rows-count" });
  const states = h("select", {
    id: "notifications-state",
    on: { change: (event) => ((wantedState = event.target.value), draw()) },
  });
  let deliveries = new Map();
  const hold = holding(() => load());

  root.append(
    viewHead(
      t("Notifications", "通知"),
      t(
        "What the sandbox posts to merchants, with each attempt and its response.",
        "沙箱向商户投递的回调通知，包括每次投递及其应答。",
      ),
      hold.node,
    ),
    h(
      "form",
      { class: "inspector-filter" },
      h("label", { class: "filter-select" }, h("span", { class: "visually-hidden" }, t("State", "状态")), states),
    ),
    count,
    place,
  );
  states.append(
    h("option", { value: "" }, t("State: all", "状态：全部")),
    ...STATES.map((state) => h("option", { value: state }, badge(state).textContent)),
  );
  states.value = wantedState;

  function draw() {
    const all = [...deliveries.values()].reverse();
    const shown = wantedState ? all.filter((delivery) => delivery.state === wantedState) : all;
    count.textContent =
      shown.length === all.length
        ? t(counted(all.length, "notification"), `共 ${all.length} 个通知`)
        : t(`${shown.length} of ${counted(all.length, "notification")}`, `${all.length} 个通知中的 ${shown.length} 个`);
    // A list that is taken out and put back would lose the focus.
    if (!shown.length) place.replaceChildren(nothing(all.length));
    else if (place.firstChild !== list.node) place.replaceChildren(list.node);
    list.show(shown);
  }

  async function load() {
    const page = await get("notifications", { brief: true, limit: PAGE });
    deliveries = new Map(page.data.map((delivery) => [delivery.id, dated(delivery)]));
    draw();
    await hold.read();
  }

  let frame = null;
  const ends = [
    live.on("delivery", (delivery) => {
      deliveries.set(delivery.id, dated(delivery));
      frame ??= requestAnimationFrame(() => {
        frame = null;
        draw();
      });
    }),
    // Those that are not on their way yet come with no event of their own.
    live.onAny(["state", "reconnected"], () => load().catch(() => {}), 300),
  ];
  try {
    await load();
  } catch (error) {
    place.replaceChildren(errorLine(error));
  }
  const back = left;
  left = null;
  // After the page has gone to the top, as it does for a new view.
  if (back) requestAnimationFrame(() => list.goBack(back));
  return () => {
    left = list.left();
    cancelAnimationFrame(frame);
    ends.forEach((end) => end());
    list.close();
  };
}

// A time stays right until the next attempt, as the seconds until then would not.
function dated(delivery) {
  return { ...delivery, due: Date.now() + (delivery.due_in_s ?? 0) * 1000 };
}

function nothing(all) {
  if (all) return empty(t("No notification is in this state", "没有处于此状态的通知"));
  return empty(
    t("No notifications yet", "还没有通知"),
    t(
      "Pay an order that has a notify_url. Its notification appears here at once.",
      "支付一笔带有 notify_url 的订单，通知会立即显示在这里。",
    ),
    h("a", { class: "button", href: "#/cashier" }, t("Go to the cashier", "前往收银台")),
  );
}

function cells(delivery) {
  const { attempts, url } = delivery;
  const latest = attempts.at(-1);
  return [
    [
      h("span", { class: "event" }, eventTitle(delivery)),
      h("span", { class: "operation mono" }, url),
    ],
    [
      badge(delivery.state),
      delivery.state === "waiting" &&
        attempts.length > 0 &&
        h(
          "span",
          { class: "soft" },
          t(`again at ${time(delivery.due)}`, `${time(delivery.due)} 重试`),
        ),
    ],
    attempts.length,
    delivery.mchid ?? "–",
    latest ? h("time", { datetime: new Date(latest.at * 1000).toISOString() }, date(latest.at * 1000)) : "–",
  ];
}
