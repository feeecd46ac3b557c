//! What all chains of one client share.

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::{Identity, failover::Failover, prepared::Sealed, refresher::Refresher, upload::Upload};
use crate::{
    base::crypto,
    error::{Cause, cause::Result},
    protocol::{
        merchant::is_sandbox_id,
        multipart::Form,
        notification::Receiver,
        path::Version,
        request::{Draft, Payload, Setup},
        retry::{Budget, RetryPolicy},
        sign::{self, Authorization, MerchantKey, Scheme},
        trust::Trust,
        v2::{paths, request::Signing},
        verify::SERIAL,
    },
    wire::{ClientIdentity, Transport},
};

/// What vouches for a response. No key is looked up after sending: one that is missing is an error
/// while nothing has been sent.
#[derive(Clone, Copy)]
pub(super) enum Proof<'c> {
    /// Nothing: a file that is fetched by [`Options::unsigned`](crate::Options::unsigned).
    Unsigned,
    /// APIv3: a platform key.
    Signature(&'c Trust),
    /// APIv2: this key.
    Digest(&'c str),
}

pub(crate) struct Core {
    pub(super) setup: Setup,
    pub(super) mchid: Option<String>,
    pub(super) brand_id: Option<String>,
    pub(super) key: Option<MerchantKey>,
    pub(super) trust: Trust,
    pub(super) refresher: Refresher,
    pub(super) apiv2_key: Option<Zeroizing<String>>,
    pub(super) identity: Option<Identity>,
    pub(super) apiv3_key: Option<Zeroizing<[u8; 32]>>,
    pub(super) receiver: Arc<Receiver>,
    pub(super) transport: Transport,
    pub(super) retry: RetryPolicy,
    pub(super) budget: Budget,
    pub(super) failover: Failover,
    pub(super) max_response: usize,
}

impl Core {
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn merchant_key(&self) -> Result<&MerchantKey> {
        self.key.as_ref().ok_or_else(|| {
            Cause::config(
                "this client cannot sign APIv3: give the builder `serial` and `private_key`, \
                 or a `signer`",
            )
        })
    }

    /// Whether signing waits for nobody.
    pub(crate) fn signs_locally(&self) -> bool {
        self.key
            .as_ref()
            .is_none_or(|key| key.local_key().is_some())
    }

    /// Signs a draft. All that is sent comes by here, so this is where its destination is decided
    /// for the last time: a draft may have been made before the client took a sandbox's key.
    pub(crate) async fn seal(&self, draft: &Draft) -> Result<Sealed> {
        self.check_origin(draft)?;
        match (&draft.payload, draft.version) {
            (Payload::Bytes(body), Version::V3) => self.seal_v3(draft, body.clone()).await,
            (Payload::Bytes(body), Version::V2) => Ok(sealed(draft, body.clone())),
            (Payload::Fields(fields), _) => {
                let body = self.signing(draft)?.body(fields.clone())?;
                Ok(sealed(draft, body.into()))
            }
            (Payload::Query(query), _) => {
                let query = self.signing(draft)?.query(query)?;
                let mut sealed = sealed(draft, Bytes::new());
                sealed.target.push('?');
                sealed.target.push_str(&query);
                Ok(sealed)
            }
            (Payload::Form(form), _) => self.seal_form(draft, form).await,
        }
    }

    async fn seal_v3(&self, draft: &Draft, body: Bytes) -> Result<Sealed> {
        let mut sealed = sealed(draft, body);
        if draft.settings.unsigned {
            return Ok(sealed);
        }
        let id = match draft.scheme {
            Scheme::Merchant => self.mchid.as_deref().ok_or("mchid"),
            Scheme::Brand => self.brand_id.as_deref().ok_or("brand_id"),
        };
        let id = id.map_err(|field| {
            Cause::config(format!(
                "this client has no `{field}`, and `{}` is signed in its name: give it to the builder",
                draft.template
            ))
        })?;
        let Authorization {
            header,
            message,
            serial,
        } = sign::authorization(
            self.merchant_key()?,
            draft.scheme,
            id,
            (&draft.method, &draft.target, &sealed.body),
            now(),
        )
        .await?;
        self.check_signer(&serial, draft)?;
        sealed.headers.insert(AUTHORIZATION, header);
        sealed.message = message;
        Ok(sealed)
    }

    /// A local key was checked when the client took it; which key a [`Signer`](crate::Signer) has,
    /// its signature says first.
    fn check_signer(&self, serial: &str, draft: &Draft) -> Result<()> {
        if self.signs_locally() {
            return Ok(());
        }
        if self.trust.store().is_some_and(|store| store.knows(serial)) {
            return Err(Cause::config(format!(
                "the signer's serial {serial} is that of a trusted platform key: one of the two is \
                 wrong"
            )));
        }
        self.setup.guard.take_id(serial)?;
        self.check_origin(draft)
    }

    fn check_origin(&self, draft: &Draft) -> Result<()> {
        let setup = &self.setup;
        setup.check_origin(&draft.origin, draft.settings.unsigned)?;
        // The key that a verifier prefers, or the caller.
        let asked = draft.headers.get(SERIAL).and_then(|id| id.to_str().ok());
        match asked.filter(|id| is_sandbox_id(id)) {
            Some(id) => setup.check_sandbox(id, &draft.origin),
            None => Ok(()),
        }
    }

    async fn seal_form(&self, draft: &Draft, form: &Form) -> Result<Sealed> {
        let (mut sealed, frame) = match &form.fields {
            None => {
                let meta = form.media.meta_json();
                let frame = form.with_meta(&meta);
                (self.seal_v3(draft, meta.into()).await?, frame)
            }
            Some(fields) => {
                let mut fields = fields.clone();
                fields.insert("media_hash".to_owned(), form.media.md5().into());
                let mut signing = self.signing(draft)?;
                // The page of `secapi/mch/uploadmedia` has no `nonce_str`.
                signing.nonce = None;
                let frame = form.with_fields(&signing.complete(fields)?)?;
                (sealed(draft, frame.head.clone()), frame)
            }
        };
        sealed.upload = Some(Upload {
            media: form.media.clone(),
            frame,
        });
        Ok(sealed)
    }

    /// What an APIv2 request is signed with.
    fn signing(&self, draft: &Draft) -> Result<Signing<'_>> {
        let without = draft.settings.without_nonce || paths::is_nonceless(draft.api_path());
        let nonce = if without {
            None
        } else {
            Some(crypto::nonce()?)
        };
        Ok(Signing {
            mchid: self.mchid.as_deref(),
            key: self.apiv2_key()?,
            nonce,
        })
    }

    pub(super) fn apiv2_key(&self) -> Result<&str> {
        self.apiv2_key
            .as_ref()
            .map(|key| key.as_str())
            .ok_or_else(|| {
                Cause::config("this client cannot sign APIv2: give the builder an `apiv2_key`")
            })
    }

    /// What a call needs besides a signature, found before anything is sent: how its response
    /// will be verified.
    pub(super) async fn make_ready(
        self: &Arc<Self>,
        draft: &Draft,
        deadline: Option<Instant>,
    ) -> Result<Proof<'_>> {
        if draft.settings.mutual_tls && self.identity.is_none() {
            return Err(Cause::config(
                "the option `security` shows the merchant's API certificate, and this client has \
                 none, so nothing was sent: give the builder a `client_identity`",
            ));
        }
        if draft.version == Version::V3 && !draft.settings.unsigned {
            self.have_key(deadline).await?;
        }
        Ok(match draft.version {
            Version::V3 if draft.settings.unsigned => Proof::Unsigned,
            Version::V3 => Proof::Signature(&self.trust),
            // A body that is sent as it stands needs no key, its response does.
            Version::V2 => Proof::Digest(self.apiv2_key()?),
        })
    }

    /// The identity that a draft's connection shows.
    pub(super) fn identity(&self, draft: &Draft) -> Option<Arc<ClientIdentity>> {
        let identity = self.identity.as_ref()?;
        draft.settings.mutual_tls.then(|| identity.tls())
    }
}

fn sealed(draft: &Draft, body: Bytes) -> Sealed {
    Sealed {
        method: draft.method.clone(),
        origin: draft.origin.clone(),
        target: draft.target.clone(),
        headers: draft.headers.clone(),
        body,
        upload: None,
        message: Vec::new(),
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configured = |given: bool| if given { "set" } else { "not set" };
        f.debug_struct("Core")
            .field("mchid", &self.mchid)
            .field("base_uri", &self.setup.base.origin)
            .field("private_key", &configured(self.key.is_some()))
            .field("apiv2_key", &configured(self.apiv2_key.is_some()))
            .field("apiv3_key", &configured(self.apiv3_key.is_some()))
            .finish_non_exhaustive()
    }
}
