//! The sandbox over HTTPS, with and without the merchants' client certificates.

use serde_json::{Value, json};
use wechatpay_chain::{
    Certificate, Client, ClientBuilder, Error, Identity, Media, Options, Outcome, RetryPolicy,
    Transport,
    sandbox::{Merchant, MerchantOptions, Sandbox},
};

use crate::fixtures::{keys, material, programs, scratch::Scratch, tls::Authority};

/// Pays an order of APIv2 and returns its refund's fields.
fn paid_order(sandbox: &Sandbox, merchant: &Merchant, number: &str) -> Value {
    let client = merchant.client_builder().build().unwrap();
    client
        .chain("v2/pay/unifiedorder")
        .post(json!({ "xml": {
            "appid": merchant.appid(), "mch_id": merchant.mchid(), "body": "茶",
            "out_trade_no": number, "total_fee": 100, "spbill_create_ip": "127.0.0.1",
            "notify_url": "https://example.com/notify", "trade_type": "NATIVE",
        }}))
        .unwrap();
    sandbox.user_pays(number).unwrap();
    json!({
        "appid": merchant.appid(), "mch_id": merchant.mchid(), "out_trade_no": number,
        "out_refund_no": format!("{number}-r"), "total_fee": 100, "refund_fee": 100,
    })
}

fn refund(client: &Client, fields: &Value, security: bool) -> Result<Value, Error> {
    let chain = client.chain("v2/secapi/pay/refund");
    let response = chain.post(json!({ "security": security, "xml": fields }))?;
    Ok(response.xml()?.into())
}

/// Returns a builder for a merchant over HTTPS without an identity.
fn builder(sandbox: &Sandbox, merchant: &Merchant) -> ClientBuilder {
    let transport = Transport::builder()
        .no_proxy()
        .root_certificate(sandbox.ca_certificate().unwrap());
    Client::builder()
        .mchid(merchant.mchid())
        .apiv2_key(merchant.apiv2_key())
        .base_uri(sandbox.https_base_uri().unwrap())
        .transport(transport.build().unwrap())
        .retry(RetryPolicy::none())
}

#[test]
fn refund_needs_the_merchants_own_certificate() {
    let sandbox = Sandbox::start().unwrap();
    let (own, other) = (
        sandbox.merchant(),
        sandbox
            .add_merchant(MerchantOptions::new("1900000109"))
            .unwrap(),
    );
    let fields = paid_order(&sandbox, &own, "mtls-1");
    let refused = |err: &Error, page: &str| {
        assert_eq!(
            err.status().map(|status| status.as_u16()),
            Some(400),
            "{err}"
        );
        // The client explains the gateway's page.
        assert!(err.to_string().contains(page), "{err}");
    };

    // No TLS, and TLS without a certificate.
    let plain = own
        .client_builder()
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let without = builder(&sandbox, &own).build().unwrap();
    for client in [&plain, &without] {
        let err = refund(client, &fields, false).unwrap_err();
        refused(
            &err,
            "this path requires the merchant's API certificate: give",
        );
    }

    // Of another CA, for the same name.
    let stranger = Authority::new();
    let key = other.private_key_pem().unwrap();
    let foreign = stranger.certify(own.mchid(), keys::merchant());
    let foreign = Identity::from_pem(&foreign, &pem_of_fixture_key()).unwrap();
    let client = builder(&sandbox, &own)
        .client_identity(foreign)
        .build()
        .unwrap();
    let err = refund(&client, &fields, true).unwrap_err();
    refused(&err, "the client certificate was not accepted");

    // Of another merchant of the sandbox.
    let certificate = other.client_certificate().unwrap().to_pem();
    let others = Identity::from_pem(&certificate, &key).unwrap();
    let client = builder(&sandbox, &own)
        .client_identity(others)
        .build()
        .unwrap();
    let err = refund(&client, &fields, true).unwrap_err();
    assert!(err.to_string().contains("商户号与API证书不匹配"), "{err}");
    assert_eq!(sandbox.order_state("mtls-1").unwrap(), "SUCCESS");

    let client = own.https_client_builder().unwrap().build().unwrap();
    let refunded = refund(&client, &fields, true).unwrap();
    assert_eq!(refunded["refund_fee"], "100");
    // What needs no certificate is answered with and without one.
    let query =
        json!({ "xml": { "appid": own.appid(), "mch_id": own.mchid(), "out_trade_no": "mtls-1" } });
    for client in [&plain, &without, &client] {
        let response = client
            .chain("v2/pay/refundquery")
            .post(query.clone())
            .unwrap();
        let found = response.xml().unwrap();
        assert_eq!(found["refund_id_0"], refunded["refund_id"]);
    }
}

