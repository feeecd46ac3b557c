//! `encrypt_documented`: what it encrypts, what it leaves alone, and what is an error.

use serde_json::{Value, json};
use wechatpay_chain::{Client, Media, Method, Options, PreparedRequest, Result, Verifier};

use super::{OAEP, Opener, PKCS1, RECEIVERS};
use crate::{
    fixtures::{
        keys::{PLATFORM_ID, builder, platform},
        mode::runtime,
        programs,
        server::{MockResponse, Server},
    },
    requests::sensitive_fields::{decrypted, rate_limited_once, third},
};

/// Its table has sealed fields with PKCS#1 v1.5 padding.
const CUSTOMS: &str = "v3/customs/verify-certificate";
const APPLYMENT: &str = "v3/ecommerce/applyments/";
const REALNAME: &str = "v3/realname/verify";
const SECOND_ID: &str = "PUB_KEY_ID_0119000001092024000000000001";

fn client() -> Client {
    builder().build().unwrap()
}

/// A client that does it for every call.
fn by_default() -> Client {
    builder().encrypt_documented(true).build().unwrap()
}

fn post(client: &Client, path: &str, options: Options) -> Result<PreparedRequest> {
    client.chain(path).prepare(Method::POST, options)
}

fn sent(prepared: &PreparedRequest) -> Value {
    serde_json::from_slice(prepared.body()).unwrap()
}

fn receiver(name: impl Into<Value>) -> Options {
    let name: Value = name.into();
    Options::new().json(json!({
        "appid": "wx8888888888888888", "type": "MERCHANT_ID", "account": "1900000109",
        "name": name, "relation_type": "STORE",
    }))
}

#[track_caller]
fn assert_error(result: Result<PreparedRequest>, texts: &[&str]) {
    let err = result.unwrap_err();
    assert_eq!(err.outcome(), wechatpay_chain::Outcome::NotSent);
    for text in texts {
        assert!(err.to_string().contains(text), "{text:?} is not in: {err}");
    }
    let all = format!("{err} {err:?}");
    assert!(!all.contains("secret") && !all.contains("张三"), "{all}");
}

#[test]
fn absent_and_empty_values_are_left_alone() {
    for client in [client(), by_default()] {
        for json in [
            json!({}),
            json!({ "name": null }),
            json!({ "name": "" }),
            json!({ "unknown": "text", "appid": "wx8888888888888888" }),
        ] {
            let options = Options::new().json(&json).encrypt_documented();
            let prepared = post(&client, RECEIVERS, options).unwrap();
            assert_eq!(sent(&prepared).to_string(), json.to_string());
        }
        for json in [
            json!({ "id_card_info": null, "account_info": {}, "contact_info": "" }),
            json!({ "ubo_info_list": [], "id_card_info": { "id_card_name": null } }),
            json!({ "ubo_info_list": [null, {}, { "ubo_id_doc_name": "" }] }),
        ] {
            let options = Options::new().json(&json).encrypt_documented();
            let prepared = post(&client, APPLYMENT, options).unwrap();
            assert_eq!(sent(&prepared).to_string(), json.to_string());
        }
        let prepared = client
            .chain(RECEIVERS)
            .prepare(Method::POST, Options::new().encrypt_documented());
        assert!(prepared.unwrap().body().is_empty());
    }
}

#[test]
fn value_that_is_no_string_is_an_error_with_its_pointer() {
    let client = client();
    for (value, found) in [
        (json!(12345), "`/name` is a number: expected a string"),
        (json!(true), "`/name` is a boolean"),
        (json!(["secret"]), "`/name` is an array of 1 items"),
        (json!({ "x": "secret" }), "`/name` is an object of 1 keys"),
    ] {
        let options = receiver(value).encrypt_documented();
        assert_error(post(&client, RECEIVERS, options), &[found]);
    }
    // In place of an object, a text may contain anything.
    for (json, found) in [
        (
            json!({ "id_card_info": "{\"id_card_name\":\"secret\"}" }),
            "`/id_card_info` is a string of 25 bytes: expected an object",
        ),
        (
            json!({ "ubo_info_list": ["secret"] }),
            "`/ubo_info_list/0` is a string",
        ),
        (
            json!({ "ubo_info_list": [[{ "ubo_id_doc_name": "secret" }]] }),
            "`/ubo_info_list/0` is an array",
        ),
    ] {
        let options = Options::new().json(json).encrypt_documented();
        assert_error(post(&client, APPLYMENT, options), &[found]);
    }
    assert_error(
        post(
            &client,
            RECEIVERS,
            Options::new().json("secret").encrypt_documented(),
        ),
        &["is a string of 6 bytes: expected an object"],
    );
}

