//! Notifications encrypted and signed by node.

use std::time::{SystemTime, UNIX_EPOCH};

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::{Value, json};
use wechatpay_chain::{Error, Notification, Notifications, Result};

use crate::fixtures::{
    keys::{MCHID, PLATFORM_ID, Pair, platform},
    programs::node,
};

pub const APIV3_KEY: &str = "fedcba9876543210fedcba9876543210";
pub const APIV2_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const APPID: &str = "wxd678efh567hg6787";

/// A notification as it is delivered.
#[derive(Clone)]
pub struct Delivery {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Delivery {
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let header = self.headers.iter_mut().find(|(known, _)| known == name);
        header.expect("a known header").1 = value.to_owned();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        change(&mut self.body);
        self
    }

    pub fn receive(&self, by: &Notifications) -> Result<Notification> {
        let headers = self.headers.iter().map(|(name, value)| (name, value));
        by.receive(headers, &self.body)
    }
}

/// A notification, the predicate of the expected error, and a part of its text.
pub type Case = (Delivery, fn(&Error) -> bool, &'static str);

/// The resource: a transaction of the merchant.
pub fn transaction() -> Value {
    json!({
        "appid": APPID, "mchid": MCHID, "out_trade_no": "1217752501201407033233368018",
        "transaction_id": "1217752501201407033233368018", "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功", "payer": { "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
        "amount": { "total": 100, "payer_total": 100, "currency": "CNY" },
    })
}

/// The notification's body, without the encrypted resource.
pub fn envelope() -> Value {
    json!({
        "id": "EV-2018022511223320873", "create_time": "2015-05-20T13:29:35+08:00",
        "resource_type": "encrypt-resource", "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": { "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM",
            "associated_data": "transaction", "nonce": "fdasflkja484" },
    })
}

/// Encrypts the resource into the envelope, unless that has a ciphertext or no `resource` at all, and
/// signs the result at `time` with the pair's key. All of it in node.
pub fn send(envelope: Value, resource: &str, pair: &Pair, time: u64) -> Delivery {
    let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
    let out = node(
        "const body = input.envelope;
         if (body.resource && body.resource.ciphertext === undefined) {
             const cipher = crypto.createCipheriv('aes-256-gcm', input.key, body.resource.nonce);
             cipher.setAAD(Buffer.from(body.resource.associated_data || ''));
             body.resource.ciphertext = Buffer.concat([
                 cipher.update(input.resource, 'utf8'), cipher.final(), cipher.getAuthTag(),
             ]).toString('base64');
         }
         const text = typeof body === 'string' ? body : JSON.stringify(body, null, 1);
         const message = `${input.time}\\n${input.nonce}\\n${text}\\n`;
         return { text, signature: crypto.createSign('RSA-SHA256').update(message).sign(input.pem, 'base64') };",
        &json!({
            "envelope": envelope, "resource": resource, "key": APIV3_KEY, "time": time,
            "nonce": "PnJfnpmKVMbzQXLpKvJtNhEvIpnnAmHB", "pem": &*pem,
        }),
    );
    let text = |name: &str| out[name].as_str().expect("text").to_owned();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Delivery {
        headers: vec![
            header("Host", "pay.example.com"),
            header("Content-Type", "application/json"),
            header("Wechatpay-Timestamp", &time.to_string()),
            header("Wechatpay-Nonce", "PnJfnpmKVMbzQXLpKvJtNhEvIpnnAmHB"),
            header("Wechatpay-Signature", &text("signature")),
            header("Wechatpay-Serial", PLATFORM_ID),
            header("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"),
        ],
        body: text("text").into_bytes(),
    }
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// Returns a genuine notification.
pub fn genuine() -> Delivery {
    send(envelope(), &transaction().to_string(), platform(), now())
}

/// Returns a notification with an altered envelope, correctly signed.
pub fn altered(change: impl FnOnce(&mut Value)) -> Delivery {
    let mut envelope = envelope();
    change(&mut envelope);
    send(envelope, &transaction().to_string(), platform(), now())
}

pub fn receiver() -> Notifications {
    Notifications::builder()
        .mchid(MCHID)
        .appid(APPID)
        .platform_key(PLATFORM_ID, platform().public())
        .apiv3_key(APIV3_KEY)
        .apiv2_key(APIV2_KEY)
        .build()
        .expect("a receiver")
}

impl Delivery {
    pub async fn receive_async(&self) -> Notification {
        let headers = self.headers.iter().map(|(name, value)| (name, value));
        let received = receiver().receive_async(headers, &self.body).await;
        received.expect("a genuine notification")
    }
}
