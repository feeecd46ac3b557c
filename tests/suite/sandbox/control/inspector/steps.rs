//! The steps of the check.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wechatpay_chain::sandbox::Fault;

use super::{client, header, inspected, list};
use crate::sandbox::openssl_client::{NATIVE, RawRequest, prepayment};

#[test]
fn steps_say_which_of_them_fails() {
    let Some(client) = client() else { return };
    let sandbox = &client.sandbox;
    let native = || client.post(NATIVE, &prepayment(&client, "tea-0001"));
    let steps = |request: &RawRequest| {
        client.send(request);
        let inspected = inspected(sandbox);
        let of = |wanted: Value| -> Vec<String> {
            let steps = inspected["steps"].as_array().unwrap().iter();
            let steps = steps.filter(|step| step["ok"] == wanted);
            steps
                .map(|step| step["name"].as_str().unwrap().to_owned())
                .collect()
        };
        (
            of(json!(false)).join(" "),
            of(Value::Null).join(" "),
            inspected,
        )
    };
    let right = native();
    let (failed, skipped, inspected) = steps(&right);
    assert_eq!((&*failed, &*skipped), ("", ""));
    assert_eq!(inspected["scheme"], "WECHATPAY2-SHA256-RSA2048");
    let signed_by = json!({ "mchid": sandbox.mchid(), "serial": sandbox.serial() });
    assert_eq!(inspected["signed_by"], signed_by);
    assert_eq!(inspected["found"], Value::Null);
    assert!(inspected.get("tried").is_none());
    assert_eq!(
        inspected["steps"][2]["offset_s"].as_i64().unwrap().abs() / 60,
        0
    );

    let (failed, _, inspected) = steps(&right);
    assert_eq!(failed, "nonce");
    let first = &list(sandbox, "brief=true")[0]["id"];
    assert_eq!(&inspected["steps"][6]["earlier"], first);

    let mut late = native();
    late.timestamp -= 301;
    let (failed, skipped, inspected) = steps(&late);
    assert_eq!((&*failed, &*skipped), ("timestamp", "nonce"));
    assert!(inspected["steps"][2]["offset_s"].as_i64().unwrap() <= -301);
    let mut milliseconds = native();
    milliseconds.timestamp *= 1_000;
    let (failed, _, inspected) = steps(&milliseconds);
    assert_eq!(failed, "timestamp");
    assert!(
        inspected["steps"][2]["detail"]
            .as_str()
            .unwrap()
            .contains("milliseconds")
    );
    // The header has milliseconds, and seconds were signed.
    let seconds = format!(
        "POST\n{NATIVE}\n{}\n{}\n{}\n",
        milliseconds.timestamp / 1_000,
        milliseconds.nonce,
        String::from_utf8_lossy(&milliseconds.body),
    );
    let signature = STANDARD.encode(client.openssl_sign(seconds.as_bytes()));
    milliseconds.authorization = Some(header(&milliseconds, &signature));
    let (failed, _, inspected) = steps(&milliseconds);
    assert_eq!(failed, "timestamp signature");
    assert_eq!(inspected["found"]["id"], "timestamp_in_seconds");

    let mut other = native();
    other.serial = "5".repeat(40);
    let (failed, _, inspected) = steps(&other);
    assert_eq!((&*failed, &inspected["found"]), ("serial", &Value::Null));
    assert_eq!(inspected["steps"][4]["expected"], sandbox.serial());
    let mut brand = native();
    brand.target = "/brand/x".to_owned();
    assert_eq!(steps(&brand).0, "scheme");

    for (authorization, detail) in [
        ("Bearer x", "\"Bearer\""),
        ("WECHATPAY2-SHA256-RSA2048 mchid=1", "mchid=1"),
        ("WECHATPAY2-SHA256-RSA2048 mchid=\"1\"", "no serial_no"),
        ("WECHATPAY2-SHA256-RSA2048 mchid=\"1\",mchid=\"2\"", "twice"),
        (
            "WECHATPAY2-SHA256-RSA2048 mchid=\"1\",serial=\"2\"",
            "unknown value serial",
        ),
    ] {
        let mut request = native();
        request.authorization = Some(authorization.to_owned());
        let (failed, _, inspected) = steps(&request);
        assert_eq!(failed, "authorization");
        let shown = inspected["steps"][0]["detail"].as_str().unwrap();
        assert!(shown.contains(detail), "{shown}");
    }

    sandbox.inject(Fault::Hangup);
    let request = native();
    assert!(client.try_send(&request).is_none());
    let inspected = super::inspected(sandbox);
    assert_eq!(inspected["steps"][6]["ok"], Value::Null);
}
