// The customer's phone: what a person sees in WeChat, and does there.

import { h, redraw } from "../base/dom.js";
import { onAny } from "../base/live.js";
import { t } from "../base/text.js";
import { errorLine, icon, viewHead } from "../base/widgets.js";
import { feed } from "./feed.js";
import { codeScreen } from "./code.js";
import { homeScreen } from "./home.js";
import { itemScreen } from "./item.js";
import { scanScreen } from "./scan.js";

const SCREENS = { "": homeScreen, scan: scanScreen, code: codeScreen, item: itemScreen };

export default {
  title: () => t("Phone", "手机"),

  async open(root, ...args) {
    const phone = new Phone();
    const happenings = feed();
    root.append(
      h(
        "div",
        { class: "stage" },
        h(
          "div",
          { class: "phone-beside" },
          viewHead(
            t("The customer's phone", "用户的手机"),
            t("Pay, confirm and accept as your customer does in WeChat.", "像用户在微信中一样支付、确认和收款。"),
          ),
          happenings.node,
        ),
        phone.node,
      ),
    );
    await phone.update(...args);
    const end = onAny(["state", "reconnected"], () => phone.read());
    return {
      close: () => (end(), happenings.close()),
      update: (...changed) => phone.update(...changed),
    };
  },
};

class Phone {
  name = "";
  args = [];
  asked = 0;

  constructor() {
    this.screen = h("div", { class: "screen", id: "phone-screen" });
    this.bar = h("nav", { class: "phone-bar", "aria-label": t("Phone navigation", "手机导航") });
    this.node = h(
      "section",
      { class: "phone-frame", "aria-label": t("The phone", "手机") },
      this.screen,
      this.bar,
    );
  }

  async update(name = "", ...args) {
    const isOther = name !== this.name || args.join("/") !== this.args.join("/");
    const wasOpen = this.screen.childElementCount > 0;
    this.name = Object.hasOwn(SCREENS, name) ? name : "";
    this.args = args;
    this.drawBar();
    if (isOther) this.screen.scrollTop = 0;
    await this.read(isOther);
    // Whoever chose a screen goes on in it.
    if (isOther && wasOpen) this.screen.querySelector("h2")?.focus({ preventScroll: true });
  }

  // Shows the screen as it is now. A screen that takes input has `isKept`: news do not draw it again.
  async read(isOther = false) {
    const screen = SCREENS[this.name];
    if (screen.isKept && !isOther && this.screen.childElementCount > 0) return;
    const asked = ++this.asked;
    let shown;
    try {
      shown = await screen(this.args, () => this.read());
    } catch (error) {
      shown = [errorLine(error)];
    }
    if (asked === this.asked) redraw(this.screen, ...shown);
  }

  drawBar() {
    const tabs = [
      ["", "messages", t("Messages", "消息")],
      ["scan", "cashier", t("Scan", "扫一扫")],
      ["code", "code", t("Pay code", "付款码")],
    ];
    redraw(
      this.bar,
      tabs.map(([name, symbol, title]) =>
        h(
          "a",
          {
            id: `phone-to-${name || "home"}`,
            href: name ? `#/phone/${name}` : "#/phone",
            "aria-current": name === this.name && "page",
          },
          icon(symbol),
          title,
        ),
      ),
    );
  }
}
