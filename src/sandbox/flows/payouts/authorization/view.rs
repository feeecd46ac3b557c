//! What others see of an authorization: responses and notifications.

use serde_json::{Value, json};

use super::{Authorization, State};
use crate::sandbox::time::format_rfc3339;

impl Authorization {
    /// Returns the response to the request that created it.
    pub(super) fn creation_body(&self) -> Value {
        json!({
            "out_authorization_no": self.new.out_authorization_no,
            "state": self.state(),
            "create_time": format_rfc3339(self.created_at),
            "package_info": self.package_info,
        })
    }

    /// Returns the response to a query or to its end. `asked` adds what was asked for.
    pub(super) fn body(&self, asked: bool) -> Value {
        let mut body = self.resource();
        if asked {
            body["transfer_scene_id"] = self.new.scene.as_str().into();
            body["create_time"] = format_rfc3339(self.created_at).into();
            if let Some(perception) = &self.new.perception {
                body["user_recv_perception"] = perception.as_str().into();
            }
            if self.state == State::Waiting {
                body["package_info"] = self.package_info.as_str().into();
            }
        }
        body
    }

    /// Returns what the notification says.
    pub(super) fn resource(&self) -> Value {
        let mut body = json!({
            "out_authorization_no": self.new.out_authorization_no,
            "appid": self.new.appid,
            "openid": self.new.openid,
            "user_display_name": self.new.display_name,
            "state": self.state(),
        });
        if let Some(agreed) = &self.agreed {
            body["authorization_id"] = agreed.id.as_str().into();
            body["authorize_time"] = format_rfc3339(agreed.at).into();
        }
        if let State::Closed { at, reason } = self.state {
            body["close_info"] = json!({
                "close_time": format_rfc3339(at),
                "close_reason": reason.name(),
            });
        }
        body
    }
}
