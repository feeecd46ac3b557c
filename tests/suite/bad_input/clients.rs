//! Clients that `build` or the first verb refuses.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use wechatpay_chain::{
    Certificate, Client, ClientBuilder, Error, Signature, Signer, Transport, Verifier,
};

use super::{Case, call_of, value};
use crate::fixtures::keys::{self, Pair};

fn refused(builder: ClientBuilder) -> Error {
    builder.build().expect_err("an error")
}

fn empty_builder() -> ClientBuilder {
    Client::builder().no_proxy()
}

/// A certificate for this pair that is valid until the end of a year.
fn certificate(pair: &Pair, year: i32) -> Certificate {
    let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
    let key = KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).expect("a key");
    let mut params = CertificateParams::new(vec!["x".into()]).expect("a name");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    let der = params.self_signed(&key).expect("a certificate");
    Certificate::from_der(der.der()).expect("a certificate")
}

/// A signer and verifier that always fails.
struct Failing;

impl Signer for Failing {
    type Error = std::io::Error;

    async fn sign(&self, _: &[u8]) -> Result<Signature, Self::Error> {
        Err(std::io::Error::other("unavailable"))
    }
}

impl Verifier for Failing {
    type Error = std::io::Error;

    async fn verify(&self, _: &str, _: &[u8], _: &[u8]) -> Result<bool, Self::Error> {
        Err(std::io::Error::other("unavailable"))
    }
}

fn config(name: &'static str, text: &'static str, build: fn() -> ClientBuilder) -> Case {
    value(name, &["config"], text, move || refused(build()))
}

pub fn cases() -> Vec<Case> {
    let mut cases = merchants();
    cases.extend(addresses());
    cases.extend(platform_keys());
    cases.extend(calls());
    cases
}

fn merchants() -> Vec<Case> {
    vec![
        config(
            "no mchid",
            "invalid mchid \"\": expected digits only",
            || keys::builder().mchid(""),
        ),
        config(
            "mchid with a dash",
            "invalid mchid \"1900-000109\": expected digits only",
            || keys::builder().mchid("1900-000109"),
        ),
        config(
            "mchid with a quote",
            "invalid mchid \"1\\\",serial_no=\\\"2\": expected digits only",
            || keys::builder().mchid("1\",serial_no=\"2"),
        ),
        config(
            "mchid with a line break",
            "invalid mchid \"1900000109\\\\n\": expected digits only",
            || keys::builder().mchid("1900000109\n"),
        ),
        config(
            "brand_id in letters",
            "invalid brand_id \"brand\": expected digits only",
            || keys::builder().brand_id("brand"),
        ),
        config(
            "no serial",
            "invalid serial \"\": it is empty; give the certificate's serial (openssl x509 -noout -serial -in apiclient_cert.pem)",
            || keys::builder().serial(""),
        ),
        config(
            "a serial with colons",
            "invalid serial \"37:75:B6\": expected hexadecimal digits; write \"3775B6\"",
            || keys::builder().serial("37:75:B6"),
        ),
        config(
            "a serial with a quote",
            "invalid serial \"37\\\"\": expected hexadecimal digits; give the certificate's serial in hexadecimal (openssl x509",
            || keys::builder().serial("37\""),
        ),
        config(
            "a serial without its key",
            "`serial` is set without `private_key`: set both",
            || empty_builder().serial(keys::SERIAL),
        ),
        config(
            "a key without its serial",
            "`private_key` is set without the `serial` of its certificate: set both (openssl x509",
            || empty_builder().private_key(keys::merchant().private()),
        ),
        config(
            "a signer and a key",
            "`signer` replaces `serial` and `private_key`: set either the signer or those two",
            || keys::builder().signer(Failing),
        ),
        config(
            "an APIv3 key of 31 bytes",
            "invalid apiv3_key: it is 31 bytes long; expected the 32 letters and digits set in the merchant platform (not the APIv2 key)",
            || keys::builder().apiv3_key("fedcba9876543210fedcba987654321"),
        ),
        config(
            "no APIv2 key",
            "invalid apiv2_key: it is empty; expected the 32 letters and digits set in the merchant platform",
            || keys::builder().apiv2_key(""),
        ),
        config(
            "a line break in the User-Agent",
            "invalid user_agent: expected visible characters, found none or a control character",
            || keys::builder().user_agent("shop\r\nHost: evil"),
        ),
        config(
            "no User-Agent",
            "invalid user_agent: expected visible characters, found none or a control character",
            || keys::builder().user_agent(""),
        ),
        config(
            "a response limit of 0",
            "invalid max_response 0: expected at least 1 byte",
            || keys::builder().max_response(0),
        ),
        value(
            "a rotation to an invalid serial",
            &["config"],
            "rotate_key: invalid serial \"a b\": expected hexadecimal digits; write \"AB\"",
            || {
                let client = keys::builder().build().unwrap();
                client
                    .rotate_key("a b", keys::platform().private())
                    .unwrap_err()
            },
        ),
        value(
            "a rotation of a signer's key",
            &["config"],
            "rotate_key: this client signs with a `signer`, which rotates its own keys",
            || {
                let client = empty_builder().signer(Failing).build().unwrap();
                client
                    .rotate_key(keys::SERIAL, keys::merchant().private())
                    .unwrap_err()
            },
        ),
        value(
            "a rotation without a key",
            &["config"],
            "missing merchant key, which signs APIv3 requests: set `serial` and `private_key`",
            || {
                let client = empty_builder().build().unwrap();
                client
                    .rotate_key(keys::SERIAL, keys::merchant().private())
                    .unwrap_err()
            },
        ),
    ]
}