/// `apiclient_cert.p12`, whose password is the merchant ID.
#[cfg(feature = "pkcs12")]
#[test]
fn archive_made_by_openssl_is_the_merchants_identity() {
    if !material::has_program("openssl") {
        return;
    }
    let sandbox = Sandbox::start().unwrap();
    let merchant = sandbox.merchant();
    let fields = paid_order(&sandbox, &merchant, "p12");
    let scratch = Scratch::new();
    let certificate = merchant.client_certificate().unwrap().to_pem();
    let cert = scratch.written("apiclient_cert.pem", certificate);
    let key = scratch.written("apiclient_key.pem", merchant.private_key_pem().unwrap());
    let [cert, key] = [&cert, &key].map(|path| path.to_str().unwrap());
    let password = format!("pass:{}", merchant.mchid());
    let args = [
        "pkcs12", "-export", "-in", cert, "-inkey", key, "-passout", &password,
    ];
    let archive = programs::openssl(&args, b"").unwrap();
    let client = builder(&sandbox, &merchant).client_identity_pkcs12(archive);
    let refunded = refund(&client.build().unwrap(), &fields, true).unwrap();
    assert_eq!(refunded["out_refund_no"], "p12-r");
}

#[test]
fn client_that_does_not_know_the_ca_refuses_the_server() {
    let sandbox = Sandbox::start().unwrap();
    let merchant = sandbox.merchant();
    let other = Authority::new();
    let other = Certificate::from_pem(&other.pem).unwrap();
    for transport in [
        Transport::builder().no_proxy(),
        Transport::builder().no_proxy().root_certificate(other),
    ] {
        let client = builder(&sandbox, &merchant)
            .transport(transport.build().unwrap())
            .build()
            .unwrap();
        let err = client
            .chain("v2/pay/orderquery")
            .post(json!({ "xml": { "appid": merchant.appid(), "mch_id": merchant.mchid(), "out_trade_no": "a" } }))
            .unwrap_err();
        assert!(
            err.to_string().contains("was issued by an unknown CA"),
            "{err}"
        );
        assert_eq!(err.outcome(), Outcome::NotSent);
    }
    assert!(sandbox.requests().is_empty());
}

#[test]
fn https_serves_apiv3_too() {
    let sandbox = Sandbox::start().unwrap();
    assert_eq!(
        sandbox.https_base_uri().unwrap(),
        sandbox.https_base_uri().unwrap()
    );
    let client = sandbox
        .merchant()
        .https_client_builder()
        .unwrap()
        .build()
        .unwrap();
    let echoed: Value = client
        .chain("v3/security/echo")
        .post(json!({ "json": { "echo_message": "回声" } }))
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(echoed["echo_message"], "回声");
}

