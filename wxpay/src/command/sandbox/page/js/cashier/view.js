// The cashier: orders, refunds and transfers, and what a customer or WeChat Pay does with them.

import { h, redraw } from "../base/dom.js";
import { onAny } from "../base/live.js";
import { money, t } from "../base/text.js";
import { announce, errorLine, icon, viewHead } from "../base/widgets.js";
import { showOrder } from "./detail.js";
import { subject } from "./item.js";
import { LIMIT, nothing, orderList, otherList, read } from "./lists.js";

const NEWS = ["state", "reconnected"];
// Whoever types is not done yet.
const TYPING_MS = 200;
const SECTIONS = {
  orders: () => t("Orders", "订单"),
  refunds: () => t("Refunds", "退款"),
  transfers: () => t("Transfers", "转账"),
};

export default {
  title: () => t("Cashier", "收银台"),

  async open(root, ...args) {
    const view = new Cashier(root);
    await view.update(...args);
    const end = onAny(NEWS, () => view.read());
    return { close: end, update: (...changed) => view.update(...changed) };
  },
};

class Cashier {
  section = "orders";
  // Of the order that the address names.
  id = [];
  // Of the one on show. Beside the list, there is one without an address too: it stays when it leaves the list.
  shown = [];
  isOpen = true;
  text = "";
  // How many wait in each section.
  waiting = {};
  // Answers of earlier questions may come late.
  asked = 0;

  constructor(root) {
    this.root = root;
    this.sections = h("nav", { class: "sections", "aria-label": t("What the cashier shows", "收银台的内容") });
    this.list = h("div", { class: "list" });
    this.detail = h("section", { class: "detail card", "aria-label": t("The order", "订单") });
    this.body = h("div", { class: "split" });
    root.append(
      viewHead(
        t("Cashier", "收银台"),
        t(
          "Pay your program's orders by hand, and decide what becomes of refunds and transfers.",
          "手动支付程序创建的订单，决定退款与转账的结果。",
        ),
      ),
      this.sections,
      this.filter(),
      this.body,
    );
  }

  async update(section, ...id) {
    this.section = Object.hasOwn(SECTIONS, section ?? "") ? section : "orders";
    this.id = this.section === "orders" && id.length === 3 ? id : [];
    if (this.id.length > 0) this.shown = this.id;
    this.drawSections();
    await this.read();
    // On a small screen the order takes the place of the list.
    if (this.id.length > 0 && this.list.offsetParent === null) {
      window.scrollTo(0, 0);
      this.detail.querySelector("h2")?.focus({ preventScroll: true });
    }
  }

  async read() {
    const asked = ++this.asked;
    const { section, isOpen, text } = this;
    let list;
    try {
      const open = await this.readOpen();
      const items = isOpen && !text ? open[section] : await read(section, isOpen, text);
      if (asked === this.asked && section === "orders") this.showOne(items);
      list = await this.listOf(items);
    } catch (error) {
      list = errorLine(error);
    }
    if (asked !== this.asked) return;
    this.drawSections();
    redraw(this.list, list);
    const hasDetail = section === "orders" && this.shown.length > 0;
    this.root.classList.toggle("chosen", this.id.length > 0);
    this.body.classList.toggle("single", !hasDetail);
    const parts = hasDetail ? [this.list, this.detail] : [this.list];
    if (this.body.childElementCount !== parts.length) this.body.replaceChildren(...parts);
    if (hasDetail) await this.readDetail();
  }

  // Reads what waits, in all sections: their heads tell how many.
  async readOpen() {
    const withItems = async (section) => [section, await read(section, true)];
    const open = Object.fromEntries(await Promise.all(Object.keys(SECTIONS).map(withItems)));
    this.waiting = Object.fromEntries(Object.entries(open).map(([section, items]) => [section, items.length]));
    this.announceNews(Object.values(open).flat());
    return open;
  }

  announceNews(items) {
    const news = this.known && items.filter((item) => !this.known.has(item.id));
    this.known = new Set(items.map((item) => item.id));
    if (!news || news.length === 0) return;
    const [{ amount, total, risk_amount: risk }] = news;
    const first = `${subject(news[0])}, ${money(amount ?? total ?? risk)}`;
    announce(
      news.length === 1
        ? t(`New and waiting: ${first}`, `新的待处理：${first}`)
        : t(`${news.length} new and waiting, the latest: ${first}`, `${news.length} 项新的待处理，最新：${first}`),
    );
  }

  // Beside the list there is always an order, if there are any.
  showOne(orders) {
    if (this.shown.length > 0 || orders.length === 0) return;
    const [first] = orders;
    this.shown = [first.mchid, first.kind, first.number];
  }

  listOf(items) {
    if (items.length === 0) return nothing(this.section, this.isOpen, this.text);
    if (this.section === "orders") return orderList(items, this.shown);
    return otherList(items, () => this.read());
  }

  async readDetail() {
    const place = h("div");
    if (this.detail.dataset.of !== this.shown.join("/")) {
      this.detail.dataset.of = this.shown.join("/");
      redraw(this.detail, back(), place);
    }
    await showOrder(this.detail.lastElementChild, this.shown, () => this.read());
  }

  drawSections() {
    redraw(
      this.sections,
      Object.entries(SECTIONS).map(([name, title]) =>
        h(
          "a",
          { id: `section-${name}`, href: `#/cashier/${name}`, "aria-current": name === this.section && "page" },
          title(),
          this.waiting[name] > 0 && waitingCount(this.waiting[name]),
        ),
      ),
    );
  }

  filter() {
    const choice = (isOpen, text) =>
      h(
        "button",
        {
          type: "button",
          id: isOpen ? "only-open" : "all",
          "aria-pressed": String(this.isOpen === isOpen),
          on: { click: (event) => this.choose(isOpen, event.currentTarget.parentElement) },
        },
        text,
      );
    const search = h("input", {
      type: "search",
      id: "search",
      "aria-label": t("Search", "搜索"),
      placeholder: t("Number, description, openid…", "单号、描述、openid…"),
      autocomplete: "off",
      on: { input: (event) => this.search(event.target.value.trim()) },
    });
    return h(
      "div",
      { class: "filter" },
      h(
        "div",
        { class: "choice", role: "group", "aria-label": t("Which to show", "显示范围") },
        choice(true, t("Waiting", "待处理")),
        choice(false, t("All", "全部")),
      ),
      search,
    );
  }

  search(text) {
    this.text = text;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.read(), TYPING_MS);
  }

  choose(isOpen, group) {
    this.isOpen = isOpen;
    this.shown = this.id;
    for (const button of group.children) {
      button.setAttribute("aria-pressed", String((button.id === "only-open") === isOpen));
    }
    return this.read();
  }
}

function waitingCount(count) {
  return [
    h("span", { class: "count", "aria-hidden": "true" }, count < LIMIT ? count : `${LIMIT}+`),
    h("span", { class: "visually-hidden" }, t(` (${count} waiting)`, `（${count} 项待处理）`)),
  ];
}

function back() {
  return h("a", { class: "back", id: "back", href: "#/cashier/orders" }, icon("back"), t("All orders", "全部订单"));
}
