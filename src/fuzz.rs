//! The entry for `fuzz/`: thin functions over internals that the fuzz targets check and the public
//! API does not show.
//!
//! Public with `--cfg fuzzing` only, and not part of the public API. Unit tests compile it too, so that
//! a rename that breaks it shows in `cargo test`.

use std::{borrow::Cow, sync::Arc, time::Instant};

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    Error, Notification, PrivateKey, PublicKey, Result, Verification, Verifier,
    base::{
        crypto::{
            aead,
            digest::{self, hex_lower, md5},
            ecb,
        },
        percent, scalar, xml,
    },
    error::Cause,
    protocol::{
        notification::{self, headers::collect, owner::Owners},
        response::{self, raw::RawResponse},
        trust::{
            Trust,
            guard::{Guard, Sandboxes},
        },
        v2::{
            paths, result_code,
            sign::{self, SignType},
        },
    },
};

type Fields = Map<String, Value>;

/// The fields in an XML text of at most `max` bytes.
///
/// # Errors
/// Returns an error if it is not XML of APIv2.
pub fn parse_xml(text: &[u8], max: usize) -> Result<Fields> {
    xml::parse(text, max).map_err(Cause::not_sent)
}

/// The XML of these fields.
///
/// # Errors
/// Returns an error if XML cannot carry a field.
pub fn write_xml(fields: &Fields) -> Result<String> {
    xml::write(fields).map_err(Cause::not_sent)
}

/// How a value reads as text. `None` for null, an array or an object.
pub fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    scalar::scalar(value)
}

/// Decodes a value of a query.
pub fn decode_form(text: &str) -> String {
    percent::decode_form(text).into_owned()
}

/// The APIv2 sign of these fields: HMAC-SHA256, or MD5.
///
/// # Errors
/// Returns an error if a sign cannot cover the fields.
pub fn sign_v2(fields: &Fields, key: &str, hmac: bool) -> Result<String> {
    let sign_type = match hmac {
        true => SignType::HmacSha256,
        false => SignType::Md5,
    };
    sign::sign(fields, key, sign_type).map_err(Cause::not_sent)
}

/// Verifies the sign in these fields of a response or a notification.
///
/// # Errors
/// Returns an error if the sign does not match.
pub fn verify_v2(fields: &Fields, key: &str) -> Result<()> {
    let verified = sign::verify(fields, key);
    verified.map(drop).map_err(Cause::not_sent)
}

/// Verifies the sign in these fields of a request.
///
/// # Errors
/// Returns an error if the sign does not match.
pub fn verify_v2_request(fields: &Fields, key: &str) -> Result<()> {
    let verified = sign::check_digest(fields, key);
    verified.map(drop).map_err(Cause::not_sent)
}

/// Judges an APIv2 response to a request for this path.
///
/// # Errors
/// Returns an error if it is not a verified success.
pub fn judge_v2(
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    key: &str,
) -> Result<Verification> {
    let response = RawResponse {
        status,
        headers: headers.clone(),
        body: body.to_vec().into(),
        decoding: Default::default(),
        signed_message: Vec::new(),
    };
    response::v2::judge(&response, path, key).map_err(Error::from)
}

/// Whether the documents say that this APIv2 path's response is unsigned.
pub fn is_unsigned_v2(path: &str) -> bool {
    paths::is_unsigned(path)
}

/// Whether a success of this APIv2 path has a `result_code`.
pub fn requires_result_code(path: &str) -> bool {
    result_code::is_required(path)
}

/// Signs with a merchant key.
///
/// # Errors
/// Returns an error if the crypto library does not sign.
pub fn sign(key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>> {
    key.sign(message).map_err(Cause::not_sent)
}

/// Verifies by a platform key.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    key.verify(message, signature)
}

/// Encrypts a sensitive field.
///
/// # Errors
/// Returns an error if the text is too long for the key.
pub fn encrypt(key: &PublicKey, text: &[u8]) -> Result<Vec<u8>> {
    key.encrypt_oaep(text).map_err(Cause::not_sent)
}

/// Decrypts a sensitive field.
///
/// # Errors
/// Returns an error if it is not encrypted for the key.
pub fn decrypt(key: &PrivateKey, ciphertext: &[u8]) -> Result<Vec<u8>> {
    key.decrypt_oaep(ciphertext).map_err(Cause::not_sent)
}

/// The SHA-256 of a message.
pub fn sha256(message: &[u8]) -> Vec<u8> {
    digest::sha256(message).to_vec()
}

/// Encrypts as WeChat Pay does under the APIv3 key.
///
/// # Errors
/// Returns an error if the nonce is not 12 bytes long.
pub fn seal_v3(key: &[u8; 32], nonce: &str, associated_data: &str, text: &[u8]) -> Result<Vec<u8>> {
    let data = associated_data.as_bytes();
    aead::seal(key, nonce.as_bytes(), data, text).map_err(Cause::not_sent)
}

/// Encrypts as WeChat Pay does under the APIv2 key, in the `req_info` of a refund notification.
pub fn seal_v2(key: &str, text: &[u8]) -> Vec<u8> {
    let digest = hex_lower(&md5(key.as_bytes()));
    let digest = digest.as_bytes().try_into().expect("32 digits");
    ecb::encrypt(digest, text)
}

/// Receives the notifications of one merchant.
pub struct Receiver(notification::receiver::Receiver);

impl Receiver {
    /// Without `mchid`, accepts the notifications of any merchant.
    ///
    /// # Errors
    /// Returns an error if nothing can be verified.
    pub fn new(
        verifier: impl Verifier,
        apiv3_key: [u8; 32],
        apiv2_key: &str,
        mchid: Option<&str>,
    ) -> Result<Self> {
        let guard = Arc::new(Guard::new(Sandboxes::Accepted));
        let trust = Trust::new(Vec::new(), Some(Arc::new(verifier)), guard);
        let mut owners = Owners::default();
        owners.mchids.extend(mchid.map(str::to_owned));
        Ok(Self(notification::receiver::Receiver {
            trust: trust.map_err(Cause::not_sent)?,
            apiv3_key: Some(Zeroizing::new(apiv3_key)),
            apiv2_key: Some(Zeroizing::new(apiv2_key.to_owned())),
            owners,
        }))
    }
}

/// Receives a notification as [`Notifications`](crate::Notifications) does, at `now` (seconds since
/// 1970) and without a download of certificates.
///
/// # Errors
/// Returns an error if it is refused.
pub async fn receive(
    receivers: &[&Receiver],
    headers: &[(String, Vec<u8>)],
    body: &[u8],
    now: u64,
) -> Result<Notification> {
    let headers = headers.iter().map(|(name, value)| (name, value));
    let headers = collect(headers).map_err(Cause::not_sent)?;
    let receivers: Vec<_> = receivers.iter().map(|receiver| &receiver.0).collect();
    let opened = notification::open::open(&receivers, &headers, body, now, Instant::now()).await;
    opened.map_err(Cause::not_sent)
}
