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
};
