//! Everything that needs no server: builders, keys, options, templates.

use std::time::Duration;

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::json;
use wechatpay_chain::{
    BillRows, Client, Identity, Media, Method, Options, PrivateKey, RetryPolicy, Signature,
    Transport,
};

use super::{
    ENCRYPTED, FILENAME, IN_BODY, IN_FILE, IN_HEADER, IN_PATH, IN_QUERY, INVALID, P12_PASSWORD,
    PROXY_PASSWORD, TOKEN, Transcript,
};
use crate::fixtures::{keys, server::Request, tls::Authority};

/// Returns the prepared requests, as if they had been sent.
pub fn run(transcript: &mut Transcript) -> Vec<Request> {
    configurations(transcript);
    keys_and_archives(transcript);
    options_and_templates(transcript);
    prepared(transcript)
}

fn configurations(transcript: &mut Transcript) {
    let proxy = format!("http://merchant:{PROXY_PASSWORD}@127.0.0.1:9");
    transcript.debug("ClientBuilder", &keys::builder());
    transcript.debug("ClientBuilder", &Client::builder().proxy(&proxy));
    let userinfo = format!("https://me:{PROXY_PASSWORD}@api.mch.weixin.qq.com/");
    transcript.debug("ClientBuilder", &keys::builder().base_uri(&userinfo));
    transcript.failure("base URI", keys::builder().base_uri(&userinfo).build());
    let ftp = userinfo.replace("https", "ftp");
    transcript.failure("base URI", keys::builder().base_uri(ftp).build());
    transcript.failure(
        "APIv3 key",
        keys::builder()
            .apiv3_key("fedcba9876543210fedcba987654321")
            .build(),
    );
    transcript.failure("APIv2 key", keys::builder().apiv2_key("").build());
    for url in [
        format!("ftp://a:{PROXY_PASSWORD}@b"),
        format!("http://a:{PROXY_PASSWORD}@b:x"),
    ] {
        transcript.debug("TransportBuilder", &Transport::builder().proxy(&url));
        transcript.failure("proxy", Transport::builder().proxy(&url).build());
        let client = Client::builder().proxy(&url);
        transcript.debug("ClientBuilder", &client);
        transcript.failure("proxy", client.build());
    }
    transcript.debug("TransportBuilder", &Transport::builder().proxy(&proxy));
    transcript.success("Transport", Transport::builder().proxy(&proxy).build());
    transcript.debug("RetryPolicy", &RetryPolicy::default());
    let client = transcript.success("Client", keys::builder().build());
    transcript.debug("Chain", &client.chain("v3/users/{openid}"));
    transcript.debug("PlatformKeys", &client.platform_keys());
    transcript.failure(
        "rotate_key",
        client.rotate_key("not a serial", keys::merchant().private()),
    );
    transcript.success(
        "rotate_key",
        client.rotate_key(keys::SERIAL, keys::merchant().private()),
    );
}

fn keys_and_archives(transcript: &mut Transcript) {
    let pem = keys::merchant()
        .rsa
        .to_pkcs8_pem(LineEnding::LF)
        .expect("PEM");
    let key = transcript.success("PrivateKey", PrivateKey::from_pem(&pem));
    transcript.debug("PublicKey", &keys::merchant().public());
    let damaged = [
        pem[..400].to_owned(),
        pem.replace("PRIVATE", "PUBLIC"),
        pem.replacen("MII", "MIJ", 1),
        pem.replace('\n', " "),
        pem.replace("-----BEGIN PRIVATE KEY-----", ""),
        format!("{}!{}", &pem[..300], &pem[300..]),
    ];
    for text in &damaged {
        // Some of these still parse as a key.
        match PrivateKey::from_pem(text) {
            Ok(key) => transcript.debug("PrivateKey", &key),
            Err(err) => transcript.error("PrivateKey", &err),
        }
    }
    transcript.failure("PrivateKey", PrivateKey::from_base64(&pem[100..400]));
    transcript.failure("PrivateKey", PrivateKey::from_der(pem.as_bytes()));
    let authority = Authority::new();
    let certificate = authority.certify(keys::MCHID, keys::merchant());
    transcript.success("Identity", Identity::from_pem(&certificate, &pem));
    transcript.failure("Identity", Identity::from_pem(&certificate, &damaged[0]));
    transcript.failure("Identity", Identity::from_pem(&pem, &certificate));
    #[cfg(feature = "pkcs12")]
    transcript.failure(
        "Identity",
        Identity::from_pkcs12(pem.as_bytes(), P12_PASSWORD),
    );
    let _ = P12_PASSWORD;
    let signature = Signature::new(keys::SERIAL, b"raw".repeat(80));
    transcript.debug("Signature", &signature);
    assert!(
        !format!("{signature:?}").contains("114, 97, 119"),
        "{signature:?}"
    );
    drop(key);
}

