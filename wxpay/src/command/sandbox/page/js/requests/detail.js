// One request: what was sent, what was answered, and what the sandbox found in it.

import { get, path } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import * as live from "../base/live.js";
import { counted, duration, preciseTime, t } from "../base/text.js";
import { badge, icon, tabs } from "../base/widgets.js";
import { faultBadge, responseFaultTitle } from "../faults/kinds.js";
import { copying } from "./copying.js";
import { documents, problemsOf } from "./documents.js";
import { exchange } from "./exchange.js";
import { classOf } from "./filter.js";
import { result } from "./list.js";
import * as log from "./log.js";
import { signature, verdict } from "./signature.js";

// The tab that was chosen, for the next request too.
let chosen = null;

export async function openDetail(root, id) {
  const number = Number(id);
  // The row has what a list shows: the operation, the error code, the merchant.
  const read = async () => ({ ...(await get(path`requests/${id}`)), ...log.find(number) });
  if (!log.all().length) await log.load().catch(() => {});
  let request = await read();

  const trail = h("nav", { class: "trail", "aria-label": t("Requests", "请求") });
  const place = h("div");
  let steps = null;
  const step = () => {
    const { older, newer } = log.neighbours(number);
    const known = steps;
    steps = `${older?.id} ${newer?.id}`;
    if (steps !== known) redraw(trail, links(older, newer));
  };
  const draw = () => {
    redraw(place, whole(request));
    // On a phone the tabs are wider than the window.
    place.querySelector("[aria-selected=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  root.append(trail, place);
  draw();
  step();

  const answered = async (row) => {
    if (row.id !== number || request.response) return;
    request = await read();
    draw();
  };
  const ends = [log.onChange(step), live.on("answered", (row) => void answered(row).catch(() => {}))];
  return () => ends.forEach((end) => end());
}

function links(older, newer) {
  const link = (row, name, text) =>
    row
      ? h("a", { class: "button small", id: `to-${name}`, href: `#/requests/${row.id}` }, text)
      : h("span", { class: "button small", "aria-disabled": "true" }, text);
  return [
    h(
      "a",
      { class: "button quiet small", id: "to-list", href: "#/requests" },
      icon("back"),
      t("All requests", "全部请求"),
    ),
    h(
      "span",
      { class: "trail-steps" },
      link(newer, "newer", t("Newer", "较新")),
      link(older, "older", t("Older", "较早")),
    ),
  ];
}

function whole(request) {
  const { signature: checked, documents: documented } = request;
  const failed = checked && checked.steps?.some((step) => step.ok === false);
  const problems = problemsOf(documented).length;
  const items = [
    { id: "exchange", title: t("Exchange", "报文"), panel: () => exchange(request) },
    checked && {
      id: "signature",
      title: marked(t("Signature", "签名"), failed ? "bad" : "good"),
      panel: () => signature(checked),
    },
    documented && {
      id: "documents",
      title: marked(t("Documents", "文档"), problems ? "bad" : "good", problems),
      panel: () => documents(request),
    },
    { id: "copy", title: t("Copy as", "复制为"), panel: () => copying(request) },
  ].filter(Boolean);
  const wrong = failed ? "signature" : problems ? "documents" : "exchange";
  const selected = items.some((item) => item.id === chosen) ? chosen : wrong;
  const view = tabs(t("Request", "请求"), items, {
    selected,
    onSelect: (tab) => (chosen = tab === wrong ? null : tab),
  });
  return [head(request), failed && verdict(checked), view].filter(Boolean);
}

// A title with a mark whose meaning a screen reader says.
function marked(title, tone, count) {
  const said =
    tone === "good" ? t("in order", "正常") : count ? t(counted(count, "problem"), `${count} 个问题`) : t("failed", "未通过");
  return h(
    "span",
    { class: `tab-title ${tone}` },
    title,
    icon(tone === "good" ? "check" : "cross"),
    count > 0 && h("span", { "aria-hidden": "true" }, count),
    h("span", { class: "visually-hidden" }, ` (${said})`),
  );
}

function head(request) {
  const { method, target, documents: documented, fault } = request;
  const merchant = request.mchid ?? request.signature?.signed_by?.mchid;
  const title = documented?.title ?? request.title;
  const facts = [
    h("time", { datetime: new Date(request.at_ms).toISOString() }, preciseTime(request.at_ms)),
    request.took_ms !== null && request.took_ms !== undefined && duration(request.took_ms),
    merchant && t(`merchant ${merchant}`, `商户 ${merchant}`),
    `#${request.id}`,
    orderLink(request),
  ];
  const page = documented?.page && [
    " · ",
    h("a", { href: documented.page, rel: "noreferrer noopener", target: "_blank" }, t("Document", "官方文档")),
  ];
  return h(
    "header",
    { class: "request-head" },
    h(
      "h1",
      { tabindex: "-1" },
      h("span", { class: `method ${method.toLowerCase()}` }, method),
      " ",
      h("span", { class: "mono target" }, target),
    ),
    title && h("p", { class: "about" }, title, page),
    h(
      "p",
      { class: "request-facts" },
      result({ ...request, code: request.code ?? codeOf(request) }),
      answerBadge(request.answer ?? request.response?.headers?.["sandbox-answer"]),
      fault && faultBadge(responseFaultTitle(fault)),
      facts.filter(Boolean).map((fact) => h("span", null, fact)),
    ),
  );
}

// To the timeline of the order, if there is one.
function orderLink(request) {
  const documented = request.documents;
  const number = documented?.fields?.find(({ name }) => name === "out_trade_no")?.value;
  if (!number || classOf(request) !== "2xx") return null;
  return h("a", { href: `#/orders/${encodeURIComponent(number)}` }, t(`Order ${number}`, `订单 ${number}`));
}

// For a request whose row is not here.
function codeOf({ response }) {
  if (!(response?.status >= 400)) return null;
  try {
    return JSON.parse(response.body).code;
  } catch {
    return null;
  }
}

function answerBadge(answer) {
  if (answer === "stateful") return badge(answer, { text: t("stateful", "有状态"), tone: "idle" });
  if (answer === "shaped") return badge(answer, { text: t("shaped from the documents", "按文档生成"), tone: "idle" });
  return null;
}