#[test]
fn misspelt_name_of_a_sealed_field_is_an_error() {
    let body = |name: &str| {
        let mut receiver = json!({ "type": "MERCHANT_ID", "account": "1900000109", "amount": 1 });
        receiver[name] = "张三".into();
        let json =
            json!({ "appid": "wx8888888888888888", "receivers": [{ "name": "李四" }, receiver] });
        Options::new().json(json).encrypt_documented()
    };
    let path = "v3/profitsharing/orders";
    for name in ["nmae", "Name", "names"] {
        let texts = [
            &*format!("`/receivers/1/{name}`"),
            "in clear text",
            "`name`",
        ];
        assert_error(post(&client(), path, body(name)), &texts);
    }
    // Neither a name of another meaning, nor one next to the right one.
    post(&client(), path, body("description")).unwrap();
    let both = Options::new()
        .json(json!({ "name": "张三", "nam": "x" }))
        .encrypt_documented();
    post(&client(), "v3/profitsharing/receivers/add", both).unwrap();
}

#[test]
fn list_in_place_of_an_object_is_encrypted_as_well() {
    let client = client();
    let json = json!({
        "id_card_info": [{ "id_card_name": "张三" }],
        "ubo_info_list": { "ubo_id_doc_name": "李四" },
    });
    let options = Options::new().json(json).encrypt_documented();
    let body = sent(&post(&client, APPLYMENT, options).unwrap());
    if programs::missing() {
        return;
    }
    let opener = Opener::new(platform());
    for (pointer, text) in [
        ("/id_card_info/0/id_card_name", "张三"),
        ("/ubo_info_list/ubo_id_doc_name", "李四"),
    ] {
        let field = body.pointer(pointer).unwrap();
        assert_eq!(opener.open(&OAEP, field), text);
    }
}

#[test]
fn too_long_value_is_an_error_with_pointer_length_and_maximum() {
    let client = client();
    let hanzi = |bytes: usize| "张".repeat(bytes / 3) + &"a".repeat(bytes % 3);
    for (fits, exceeds) in [(hanzi(214), hanzi(215)), ("z".repeat(214), "z".repeat(215))] {
        assert_eq!((fits.len(), exceeds.len()), (214, 215));
        post(&client, RECEIVERS, receiver(fits).encrypt_documented()).unwrap();
        let options = receiver(exceeds).encrypt_documented();
        let texts = [
            "`/name` cannot be encrypted",
            "215 bytes; expected at most 214 ",
        ];
        assert_error(post(&client, RECEIVERS, options), &texts);
    }
    // Fewer characters than bytes.
    let options = receiver("张".repeat(72)).encrypt_documented();
    assert_error(post(&client, RECEIVERS, options), &["216 bytes"]);

    let pkcs1 = |text: String| {
        let json = json!({ "certificate_id": "1", "certificate_name": text });
        post(
            &client,
            CUSTOMS,
            Options::new().json(json).encrypt_documented(),
        )
    };
    pkcs1(hanzi(245)).unwrap();
    let texts = [
        "`/certificate_name` cannot",
        "246 bytes; expected at most 245 ",
    ];
    assert_error(pkcs1(hanzi(246)), &texts);
}

