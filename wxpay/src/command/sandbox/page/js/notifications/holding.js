// Holding notifications back, and letting them go in an order.

import { get, post } from "../base/api.js";
import { h, redraw } from "../base/dom.js";
import { t } from "../base/text.js";
import { button, toast } from "../base/widgets.js";

// The buttons. `changed` is called after each act.
export function holding(changed) {
  const node = h("div", { class: "actions" });

  function draw(isHeld) {
    redraw(node, isHeld ? releases() : hold());
  }

  function hold() {
    const act = async () => {
      await post("notifications/hold");
      toast(t("Notifications are held", "通知已暂缓投递"));
      draw(true);
      // The button that was pressed is gone.
      document.getElementById("release-in_order").focus();
      await changed();
    };
    return button(t("Hold notifications", "暂缓投递"), act, { id: "hold" });
  }

  function releases() {
    const release = (order, text, kind) => {
      const act = async () => {
        await post("notifications/release", { order });
        toast(t("Held notifications are on their way", "暂缓的通知已开始投递"));
        draw(false);
        document.getElementById("hold").focus();
        await changed();
      };
      return button(text, act, { id: `release-${order}`, kind });
    };
    return [
      release("in_order", t("Release", "恢复投递"), "primary"),
      release("reversed", t("Release latest first", "倒序投递"), ""),
      release("shuffled", t("Release shuffled", "乱序投递"), ""),
    ];
  }

  return { node, read: async () => draw((await get("notifications/held")).is_held) };
}
