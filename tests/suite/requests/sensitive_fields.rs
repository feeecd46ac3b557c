//! Sensitive fields, encrypted and decrypted in exchange with openssl.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};
use wechatpay_chain::{Client, Options, RetryPolicy, Signature, Signer};

use crate::fixtures::{
    keys::{PLATFORM_ID, Pair, builder, merchant, platform},
    programs::{self, TempFile, openssl},
    server::{MockResponse, Server},
};

pub const OAEP: [&str; 6] = [
    "-pkeyopt",
    "rsa_padding_mode:oaep",
    "-pkeyopt",
    "rsa_oaep_md:sha1",
    "-pkeyopt",
    "rsa_mgf1_md:sha1",
];
pub const PKCS1: [&str; 2] = ["-pkeyopt", "rsa_padding_mode:pkcs1"];

pub fn decrypted(pair: &Pair, padding: &[&str], base64: &str) -> String {
    let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
    let key = TempFile::new(pem.as_bytes());
    let args = [&["pkeyutl", "-decrypt", "-inkey", key.path()], padding].concat();
    let bytes = STANDARD.decode(base64).expect("base64");
    String::from_utf8(openssl(&args, &bytes).expect("openssl decrypts it")).expect("UTF-8")
}

fn encrypted(pair: &Pair, text: &str) -> String {
    encrypted_with(pair, &OAEP, text)
}

pub fn encrypted_with(pair: &Pair, padding: &[&str], text: &str) -> String {
    let pem = pair.rsa.to_public_key().to_public_key_pem(LineEnding::LF);
    let key = TempFile::new(pem.expect("PEM"));
    let args = [
        &["pkeyutl", "-encrypt", "-pubin", "-inkey", key.path()],
        padding,
    ];
    STANDARD.encode(openssl(&args.concat(), text.as_bytes()).expect("openssl encrypts"))
}

fn client() -> Client {
    builder().build().expect("a client")
}

fn body(client: &Client, options: Options) -> wechatpay_chain::Result<(Value, String)> {
    let request = client.chain("v3/x").prepare(Method::POST, options)?;
    let serial = request.headers()["wechatpay-serial"].to_str().unwrap();
    Ok((
        serde_json::from_slice(request.body()).expect("JSON"),
        serial.to_owned(),
    ))
}

#[test]
fn openssl_decrypts_what_the_client_encrypts() {
    if programs::missing() {
        return;
    }
    let client = client();
    for text in ["张三", "", &"a".repeat(214)] {
        let encrypted = client.encrypt(text).unwrap();
        assert_eq!(encrypted.serial(), PLATFORM_ID);
        assert_eq!(decrypted(platform(), &OAEP, encrypted.as_str()), text);
    }
    let old = client.encrypt_pkcs1("+852 1234 5678").unwrap();
    assert_eq!(
        decrypted(platform(), &PKCS1, &format!("{old}")),
        "+852 1234 5678"
    );
    let debug = format!("{old:?}");
    assert!(!debug.contains(old.as_str()), "{debug}");
}

#[test]
fn too_long_text_is_an_error_with_the_limit() {
    if programs::missing() {
        return;
    }
    let client = client();
    let text = "z".repeat(300);
    for (err, limit) in [
        (
            client.encrypt(&text).unwrap_err(),
            "300 bytes; expected at most 214 ",
        ),
        (
            client.encrypt_pkcs1(&text).unwrap_err(),
            "300 bytes; expected at most 245 ",
        ),
        (
            body(
                &client,
                Options::new().json(json!({"n": text})).encrypt(["/n"]),
            )
            .unwrap_err(),
            "`/n` cannot be encrypted: text too long to encrypt: 300 bytes",
        ),
    ] {
        assert!(err.is_request());
        assert!(err.to_string().contains(limit), "{err}");
        assert!(!format!("{err} {err:?}").contains("zzz"));
    }
}

