// The views by the first part of the address: `#/cashier`. Those with an `icon` are in the navigation.
// `under` is the entry that is marked for a view without one.

import { t } from "./base/text.js";

export const VIEWS = {
  cashier: {
    title: () => t("Cashier", "收银台"),
    icon: "cashier",
    load: () => import("./cashier/view.js"),
  },
  phone: {
    title: () => t("Phone", "手机"),
    icon: "phone",
    load: () => import("./phone/view.js"),
  },
  requests: {
    title: () => t("Requests", "请求"),
    icon: "requests",
    load: () => import("./requests/view.js"),
  },
  notifications: {
    title: () => t("Notifications", "通知"),
    icon: "notifications",
    load: () => import("./notifications/view.js"),
  },
  orders: {
    title: () => t("Order", "订单"),
    under: "cashier",
    load: () => import("./orders/view.js"),
  },
  money: {
    title: () => t("Money", "资金"),
    icon: "money",
    load: () => import("./money/view.js"),
  },
  faults: {
    title: () => t("Faults", "故障"),
    icon: "faults",
    load: () => import("./faults/view.js"),
  },
  setup: {
    title: () => t("Setup", "配置"),
    icon: "setup",
    load: () => import("./setup/view.js"),
  },
};
