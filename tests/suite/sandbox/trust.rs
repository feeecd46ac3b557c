//! Platform certificates and the public key: the list, what signs, and the change from one to the other.

use http::StatusCode;
use serde_json::{Value, json};
use wechatpay_chain::{
    CertificateMode, Client, Response, Result,
    sandbox::{Merchant, MerchantOptions, PlatformMode, Rotation, Sandbox},
};

use super::openssl_client::{NATIVE, OpensslClient, prepayment};

fn shop(mode: PlatformMode) -> (Sandbox, Merchant, Client) {
    let sandbox = Sandbox::start().unwrap();
    let options = MerchantOptions::new("1900000109").platform_mode(mode);
    let shop = sandbox.add_merchant(options).unwrap();
    let client = shop.client_builder().build().unwrap();
    (sandbox, shop, client)
}

fn echo(client: &Client, serial: Option<&str>) -> Result<Response> {
    let mut options = json!({ "json": { "echo_message": "回声" } });
    if let Some(serial) = serial {
        options["headers"] = json!({ "Wechatpay-Serial": serial });
    }
    client.chain("v3/security/echo").post(options)
}

/// Returns what signed the response to a request with this `Wechatpay-Serial`.
fn signed_by(client: &Client, requested: Option<&str>) -> String {
    let response = echo(client, requested).unwrap();
    let serial = response.headers()["wechatpay-serial"].to_str();
    serial.unwrap().to_owned()
}

fn serials(shop: &Merchant) -> Vec<String> {
    let certificates = shop.platform_certificates();
    certificates
        .iter()
        .map(|certificate| certificate.serial().to_owned())
        .collect()
}

#[test]
fn merchant_without_certificates_is_told_to_use_the_public_key() {
    let (_sandbox, shop, client) = shop(PlatformMode::PublicKey);
    assert_eq!(serials(&shop), [""; 0]);
    let err = client.chain("v3/certificates").get(()).unwrap_err();
    let api = err.api().expect("a response");
    assert_eq!(api.status(), StatusCode::NOT_FOUND);
    assert_eq!(api.code(), "RESOURCE_NOT_EXISTS");
    assert!(api.message().starts_with("无可用的平台证书"), "{err}");
    assert!(client.refresh_certificates().unwrap().is_public_key_mode());
    assert_eq!(signed_by(&client, None), shop.platform_key_id());
}

#[test]
fn first_download_needs_no_platform_key() {
    let (sandbox, shop, _) = shop(PlatformMode::Certificate);
    // With the APIv3 key alone, as a new installation has it.
    let client = Client::builder()
        .mchid(shop.mchid())
        .serial(shop.serial())
        .private_key(shop.private_key())
        .apiv3_key(shop.apiv3_key())
        .base_uri(sandbox.base_uri())
        .no_proxy()
        .build()
        .unwrap();
    echo(&client, None).unwrap();
    let known: Vec<_> = client
        .platform_keys()
        .iter()
        .map(|key| key.id().to_owned())
        .collect();
    assert_eq!(known, serials(&shop));
    assert_eq!(known.len(), 1);
    // The public key is not this merchant's.
    assert_eq!(shop.platform_key_id(), known[0]);
}

#[test]
fn rotation_has_the_old_certificate_then_both_then_the_new_one() {
    let (sandbox, shop, client) = shop(PlatformMode::Certificate);
    let listed = |client: &Client| {
        let response = client.chain("v3/certificates").get(()).unwrap();
        let signed_by = response.headers()["wechatpay-serial"].to_str().unwrap();
        let signed_by = signed_by.to_owned();
        let list: Value = response.json().unwrap();
        let list: Vec<_> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["serial_no"].as_str().unwrap().to_owned())
            .collect();
        assert!(list.contains(&signed_by));
        list
    };
    let old = serials(&shop);
    assert_eq!(listed(&client), old);

    sandbox
        .rotate_certificates("1900000109", Rotation::Both)
        .unwrap();
    let both = serials(&shop);
    assert_eq!(listed(&client), both);
    assert_eq!((both.len(), &both[0]), (2, &old[0]));
    // The old one signs until the new one is asked for; a client that has not got it yet downloads it.
    assert_eq!(signed_by(&client, None), both[0]);
    assert_eq!(signed_by(&client, Some(&both[1])), both[1]);

    sandbox
        .rotate_certificates("1900000109", Rotation::New)
        .unwrap();
    assert_eq!(listed(&client), both[1..]);
    assert_eq!(signed_by(&client, Some(&both[0])), both[1]);
    // A client that knows no other than the old one refuses what it cannot verify.
    let fixed = shop
        .client_builder()
        .certificate_mode(CertificateMode::Fixed)
        .build()
        .unwrap();
    assert!(fixed.remove_platform_key(&both[1]));
    let err = echo(&fixed, None).unwrap_err();
    assert!(
        !err.is_verification() || err.to_string().contains(&both[1]),
        "{err}"
    );
    let unknown = sandbox.rotate_certificates("1900000110", Rotation::Old);
    assert!(unknown.unwrap_err().is_config());
}