#[test]
fn ciphertext_is_left_alone_only_if_it_is_named() {
    let client = client();
    let name = client.encrypt("张三").unwrap();
    let given = || receiver(name.as_str()).encrypt_documented();
    let serial = |options: Options| options.header("Wechatpay-Serial", PLATFORM_ID);
    assert_error(
        post(&client, RECEIVERS, given()),
        &["`/name` already is a ciphertext", "already_encrypted"],
    );
    assert_error(
        post(&client, RECEIVERS, given().already_encrypted(["/name"])),
        &["the header `Wechatpay-Serial` is missing"],
    );
    for client in [&client, &by_default()] {
        for pointer in ["/name", "/name?"] {
            let options = serial(given()).already_encrypted([pointer, "/none?"]);
            let prepared = post(client, RECEIVERS, options).unwrap();
            assert_eq!(sent(&prepared)["name"], name.as_str());
            assert_eq!(prepared.headers()["wechatpay-serial"], PLATFORM_ID);
        }
    }
    // Without `encrypt_documented` the check is the same.
    let bare = || receiver("secret").already_encrypted(["/name"]);
    assert_error(
        post(&client, RECEIVERS, bare()),
        &["the header `Wechatpay-Serial` is missing"],
    );
    for (options, text) in [
        (
            serial(bare()),
            "already_encrypted(): `/name` (6 bytes) is not a ciphertext of the key PUB_KEY_ID_",
        ),
        (
            serial(receiver("secret").encrypt_documented()).already_encrypted(["/name"]),
            "`/name` (6 bytes) is not a ciphertext",
        ),
        (
            serial(receiver("")).already_encrypted(["/name"]),
            "(0 bytes)",
        ),
        // As long as a ciphertext, but not base64.
        (
            serial(receiver("?".repeat(344))).already_encrypted(["/name"]),
            "(344 bytes) is not a ciphertext",
        ),
        (
            serial(given()).already_encrypted(["/nmae"]),
            "`/nmae` is not in the body",
        ),
        (
            serial(given()).already_encrypted(["name"]),
            "is not a JSON Pointer",
        ),
        (
            serial(given())
                .already_encrypted(["/name"])
                .encrypt(["/name"]),
            "`/name` is named by encrypt(…) as well",
        ),
        (
            Options::new().already_encrypted(["/name"]),
            "has neither a body nor a query",
        ),
        (
            given()
                .header("Wechatpay-Serial", SECOND_ID)
                .already_encrypted(["/name"]),
            "is not a trusted platform key",
        ),
    ] {
        assert_error(post(&client, RECEIVERS, options), &[text]);
    }
    // Nothing that is named is there, so no header is missing.
    for empty in [json!(null), json!("")] {
        let options = receiver(empty).encrypt_documented();
        post(&client, RECEIVERS, options.already_encrypted(["/name?"])).unwrap();
    }
}

#[test]
fn ciphertexts_and_texts_can_be_in_one_request() {
    if programs::missing() {
        return;
    }
    let client = client();
    let name = client.encrypt("张三").unwrap();
    let json = json!({ "ubo_info_list": [
        { "ubo_id_doc_name": name }, { "ubo_id_doc_name": "李四" },
    ]});
    let options = Options::new()
        .json(json)
        .encrypt_documented()
        .already_encrypted(["/ubo_info_list/0/ubo_id_doc_name"])
        .header("Wechatpay-Serial", name.serial());
    let body = sent(&post(&client, APPLYMENT, options).unwrap());
    let opener = Opener::new(platform());
    for (at, text) in ["张三", "李四"].into_iter().enumerate() {
        let field = &body["ubo_info_list"][at]["ubo_id_doc_name"];
        assert_eq!(opener.open(&OAEP, field), text);
    }
    assert_eq!(body["ubo_info_list"][0]["ubo_id_doc_name"], name.as_str());
}

