//! `wxpay encrypt`, `decrypt`, `sign` and `params`, compared with openssl.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use wechatpay_chain::sandbox::{PlatformMode, Sandbox};

use crate::program::Program;

/// Runs openssl in a folder, and returns what it prints.
pub(crate) fn openssl(folder: &Path, arguments: &str) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {err}");
    output.stdout
}

/// Writes base64 as bytes.
fn decode(folder: &Path, base64: &str, name: &str) {
    fs::write(folder.join("base64"), base64.trim()).unwrap();
    openssl(folder, &format!("base64 -d -A -in base64 -out {name}"));
}

/// A program whose keys openssl made.
pub(crate) fn with_openssl_keys() -> Program {
    let program = Program::new();
    let home = program.home().to_owned();
    for name in ["merchant", "platform"] {
        openssl(&home, &format!("genrsa -out {name}.pem 2048"));
        openssl(
            &home,
            &format!("pkey -in {name}.pem -pubout -out {name}.pub.pem"),
        );
    }
    program
        .env("WXPAY_MCHID", "1900000109")
        .env("WXPAY_SERIAL", "3775B6A45ACD588826D15E583A95F5DD00000000")
        .env("WXPAY_PRIVATE_KEY", "merchant.pem")
        .env(
            "WXPAY_PUB_KEY_ID",
            "PUB_KEY_ID_0119000001092024000000000000",
        )
        .env("WXPAY_PUB_KEY", "platform.pub.pem")
}