#[test]
fn client_decrypts_what_openssl_encrypts() {
    if programs::missing() {
        return;
    }
    let client = client();
    let field = encrypted(merchant(), "李四, 广东省深圳市");
    assert_eq!(client.decrypt(&field).unwrap(), "李四, 广东省深圳市");
    let future = client.decrypt_async(&field);
    assert_eq!(
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
            .unwrap(),
        "李四, 广东省深圳市"
    );
    for (field, text) in [
        (encrypted(platform(), "x"), "cannot decrypt"),
        ("not base64!".to_owned(), "is not base64"),
        (STANDARD.encode("short"), "invalid RSA ciphertext: 5 bytes"),
    ] {
        let err = client.decrypt(&field).unwrap_err();
        assert!(err.is_decrypt() && err.to_string().contains(text), "{err}");
    }
    let keyless = Client::builder().build().unwrap();
    assert!(keyless.decrypt(&field).unwrap_err().is_config());
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn pkcs1_decryption_does_not_reveal_invalid_padding() {
    if programs::missing() {
        return;
    }
    let client = client();
    let field = encrypted_with(merchant(), &PKCS1, "李四");
    assert_eq!(client.decrypt_pkcs1(&field).unwrap(), "李四");
    let decrypted = crate::fixtures::mode::runtime().block_on(client.decrypt_pkcs1_async(&field));
    assert_eq!(decrypted.unwrap(), "李四");
    // Each method decrypts only its own padding.
    assert!(client.decrypt(&field).unwrap_err().is_decrypt());
    let mut altered = STANDARD.decode(&field).unwrap();
    altered[200] ^= 1;
    for wrong in [encrypted(merchant(), "李四"), STANDARD.encode(altered)] {
        assert_ne!(client.decrypt_pkcs1(&wrong).unwrap(), "李四");
    }
    for (field, text) in [
        ("not base64!".to_owned(), "is not base64"),
        (STANDARD.encode("short"), "invalid RSA ciphertext: 5 bytes"),
    ] {
        let err = client.decrypt_pkcs1(&field).unwrap_err();
        assert!(err.is_decrypt() && err.to_string().contains(text), "{err}");
    }
    let keyless = Client::builder().build().unwrap();
    assert!(keyless.decrypt_pkcs1(&field).unwrap_err().is_config());
}

#[test]
fn fields_are_encrypted_in_place_with_the_key_serial() {
    if programs::missing() {
        return;
    }
    let client = client();
    let given = json!({
        "appid": "wx8888888888888888",
        "user_name": "王五",
        "list": [{"id": 1, "user_name": "甲"}, {"id": 2}, {"id": 3, "user_name": "乙"}],
        "contact": {"id_card": "440524188001010014"},
    });
    let options = Options::from(json!({ "json": given }))
        .encrypt(["/user_name", "/list/*/user_name?", "/none?"])
        .encrypt_pkcs1(["/contact/id_card"]);
    let (mut body, serial) = body(&client, options).unwrap();
    assert_eq!(serial, PLATFORM_ID);
    for (pointer, padding) in [
        ("/user_name", &OAEP[..]),
        ("/list/0/user_name", &OAEP),
        ("/list/2/user_name", &OAEP),
        ("/contact/id_card", &PKCS1),
    ] {
        let field = body.pointer_mut(pointer).unwrap();
        assert_ne!(field, given.pointer(pointer).unwrap());
        *field = json!(decrypted(platform(), padding, field.as_str().unwrap()));
    }
    assert_eq!(body.to_string(), given.to_string(), "nothing else changed");
}

#[test]
fn given_serial_selects_the_key() {
    if programs::missing() {
        return;
    }
    let second = "PUB_KEY_ID_0119000001092024000000000001";
    let client = builder()
        .platform_key(second, third().public())
        .build()
        .unwrap();
    let options = |serial| {
        Options::new()
            .json(json!({"n": "text"}))
            .encrypt(["/n"])
            .header("Wechatpay-Serial", serial)
    };
    let (body_2, serial) = body(&client, options(second)).unwrap();
    assert_eq!(serial, second);
    assert_eq!(
        decrypted(third(), &OAEP, body_2["n"].as_str().unwrap()),
        "text"
    );

    let err = body(&client, options("PUB_KEY_ID_UNKNOWN")).unwrap_err();
    assert!(
        err.to_string()
            .contains("\"PUB_KEY_ID_UNKNOWN\" is not a trusted platform key"),
        "{err}"
    );
    let err = body(&client, options(second).header("wechatpay-serial", "B")).unwrap_err();
    assert!(err.to_string().contains("more than once"), "{err}");
}

/// A third pair of keys.
pub fn third() -> &'static Pair {
    static PAIR: std::sync::OnceLock<Pair> = std::sync::OnceLock::new();
    PAIR.get_or_init(Pair::generate)
}

