//! The sandbox, called by another client: the npm package `wechatpay-axios-plugin`, unchanged. The scripts
//! are in `tests/node`.

use wechatpay_chain::sandbox::{DeliveryState, MerchantOptions, Sandbox};

use super::node;
use crate::sandbox::noon::to_noon;

const PACKAGE: &str = "wechatpay-axios-plugin@0.9.6";
/// Of each series that the registry still has, the last. They upload in other ways.
const OLDER: [&str; 3] = [
    "wechatpay-axios-plugin@0.5.0",
    "wechatpay-axios-plugin@0.7.13",
    "wechatpay-axios-plugin@0.8.14",
];

/// Checks that the receiver acknowledged every notification.
fn all_acknowledged(sandbox: &Sandbox, count: usize) {
    let deliveries = sandbox.deliveries();
    for delivery in &deliveries {
        assert_eq!(
            delivery.state(),
            &DeliveryState::Acknowledged,
            "{delivery:?}"
        );
    }
    assert_eq!(deliveries.len(), count);
}

#[test]
fn axios_plugin_completes_the_flow_of_apiv3() {
    let sandbox = Sandbox::start().unwrap();
    to_noon(&sandbox);
    if !node::complete("v3.cjs", PACKAGE, &sandbox) {
        return;
    }
    all_acknowledged(&sandbox, 10);
    assert_eq!(sandbox.order_state("axios_closed").unwrap(), "CLOSED");
    assert_eq!(sandbox.order_state("axios_jsapi").unwrap(), "REFUND");
    // 5 orders of 100 fen and one of 1,000 fen; 30 refunded, 200,000 transferred, 200 shared, 50 returned.
    let balance = sandbox.balance(sandbox.mchid()).unwrap();
    let opening = 10_000_000_000;
    let (received, paid) = (500 + 1_000 + 50, 30 + 200_000 + 200);
    assert_eq!(balance.available, opening + received - paid);
    assert_eq!(balance.frozen, 0);
}

#[test]
fn axios_plugin_completes_the_flow_of_apiv2() {
    let sandbox = Sandbox::start().unwrap();
    // Receives a share, and gives a part of it back.
    sandbox
        .add_merchant(MerchantOptions::new("1900000109"))
        .unwrap();
    to_noon(&sandbox);
    if !node::complete("v2.cjs", PACKAGE, &sandbox) {
        return;
    }
    all_acknowledged(&sandbox, 6);
}

#[test]
fn axios_plugin_completes_a_service_order() {
    let sandbox = Sandbox::start().unwrap();
    if !node::complete("service_order.cjs", PACKAGE, &sandbox) {
        return;
    }
    assert_eq!(sandbox.order_state("axios_0001").unwrap(), "DONE");
    assert_eq!(sandbox.order_state("axios_native_0002").unwrap(), "CLOSED");
}

#[test]
fn older_axios_plugins_complete_a_payment() {
    for package in OLDER {
        let sandbox = Sandbox::start().unwrap();
        if node::complete("older.cjs", package, &sandbox) {
            all_acknowledged(&sandbox, 3);
        }
    }
}

#[test]
fn uploads_of_each_axios_plugin_are_accepted() {
    for package in OLDER.into_iter().chain([PACKAGE]) {
        let sandbox = Sandbox::start().unwrap();
        node::complete("uploads.cjs", package, &sandbox);
    }
}

// The program of 0.9.6 does not find the certificates that it has downloaded: its verifier has a copy.
#[test]
fn certificate_downloader_of_older_axios_plugins_works() {
    for package in OLDER {
        let sandbox = Sandbox::start().unwrap();
        node::complete("downloader.cjs", package, &sandbox);
    }
}