#[test]
fn explicit_pointer_decides_the_padding() {
    if programs::missing() {
        return;
    }
    let opener = Opener::new(platform());
    for client in [client(), by_default()] {
        let options = receiver("张三").encrypt_documented();
        let body = sent(&post(&client, RECEIVERS, options.encrypt_pkcs1(["/name"])).unwrap());
        assert_eq!(opener.open(&PKCS1, &body["name"]), "张三");

        let json = json!({ "certificate_id": "440524", "certificate_name": "李四", "note": "x" });
        let options = Options::new()
            .json(json)
            .encrypt_documented()
            .encrypt(["/certificate_name", "/note"]);
        let prepared = post(&client, CUSTOMS, options).unwrap();
        let body = sent(&prepared);
        assert_eq!(opener.open(&PKCS1, &body["certificate_id"]), "440524");
        assert_eq!(opener.open(&OAEP, &body["certificate_name"]), "李四");
        assert_eq!(opener.open(&OAEP, &body["note"]), "x");
        assert_eq!(prepared.headers()["wechatpay-serial"], PLATFORM_ID);
    }
}

#[test]
fn undocumented_operation_is_an_error_only_if_the_call_asks() {
    let by_default = by_default();
    let json = json!({ "name": "secret" });
    let given = || Options::new().json(&json);
    for (path, nearest) in [
        ("v3/profitsharing/recievers/add", RECEIVERS),
        (
            "https://api.mch.weixin.qq.com/v3/profitsharing/recievers/add",
            RECEIVERS,
        ),
    ] {
        assert_error(
            post(&by_default, path, given().encrypt_documented()),
            &[
                "is not documented",
                &format!("nearest documented path is `{nearest}`"),
            ],
        );
        let prepared = post(&by_default, path, given()).unwrap();
        assert_eq!(sent(&prepared), json);
    }
    let put = by_default.chain(RECEIVERS);
    assert_error(
        put.prepare(Method::PUT, given().encrypt_documented()),
        &["the path is documented for POST"],
    );
    assert_eq!(sent(&put.prepare(Method::PUT, given()).unwrap()), json);
}

#[test]
fn operation_is_found_however_its_path_is_written() {
    if programs::missing() {
        return;
    }
    let opener = Opener::new(platform());
    let prefixed = builder()
        .base_uri("http://127.0.0.1:1/hk/")
        .build()
        .unwrap();
    let client = client();
    let given = || receiver("张三").encrypt_documented();
    let absolute = "https://api.mch.weixin.qq.com/v3/profitsharing/receivers/add";
    for prepared in [
        post(&client, absolute, given()),
        post(
            &client,
            "v3/{+rest}",
            given().var("rest", "profitsharing/receivers/add"),
        ),
        post(
            &client,
            "/v3/profitsharing/receivers/<verb>",
            given().var("verb", "add"),
        ),
        post(&prefixed, RECEIVERS, given()),
        post(
            &prefixed,
            "http://127.0.0.1:1/hk/v3/profitsharing/receivers/add",
            given(),
        ),
        post(
            &client,
            RECEIVERS,
            given().base_uri("https://apihk.mch.weixin.qq.com/x"),
        ),
        client
            .seg("v3")
            .seg("profitsharing")
            .seg("receivers")
            .seg("add")
            .prepare(Method::POST, given()),
    ] {
        let body = sent(&prepared.unwrap());
        assert_eq!(opener.open(&OAEP, &body["name"]), "张三");
    }
}

