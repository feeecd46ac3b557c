//! The parameters that open the payment: their documented names, and signatures that openssl and node
//! verify.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};
use wechatpay_chain::{Client, PayParams, Signature, Signer};

use crate::fixtures::{
    keys::{MCHID, SERIAL, builder, merchant},
    programs::{self, TempFile, node, openssl},
};

const APPID: &str = "wx8888888888888888";
const PREPAY_ID: &str = "wx201410272009395522657a690389285100";

fn names(params: &PayParams) -> Vec<String> {
    let json = params.to_json();
    json.as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

/// Verifies a signature of the merchant key with openssl.
fn verify(lines: &str, signature: &str) {
    let pem = merchant()
        .rsa
        .to_public_key()
        .to_public_key_pem(LineEnding::LF);
    let key = TempFile::new(pem.expect("PEM"));
    let signature = TempFile::new(STANDARD.decode(signature).expect("base64"));
    let args = [
        "dgst",
        "-sha256",
        "-verify",
        key.path(),
        "-signature",
        signature.path(),
    ];
    let out = openssl(&args, lines.as_bytes()).expect("a signature that verifies");
    assert_eq!(out, b"Verified OK\n");
}

/// Computes the sign over all other fields with node.
fn v2_sign(params: &PayParams, sign: &str, hmac: bool) -> Value {
    node(
        "const fields = input.params;
         delete fields[input.sign];
         const text = Object.keys(fields).sort().map((name) => `${name}=${fields[name]}`).join('&')
             + '&key=' + input.key;
         const digest = input.hmac ? crypto.createHmac('sha256', input.key) : crypto.createHash('md5');
         return digest.update(text).digest('hex').toUpperCase();",
        &json!({
            "params": params.to_json(), "sign": sign, "hmac": hmac,
            "key": "0123456789abcdef0123456789abcdef",
        }),
    )
}

#[test]
fn page_and_mini_program_params_are_alike() {
    if programs::missing() {
        return;
    }
    let client = builder().build().unwrap();
    for params in [
        client.jsapi_params(APPID, PREPAY_ID),
        client.mini_program_params(APPID, PREPAY_ID),
    ] {
        let params = params.build().unwrap();
        assert_eq!(
            names(&params),
            [
                "appId",
                "timeStamp",
                "nonceStr",
                "package",
                "signType",
                "paySign"
            ]
        );
        assert_eq!(params.get("appId"), APPID);
        assert_eq!(params.get("package"), format!("prepay_id={PREPAY_ID}"));
        assert_eq!(params.get("signType"), "RSA");
        assert_eq!(
            (params.get("nonceStr").len(), params.get("timeStamp").len()),
            (32, 10)
        );
        let (time, nonce) = (params.get("timeStamp"), params.get("nonceStr"));
        let lines = format!("{APPID}\n{time}\n{nonce}\nprepay_id={PREPAY_ID}\n");
        verify(&lines, params.get("paySign"));
        assert_eq!(serde_json::to_value(&params).unwrap(), params.to_json());
        assert_eq!(params.to_string(), params.to_json().to_string());
        assert!(!format!("{params:?}").contains(params.get("paySign")));
    }
}

#[test]
fn app_params_sign_the_bare_prepay_id() {
    if programs::missing() {
        return;
    }
    let client = builder().build().unwrap();
    let params = client.app_params(APPID, PREPAY_ID).build().unwrap();
    assert_eq!(
        names(&params),
        [
            "appid",
            "partnerid",
            "prepayid",
            "package",
            "noncestr",
            "timestamp",
            "sign"
        ]
    );
    assert_eq!(params.get("partnerid"), MCHID);
    assert_eq!(params.get("prepayid"), PREPAY_ID);
    assert_eq!(params.get("package"), "Sign=WXPay");
    let (time, nonce) = (params.get("timestamp"), params.get("noncestr"));
    let lines = format!("{APPID}\n{time}\n{nonce}\n{PREPAY_ID}\n");
    verify(&lines, params.get("sign"));

    let other = client.app_params(APPID, PREPAY_ID).partnerid("1900000110");
    assert_eq!(other.build().unwrap().get("partnerid"), "1900000110");
}

#[test]
fn apiv2_params_are_signed_with_a_digest() {
    if programs::missing() {
        return;
    }
    let client = builder().build().unwrap();
    for (params, sign, hmac) in [
        (client.jsapi_params(APPID, PREPAY_ID).v2(), "paySign", false),
        (
            client
                .mini_program_params(APPID, PREPAY_ID)
                .v2_hmac_sha256(),
            "paySign",
            true,
        ),
        (client.app_params(APPID, PREPAY_ID).v2(), "sign", false),
        (
            client.app_params(APPID, PREPAY_ID).v2_hmac_sha256(),
            "sign",
            true,
        ),
    ] {
        let params = params.build().unwrap();
        assert_eq!(v2_sign(&params, sign, hmac), params.get(sign));
        assert_eq!(params.get(sign).len(), if hmac { 64 } else { 32 });
        if sign == "paySign" {
            let sign_type = if hmac { "HMAC-SHA256" } else { "MD5" };
            assert_eq!(params.get("signType"), sign_type);
        }
    }
}

#[test]
fn invalid_front_end_values_are_errors() {
    if programs::missing() {
        return;
    }
    let client = builder().build().unwrap();
    for (appid, prepay_id, text) in [
        ("", PREPAY_ID, "the appid is empty"),
        (
            "wx\n1",
            PREPAY_ID,
            "the appid (4 bytes) is invalid: expected",
        ),
        (APPID, "", "the prepay_id is empty"),
        (
            APPID,
            "prepay_id=wx2014",
            "begins with `prepay_id=`: give the ID without it",
        ),
        (
            APPID,
            "</script>",
            "the prepay_id (9 bytes) is invalid: expected",
        ),
    ] {
        let err = client.jsapi_params(appid, prepay_id).build().unwrap_err();
        assert!(err.is_request() && err.to_string().contains(text), "{err}");
    }
    let empty_client = Client::builder().build().unwrap();
    for (params, text) in [
        (
            empty_client.jsapi_params(APPID, PREPAY_ID),
            "`serial` and `private_key`",
        ),
        (
            empty_client.jsapi_params(APPID, PREPAY_ID).v2(),
            "`apiv2_key`",
        ),
        (empty_client.app_params(APPID, PREPAY_ID), "`partnerid`"),
    ] {
        let err = params.build().unwrap_err();
        assert!(err.is_config() && err.to_string().contains(text), "{err}");
    }
}

struct Remote;

impl Signer for Remote {
    type Error = std::io::Error;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(Signature::new(SERIAL, message.to_vec()))
    }
}

#[test]
fn params_wait_for_a_remote_signer() {
    if programs::missing() {
        return;
    }
    let client = Client::builder()
        .mchid(MCHID)
        .signer(Remote)
        .build()
        .unwrap();
    let params = client.jsapi_params(APPID, PREPAY_ID).build().unwrap();
    let message = STANDARD.decode(params.get("paySign")).unwrap();
    assert!(
        String::from_utf8(message)
            .unwrap()
            .starts_with("wx8888888888888888\n")
    );

    let future = client.app_params(APPID, PREPAY_ID).build_async();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let params = runtime
        .block_on(async { tokio::spawn(future).await })
        .unwrap();
    assert!(!params.unwrap().get("sign").is_empty());
}

#[test]
fn message_of_the_program_is_signed_with_the_merchant_key() {
    if programs::missing() {
        return;
    }
    let message = format!("{APPID}\n1554208460\n593BEC0C930BF1AF\nprepay_id={PREPAY_ID}\n");
    let signature = builder().build().unwrap().sign(&message).unwrap();
    assert_eq!(signature.serial(), SERIAL);
    verify(&message, &STANDARD.encode(signature.bytes()));

    let err = Client::builder().build().unwrap().sign(&message);
    assert!(err.unwrap_err().is_config());
}
