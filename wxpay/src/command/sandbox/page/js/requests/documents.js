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
    problemList(problemsOf(documented)),
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
            t("All fields, also those that were not sent", "显示全部字段（含未传）"),
          ),
        ),
        place,
      ),
      h(
        "section",
        null,
        h("h2", null, t("Body", "报文主体")),
        bodyNode(request, { label: t("Body", "报文主体"), problems: problemsByField(documented) }),
      ),
    ),
  );
}

function problemList(problems) {
  if (!problems.length) {
    return h("p", { class: "verdict good" }, icon("check"), t("The request is as documented.", "请求符合文档。"));
  }
  const line = (problem) => {
    const field = problem.field && [h("code", null, visible(problem.field)), " "];
    return h("li", { class: "verdict bad" }, icon("cross"), h("span", null, field, visible(said(problem))));
  };
  return h("ul", { class: "problems" }, problems.map(line));
}

function fieldTable(documented) {
  const byField = problemsByField(documented);
  const fields = documented.fields ?? [];
  const given = new Set(fields.filter(isGiven).map((field) => field.name));
  // What is required in an object is so only if the object is sent. Headers are mostly for special cases.
  const isWanted = ({ name, place, required }) =>
    required && place !== "header" && (!name.includes(".") || given.has(name.replace(/(\[\])?\.[^.]*$/, "")));
  const isShown = (field) => isAllShown || isGiven(field) || byField.has(field.name) || isWanted(field);
  const rows = fields.filter(isShown).map((field) => row(field, byField.get(field.name)));
  const heads = [t("Field", "字段"), t("Sent", "实际值")];
  return h(
    "table",
    { class: "fields" },
    h("caption", { class: "visually-hidden" }, t("Documented fields", "文档字段")),
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        heads.map((head) => h("th", { scope: "col" }, head)),
      ),
    ),
    h("tbody", null, rows),
  );
}

function row(field, problem) {
  const kinds = [
    field.type,
    placeName(field.place),
    field.sealed && t(`encrypted, ${field.sealed}`, `加密，${field.sealed}`),
  ];
  return h(
    "tr",
    { class: problem ? "bad" : "" },
    h(
      "th",
      { scope: "row" },
      h("code", null, field.name),
      h(
        "span",
        { class: "field-type" },
        kinds.filter(Boolean).join(" · "),
        field.required && [" · ", h("span", { class: "field-required" }, t("required", "必填"))],
      ),
    ),
    h(
      "td",
      null,
      sent(field),
      problem && h("p", { class: "field-problem" }, icon("cross"), visible(problem)),
      field.about && h("p", { class: "soft" }, field.about),
      field.values?.length > 0 &&
        h("p", { class: "soft" }, t("One of: ", "取值："), shortened(field.values.join(", "))),
    ),
  );
}

function isGiven(field) {
  return field.is_given ?? field.value !== undefined;
}

function sent(field) {
  if (field.value !== undefined && field.value !== null) {
    const text = typeof field.value === "string" ? field.value : JSON.stringify(field.value);
    return h("code", { class: "field-value" }, visible(shortened(text)));
  }
  if (isGiven(field)) return h("span", { class: "soft" }, t("sent, see the body", "已传，见报文主体"));
  // An item of a list has no value of its own.
  return field.name.includes("[]") ? null : h("span", { class: "soft" }, t("not sent", "未传"));
}

function placeName(place) {
  return { path: t("path", "路径"), query: t("query", "查询参数"), header: t("header", "HTTP 头") }[place];
}

function shortened(text) {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function said({ message, message_zh: chinese }) {
  return t(message, chinese ?? message);
}

// Returns what is wrong with a request, apart from its signature, which has a tab of its own.
export function problemsOf(documented) {
  return (documented?.problems ?? []).filter(({ code }) => code !== "SIGN_ERROR");
}

// Returns the messages by field. All items of a list have the same name: `goods_detail[].price`.
export function problemsByField(documented) {
  const found = new Map();
  for (const problem of problemsOf(documented)) {
    const earlier = found.get(problem.field);
    found.set(
      problem.field,
      earlier ? t(`${earlier}; ${said(problem)}`, `${earlier}；${said(problem)}`) : said(problem),
    );
  }
  return found;
}
