//! What the merchant sees of a permission.

use serde_json::{Value, json};

use super::{Permission, State};
use crate::sandbox::{flows::agreements::service_order::view::put_merchants, time::format_rfc3339};

/// The risk level of every user, and the version of the levels.
// The documents say that they are numbers, not which. The lowest is a guess.
const RISK_LEVEL: (u64, u64) = (1, 1);

impl Permission {
    /// Returns the body of a query's response.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "service_id": self.service_id, "appid": self.appid });
        put_merchants(&mut body, &self.acting, self.sub_appid.as_deref());
        let user = self.user().cloned().unwrap_or_default();
        let (success, cancel) = match self.state {
            State::Unbound => (None, None),
            State::Open { since, .. } => (Some(since), None),
            State::Closed { since, at, .. } => (Some(since), Some(at)),
        };
        let time = |time: Option<u64>| time.map(format_rfc3339);
        let optional = [
            ("openid", user.openid),
            ("sub_openid", user.sub_openid),
            ("authorization_code", Some(self.code.clone())),
            ("authorization_state", Some(self.state_text().to_owned())),
            ("notify_url", self.notify_url.clone()),
            ("cancel_authorization_time", time(cancel)),
            ("authorization_success_time", time(success)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                body[name] = value.into();
            }
        }
        body
    }

    /// Returns the body with the user's risk level.
    pub(super) fn assessed_body(&self) -> Value {
        let mut body = self.body();
        let (level, version) = RISK_LEVEL;
        body["user_risk_level"] = level.into();
        body["risk_level_version"] = version.into();
        body
    }
}
