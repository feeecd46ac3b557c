//! What clients get wrong in APIv2: texts that one could have signed in place of the right one, and keys and
//! digests.

mod texts;

use serde_json::{Map, Value};

use self::texts::TEXTS;
use super::{Text, apiv2::KEY, text};
use crate::{
    base::{
        crypto::digest::{hex_lower, hmac_sha256, md5, sha256},
        scalar::scalar,
    },
    protocol::v2::sign::{SIGN, SignType},
    sandbox::state::{SandboxState, merchant::Merchant},
};

/// Of how many fields each is tried without.
const MAX_FIELDS: usize = 100;
/// Of how many merchants the keys are tried.
const MAX_MERCHANTS: usize = 100;
/// The longest text of which others are tried.
const MAX_TEXT: usize = 64 << 10;

/// A text that may have been signed. The key follows it.
struct Candidate {
    id: &'static str,
    change: Text,
    before_key: String,
    key: Option<String>,
    digest: Digest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    /// As many digits as the sign has.
    Documented,
    /// SHA-256 without HMAC.
    Sha256,
    /// HMAC over the fields alone, without the key behind them.
    HmacOfFields,
}

/// The candidate that fits.
pub(super) struct Found {
    pub(super) id: &'static str,
    pub(super) change: Text,
    pub(super) message: String,
}