#[test]
fn upload_of_apiv2_must_match_its_signed_hash() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.merchant().https_client_builder().unwrap();
    let client = client.build().unwrap();
    let upload = |sign_type: &str, bytes: Vec<u8>| {
        let fields = json!({ "mch_id": sandbox.mchid(), "sign_type": sign_type });
        let options = Options::new()
            .xml(fields)
            .mutual_tls(true)
            .media(Media::from_bytes("微.png", bytes));
        client.chain("v2/secapi/mch/uploadmedia").post(options)
    };
    for sign_type in ["MD5", "HMAC-SHA256"] {
        let uploaded = upload(sign_type, b"1\r\n--2".to_vec()).unwrap();
        assert_eq!(
            uploaded.xml().unwrap()["media_id"].as_str().map(str::len),
            Some(64)
        );
    }
    let err = upload("MD5", vec![7; (2 << 20) + 1]).unwrap_err();
    assert_eq!(err.api().unwrap().code(), "PARAM_ERROR");
    // A byte of the file on its way, which is signed through the hash alone.
    let request = sandbox.requests().remove(0);
    let mut body = request.body().to_vec();
    let at = body.windows(3).position(|bytes| bytes == b"--2").unwrap();
    body[at + 2] = b'3';
    let uri = sandbox.https_base_uri().unwrap();
    let scratch = Scratch::new();
    let ca = scratch.written("ca.pem", sandbox.ca_certificate().unwrap().to_pem());
    let merchant = sandbox.merchant();
    let cert = scratch.written("cert.pem", merchant.client_certificate().unwrap().to_pem());
    let key = scratch.written("key.pem", merchant.private_key_pem().unwrap());
    if !material::has_program("openssl") {
        return;
    }
    let [ca, cert, key] = [&ca, &cert, &key].map(|path| path.to_str().unwrap());
    let address = uri.trim_start_matches("https://").trim_end_matches('/');
    let content_type = request.headers()["content-type"].to_str().unwrap();
    let head = format!(
        "POST /secapi/mch/uploadmedia HTTP/1.1\r\nHost: {address}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let args = [
        "s_client", "-connect", address, "-CAfile", ca, "-cert", cert, "-key", key, "-quiet",
        "-ign_eof",
    ];
    let answer = programs::openssl(&args, &[head.as_bytes(), &body].concat()).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("media_hash参数格式错误"), "{answer}");
}

#[test]
fn openssl_completes_mutual_tls() {
    if !material::has_program("openssl") {
        return;
    }
    let sandbox = Sandbox::start().unwrap();
    let merchant = sandbox.merchant();
    let scratch = Scratch::new();
    let ca = scratch.written("ca.pem", sandbox.ca_certificate().unwrap().to_pem());
    let certificate = merchant.client_certificate().unwrap();
    let cert = scratch.written("apiclient_cert.pem", certificate.to_pem());
    let key = scratch.written("apiclient_key.pem", merchant.private_key_pem().unwrap());
    assert_eq!(certificate.serial(), merchant.serial());
    let [ca, cert, key] = [&ca, &cert, &key].map(|path| path.to_str().unwrap());

    let verified = programs::openssl(
        &["verify", "-purpose", "sslclient", "-CAfile", ca, cert],
        b"",
    );
    assert!(verified.is_ok(), "{verified:?}");
    let subject = programs::openssl(&["x509", "-noout", "-subject", "-in", cert], b"").unwrap();
    assert!(
        String::from_utf8(subject)
            .unwrap()
            .contains(merchant.mchid())
    );

    let uri = sandbox.https_base_uri().unwrap();
    let address = uri.trim_start_matches("https://").trim_end_matches('/');
    // Not signed: what matters is how far it comes.
    let request = format!(
        "POST /secapi/pay/refund HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let connect = |more: &[&str]| {
        let args = [
            "s_client",
            "-connect",
            address,
            "-CAfile",
            ca,
            "-verify_return_error",
            "-quiet",
            "-ign_eof",
        ];
        let args: Vec<_> = args.iter().chain(more).copied().collect();
        let output = programs::openssl(&args, request.as_bytes());
        output.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    for version in ["-tls1_2", "-tls1_3"] {
        let answer = connect(&[version, "-cert", cert, "-key", key]).unwrap();
        assert!(answer.contains("post数据为空"), "{version}: {answer}");
        let answer = connect(&[version, "-verify_hostname", "localhost"]).unwrap();
        assert!(
            answer.contains("No required SSL certificate was sent"),
            "{version}: {answer}"
        );
    }
}

/// Returns the key that [`keys::merchant`] has, as PEM.
fn pem_of_fixture_key() -> String {
    use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
    let pem = keys::merchant().rsa.to_pkcs8_pem(LineEnding::LF);
    pem.unwrap().to_string()
}
