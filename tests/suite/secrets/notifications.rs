//! Genuine and altered notifications.

use serde_json::Value;
use wechatpay_chain::{Ack, MemoryGuard, Notifications};

use super::{IN_NOTIFICATION, Transcript};
use crate::{
    fixtures::{apiv2, keys},
    notifications::node::{envelope, genuine, now, receiver, send, transaction},
};

pub fn run(transcript: &mut Transcript) {
    transcript.debug(
        "NotificationsBuilder",
        &Notifications::builder()
            .apiv3_key("fedcba9876543210fedcba9876543210")
            .apiv2_key(apiv2::KEY),
    );
    transcript.debug("Notifications", &receiver());
    let resource = |change: fn(&mut Value)| {
        let mut resource = transaction();
        resource["payer"]["openid"] = IN_NOTIFICATION.into();
        change(&mut resource);
        resource.to_string()
    };
    let send_resource = |resource: &str| send(envelope(), resource, keys::platform(), now());
    let genuine_delivery = send_resource(&resource(|_| ()));
    let notification = transcript.success("Notification", genuine_delivery.receive(&receiver()));
    assert_eq!(
        notification.resource_json()["payer"]["openid"],
        IN_NOTIFICATION
    );
    transcript.failure("resource", notification.resource::<u64>().map(drop));
    transcript.failure(
        "resource",
        notification
            .resource::<std::collections::HashMap<String, u8>>()
            .map(drop),
    );
    let guard = MemoryGuard::new();
    transcript.debug("MemoryGuard", &guard);
    let failed = notification.once(&guard, || Err(std::io::Error::other("the database")));
    transcript.failure("once", failed);
    transcript.debug("Ack", &Ack::success());
    let other = send_resource(&resource(|resource| {
        resource["mchid"] = "1900000100".into()
    }));
    transcript.failure("owner", other.receive(&receiver()));
    let other = send_resource(&resource(|resource| {
        resource["appid"] = "wx0000000000000000".into()
    }));
    transcript.failure("owner", other.receive(&receiver()));
    transcript.failure(
        "no JSON",
        send_resource(&format!("{{\"a\": {IN_NOTIFICATION}")).receive(&receiver()),
    );
    transcript.failure(
        "a list",
        send_resource(&format!("[\"{IN_NOTIFICATION}\"]")).receive(&receiver()),
    );
    for name in [
        "Wechatpay-Signature",
        "Wechatpay-Nonce",
        "Wechatpay-Serial",
        "Wechatpay-Timestamp",
    ] {
        let err = transcript.failure(
            name,
            genuine_delivery.clone().without(name).receive(&receiver()),
        );
        transcript.debug("Ack", &err.as_ref().map(Ack::refusal));
        transcript.failure(
            name,
            genuine_delivery.clone().set(name, "1").receive(&receiver()),
        );
    }
    transcript.failure(
        "body",
        genuine()
            .body(|body| body.truncate(100))
            .receive(&receiver()),
    );
    for text in [
        format!("<xml><name>{IN_NOTIFICATION}</name><return_code>SUCCESS</return_code></xml>"),
        format!("<xml><name>{IN_NOTIFICATION}</nome></xml>"),
        format!("<xml><name>&{IN_NOTIFICATION};</name></xml>"),
        format!(
            "<xml><return_code>SUCCESS</return_code><req_info>{IN_NOTIFICATION}</req_info></xml>"
        ),
    ] {
        let sent = genuine().body(|body| *body = text.into_bytes());
        transcript.failure("v2", sent.receive(&receiver()));
    }
}