#[test]
fn sealed_field_that_is_sent_unchanged_is_an_error() {
    let client = client();
    let by_default = by_default();
    let get = |client: &Client, path: &str, options: Options| {
        client.chain(path).prepare(Method::GET, options)
    };
    let query = "encrypted_name=%E5%BC%A0%E4%B8%89&appid=wx";
    let body = r#"{"name":"secret","type":"MERCHANT_ID"}"#;
    for result in [
        get(&by_default, &format!("{REALNAME}?{query}"), Options::new()),
        get(&by_default, REALNAME, Options::new().query(query)),
        get(
            &client,
            REALNAME,
            Options::new().query(query).encrypt_documented(),
        ),
        get(
            &client,
            &format!("{REALNAME}{{?encrypted_name}}"),
            Options::new()
                .var("encrypted_name", "张三")
                .encrypt_documented(),
        ),
    ] {
        let texts = [
            "`/encrypted_name` is in a query that is given as text",
            "option `query`",
        ];
        assert_error(result, &texts);
    }
    for result in [
        post(&by_default, RECEIVERS, Options::new().body(body)),
        post(
            &client,
            RECEIVERS,
            Options::new().body(body).encrypt_documented(),
        ),
    ] {
        assert_error(
            result,
            &["`/name` is in the option `body`", "option `json`"],
        );
    }
    let opaque = || Options::new().body("secret");
    assert_error(
        post(&client, RECEIVERS, opaque().encrypt_documented()),
        &["the option `body` is sent unchanged"],
    );
    post(&by_default, RECEIVERS, opaque()).unwrap();
    // What is encrypted already may be sent in any form.
    let name = client.encrypt("张三").unwrap();
    let body = json!({ "name": name }).to_string();
    let options = Options::new()
        .body(body.clone())
        .encrypt_documented()
        .already_encrypted(["/name"])
        .header("Wechatpay-Serial", name.serial());
    assert_eq!(
        post(&client, RECEIVERS, options).unwrap().body(),
        body.as_bytes()
    );
    // Empty parameters, and those that are not sealed, are no reason.
    get(
        &by_default,
        &format!("{REALNAME}?encrypted_name=&appid=wx"),
        Options::new(),
    )
    .unwrap();
}

#[test]
fn upload_encrypts_its_meta() {
    if programs::missing() {
        return;
    }
    let contact = json!({ "consultation_phone_number": "13800000000" });
    let media = Media::from_bytes("a.png", "…").meta_field("merchant_contact_information", contact);
    let path = "v3/marketing/shopping-receipt/shoppingreceipts";
    let plain = post(&client(), path, Options::new().media(media.clone())).unwrap();
    let prepared = post(&by_default(), path, Options::new().media(media)).unwrap();
    let (mut meta, expected) = (sent(&prepared), sent(&plain));
    let field = &mut meta["merchant_contact_information"]["consultation_phone_number"];
    *field = Opener::new(platform()).open(&OAEP, field).into();
    assert_eq!(meta.to_string(), expected.to_string());
    assert!(expected["sha256"].is_string() && expected["filename"] == "a.png");
}

#[test]
fn given_serial_selects_the_key_of_all_fields() {
    if programs::missing() {
        return;
    }
    let client = builder()
        .platform_key(SECOND_ID, third().public())
        .build()
        .unwrap();
    let json = json!({ "certificate_id": "440524", "certificate_name": "李四", "note": "x" });
    let options = Options::new()
        .json(json)
        .encrypt_documented()
        .encrypt(["/note"])
        .header("Wechatpay-Serial", SECOND_ID);
    let prepared = post(&client, CUSTOMS, options).unwrap();
    assert_eq!(prepared.headers()["wechatpay-serial"], SECOND_ID);
    let body = sent(&prepared);
    let opener = Opener::new(third());
    assert_eq!(opener.open(&PKCS1, &body["certificate_id"]), "440524");
    assert_eq!(opener.open(&PKCS1, &body["certificate_name"]), "李四");
    assert_eq!(opener.open(&OAEP, &body["note"]), "x");
}

/// `mmpaysptrans/pay_bank` encrypts with a key of its own, not with a platform key.
#[test]
fn apiv2_operation_can_have_a_key_of_its_own() {
    if programs::missing() {
        return;
    }
    let path = "v2/mmpaysptrans/pay_bank";
    let given = || {
        Options::new()
            .xml(json!({ "mch_id": "1900000109", "enc_bank_no": "6225", "enc_true_name": "张三" }))
            .encrypt_documented()
    };
    // In a client of its own the key needs no further mention.
    let own = Client::builder()
        .mchid("1900000109")
        .apiv2_key("0123456789abcdef0123456789abcdef")
        .platform_key(SECOND_ID, third().public())
        .build()
        .unwrap();
    // Next to the platform key it is named.
    let both = builder().build().unwrap();
    both.add_platform_key(SECOND_ID, third().public()).unwrap();
    for prepared in [
        post(&own, path, given()),
        post(&both, path, given().header("Wechatpay-Serial", SECOND_ID)),
    ] {
        let prepared = prepared.unwrap();
        let body = std::str::from_utf8(prepared.body()).unwrap();
        let document = roxmltree::Document::parse(body).unwrap();
        for (name, text) in [("enc_bank_no", "6225"), ("enc_true_name", "张三")] {
            let field = document.descendants().find(|node| node.has_tag_name(name));
            let field = field.unwrap().text().unwrap();
            assert_eq!(decrypted(third(), &OAEP, field), text);
        }
        assert_eq!(prepared.headers()["wechatpay-serial"], SECOND_ID);
    }
}

