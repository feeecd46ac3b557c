//! What clients get wrong: messages that one could have signed in place of the right one. Each is verified
//! with the merchant's public key, and the one that fits names the mistake.

mod body;
mod frame;
mod json;
mod other;
mod target;
mod values;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Text, text};
use crate::{
    base::crypto::OtherSignature,
    sandbox::{
        RecordedRequest,
        checks::authorization::{Authorization, SignedMessage},
        state::{
            SandboxState,
            merchant::{Merchant, MerchantKeyPair},
        },
    },
};

/// How many candidates are tried.
const MAX_TRIED: usize = 2_000;
/// How many bytes of messages are tried, in all.
const MAX_BYTES: usize = 32 << 20;

/// A message that may have been signed.
struct Candidate {
    /// Names the mistake, for programs.
    id: String,
    change: Text,
    message: Vec<u8>,
    with: With,
}

/// What else differs.
enum With {
    /// Nothing: the merchant's key and the documented algorithm.
    Same,
    /// The key of another merchant of the sandbox, or of a brand.
    Key {
        merchant: Arc<Merchant>,
        is_brand: bool,
    },
    Algorithm(OtherSignature),
    /// The signature is in another encoding.
    Signature(Vec<u8>),
}

/// The candidate that fits.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) change: Text,
    pub(super) message: Vec<u8>,
}

/// A row in a table of mistakes.
struct Mistake<F> {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    /// Makes what is signed by mistake.
    make: F,
}

impl<F> Mistake<F> {
    fn candidate(&self, message: Vec<u8>) -> Candidate {
        Candidate::new(self.id, text(self.en, self.zh), message)
    }
}

pub(super) struct Search<'a> {
    state: &'a SandboxState,
    request: &'a RecordedRequest,
    signature: &'a str,
    message: SignedMessage<'a>,
    merchant: Option<Arc<Merchant>>,
    is_brand: bool,
    tried: usize,
    bytes: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        state: &'a SandboxState,
        request: &'a RecordedRequest,
        authorization: &Authorization<'a>,
        message: SignedMessage<'a>,
    ) -> Self {
        Self {
            state,
            request,
            signature: authorization.signature,
            message,
            merchant: authorization.merchant(state),
            is_brand: authorization.is_brand(),
            tried: 0,
            bytes: 0,
        }
    }

    /// Returns how many candidates were tried.
    pub(super) fn tried(&self) -> usize {
        self.tried
    }

    /// Returns the mistake, if it is one of those that are known.
    pub(super) fn run(&mut self) -> Option<Found> {
        let signature = STANDARD.decode(self.signature).unwrap_or_default();
        let (message, request) = (self.message, self.request);
        // A body without its last line break is signed like a last line without one: the body comes first.
        let candidates = body::candidates(message, request.body())
            .chain(frame::candidates(message))
            .chain(values::candidates(message))
            .chain(target::candidates(message, request))
            .chain(other::candidates(self.state, message, self.signature))
            .chain(json::candidates(message))
            .chain(values::milliseconds(message));
        for candidate in candidates {
            self.tried += 1;
            self.bytes += candidate.message.len();
            if self.tried > MAX_TRIED || self.bytes > MAX_BYTES {
                return None;
            }
            if self.fits(&candidate, &signature) {
                return Some(Found {
                    id: candidate.id,
                    change: candidate.change,
                    message: candidate.message,
                });
            }
        }
        None
    }

    fn fits(&self, candidate: &Candidate, signature: &[u8]) -> bool {
        let message = &candidate.message;
        let own = self.merchant.as_deref().map(|own| key(own, self.is_brand));
        let verify = |key: &MerchantKeyPair| match &candidate.with {
            With::Algorithm(with) => key.public.verify_other(*with, message, signature),
            With::Signature(signature) => key.public.verify(message, signature),
            With::Same | With::Key { .. } => key.public.verify(message, signature),
        };
        match &candidate.with {
            With::Key { merchant, is_brand } => verify(key(merchant, *is_brand)),
            _ => own.is_some_and(verify),
        }
    }
}

fn key(merchant: &Merchant, is_brand: bool) -> &MerchantKeyPair {
    match &merchant.brand {
        Some(brand) if is_brand => &brand.key,
        _ => &merchant.key,
    }
}

impl Candidate {
    fn new(id: impl Into<String>, change: Text, message: Vec<u8>) -> Self {
        Self {
            id: id.into(),
            change,
            message,
            with: With::Same,
        }
    }
}