fn options_and_templates(transcript: &mut Transcript) {
    let client = keys::builder().build().unwrap();
    let full = || {
        Options::new()
            .var("openid", IN_PATH)
            .json(json!({ "name": IN_BODY }))
            .query(json!({ "phone": IN_QUERY }))
            .header("X-Person", IN_HEADER)
    };
    transcript.debug("Options", &full());
    transcript.debug("Options", &Options::new().body(IN_BODY).sink("x"));
    transcript.debug("Options", &Options::new().xml(json!({ "name": IN_BODY })));
    let media = Media::from_bytes(FILENAME, IN_FILE).meta_field("name", IN_BODY);
    transcript.debug("Media", &media);
    transcript.debug("Options", &Options::new().media(media));

    let strict = keys::builder().strict(true).build().unwrap();
    let chain = "v3/users/{openid}";
    let mut refused = |what: &str, client: &Client, path: &str, options: Options| {
        transcript.failure(what, client.chain(path).prepare(Method::POST, options))
    };
    let person = json!({ "openid": IN_PATH });
    for (path, more) in [
        ("v3/users/{openid}/{missing}", json!({})),
        ("v3/users/{openid}/{missing}", json!({ "missing": null })),
        ("v3/users/{openid}/{missing}", json!({ "missing": "" })),
        (chain, json!({ "opneid": IN_BODY })),
        (chain, json!({ "openid": { "a": { "b": IN_PATH } } })),
        ("v3/users/{openid:3}", json!({ "openid": [IN_PATH] })),
        (chain, json!({ "json": { "name": IN_BODY }, "xml": {} })),
        (chain, json!({ "xml": { "name": IN_BODY } })),
        (
            chain,
            json!({ "query": [[[IN_QUERY]], 1], "body": { "name": IN_BODY }, "json": 1 }),
        ),
        (chain, json!({ "query": 7 })),
        (
            "v3/users/{openid}?phone={phone}",
            json!({ "phone": IN_QUERY, "query": { "a": 1 } }),
        ),
        (
            chain,
            json!({ "headers": { "X-Person": format!("{IN_HEADER}\r\nx: y") } }),
        ),
        (chain, json!({ "headers": { "Authorization": IN_HEADER } })),
        (chain, json!({ "headers": { "X-Person": [[IN_HEADER]] } })),
        (chain, json!({ "headers": IN_HEADER })),
        (chain, json!({ "timeout": IN_BODY })),
        (chain, json!({ "sink": { "a": IN_BODY } })),
        (chain, json!({ "security": IN_BODY })),
        (chain, json!({ "base_uri": 7 })),
        (
            chain,
            json!({ "base_uri": format!("https://example.com/{IN_BODY}") }),
        ),
        (
            chain,
            json!({ "base_uri": format!("ftp://example.com/{IN_BODY}") }),
        ),
        (
            chain,
            json!({ "base_uri": format!("https://u:{PROXY_PASSWORD}@example.com/") }),
        ),
        (
            "{+url}",
            json!({ "url": format!("https://example.com/{IN_PATH}?token={TOKEN}") }),
        ),
        (
            "{+url}",
            json!({ "url": format!("ftp://example.com/{IN_PATH}?token={TOKEN}") }),
        ),
        (
            "{+url}",
            json!({ "url": format!("https://example.com:0/?token={TOKEN}") }),
        ),
        (
            "v2/pay/micropay",
            json!({ "xml": { "name": IN_BODY, "mch_id": "1900000100" } }),
        ),
        (
            "v2/pay/micropay",
            json!({ "xml": { "name": format!("{IN_BODY}\u{1}"), "mch_id": keys::MCHID } }),
        ),
        (
            "v2/pay/micropay",
            json!({ "xml": { "name": [IN_BODY, { "a": IN_BODY }], "mch_id": keys::MCHID } }),
        ),
        ("v2/pay/micropay", json!({ "xml": IN_BODY })),
        ("v2/pay/micropay", json!({ "json": { "name": IN_BODY } })),
    ] {
        let mut all = person.clone();
        if path.contains("openid") {
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
        } else {
            all = more;
        }
        refused(
            &format!(
                "{path} {:?}",
                all.as_object()
                    .map(|all| all.keys().cloned().collect::<Vec<_>>())
            ),
            &client,
            path,
            all.into(),
        );
    }
    refused("encrypt", &client, chain, full().encrypt(["/missing"]));
    let long = json!({ "name": ENCRYPTED.repeat(20) });
    refused(
        "encrypt",
        &client,
        chain,
        Options::new()
            .var("openid", IN_PATH)
            .json(long)
            .encrypt(["/name"]),
    );
    refused(
        "strict",
        &strict,
        chain,
        full().json(json!({ "name": format!("{IN_BODY} 🍵") })),
    );
    let notify = json!({ "notify_url": format!("https://example.com/?who={IN_BODY}") });
    refused("strict", &strict, chain, full().json(notify));
    // The invalid value may be shown, but not the valid ones next to it.
    let both = "v3/users/{openid}/cards/{card}";
    for value in [
        "..".to_owned(),
        format!("{INVALID}\n{}", "9".repeat(500)),
        format!("{INVALID}\\x"),
    ] {
        let options = Options::new().var("openid", IN_PATH).var("card", value);
        let err = refused("invalid value", &client, both, options)
            .expect("an error")
            .to_string();
        assert!(!err.contains(&"9".repeat(65)), "{err}");
    }
    let parts = [INVALID, "..", IN_PATH].map(|part| json!(part));
    let options = Options::new()
        .var("parts", parts.to_vec())
        .var("openid", IN_PATH);
    refused("a list", &client, "v3/users/{openid}{/parts*}", options);

    transcript.failure("encrypt", client.encrypt(&ENCRYPTED.repeat(20)));
    let encrypted = transcript.success("Encrypted", client.encrypt(ENCRYPTED));
    // Encrypted for the platform, so the merchant key cannot decrypt it.
    transcript.failure("decrypt", client.decrypt(encrypted.as_ref()));
    transcript.failure("decrypt", client.decrypt(ENCRYPTED));
    transcript.success("encrypt_pkcs1", client.encrypt_pkcs1(ENCRYPTED));
    transcript.debug(
        "PayParamsBuilder",
        &client.jsapi_params("wx8888888888888888", TOKEN),
    );
    transcript.success(
        "PayParams",
        client.jsapi_params("wx8888888888888888", TOKEN).build(),
    );
    transcript.success(
        "PayParams",
        client.app_params("wx8888888888888888", TOKEN).build(),
    );
    transcript.success(
        "PayParams",
        client
            .mini_program_params("wx8888888888888888", TOKEN)
            .v2()
            .build(),
    );
    transcript.failure(
        "PayParams",
        client
            .app_params("wx8888888888888888", format!("{TOKEN}\n"))
            .build(),
    );
    let bill = format!("姓名,金额\n`{IN_FILE},`x\n总笔数\n`1\n");
    let rows = transcript.success("BillRows", BillRows::new(bill.as_bytes()));
    for row in rows {
        match row {
            Ok(row) => {
                transcript.debug("BillRow", &row);
                if let Err(err) = row.fen("姓名") {
                    transcript.error("BillRow", &err);
                }
            }
            Err(err) => transcript.error("BillRows", &err),
        }
    }
}

fn prepared(transcript: &mut Transcript) -> Vec<Request> {
    let client = keys::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let mut signed = Vec::new();
    for (path, method, options) in [
        (
            "v3/users/{openid}",
            Method::POST,
            json!({ "openid": IN_PATH, "json": { "name": IN_BODY } }),
        ),
        (
            "v3/users/{openid}",
            Method::GET,
            json!({ "openid": IN_PATH, "query": { "phone": IN_QUERY } }),
        ),
        (
            "v2/pay/micropay",
            Method::POST,
            json!({ "xml": { "name": IN_BODY, "mch_id": keys::MCHID } }),
        ),
        (
            "v2/papay/entrustweb",
            Method::GET,
            json!({ "query": { "name": IN_QUERY, "mch_id": keys::MCHID } }),
        ),
    ] {
        let call = client.chain(path).get_async(());
        transcript.debug("Call", &call);
        drop(call);
        let request = transcript.success(
            "PreparedRequest",
            client.chain(path).prepare(method, options),
        );
        let headers = request.headers().iter();
        signed.push(Request {
            method: request.method().to_string(),
            target: request.url().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
                .collect(),
            body: request.body().to_vec(),
            connection: 0,
            number: 0,
        });
    }
    signed
}
