// The fields that say which requests the list shows.

import { h } from "../base/dom.js";
import { t } from "../base/text.js";
import { operationOf, wanted } from "./filter.js";

// Calls `refresh` after each change.
export function filterBar(refresh) {
  const search = h("input", {
    type: "search",
    id: "requests-text",
    placeholder: t("Search paths, headers, bodies", "搜索路径、请求头、报文"),
    value: wanted.text,
    autocomplete: "off",
    spellcheck: "false",
  });
  const set = (name) => (event) => {
    wanted[name] = event.target.value;
    void refresh();
  };
  search.addEventListener("input", set("text"));
  const selects = {
    method: select("method", t("Method", "方法"), set("method")),
    status: select("status", t("Result", "结果"), set("status")),
    operation: select("operation", t("Operation", "接口"), set("operation")),
    mchid: select("mchid", t("Merchant", "商户"), set("mchid")),
  };
  const statuses = [
    ["2xx", "2xx"],
    ["3xx", "3xx"],
    ["4xx", "4xx"],
    ["5xx", "5xx"],
    ["failed", t("APIv2 failure", "APIv2 失败")],
    ["none", t("No response", "无应答")],
  ];
  const node = h(
    "form",
    { class: "inspector-filter", role: "search", on: { submit: (event) => event.preventDefault() } },
    h(
      "label",
      { class: "filter-text", for: "requests-text" },
      h("span", { class: "visually-hidden" }, t("Search", "搜索")),
      search,
    ),
    Object.values(selects).map(({ label }) => label),
  );

  return {
    node,
    // Offers what the log has.
    offer(all) {
      const operations = new Map(all.map((row) => [operationOf(row), row.title ?? operationOf(row)]));
      selects.method.offer(sorted(new Map(all.map((row) => [row.method, row.method]))), wanted.method);
      selects.status.offer(statuses, wanted.status);
      selects.operation.offer(sorted(operations), wanted.operation);
      selects.mchid.offer(
        sorted(new Map(all.filter((row) => row.mchid).map((row) => [row.mchid, row.mchid]))),
        wanted.mchid,
      );
    },
    reset() {
      Object.keys(wanted).forEach((name) => (wanted[name] = ""));
      search.value = "";
      void refresh();
      search.focus();
    },
  };
}

function sorted(names) {
  return [...names].sort((a, b) => a[1].localeCompare(b[1]));
}

function select(name, title, onChange) {
  const field = h("select", { id: `requests-${name}`, on: { change: onChange } });
  let offered = null;
  const label = h("label", { class: "filter-select" }, h("span", { class: "visually-hidden" }, title), field);
  return {
    label,
    // Only if there are others: an open list would close.
    offer(options, value) {
      const wantedOptions = JSON.stringify(options);
      if (wantedOptions !== offered) {
        offered = wantedOptions;
        field.replaceChildren(
          h("option", { value: "" }, t(`${title}: all`, `${title}：全部`)),
          ...options.map(([id, text]) => h("option", { value: id }, text)),
        );
      }
      // One merchant is no choice.
      label.hidden = options.length < 2 && !value;
      field.value = value;
    },
  };
}
