//! Wrong keys, algorithms and encodings, and what no candidate fits.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{client, failed, header, inspected, merchant};
use crate::sandbox::openssl_client::{OpensslClient, RawRequest, openssl};

/// Sends a request with this signature over the right message.
fn found_with(
    client: &OpensslClient,
    request: &mut RawRequest,
    sign: impl Fn(&[u8]) -> String,
) -> (Value, Value) {
    let message = format!(
        "{}\n{}\n{}\n{}\n{}\n",
        request.method,
        request.target,
        request.timestamp,
        request.nonce,
        String::from_utf8(request.body.clone()).unwrap(),
    );
    request.authorization = Some(header(request, &sign(message.as_bytes())));
    assert_eq!(client.send(request).status, 401);
    let inspected = inspected(&client.sandbox);
    assert_eq!(inspected["message"], message);
    (inspected["found"].clone(), inspected)
}

#[test]
fn wrong_key_algorithm_and_encoding_are_named() {
    let Some(client) = client() else { return };
    let request = || client.request("POST", "/v3/x", "{\"a\":\"茶\"}");
    let base64 = |bytes: Vec<u8>| STANDARD.encode(bytes);
    let hex = |bytes: Vec<u8>| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let rsa = |message: &[u8]| client.openssl_sign(message);
    let hash = |message: &[u8]| openssl(&["dgst", "-sha256", "-binary"], message);
    let key = client.key();
    let dgst = |args: &[&str], message: &[u8]| {
        let args = [&["dgst"], args, &["-sign", &key]].concat();
        base64(openssl(&args, message))
    };
    type Sign<'a> = Box<dyn Fn(&[u8]) -> String + 'a>;
    let cases: Vec<(&str, Sign<'_>)> = vec![
        ("algorithm_sha1", Box::new(|m| dgst(&["-sha1"], m))),
        ("algorithm_sha512", Box::new(|m| dgst(&["-sha512"], m))),
        (
            "algorithm_pss",
            Box::new(|m| {
                let pss = [
                    "-sha256",
                    "-sigopt",
                    "rsa_padding_mode:pss",
                    "-sigopt",
                    "rsa_pss_saltlen:32",
                ];
                dgst(&pss, m)
            }),
        ),
        (
            "hash_hex",
            Box::new(|m| base64(rsa(hex(hash(m)).as_bytes()))),
        ),
        (
            "hash_capital_hex",
            Box::new(|m| base64(rsa(hex(hash(m)).to_uppercase().as_bytes()))),
        ),
        ("hash_bytes", Box::new(|m| base64(rsa(&hash(m))))),
        (
            "hash_base64",
            Box::new(|m| base64(rsa(base64(hash(m)).as_bytes()))),
        ),
        (
            "signature_url_safe",
            Box::new(|m| base64(rsa(m)).replace('+', "-").replace('/', "_")),
        ),
        (
            "signature_without_padding",
            Box::new(|m| base64(rsa(m)).trim_end_matches('=').to_owned()),
        ),
        (
            "signature_spaces",
            Box::new(|m| base64(rsa(m)).replace('+', " ")),
        ),
        (
            "signature_percent_encoded",
            Box::new(|m| {
                base64(rsa(m))
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D")
            }),
        ),
        ("signature_hex", Box::new(|m| hex(rsa(m)))),
        (
            "signature_base64_twice",
            Box::new(|m| base64(base64(rsa(m)).into_bytes())),
        ),
        (
            "signature_hex_in_base64",
            Box::new(|m| base64(hex(rsa(m)).into_bytes())),
        ),
    ];
    for (id, sign) in cases {
        let (found, inspected) = found_with(&client, &mut request(), sign);
        assert_eq!(found["id"], id, "{inspected}");
        let is_hash = id.starts_with("hash_");
        assert_eq!(found["difference_at"].is_null(), !is_hash, "{id}");
    }

    let other = &merchant(&client.sandbox, "1900000111");
    let other = other.client_builder().build().unwrap();
    let with_key = |client: &wechatpay_chain::Client, m: &[u8]| {
        base64(client.sign(m).unwrap().bytes().to_vec())
    };
    let (found, _) = found_with(&client, &mut request(), |m| with_key(&other, m));
    assert_eq!(found["id"], "key_of_another");
    assert!(found["change"].as_str().unwrap().contains("1900000111"));
    let brand = client
        .sandbox
        .merchant()
        .brand_client_builder()
        .unwrap()
        .build()
        .unwrap();
    let (found, _) = found_with(&client, &mut request(), |m| with_key(&brand, m));
    assert!(found["change"].as_str().unwrap().contains("brand 40000001"));
    // The other way round: the merchant is not one of the sandbox, and the key is.
    let mut unknown = request();
    unknown.mchid = "1900000999".to_owned();
    let (found, inspected) = found_with(&client, &mut unknown, |m| base64(rsa(m)));
    assert_eq!(failed(&inspected), ["merchant"]);
    assert!(
        found["change"]
            .as_str()
            .unwrap()
            .contains(client.sandbox.mchid())
    );
}

#[test]
fn unknown_mistake_is_searched_for_within_limits() {
    let Some(client) = client() else { return };
    let mut request = client.request("POST", "/v3/x?a=1&b=2", "{\"a\":1}");
    let wrong = |_: &[u8]| STANDARD.encode(client.openssl_sign(b"something else"));
    let (found, inspected) = found_with(&client, &mut request, wrong);
    assert_eq!(found, Value::Null);
    let tried = inspected["tried"].as_u64().unwrap();
    assert!((1_000..2_000).contains(&tried), "{tried}");
    assert_eq!(failed(&inspected), ["signature"]);
    // Two megabytes, of which few candidates fit into the limit.
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    let mut request = client.request("POST", "/v3/x", body);
    let message = format!("POST\n/v3/x\n{}\n{}\n", request.timestamp, request.nonce);
    request.authorization = Some(header(
        &request,
        &STANDARD.encode(client.openssl_sign(message.as_bytes())),
    ));
    client.send(&request);
    let inspected = super::inspected(&client.sandbox);
    assert!(inspected["tried"].as_u64().unwrap() < 20);
    assert_eq!(inspected["found"]["id"], "frame_no_body_line");
    assert_eq!(inspected["message"].as_str().unwrap().len(), 1 << 20);
    assert!(inspected["message_length"].as_u64().unwrap() > 2 << 20);
}
