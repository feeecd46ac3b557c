//! Measures what happens before a request is sent: paths, options and signatures. Run it with
//! `cargo bench --bench chain`.

use divan::{Bencher, black_box};
use http::Method;
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use wechatpay_chain::{Client, PrivateKey, Signature, Signer};

fn main() {
    divan::main();
}

/// A signer without any work, to measure everything but the signature.
struct NoopSigner;

impl Signer for NoopSigner {
    type Error = std::io::Error;

    async fn sign(&self, _message: &[u8]) -> Result<Signature, Self::Error> {
        Ok(Signature::new(
            "3775B6A45ACD588826D15E583A95F5DD0000FACE",
            vec![0; 256],
        ))
    }
}

fn without_signature() -> Client {
    Client::builder()
        .mchid("1900000109")
        .signer(NoopSigner)
        .no_proxy()
        .build()
        .expect("a client")
}

fn with_signature() -> Client {
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let key = rsa::PrivateKey::new(&mut random, 2048).expect("a key");
    let der = key.to_pkcs8_der().expect("DER");
    Client::builder()
        .mchid("1900000109")
        .serial("3775B6A45ACD588826D15E583A95F5DD0000FACE")
        .private_key(PrivateKey::from_der(der.as_bytes()).expect("a key"))
        .no_proxy()
        .build()
        .expect("a client")
}

fn options() -> Value {
    json!({
        "out_order_no": "1234323JKHDFE1243252",
        "json": {
            "appid": "wxd678efh567hg6787", "service_id": "500001",
            "type": "Order_Paid", "detail": { "paid_time": "20091225091210" },
        },
    })
}

#[divan::bench]
fn five_segments(bencher: Bencher) {
    let client = without_signature();
    bencher.bench_local(|| {
        client
            .seg("v3")
            .seg("payscore")
            .seg("serviceorder")
            .seg("_out_order_no_")
            .seg("sync")
    });
}

#[divan::bench]
fn one_path(bencher: Bencher) {
    let client = without_signature();
    bencher.bench_local(|| client.chain(black_box("v3/payscore/serviceorder/{out_order_no}/sync")));
}

#[divan::bench(args = [0, 1000])]
fn literal_index(bencher: Bencher, siblings: usize) {
    let client = without_signature();
    for n in 0..siblings {
        let _ = &client[format!("v3/sibling/{n}").leak()];
    }
    let _ = &client["v3/payscore/serviceorder/{out_order_no}/sync"];
    bencher.bench_local(|| {
        black_box(&client["v3/payscore/serviceorder/{out_order_no}/sync"]);
    });
}

/// Drafts the request only: the future is created and dropped, so nothing is signed.
#[divan::bench]
fn options_to_unsigned_request(bencher: Bencher) {
    let client = without_signature();
    let options = options();
    bencher.bench_local(|| {
        client
            .chain("v3/payscore/serviceorder/{out_order_no}/sync")
            .post_async(&options)
    });
}

/// Includes the headers, the nonce and the message to sign, but not the signature.
#[divan::bench]
fn options_to_request_without_signature(bencher: Bencher) {
    let client = without_signature();
    let options = options();
    bencher.bench_local(|| {
        client
            .chain("v3/payscore/serviceorder/{out_order_no}/sync")
            .prepare(Method::POST, &options)
            .expect("a request")
    });
}

#[divan::bench(args = ["{id}", "{+id}", "v3/a{/id}/b{?id,id}", "v3/x/{id:3}/y/{id}"])]
fn template(bencher: Bencher, template: &str) {
    let client = without_signature();
    let options = json!({ "id": "1217752501201407033233368018" });
    bencher.bench_local(|| client.chain(template).get_async(&options));
}

#[divan::bench]
fn options_to_signed_request(bencher: Bencher) {
    let client = with_signature();
    let options = options();
    bencher.bench_local(|| {
        client
            .chain("v3/payscore/serviceorder/{out_order_no}/sync")
            .prepare(Method::POST, &options)
            .expect("a request")
    });
}

/// The signature alone, for comparison.
#[divan::bench]
fn bare_signature(bencher: Bencher) {
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let key = rsa::PrivateKey::new(&mut random, 2048).expect("a key");
    let der = key.to_pkcs8_der().expect("DER");
    let key = ring::signature::RsaKeyPair::from_pkcs8(der.as_bytes()).expect("a key");
    let random = ring::rand::SystemRandom::new();
    let mut signature = vec![0; key.public().modulus_len()];
    let message = [b'm'; 200];
    bencher.bench_local(|| {
        key.sign(
            &ring::signature::RSA_PKCS1_SHA256,
            &random,
            &message,
            &mut signature,
        )
    });
}
