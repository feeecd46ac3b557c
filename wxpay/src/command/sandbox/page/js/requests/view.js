// The inspector's requests: `#/requests` lists them, `#/requests/12` shows one.

import { t } from "../base/text.js";
import { openDetail } from "./detail.js";
import { openList } from "./list.js";

export default {
  title: () => t("Requests", "请求"),
  open: (root, id) => (id ? openDetail(root, id) : openList(root)),
};
