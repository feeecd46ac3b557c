// What a notification is called.

import { t } from "../base/text.js";

// Returns the event type. Most notifications of APIv2 have none.
export function eventTitle({ event_type: type }) {
  return type || t("APIv2 notification", "APIv2 通知");
}
