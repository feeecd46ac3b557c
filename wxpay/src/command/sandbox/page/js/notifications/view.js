// The inspector's notifications: `#/notifications` lists them, `#/notifications/ID` shows one.

import { t } from "../base/text.js";
import { openDetail } from "./detail.js";
import { openList } from "./list.js";

export default {
  title: () => t("Notifications", "通知"),
  open: (root, id) => (id ? openDetail(root, id) : openList(root)),
};
