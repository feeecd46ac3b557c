//! What needs no server: builders, keys, options, templates.

use std::time::Duration;

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::json;
use wechatpay_chain::{
    BillRows, Client, Identity, Media, Method, Options, PrivateKey, RetryPolicy, Signature,
    Transport,
};

use super::{
    AT_FAULT, ENCRYPTED, FILENAME, IN_BODY, IN_FILE, IN_HEADER, IN_PATH, IN_QUERY, P12_PASSWORD,
    PROXY_PASSWORD, TOKEN, Told,
};
use crate::fixtures::{keys, server::Request, tls::Authority};

/// Gives the requests that were signed, as if they had been sent.
pub fn run(told: &mut Told) -> Vec<Request> {
    configurations(told);
    keys_and_archives(told);
    options_and_templates(told);
    prepared(told)
}

fn configurations(told: &mut Told) {
    let proxy = format!("http://merchant:{PROXY_PASSWORD}@127.0.0.1:9");
    told.debug("ClientBuilder", &keys::builder());
    told.debug("ClientBuilder", &Client::builder().proxy(&proxy));
    let userinfo = format!("https://me:{PROXY_PASSWORD}@api.mch.weixin.qq.com/");
    told.debug("ClientBuilder", &keys::builder().base_uri(&userinfo));
    told.bad("base URI", keys::builder().base_uri(&userinfo).build());
    let ftp = userinfo.replace("https", "ftp");
    told.bad("base URI", keys::builder().base_uri(ftp).build());
    told.bad(
        "APIv3 key",
        keys::builder()
            .apiv3_key("fedcba9876543210fedcba987654321")
            .build(),
    );
    told.bad("APIv2 key", keys::builder().apiv2_key("").build());
    for url in [
        format!("ftp://a:{PROXY_PASSWORD}@b"),
        format!("http://a:{PROXY_PASSWORD}@b:x"),
    ] {
        told.debug("TransportBuilder", &Transport::builder().proxy(&url));
        told.bad("proxy", Transport::builder().proxy(&url).build());
        let client = Client::builder().proxy(&url);
        told.debug("ClientBuilder", &client);
        told.bad("proxy", client.build());
    }
    told.debug("TransportBuilder", &Transport::builder().proxy(&proxy));
    told.good("Transport", Transport::builder().proxy(&proxy).build());
    told.debug("RetryPolicy", &RetryPolicy::default());
    let client = told.good("Client", keys::builder().build());
    told.debug("Chain", &client.chain("v3/users/{openid}"));
    told.debug("PlatformKeys", &client.platform_keys());
    told.bad(
        "rotate_key",
        client.rotate_key("not a serial", keys::merchant().private()),
    );
    told.good(
        "rotate_key",
        client.rotate_key(keys::SERIAL, keys::merchant().private()),
    );
}

fn keys_and_archives(told: &mut Told) {
    let pem = keys::merchant()
        .rsa
        .to_pkcs8_pem(LineEnding::LF)
        .expect("PEM");
    let key = told.good("PrivateKey", PrivateKey::from_pem(&pem));
    told.debug("PublicKey", &keys::merchant().public());
    let spoilt = [
        pem[..400].to_owned(),
        pem.replace("PRIVATE", "PUBLIC"),
        pem.replacen("MII", "MIJ", 1),
        pem.replace('\n', " "),
        pem.replace("-----BEGIN PRIVATE KEY-----", ""),
        format!("{}!{}", &pem[..300], &pem[300..]),
    ];
    for text in &spoilt {
        // Some of these are a key all the same.
        match PrivateKey::from_pem(text) {
            Ok(key) => told.debug("PrivateKey", &key),
            Err(err) => told.error("PrivateKey", &err),
        }
    }
    told.bad("PrivateKey", PrivateKey::from_base64(&pem[100..400]));
    told.bad("PrivateKey", PrivateKey::from_der(pem.as_bytes()));
    let authority = Authority::new();
    let certificate = authority.certify(keys::MCHID, keys::merchant());
    told.good("Identity", Identity::from_pem(&certificate, &pem));
    told.bad("Identity", Identity::from_pem(&certificate, &spoilt[0]));
    told.bad("Identity", Identity::from_pem(&pem, &certificate));
    #[cfg(feature = "pkcs12")]
    told.bad(
        "Identity",
        Identity::from_pkcs12(pem.as_bytes(), P12_PASSWORD),
    );
    let _ = P12_PASSWORD;
    let signature = Signature::new(keys::SERIAL, b"raw".repeat(80));
    told.debug("Signature", &signature);
    assert!(
        !format!("{signature:?}").contains("114, 97, 119"),
        "{signature:?}"
    );
    drop(key);
}