fn addresses() -> Vec<Case> {
    vec![
        config(
            "base_uri without a scheme",
            "base_uri: the URL `api.mch.weixin.qq.com` has no scheme: write https://host/path",
            || keys::builder().base_uri("api.mch.weixin.qq.com"),
        ),
        config(
            "base_uri of another scheme",
            "base_uri: the URL `ftp://api.mch.weixin.qq.com` has an unsupported scheme: expected https or http",
            || keys::builder().base_uri("ftp://api.mch.weixin.qq.com/"),
        ),
        config(
            "base_uri with a query",
            "has a query or a fragment: remove it",
            || keys::builder().base_uri("https://api.mch.weixin.qq.com/?a=b"),
        ),
        config(
            "base_uri with user info",
            "a URL with user info (`user@host`) is not allowed: remove the user info",
            || keys::builder().base_uri("https://user:hunter2@api.mch.weixin.qq.com/"),
        ),
        config(
            "base_uri with a port of 0",
            "has an invalid port: expected a number from 1 to 65535",
            || keys::builder().base_uri("https://127.0.0.1:0/"),
        ),
        config(
            "base_uri with a large port",
            "has an invalid port: expected a number from 1 to 65535",
            || keys::builder().base_uri("https://127.0.0.1:65536/"),
        ),
        config(
            "base_uri with `..`",
            "has the segment `..`, which would lead to a different path",
            || keys::builder().base_uri("https://127.0.0.1/hk/../x/"),
        ),
        config(
            "base_uri without a host",
            "has an invalid host: expected a domain name or an IP address",
            || keys::builder().base_uri("https:///v3"),
        ),
        config(
            "a URL as a trusted host",
            "trust_host(\"https://gateway.internal\"): expected a host name or address, optionally with a port and without a scheme",
            || keys::builder().trust_host("https://gateway.internal"),
        ),
        config(
            "a proxy of another scheme",
            "invalid proxy URL: expected the scheme http, https, socks5 or socks5h",
            || builder_with_proxy("ftp://user:hunter2@127.0.0.1:1"),
        ),
        config(
            "a proxy with a path",
            "invalid proxy URL: it must not have a path or a query",
            || builder_with_proxy("http://user:hunter2@127.0.0.1:1/x"),
        ),
        config("a proxy without a host", "invalid proxy URL", || {
            builder_with_proxy("http://user:hunter2@:1")
        }),
        config(
            "proxy and no_proxy",
            "`proxy` and `no_proxy` exclude each other: set one",
            || keys::builder().proxy("http://127.0.0.1:1"),
        ),
        config(
            "a transport and a proxy",
            "`transport` has its own proxy setting: set the proxy on Transport::builder()",
            || {
                let transport = Transport::builder().no_proxy().build().unwrap();
                builder_with_proxy("http://127.0.0.1:1").transport(transport)
            },
        ),
    ]
}

fn builder_with_proxy(uri: &str) -> ClientBuilder {
    Client::builder().proxy(uri)
}

