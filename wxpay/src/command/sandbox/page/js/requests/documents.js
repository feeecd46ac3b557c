// What the documents say about a request, beside its body.

import { bodyNode, visible } from "../base/body.js";
import { h } from "../base/dom.js";
import { t } from "../base/text.js";
import { icon } from "../base/widgets.js";

// Whether fields that the request does not have are shown. Kept for the next request.
let isAllShown = false;

export function documents(request) {
  const { documents: documented } = request;
  const place = h("div", { class: "documented" });
  const draw = () => place.replaceChildren(fieldTable(documented));
  const box = h("input", { type: "checkbox", id: "all-fields", checked: isAllShown });
  box.addEventListener("change", () => {
    isAllShown = box.checked;
    draw();
  });
  draw();
  return h(
    "div",
    null,
    problemList(documented.problems ?? []),
    h(
      "div",
      { class: "beside" },
      h(
        "section",
        null,
        h(
          "div",
          { class: "section-head" },
          h("h2", null, t("Documented fields", "文档字段")),
          h(
            "label",
            { class: "check", for: "all-fields" },
            box,
            t("Also optional fields that were not sent", "包括未传的选填字段"),
          ),
        ),
        place,
      ),
      h(
        "section",
        null,
        h("h2", null, t("Body", "报文主体")),
        bodyNode(request, { label: t("Body", "报文主体"), problems: problemsByPath(documented, "body") }),
      ),
    ),
  );
}

function problemList(problems) {
  if (!problems.length)
    return h("p", { class: "verdict good" }, icon("check"), t("The request is as documented.", "请求符合文档。"));
  return h(
    "ul",
    { class: "problems" },
    problems.map(({ field, message }) =>
      h(
        "li",
        { class: "verdict bad" },
        icon("cross"),
        h("span", null, field && h("code", null, visible(field)), field && " ", visible(message)),
      ),
    ),
  );
}

function fieldTable({ fields = [], problems = [] }) {
  const byField = new Map(problems.map((problem) => [plainPath(problem.field), problem.message]));
  const isShown = (field) =>
    isAllShown || field.required || field.value !== undefined || byField.has(plainPath(field.name));
  const rows = fields.filter(isShown).map((field) => {
    const problem = byField.get(plainPath(field.name));
    const isGiven = field.value !== undefined && field.value !== null;
    return h(
      "tr",
      { class: problem ? "bad" : isGiven ? "" : "absent" },
      h(
        "th",
        { scope: "row" },
        h("code", null, field.name),
        h(
          "span",
          { class: "field-type" },
          [field.type, placeName(field.place)].filter(Boolean).join(" · "),
          field.required && [" · ", h("span", { class: "field-required" }, t("required", "必填"))],
        ),
      ),
      h(
        "td",
        null,
        isGiven
          ? h("code", { class: "field-value" }, visible(shownValue(field.value)))
          : h("span", { class: "soft" }, t("not sent", "未传")),
        problem && h("p", { class: "field-problem" }, icon("cross"), visible(problem)),
        field.about && h("p", { class: "soft" }, field.about),
      ),
    );
  });
  return h(
    "table",
    { class: "fields" },
    h("caption", { class: "visually-hidden" }, t("Documented fields", "文档字段")),
    h(
      "thead",
      null,
      h("tr", null, h("th", { scope: "col" }, t("Field", "字段")), h("th", { scope: "col" }, t("Sent", "所传"))),
    ),
    h("tbody", null, rows),
  );
}

function placeName(place) {
  return { path: t("path", "路径"), query: t("query", "查询"), header: t("header", "请求头") }[place];
}

function shownValue(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

// Returns the messages by the path of a field in the body.
export function problemsByPath(documented) {
  return new Map((documented?.problems ?? []).map(({ field, message }) => [bodyPath(field), message]));
}

function bodyPath(field) {
  return String(field ?? "")
    .replace(/^\//, "")
    .replace(/\/(\d+)(?=\/|$)/g, "[$1]")
    .replaceAll("/", ".");
}

// A field of a list is documented once, for all items.
function plainPath(field) {
  return bodyPath(field).replace(/\[\d*\]/g, "");
}