#[test]
fn client_without_a_key_is_an_error_only_if_a_field_is_sealed() {
    let client = Client::builder()
        .mchid("1900000109")
        .serial("3775B6A45ACD588826D15E583A95F5DD0000FACE")
        .private_key(crate::fixtures::keys::merchant().private())
        .encrypt_documented(true)
        .build()
        .unwrap();
    let err = post(&client, RECEIVERS, receiver("secret")).unwrap_err();
    assert!(err.is_config(), "{err:?}");
    assert!(err.to_string().contains("no platform key"), "{err}");
    assert!(!format!("{err:?}").contains("secret"));
    for options in [receiver(""), receiver(json!(null)), Options::new()] {
        post(&client, RECEIVERS, options.encrypt_documented()).unwrap();
    }
}

/// A verifier without keys to encrypt with.
struct Keyless;

impl Verifier for Keyless {
    type Error = std::io::Error;

    async fn verify(&self, _: &str, _: &[u8], _: &[u8]) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

#[test]
fn verifier_without_an_encryption_key_is_an_error() {
    let client = Client::builder()
        .mchid("1900000109")
        .serial("3775B6A45ACD588826D15E583A95F5DD0000FACE")
        .private_key(crate::fixtures::keys::merchant().private())
        .verifier(Keyless)
        .build()
        .unwrap();
    let options = receiver("secret").encrypt_documented();
    assert_error(
        post(&client, RECEIVERS, options),
        &["the verifier has no encryption key"],
    );
}

#[test]
fn key_that_rotates_after_the_encryption_does_not_mismatch() {
    if programs::missing() {
        return;
    }
    let server = Server::start(|_| MockResponse::signed(200, "{}"));
    let rotating = || {
        Client::builder()
            .mchid("1900000109")
            .serial("3775B6A45ACD588826D15E583A95F5DD0000FACE")
            .private_key(crate::fixtures::keys::merchant().private())
            .platform_key(SECOND_ID, third().public())
            .encrypt_documented(true)
            .base_uri(server.url())
            .no_proxy()
            .build()
            .unwrap()
    };
    let rotate = |client: &Client| {
        client
            .add_platform_key(PLATFORM_ID, platform().public())
            .unwrap();
        assert!(client.remove_platform_key(SECOND_ID));
    };
    let client = rotating();
    // The verb encrypts; what follows only signs and sends.
    let call = client.chain(RECEIVERS).post_async(receiver("张三"));
    rotate(&client);
    runtime().block_on(call).unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.header("wechatpay-serial"), Some(SECOND_ID));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(Opener::new(third()).open(&OAEP, &body["name"]), "张三");
    // The next call has the new key.
    client.chain(RECEIVERS).post(receiver("李四")).unwrap();
    let request = &server.requests()[1];
    assert_eq!(request.header("wechatpay-serial"), Some(PLATFORM_ID));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(Opener::new(platform()).open(&OAEP, &body["name"]), "李四");
}

#[test]
fn repeated_attempt_keeps_ciphertext_and_serial() {
    if programs::missing() {
        return;
    }
    let (server, client) = rate_limited_once();
    let options = receiver("张三").encrypt_documented();
    client.chain(RECEIVERS).post(&options).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    for request in &requests {
        assert_eq!(request.header("wechatpay-serial"), Some(PLATFORM_ID));
    }
    let body: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(Opener::new(platform()).open(&OAEP, &body["name"]), "张三");
}