#[test]
fn openssl_decrypts_what_is_encrypted() {
    let program = with_openssl_keys();
    for (flags, padding) in [(&[][..], "oaep"), (&["--pkcs1"], "pkcs1")] {
        let run = program.run_with_input(&[&["encrypt", "-"], flags].concat(), "张三\n");
        assert_eq!(
            run.stderr,
            "Wechatpay-Serial: PUB_KEY_ID_0119000001092024000000000000\n"
        );
        decode(program.home(), &run.ok(), "field");
        let text = openssl(
            program.home(),
            &format!(
                "pkeyutl -decrypt -inkey platform.pem -in field -pkeyopt rsa_padding_mode:{padding}"
            ),
        );
        assert_eq!(String::from_utf8(text).unwrap(), "张三");
    }
    let run = program.run(&["encrypt", "张三", "--json"]);
    assert!(run.json()["ciphertext"].as_str().unwrap().len() > 300);
    let run = program.in_chinese().run(&["encrypt", "张三"]);
    assert!(
        run.stderr.contains("建议使用 `wxpay encrypt -`"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_openssl_encrypts_is_decrypted() {
    let program = with_openssl_keys();
    let home = program.home();
    fs::write(home.join("text"), "李四").unwrap();
    for (flags, padding) in [(&[][..], "oaep"), (&["--pkcs1"], "pkcs1")] {
        openssl(
            home,
            &format!(
                "pkeyutl -encrypt -pubin -inkey merchant.pub.pem -in text -out field -pkeyopt rsa_padding_mode:{padding}"
            ),
        );
        // In lines of 64 characters, as `openssl base64` writes it.
        let field = String::from_utf8(openssl(home, "base64 -in field")).unwrap();
        let run = program.run_with_input(&[&["decrypt", "-"], flags].concat(), &field);
        assert_eq!(run.ok(), "李四\n");
        let run = program.run(&[&["decrypt", "--json", field.trim()], flags].concat());
        assert_eq!(run.json()["text"], "李四");
    }
    let err = program.run(&["decrypt", "AAAA"]).failed(1);
    assert!(
        err.contains("3775B6A45ACD588826D15E583A95F5DD00000000"),
        "{err}"
    );
}

#[test]
fn openssl_verifies_a_signed_message() {
    let program = with_openssl_keys();
    let home = program.home();
    let message = "GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AF\n\n";
    fs::write(home.join("message"), message).unwrap();
    let from_input = program.run_with_input(&["sign"], message).ok();
    let from_file = program.run(&["sign", "message"]).ok();
    assert_eq!(from_input, from_file);
    decode(home, &from_file, "signature");
    openssl(
        home,
        "dgst -sha256 -verify merchant.pub.pem -signature signature message",
    );
}

#[test]
fn openssl_verifies_an_authorization_header() {
    let program = with_openssl_keys();
    let home = program.home();
    fs::write(home.join("body"), "{\"a\": 1}\n").unwrap();
    let get = [
        "--url",
        "https://api.mch.weixin.qq.com/v3/a%20b/{c}?d={e}&f=%E8%8C%B6",
    ];
    let post = ["--url", "v3/pay/transactions/native", "--body", "body"];
    for (arguments, begin, body) in [
        (&get[..], "GET\n/v3/a%20b/", ""),
        (&post, "POST\n/v3/pay/transactions/native\n", "{\"a\": 1}\n"),
    ] {
        let run = program.run(&[&["sign"], arguments].concat());
        // Braces are no part of a URL.
        assert_eq!(run.stderr.contains("send exactly that"), body.is_empty());
        let header = run.ok();
        let value = |name: &str| {
            let rest = header.split_once(&format!("{name}=\"")).unwrap().1;
            rest.split_once('"').unwrap().0.to_owned()
        };
        assert!(
            header.starts_with("Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\",")
        );
        let url = program
            .run(&[&["--json", "sign"], arguments].concat())
            .json();
        let url = url["url"].as_str().unwrap();
        let path = url.strip_prefix("https://api.mch.weixin.qq.com").unwrap();
        let method = begin.split('\n').next().unwrap();
        let (timestamp, nonce) = (value("timestamp"), value("nonce_str"));
        let message = format!("{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n");
        assert!(message.starts_with(begin), "{message}");
        fs::write(home.join("message"), message).unwrap();
        decode(home, &value("signature"), "signature");
        openssl(
            home,
            "dgst -sha256 -verify merchant.pub.pem -signature signature message",
        );
    }
}

#[test]
fn request_of_apiv2_has_no_header_to_sign() {
    let err = with_openssl_keys()
        .run(&["sign", "--url", "/v2/pay/orderquery"])
        .failed(2);
    assert!(err.contains("signed in its body"), "{err}");
}

#[test]
fn openssl_verifies_the_parameters_of_a_payment() {
    let program = with_openssl_keys().env("WXPAY_APPID", "wx8888888888888888");
    let home = program.home();
    let params = program
        .run(&["--json", "params", "mini-program", "wx2014"])
        .json();
    let value = |name: &str| params[name].as_str().unwrap();
    assert_eq!(value("package"), "prepay_id=wx2014");
    let message = format!(
        "wx8888888888888888\n{}\n{}\nprepay_id=wx2014\n",
        value("timeStamp"),
        value("nonceStr")
    );
    fs::write(home.join("message"), message).unwrap();
    decode(home, value("paySign"), "signature");
    openssl(
        home,
        "dgst -sha256 -verify merchant.pub.pem -signature signature message",
    );

    let key = "0123456789abcdef0123456789abcdef";
    let program = program.env("WXPAY_APIV2_KEY", key);
    let params = program.run(&[
        "--json",
        "params",
        "app",
        "wx2014",
        "--v2",
        "--partnerid",
        "1900000110",
    ]);
    let params = params.json();
    let value = |name: &str| params[name].as_str().unwrap();
    assert_eq!(value("partnerid"), "1900000110");
    let message = format!(
        "appid=wx8888888888888888&noncestr={}&package=Sign=WXPay&partnerid=1900000110&prepayid=wx2014&timestamp={}&key={key}",
        value("noncestr"),
        value("timestamp"),
    );
    fs::write(program.home().join("message"), message).unwrap();
    let digest = String::from_utf8(openssl(program.home(), "dgst -md5 -r message")).unwrap();
    assert_eq!(
        value("sign").to_lowercase(),
        digest.split(' ').next().unwrap()
    );

    let err = program
        .without("WXPAY_APPID")
        .run(&["params", "jsapi", "wx2014"])
        .failed(3);
    assert!(err.contains("no `appid`"), "{err}");
}

#[test]
fn resource_is_decrypted_without_its_headers() {
    // Nobody listens there: what was sent counts.
    let sandbox = Sandbox::builder()
        .notify_url("TRANSACTION.SUCCESS", "http://127.0.0.1:1/")
        .start()
        .unwrap();
    let delivery = sandbox
        .notify(
            "TRANSACTION.SUCCESS",
            serde_json::json!({ "out_trade_no": "tea-0001" }),
        )
        .unwrap();
    let program = Program::with(&sandbox);
    fs::write(program.home().join("notification.json"), delivery.body()).unwrap();
    let run = program.run(&["--json", "decrypt", "--resource", "notification.json"]);
    assert_eq!(run.json()["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(run.json()["resource"]["out_trade_no"], "tea-0001");

    let body = std::str::from_utf8(delivery.body()).unwrap();
    let body: serde_json::Value = body.parse().unwrap();
    let resource = body["resource"].to_string();
    let run = program.run_with_input(&["decrypt", "--resource", "-"], &resource);
    assert!(run.stderr.contains("was not verified"), "{}", run.stderr);
    assert!(run.ok().contains("\"out_trade_no\": \"tea-0001\""));

    let program = program.env("WXPAY_APIV3_KEY", &"0".repeat(32));
    program
        .run(&["decrypt", "--resource", "notification.json"])
        .failed(1);
    program
        .run_with_input(&["decrypt", "--resource", "-"], "no")
        .failed(2);
}

#[test]
fn certificate_of_the_list_is_decrypted() {
    let sandbox = Sandbox::builder()
        .platform_mode(PlatformMode::Certificate)
        .start()
        .unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let list: serde_json::Value = client
        .chain("v3/certificates")
        .get(serde_json::json!({}))
        .unwrap()
        .json()
        .unwrap();
    let program = Program::new().env("WXPAY_APIV3_KEY", sandbox.apiv3_key());
    let run = program.run_with_input(
        &["decrypt", "--resource", "-"],
        &list["data"][0].to_string(),
    );
    let certificates = sandbox.merchant().platform_certificates();
    assert!(
        certificates
            .iter()
            .any(|known| run.stdout.trim() == known.to_pem().trim())
    );
}
