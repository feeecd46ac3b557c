// The list of requests, the latest first.

import { get } from "../base/api.js";
import { h } from "../base/dom.js";
import { rows } from "../base/rows.js";
import { counted, duration, preciseTime, t } from "../base/text.js";
import { badge, button, empty, errorLine, viewHead } from "../base/widgets.js";
import { responseFaultTitle } from "../faults/kinds.js";
import { filterBar } from "./bar.js";
import { classOf, isAll, matcher, wanted } from "./filter.js";
import * as log from "./log.js";

// The request that was opened, and where its row was: back from it, the list is there again.
let left = null;

const SEARCH_MS = 250;
const SEARCH_AGAIN_MS = 1000;
// The choices of the filter are made from the whole log, which is not done for each request.
const OFFER_MS = 500;

export async function openList(root) {
  const list = rows({
    label: t("Requests", "请求"),
    kind: "requests",
    columns: [
      { title: t("Request", "请求"), class: "cell-request" },
      { title: t("Result", "结果"), class: "cell-result" },
      { title: t("Merchant", "商户"), class: "cell-merchant" },
      { title: t("Took", "耗时"), class: "cell-took number" },
      { title: t("Time", "时间"), class: "cell-time number" },
    ],
    key: (row) => row.id,
    href: (row) => `#/requests/${row.id}`,
    cells,
  });
  const count = h("p", { class: "rows-count" });
  // Says the number to screen readers when the filter changes, and not with each request.
  const status = h("p", { class: "visually-hidden", role: "status" });
  const place = h("div", { class: "rows-place" });
  const bar = filterBar(refresh);
  let inBodies = new Set();
  let search = 0;
  let again = null;
  let offering = null;
  const offer = () => {
    offering = null;
    bar.offer(log.all());
  };

  root.append(
    viewHead(
      t("Requests", "请求"),
      t("What arrived, as it arrived. The latest is first.", "收到的请求及其原始报文，最新的在最前。"),
    ),
    bar.node,
    count,
    status,
    place,
  );
  place.append(list.node);

  function draw() {
    const all = log.all();
    const isWanted = matcher(wanted, inBodies);
    const shown = isAll() ? all.toReversed() : all.filter(isWanted).reverse();
    offering ??= setTimeout(offer, OFFER_MS);
    count.textContent = summary(shown.length, all.length);
    // A list that is taken out and put back would lose the focus.
    if (!shown.length) place.replaceChildren(nothing(all.length, bar.reset));
    else if (place.firstChild !== list.node) place.replaceChildren(list.node);
    list.show(shown);
  }

  async function refresh() {
    const asked = (search += 1);
    inBodies = new Set();
    draw();
    if (wanted.text.trim()) {
      await new Promise((resolve) => setTimeout(resolve, SEARCH_MS));
      if (asked !== search) return;
      inBodies = await found(wanted.text.trim(), () => asked === search);
      if (asked !== search) return;
      draw();
    }
    status.textContent = count.textContent;
  }

  // What arrives while a text is looked for may have it in its body.
  const searchAgain = async () => {
    const asked = search;
    const more = await found(wanted.text.trim(), () => false);
    again = null;
    if (asked !== search || !more.size) return;
    inBodies = new Set([...inBodies, ...more]);
    draw();
  };
  const end = log.onChange(() => {
    draw();
    if (wanted.text.trim()) again ??= setTimeout(searchAgain, SEARCH_AGAIN_MS);
  });
  try {
    await log.load();
    draw();
    offer();
    if (wanted.text) void refresh();
  } catch (error) {
    place.replaceChildren(errorLine(error));
  }
  const back = left;
  left = null;
  // After the page has gone to the top, as it does for a new view.
  if (back) requestAnimationFrame(() => list.goBack(back));
  return () => {
    search += 1;
    clearTimeout(offering);
    clearTimeout(again);
    left = list.left();
    end();
    list.close();
  };
}

// The requests that have a text in a header or a body, the latest first. The sandbox looks, for the page has no bodies.
// If it does not answer, the rows alone are searched.
async function found(text, isMoreWanted) {
  const ids = new Set();
  let before;
  do {
    const page = await get("requests", { brief: true, limit: 1000, text, before }).catch(() => ({ data: [] }));
    page.data.forEach((row) => ids.add(row.id));
    before = page.has_earlier ? page.data[0]?.id : undefined;
  } while (before && isMoreWanted());
  return ids;
}

function summary(shown, all) {
  const number = (value) => value.toLocaleString("en");
  if (shown === all) return t(counted(all, "request"), `共 ${number(all)} 个请求`);
  return t(`${number(shown)} of ${counted(all, "request")}`, `${number(all)} 个请求中的 ${number(shown)} 个`);
}

function nothing(all, reset) {
  if (all) {
    const title = t("No request matches", "没有符合条件的请求");
    return empty(title, null, button(t("Show all", "显示全部"), reset));
  }
  return empty(
    t("No requests yet", "还没有请求"),
    t(
      "Point a client at this sandbox. Its requests appear here at once.",
      "让客户端访问此沙箱，请求会立即显示在这里。",
    ),
    h("a", { class: "button", href: "#/setup" }, t("Set up a client", "配置客户端")),
  );
}

function cells(row) {
  const { method, title, fault } = row;
  return [
    [
      h("span", { class: `method ${method.toLowerCase()}` }, method),
      " ",
      h("span", { class: "mono target" }, row.target),
      (title || fault) && h("span", { class: "operation" }, title, title && fault && " · ", fault && faultMark(fault)),
    ].filter(Boolean),
    result(row),
    row.mchid ?? "–",
    row.took_ms === null || row.took_ms === undefined ? "" : duration(row.took_ms),
    h("time", { datetime: new Date(row.at_ms).toISOString() }, preciseTime(row.at_ms)),
  ];
}

function faultMark(fault) {
  const title = responseFaultTitle(fault);
  return h("span", { class: "fault" }, t(`Fault: ${title}`, `故障：${title}`));
}

// The status and the error code, good or bad.
export function result(row) {
  const tone = { "2xx": "good", none: "wait" }[classOf(row)] ?? "bad";
  if (row.status === null || row.status === undefined) return badge("none", { text: t("No response", "无应答"), tone });
  return [badge(row.status, { text: row.status, tone }), row.code && h("code", { class: "error-code" }, row.code)];
}