fn options_and_templates(told: &mut Told) {
    let client = keys::builder().build().unwrap();
    let full = || {
        Options::new()
            .var("openid", IN_PATH)
            .json(json!({ "name": IN_BODY }))
            .query(json!({ "phone": IN_QUERY }))
            .header("X-Person", IN_HEADER)
    };
    told.debug("Options", &full());
    told.debug("Options", &Options::new().body(IN_BODY).sink("x"));
    told.debug("Options", &Options::new().xml(json!({ "name": IN_BODY })));
    let media = Media::from_bytes(FILENAME, IN_FILE).meta_field("name", IN_BODY);
    told.debug("Media", &media);
    told.debug("Options", &Options::new().media(media));

    let strict = keys::builder().strict(true).build().unwrap();
    let chain = "v3/users/{openid}";
    let mut refused = |what: &str, client: &Client, path: &str, options: Options| {
        told.bad(what, client.chain(path).prepare(Method::POST, options))
    };
    let person = json!({ "openid": IN_PATH });
    for (path, more) in [
        ("v3/users/{openid}/{lacking}", json!({})),
        ("v3/users/{openid}/{lacking}", json!({ "lacking": null })),
        ("v3/users/{openid}/{lacking}", json!({ "lacking": "" })),
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
    refused("encrypt", &client, chain, full().encrypt(["/lacking"]));
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
    // A value at fault is shown, and the others beside it are not.
    let both = "v3/users/{openid}/cards/{card}";
    for value in [
        "..".to_owned(),
        format!("{AT_FAULT}\n{}", "9".repeat(500)),
        format!("{AT_FAULT}\\x"),
    ] {
        let options = Options::new().var("openid", IN_PATH).var("card", value);
        let err = refused("at fault", &client, both, options)
            .expect("an error")
            .to_string();
        assert!(!err.contains(&"9".repeat(65)), "{err}");
    }
    let spoilt = [AT_FAULT, "..", IN_PATH].map(|part| json!(part));
    let options = Options::new()
        .var("parts", spoilt.to_vec())
        .var("openid", IN_PATH);
    refused("a list", &client, "v3/users/{openid}{/parts*}", options);

    told.bad("encrypt", client.encrypt(&ENCRYPTED.repeat(20)));
    let sealed = told.good("Encrypted", client.encrypt(ENCRYPTED));
    // Sealed for the platform, not for us.
    told.bad("decrypt", client.decrypt(sealed.as_ref()));
    told.bad("decrypt", client.decrypt(ENCRYPTED));
    told.good("encrypt_pkcs1", client.encrypt_pkcs1(ENCRYPTED));
    told.debug(
        "PayParamsBuilder",
        &client.jsapi_params("wx8888888888888888", TOKEN),
    );
    told.good(
        "PayParams",
        client.jsapi_params("wx8888888888888888", TOKEN).build(),
    );
    told.good(
        "PayParams",
        client.app_params("wx8888888888888888", TOKEN).build(),
    );
    told.good(
        "PayParams",
        client
            .mini_program_params("wx8888888888888888", TOKEN)
            .v2()
            .build(),
    );
    told.bad(
        "PayParams",
        client
            .app_params("wx8888888888888888", format!("{TOKEN}\n"))
            .build(),
    );
    let bill = format!("姓名,金额\n`{IN_FILE},`x\n总笔数\n`1\n");
    let rows = told.good("BillRows", BillRows::new(bill.as_bytes()));
    for row in rows {
        match row {
            Ok(row) => {
                told.debug("BillRow", &row);
                if let Err(err) = row.fen("姓名") {
                    told.error("BillRow", &err);
                }
            }
            Err(err) => told.error("BillRows", &err),
        }
    }
}

fn prepared(told: &mut Told) -> Vec<Request> {
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
        told.debug("Call", &call);
        drop(call);
        let request = told.good(
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
