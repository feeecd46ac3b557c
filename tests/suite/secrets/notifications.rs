//! Notifications, true and altered.

use serde_json::Value;
use wechatpay_chain::{Ack, MemoryGuard, Notifications};

use super::{NOTIFIED, Told};
use crate::{
    fixtures::{apiv2, keys},
    notifications::node::{envelope, genuine, now, receiver, send, transaction},
};

pub fn run(told: &mut Told) {
    told.debug(
        "NotificationsBuilder",
        &Notifications::builder()
            .apiv3_key("fedcba9876543210fedcba9876543210")
            .apiv2_key(apiv2::KEY),
    );
    told.debug("Notifications", &receiver());
    let resource = |change: fn(&mut Value)| {
        let mut resource = transaction();
        resource["payer"]["openid"] = NOTIFIED.into();
        change(&mut resource);
        resource.to_string()
    };
    let told_of = |resource: &str| send(envelope(), resource, keys::platform(), now());
    let good = told_of(&resource(|_| ()));
    let notification = told.good("Notification", good.receive(&receiver()));
    assert_eq!(notification.resource_json()["payer"]["openid"], NOTIFIED);
    told.bad("resource", notification.resource::<u64>().map(drop));
    told.bad(
        "resource",
        notification
            .resource::<std::collections::HashMap<String, u8>>()
            .map(drop),
    );
    let guard = MemoryGuard::new();
    told.debug("MemoryGuard", &guard);
    let failed = notification.once(&guard, || Err(std::io::Error::other("the database")));
    told.bad("once", failed);
    told.debug("Ack", &Ack::success());
    let other = told_of(&resource(|resource| {
        resource["mchid"] = "1900000100".into()
    }));
    told.bad("owner", other.receive(&receiver()));
    let other = told_of(&resource(|resource| {
        resource["appid"] = "wx0000000000000000".into()
    }));
    told.bad("owner", other.receive(&receiver()));
    told.bad(
        "no JSON",
        told_of(&format!("{{\"a\": {NOTIFIED}")).receive(&receiver()),
    );
    told.bad(
        "a list",
        told_of(&format!("[\"{NOTIFIED}\"]")).receive(&receiver()),
    );
    for name in [
        "Wechatpay-Signature",
        "Wechatpay-Nonce",
        "Wechatpay-Serial",
        "Wechatpay-Timestamp",
    ] {
        let err = told.bad(name, good.clone().without(name).receive(&receiver()));
        told.debug("Ack", &err.as_ref().map(Ack::refusal));
        told.bad(name, good.clone().set(name, "1").receive(&receiver()));
    }
    told.bad(
        "body",
        genuine()
            .body(|body| body.truncate(100))
            .receive(&receiver()),
    );
    for text in [
        format!("<xml><name>{NOTIFIED}</name><return_code>SUCCESS</return_code></xml>"),
        format!("<xml><name>{NOTIFIED}</nome></xml>"),
        format!("<xml><name>&{NOTIFIED};</name></xml>"),
        format!("<xml><return_code>SUCCESS</return_code><req_info>{NOTIFIED}</req_info></xml>"),
    ] {
        let sent = genuine().body(|body| *body = text.into_bytes());
        told.bad("v2", sent.receive(&receiver()));
    }
}