#[test]
fn unencryptable_fields_are_errors_before_sending() {
    if programs::missing() {
        return;
    }
    let client = client();
    let json = json!({"n": "secret text", "list": [{"n": "a"}, {}]});
    for (options, text) in [
        (
            Options::new().encrypt(["/n"]),
            "the option `json` is missing",
        ),
        (
            Options::new().body("{}").encrypt(["/n"]),
            "the option `json` is missing",
        ),
        (
            Options::new().json(&json).encrypt(["/m"]),
            "`/m` is not in the body",
        ),
        (
            Options::new().json(&json).encrypt(["/list/*/n"]),
            "`/list/1/n` is not",
        ),
        (
            Options::new().json(&json).encrypt(["/list"]),
            "`/list` is an array",
        ),
        (
            Options::new()
                .json(&json)
                .encrypt(["/list/*/n?", "/list/0/n"]),
            "`/list/0/n` is named twice",
        ),
    ] {
        let err = body(&client, options).unwrap_err();
        assert!(err.is_request() && err.to_string().contains(text), "{err}");
        assert!(!format!("{err:?}").contains("secret"));
    }
    let empty_client = Client::builder().build().unwrap();
    let options = Options::new().json(&json).encrypt(["/n"]);
    let err = body(&empty_client, options).unwrap_err();
    assert!(
        err.is_config()
            && err.to_string().contains(
                "no platform key to verify responses and encrypt fields with, so nothing was sent"
            ),
        "{err}"
    );
}

/// Returns a client whose signer either cannot decrypt or returns the ciphertext.
pub fn signing_remotely(decrypts: bool) -> Client {
    let signer = Remote { decrypts };
    Client::builder().signer(signer).build().unwrap()
}

struct Remote {
    decrypts: bool,
}

impl Signer for Remote {
    type Error = std::io::Error;

    async fn sign(&self, _message: &[u8]) -> Result<Signature, Self::Error> {
        Err(std::io::Error::other("unreachable"))
    }

    async fn decrypt(&self, ciphertext: &[u8]) -> Result<Option<Vec<u8>>, Self::Error> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(self.decrypts.then(|| ciphertext.to_vec()))
    }
}

#[test]
fn remote_signer_decrypts_if_supported() {
    if programs::missing() {
        return;
    }
    let field = STANDARD.encode("echo");
    assert_eq!(signing_remotely(true).decrypt(&field).unwrap(), "echo");
    let err = signing_remotely(false).decrypt(&field).unwrap_err();
    assert!(err.to_string().contains("Signer::decrypt"), "{err}");
    let err = signing_remotely(true)
        .decrypt(&STANDARD.encode([0xff]))
        .unwrap_err();
    assert!(err.to_string().contains("(1 bytes) is not UTF-8"), "{err}");
}

/// Returns a server that refuses the first request for now, and a client that repeats it.
pub fn rate_limited_once() -> (Server, Client) {
    let server = Server::start(|request| match request.number {
        0 => MockResponse::signed(429, r#"{"code":"FREQUENCY_LIMITED","message":"later"}"#),
        _ => MockResponse::signed(200, "{}"),
    });
    let policy = RetryPolicy::default()
        .repeat_rate_limited_writes(true)
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    let client = builder()
        .base_uri(server.url())
        .retry(policy)
        .build()
        .unwrap();
    (server, client)
}

#[test]
fn repeated_attempt_keeps_ciphertext_and_serial() {
    if programs::missing() {
        return;
    }
    let (server, client) = rate_limited_once();
    let options = Options::new()
        .json(json!({ "name": "张三" }))
        .encrypt(["/name"]);
    client.chain("v3/x").post(&options).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    let authorization = |at: usize| requests[at].header("authorization");
    assert_ne!(authorization(0), authorization(1), "a new signature");
    for request in &requests {
        assert_eq!(request.header("wechatpay-serial"), Some(PLATFORM_ID));
    }
    // OAEP is randomized, so another call has a different ciphertext.
    client.chain("v3/x").post(&options).unwrap();
    assert_ne!(server.requests()[2].body, requests[0].body);
}