#[test]
fn change_over_to_the_public_key_can_be_reverted() {
    let (sandbox, shop, client) = shop(PlatformMode::Certificate);
    let [certificate] = &serials(&shop)[..] else {
        panic!("one certificate");
    };
    let id = sandbox.platform_key_id().to_owned();
    // Before: the public key is not effective, so the certificate signs even when it is asked for.
    assert_eq!(signed_by(&client, Some(&id)), *certificate);

    sandbox
        .platform_mode(shop.mchid(), PlatformMode::Both)
        .unwrap();
    let both = shop.client_builder().build().unwrap();
    assert_eq!(signed_by(&both, Some(&id)), id);
    assert_eq!(signed_by(&both, Some(certificate)), *certificate);
    assert_eq!(shop.platform_key_id(), certificate);
    // The list is signed with a certificate in it all the same.
    let options = json!({ "headers": { "Wechatpay-Serial": id } });
    let list = both.chain("v3/certificates").get(options).unwrap();
    assert_eq!(list.headers()["wechatpay-serial"], certificate.as_str());

    sandbox
        .platform_mode(shop.mchid(), PlatformMode::PublicKey)
        .unwrap();
    assert_eq!(signed_by(&both, Some(certificate)), id);
    assert_eq!(shop.platform_key_id(), id);
    sandbox
        .platform_mode(shop.mchid(), PlatformMode::Certificate)
        .unwrap();
    assert_eq!(signed_by(&client, None), *certificate);
    assert_eq!(serials(&shop), [certificate.as_str()]);
}

#[test]
fn unknown_serial_is_refused_only_with_sealed_fields() {
    let (sandbox, shop, client) = shop(PlatformMode::Both);
    let receiver = |serial: Option<&str>| {
        let mut options = json!({ "json": {
            "appid": shop.appid(), "type": "PERSONAL_OPENID", "account": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            "name": client.encrypt("张三").unwrap().as_str(), "relation_type": "SERVICE_PROVIDER",
        }});
        if let Some(serial) = serial {
            options["headers"] = json!({ "Wechatpay-Serial": serial });
        }
        client.chain("v3/profitsharing/receivers/add").post(options)
    };
    let code = |result: Result<Response>| {
        let err = result.expect_err("refused");
        let api = err.api().unwrap_or_else(|| panic!("{err}"));
        (api.code().to_owned(), api.message().to_owned())
    };
    let wrong = (
        "PARAM_ERROR".to_owned(),
        "平台证书序列号Wechatpay-Serial错误".to_owned(),
    );
    assert_eq!(code(receiver(Some("PUB_KEY_ID_X"))), wrong);
    receiver(Some(client.encrypt("张三").unwrap().serial())).unwrap();
    sandbox
        .platform_mode(shop.mchid(), PlatformMode::Certificate)
        .unwrap();
    assert_eq!(code(receiver(Some(sandbox.platform_key_id()))), wrong);

    let Some(raw) = OpensslClient::start() else {
        return;
    };
    let mut request = raw.post(NATIVE, &prepayment(&raw, "serial-0001"));
    request
        .headers
        .push(("Wechatpay-Serial", "PUB_KEY_ID_X".to_owned()));
    let prepaid = raw.send(&request);
    assert_eq!(prepaid.status, 200, "{}", prepaid.json());
    assert!(raw.verifies(&prepaid));
}
