// The forms that add a fault.

import { post } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { t } from "../base/text.js";
import { button, toast } from "../base/widgets.js";
import { deliveryFaults, responseFaults } from "./kinds.js";

// Paths that are often tried. Any other can be typed.
const PATHS = [
  "v3/pay/transactions/jsapi",
  "v3/pay/transactions/native",
  "v3/pay/transactions/out-trade-no/{out_trade_no}",
  "v3/refund/domestic/refunds",
  "v3/fund-app/mch-transfer/transfer-bills",
];

export function responseForm(added) {
  const groups = responseFaults();
  const faults = groups.flatMap((group) => group.faults);
  const kind = h(
    "select",
    { id: "fault-kind", "aria-describedby": "fault-about" },
    groups.map(({ title, faults }) =>
      h("optgroup", { label: title }, faults.map((fault) => h("option", { value: fault.name }, fault.title))),
    ),
  );
  const about = h("p", { id: "fault-about", class: "about", "aria-live": "polite" });
  const own = h("div", { class: "form-fields" });
  const path = h("input", { id: "fault-path", list: "fault-paths", autocomplete: "off", spellcheck: "false", placeholder: t("any path", "任何路径") });
  const method = h("select", { id: "fault-method" }, ["", "GET", "POST", "PUT", "PATCH", "DELETE"].map((name) => h("option", { value: name }, name || t("any", "任何"))));
  const times = h("input", { id: "fault-times", type: "number", min: 1, max: 1_000_000, placeholder: "1" });
  const chance = h("input", { id: "fault-chance", type: "number", min: 0, max: 100, step: "any", placeholder: t("always", "必然") });

  const choose = () => {
    const fault = faults.find(({ name }) => name === kind.value);
    about.replaceChildren(fault.about);
    redraw(own, (fault.fields ?? []).map(fieldOf));
  };
  kind.addEventListener("change", choose);
  choose();

  return form("response-fault", t("Add the fault", "添加故障"), async () => {
    const fault = faults.find(({ name }) => name === kind.value);
    await post("faults", {
      fault: fault.name,
      ...ownValues(fault),
      ...given("path", path.value.trim()),
      ...given("method", method.value),
      ...(times.value === "" ? {} : { times: Number(times.value) }),
      ...(chance.value === "" ? {} : { probability: Number(chance.value) / 100 }),
    });
    toast(t(`Fault added: ${fault.title}`, `已添加故障：${fault.title}`));
    await added();
  }, [
    field("fault-kind", t("What goes wrong", "发生什么"), kind),
    about,
    own,
    h(
      "details",
      { class: "more" },
      h("summary", null, t("Only for some requests", "限定请求")),
      h(
        "div",
        { class: "form-fields" },
        field("fault-path", t("Path prefix or template", "路径前缀或模板"), path),
        h("datalist", { id: "fault-paths" }, PATHS.map((value) => h("option", { value }))),
        field("fault-method", t("Method", "请求方法"), method),
        field("fault-times", t("How many requests", "请求次数"), times),
        field("fault-chance", t("Probability in percent", "概率（%）"), chance),
      ),
    ),
  ]);
}

export function deliveryForm(added) {
  const faults = deliveryFaults();
  const kind = h(
    "select",
    { id: "delivery-fault-kind", "aria-describedby": "delivery-fault-about" },
    faults.map((fault) => h("option", { value: fault.name }, fault.title)),
  );
  const about = h("p", { id: "delivery-fault-about", class: "about", "aria-live": "polite" });
  const chosen = () => faults.find(({ name }) => name === kind.value);
  kind.addEventListener("change", () => about.replaceChildren(chosen().about));
  about.append(chosen().about);
  return form("delivery-fault", t("Add to the next notification", "用于下一个通知"), async () => {
    await post("delivery-faults", { fault: kind.value });
    toast(t(`Fault added: ${chosen().title}`, `已添加故障：${chosen().title}`));
    await added();
  }, [
    field("delivery-fault-kind", t("What is wrong with it", "通知有何问题"), kind),
    about,
    h("p", { class: "soft" }, t(
      "The receiver must refuse it. The true notification follows, whatever it responds.",
      "接收端必须拒绝它。无论如何应答，真实的通知都会随后送达。",
    )),
  ]);
}

// A form whose fields are checked by the browser before `send` runs.
function form(id, text, send, children) {
  const submit = button(text, async () => {
    if (node.reportValidity()) await send();
  }, { kind: "primary", id: `${id}-add` });
  const node = h("form", { class: "form", id, autocomplete: "off" }, children, h("div", { class: "actions" }, submit));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    submit.click();
  });
  return node;
}

function field(id, title, control) {
  return h("div", { class: "field" }, h("label", { for: id }, title), control);
}

function fieldOf({ name, title, type, value, optional }) {
  const id = `fault-own-${name}`;
  const props = { id, required: !optional, spellcheck: "false" };
  if (type === "long") return field(id, title, h("textarea", { ...props, rows: 3 }, value));
  const kind = type ? { type: "number", step: 1, min: type === "signed" ? undefined : 0 } : { type: "text" };
  return field(id, title, h("input", { ...props, ...kind, value }));
}

// The values of the fields that only this fault has.
function ownValues(fault) {
  const values = {};
  for (const { name, type } of fault.fields ?? []) {
    const text = document.getElementById(`fault-own-${name}`).value;
    if (text === "") continue;
    if (name === "content_type") values.headers = { "content-type": text };
    else values[name] = type === "integer" || type === "signed" ? Number(text) : text;
  }
  return values;
}

function given(name, value) {
  return value === "" ? {} : { [name]: value };
}