fn platform_keys() -> Vec<Case> {
    vec![
        config(
            "a platform key without its id",
            "invalid platform key ID \"\": expected the ID from the merchant platform, with its prefix `PUB_KEY_ID_`",
            || keys::builder().platform_key("", keys::platform().public()),
        ),
        config(
            "a platform key ID with a line break",
            "invalid platform key ID \"PUB\\\\nKEY\": expected the ID from the merchant platform",
            || keys::builder().platform_key("PUB\nKEY", keys::platform().public()),
        ),
        config(
            "two keys with one ID",
            "two different platform keys have the ID PUB_KEY_ID_0119000001092024000000000000: one of them is not WeChat Pay's",
            || {
                let other = Pair::generate();
                keys::builder().platform_key(keys::PLATFORM_ID, other.public())
            },
        ),
        config(
            "the merchant's own key as the platform's",
            "the platform key PUB_KEY_ID_1 is the merchant's own key: give WeChat Pay's public key (pub_key.pem) or platform certificate, not apiclient_cert.pem",
            || keys::builder().platform_key("PUB_KEY_ID_1", keys::merchant().public()),
        ),
        config(
            "the merchant's own certificate as the platform's",
            "is the merchant's own key: give WeChat Pay's public key",
            || keys::builder().platform_certificate(certificate(keys::merchant(), 2099)),
        ),
        config(
            "the merchant's own serial, in lower case",
            "the platform key 3775b6a45acd588826d15e583a95f5dd0000face is the merchant's own key",
            || keys::builder().platform_key(keys::SERIAL.to_lowercase(), keys::platform().public()),
        ),
        config(
            "an expired platform certificate",
            "expired on 2023-12-31: download the current one",
            || keys::builder().platform_certificate(certificate(keys::platform(), 2023)),
        ),
        config(
            "a verifier and keys",
            "a `verifier` replaces platform keys and certificates: give either the verifier or the keys",
            || keys::builder().verifier(Failing),
        ),
        config(
            "a sandbox's platform key in production",
            "PUB_KEY_ID_SANDBOX_1 is a sandbox's, and https://api.mch.weixin.qq.com is not one: a sandbox's keys must not be used in production",
            || keys::builder().platform_key("PUB_KEY_ID_SANDBOX_1", keys::platform().public()),
        ),
        config(
            "a sandbox's serial in production",
            "53414E44424F5801 is a sandbox's, and https://api2.mch.weixin.qq.com is not one",
            || {
                keys::builder()
                    .serial("53414E44424F5801")
                    .base_uri("https://api2.mch.weixin.qq.com/")
            },
        ),
    ]
}

/// Clients that build but cannot make an APIv3 call.
fn calls() -> Vec<Case> {
    let signing = || {
        empty_builder()
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .platform_key(keys::PLATFORM_ID, keys::platform().public())
    };
    vec![
        call_of(
            "a call without mchid",
            &["config"],
            "POST v3/x: missing `mchid`, which signs requests to `v3/x`: set it on the client builder",
            false,
            move |server| {
                signing()
                    .base_uri(server.url())
                    .build()
                    .unwrap()
                    .chain("v3/x")
            },
        ),
        call_of(
            "a brand's call without brand_id",
            &["config"],
            "missing `brand_id`, which signs requests to `brand/x`",
            false,
            |server| {
                keys::builder()
                    .base_uri(server.url())
                    .build()
                    .unwrap()
                    .chain("brand/x")
            },
        ),
        call_of(
            "a call without a key",
            &["config"],
            "missing merchant key, which signs APIv3 requests: set `serial` and `private_key`, or a `signer`, on the client builder",
            false,
            |server| {
                let client = empty_builder()
                    .mchid(keys::MCHID)
                    .platform_key(keys::PLATFORM_ID, keys::platform().public());
                client.base_uri(server.url()).build().unwrap().chain("v3/x")
            },
        ),
        call_of(
            "a call whose response cannot be verified",
            &["config"],
            "no platform key to verify responses and encrypt fields with, so nothing was sent: set an `apiv3_key`, with which certificates are downloaded, or a `platform_key` (the WeChat Pay public key and its ID, from the merchant platform), a `platform_certificate` or a `verifier` on the client builder",
            true,
            |server| {
                let client = empty_builder().mchid(keys::MCHID).serial(keys::SERIAL);
                let client = client.private_key(keys::merchant().private());
                client.base_uri(server.url()).build().unwrap().chain("v3/x")
            },
        ),
        call_of(
            "a call whose signer fails",
            &["signing"],
            "POST v3/x: the signer failed",
            false,
            |server| {
                let client = empty_builder().mchid(keys::MCHID).signer(Failing);
                let client = client.platform_key(keys::PLATFORM_ID, keys::platform().public());
                client.base_uri(server.url()).build().unwrap().chain("v3/x")
            },
        ),
    ]
}