pub(super) struct Search<'a> {
    state: &'a SandboxState,
    merchant: &'a Merchant,
    asked_for: Option<SignType>,
    given: &'a str,
    /// The fields in their order in the request.
    sent: Vec<(&'a str, String)>,
    /// The same, sorted.
    fields: Vec<(&'a str, String)>,
    tried: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        state: &'a SandboxState,
        fields: &'a Map<String, Value>,
        given: &'a str,
        merchant: &'a Merchant,
        asked_for: Option<SignType>,
    ) -> Self {
        let pairs = fields.iter().filter(|(name, _)| *name != SIGN);
        let pairs = pairs.filter_map(|(name, value)| Some((&**name, scalar(value)?.into_owned())));
        let sent: Vec<_> = pairs.collect();
        let mut fields = sent.clone();
        fields.sort_unstable_by_key(|(name, _)| *name);
        Self {
            state,
            merchant,
            asked_for,
            given,
            sent,
            fields,
            tried: 0,
        }
    }

    /// Returns how many candidates were tried.
    pub(super) fn tried(&self) -> usize {
        self.tried
    }

    /// Returns the mistake, if it is one of those that are known.
    pub(super) fn run(&mut self) -> Option<Found> {
        let pairs = self.fields.iter();
        let length: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
        if length > MAX_TEXT {
            return None;
        }
        let mut candidates = self.right();
        candidates.extend(self.keys());
        candidates.extend(self.texts());
        candidates.extend(self.left_out());
        let found = candidates
            .into_iter()
            .find(|candidate| self.fits(candidate))?;
        let key = match found.digest {
            Digest::HmacOfFields => "",
            _ => KEY,
        };
        Some(Found {
            id: found.id,
            change: found.change,
            message: found.before_key + key,
        })
    }

    fn fits(&mut self, candidate: &Candidate) -> bool {
        self.tried += 1;
        let key = candidate.key.as_deref().unwrap_or(&self.merchant.apiv2);
        let before = candidate.before_key.as_bytes();
        let signed = || [before, key.as_bytes()].concat();
        let digest = match (candidate.digest, self.given.len()) {
            (Digest::Documented, 64) => hex_lower(&hmac_sha256(key.as_bytes(), &signed())),
            (Digest::Documented, _) => hex_lower(&md5(&signed())),
            (Digest::Sha256, _) => hex_lower(&sha256(&signed())),
            (Digest::HmacOfFields, _) => hex_lower(&hmac_sha256(key.as_bytes(), before)),
        };
        digest.eq_ignore_ascii_case(self.given)
    }

    /// The right text with another digest, or written in another way.
    fn right(&self) -> Vec<Candidate> {
        let right = format!("{}key=", joined(self.given_fields()));
        let made_with = match self.given.len() {
            64 => SignType::HmacSha256,
            _ => SignType::Md5,
        };
        let mut candidates = Vec::new();
        if self
            .asked_for
            .is_some_and(|asked_for| asked_for != made_with)
        {
            let (made_with, asked_for) = match made_with {
                SignType::Md5 => ("MD5", "HMAC-SHA256"),
                SignType::HmacSha256 => ("HMAC-SHA256", "MD5"),
            };
            let change = text(
                format!(
                    "The sign was made with {made_with}, and the request asks for {asked_for}: set sign_type, and sign it with the other fields."
                ),
                format!(
                    "sign是用 {made_with} 计算的，请求要求的却是 {asked_for}：应设置sign_type并让它参与签名。"
                ),
            );
            candidates.push(Candidate::new("sign_type", change, &right));
        } else {
            let change = text(
                "The sign is in small letters: expected capitals.",
                "sign是小写的，应为大写。",
            );
            candidates.push(Candidate::new("sign_small_letters", change, &right));
        }
        let change = text(
            "The sign is the SHA-256 of the text: expected HMAC-SHA256 with the APIv2 key.",
            "sign用了SHA-256，应为以APIv2密钥计算的HMAC-SHA256。",
        );
        let mut plain = Candidate::new("sha256_without_hmac", change, &right);
        plain.digest = Digest::Sha256;
        candidates.push(plain);
        let change = text(
            "The HMAC was made of the fields alone: &key= and the key belong to the text, too.",
            "HMAC只计算了各参数：签名串末尾还应有&key=和密钥。",
        );
        let fields = joined(self.given_fields());
        let fields = fields.trim_end_matches('&');
        let mut of_fields = Candidate::new("hmac_of_fields", change, fields);
        of_fields.digest = Digest::HmacOfFields;
        candidates.push(of_fields);
        candidates
    }

    /// The right text with another key.
    fn keys(&self) -> Vec<Candidate> {
        let right = format!("{}key=", joined(self.given_fields()));
        let with_key = |id, change, key: &str| {
            let mut candidate = Candidate::new(id, change, &right);
            candidate.key = Some(key.to_owned());
            candidate
        };
        let change = text(
            "The APIv3 key was used in place of the APIv2 key.",
            "用了APIv3密钥，应为APIv2密钥。",
        );
        let mut candidates = vec![
            with_key("key_of_apiv3", change, &self.merchant.apiv3),
            with_key(
                "key_empty",
                text("An empty key was used.", "签名用的密钥为空。"),
                "",
            ),
        ];
        let merchants = self.state.merchants.all().into_iter().take(MAX_MERCHANTS);
        for merchant in merchants.filter(|other| other.mchid != self.merchant.mchid) {
            let change = text(
                format!("The APIv2 key of merchant {} was used.", merchant.mchid),
                format!("用了商户 {} 的APIv2密钥。", merchant.mchid),
            );
            candidates.push(with_key("key_of_another", change, &merchant.apiv2));
        }
        candidates
    }

    /// Other texts of the same fields.
    fn texts(&self) -> Vec<Candidate> {
        TEXTS
            .iter()
            .map(|wrong| {
                let change = text(wrong.en, wrong.zh);
                Candidate::new(wrong.id, change, &(wrong.make)(self))
            })
            .collect()
    }

    /// The text without one of the fields.
    fn left_out(&self) -> impl Iterator<Item = Candidate> {
        let names = self.given_fields().map(|(name, _)| name);
        names.take(MAX_FIELDS).map(|left_out| {
            let change = text(
                format!("The field {left_out:.64} was not signed."),
                format!("参数 {left_out:.64} 没有参与签名。"),
            );
            let rest = self.given_fields().filter(|(name, _)| *name != left_out);
            Candidate::new("field_left_out", change, &format!("{}key=", joined(rest)))
        })
    }

    /// The fields that a sign covers, in their order.
    fn given_fields(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let pairs = self.fields.iter().map(|(name, value)| (*name, &**value));
        pairs.filter(|(_, value)| !value.is_empty())
    }

    fn mapped(&self, change: impl Fn(&str) -> String) -> String {
        let pairs = self.given_fields();
        let changed: Vec<_> = pairs.map(|(name, value)| (name, change(value))).collect();
        joined(changed.iter().map(|(name, value)| (*name, &**value))) + "key="
    }

    fn ordered<K: Ord>(&self, by: impl Fn(&str) -> K) -> String {
        let mut pairs: Vec<_> = self.given_fields().collect();
        pairs.sort_by_key(|(name, _)| by(name));
        joined(pairs.into_iter()) + "key="
    }
}

impl Candidate {
    fn new(id: &'static str, change: Text, before_key: &str) -> Self {
        Self {
            id,
            change,
            before_key: before_key.to_owned(),
            key: None,
            digest: Digest::Documented,
        }
    }
}

/// Returns `a=1&b=2&`.
fn joined<'f>(pairs: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    pairs
        .map(|(name, value)| format!("{name}={value}&"))
        .collect()
}
