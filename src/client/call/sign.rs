//! Signs a draft.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, header::AUTHORIZATION};

use super::{
    super::core::{Core, now},
    upload::Upload,
};
use crate::{
    base::crypto,
    error::{Cause, SentError, cause::Result},
    protocol::{
        request::{Draft, Payload, multipart::Form},
        sign::{self, Authorization, Scheme},
        url::{host::Origin, path::Version},
        v2::{paths, request::Signing},
    },
    wire::{self, ClientIdentity, Destination},
};

/// A signed request and where it goes. It can be sent once.
pub(crate) struct SignedRequest {
    pub(super) request: Request<SignedBody>,
    pub(super) origin: Origin,
    /// The message that an APIv3 signature covers. Empty on APIv2, where the signature covers the
    /// fields. WeChat Pay repeats it in the error about a wrong signature, so it helps to diagnose
    /// one.
    pub(super) message: Vec<u8>,
}

/// The body of a signed request.
pub(super) enum SignedBody {
    Bytes(Bytes),
    /// A file, read while it is sent. Only `signed` is signed: the `meta` on APIv3, the fields
    /// before the file on APIv2.
    Upload {
        signed: Bytes,
        upload: Box<Upload>,
    },
}

impl SignedBody {
    pub(super) fn signed(&self) -> &Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Upload { signed, .. } => signed,
        }
    }
}

/// Signs a draft.
///
/// Everything that is sent passes through here, so this is where its destination is checked for
/// the last time. A check when the draft was made is not enough: the client may have been given a
/// sandbox's key since.
pub(in crate::client) async fn sign(core: &Core, draft: &Draft) -> Result<SignedRequest> {
    draft.check_origin(core.setup())?;
    match &draft.payload {
        Payload::Bytes(body) => {
            let body = SignedBody::Bytes(body.clone());
            match draft.version {
                Version::V3 => sign_v3(core, draft, body).await,
                // The caller wrote these bytes, signature included.
                Version::V2 => Parts::of(draft).with(body),
            }
        }
        Payload::Fields(fields) => {
            let body = apiv2(core, draft)?.body(fields.clone())?;
            Parts::of(draft).with(SignedBody::Bytes(body.into()))
        }
        Payload::Query(query) => {
            let mut parts = Parts::of(draft);
            parts.target.push('?');
            parts.target.push_str(&apiv2(core, draft)?.query(query)?);
            parts.with(SignedBody::Bytes(Bytes::new()))
        }
        Payload::Form(form) => sign_form(core, draft, form).await,
    }
}

/// Returns where one attempt at a draft goes, and how.
pub(super) fn destination(core: &Core, draft: &Draft, origin: Origin) -> Destination {
    let identity = core.identity.as_ref().filter(|_| draft.send.mutual_tls);
    Destination {
        origin,
        identity: identity.map(|identity| -> Arc<ClientIdentity> { identity.tls() }),
        connect_timeout: Some(draft.send.connect_timeout).filter(|limit| !limit.is_zero()),
        fresh_connection: false,
    }
}

async fn sign_v3(core: &Core, draft: &Draft, body: SignedBody) -> Result<SignedRequest> {
    let mut parts = Parts::of(draft);
    if draft.unsigned {
        return parts.with(body);
    }
    // A brand signs with its own ID and key, in the same client: its paths start with `/brand/`.
    let id = match draft.scheme {
        Scheme::Merchant => core.mchid.as_deref().ok_or("mchid"),
        Scheme::Brand => core.brand_id.as_deref().ok_or("brand_id"),
    };
    let id = id.map_err(|field| {
        Cause::config(format!(
            "missing `{field}`, which signs requests to `{}`: set it on the client builder",
            draft.template
        ))
    })?;
    let Authorization {
        header,
        message,
        serial,
    } = sign::authorization(
        core.merchant_key()?,
        draft.scheme,
        id,
        (&draft.method, &draft.target, body.signed()),
        now(),
    )
    .await?;
    // Before the header is set: a request signed by the wrong key must not exist.
    check_signer(core, &serial, draft)?;
    parts.headers.insert(AUTHORIZATION, header);
    let mut signed = parts.with(body)?;
    signed.message = message;
    Ok(signed)
}

async fn sign_form(core: &Core, draft: &Draft, form: &Form) -> Result<SignedRequest> {
    let upload = |frame| {
        Box::new(Upload {
            media: form.media.clone(),
            frame,
        })
    };
    match &form.fields {
        None => {
            let meta = form.media.meta_json();
            let body = SignedBody::Upload {
                upload: upload(form.with_meta(&meta)),
                signed: meta.into(),
            };
            sign_v3(core, draft, body).await
        }
        Some(fields) => {
            let mut fields = fields.clone();
            // The signature covers the file through its hash.
            fields.insert("media_hash".to_owned(), form.media.md5().into());
            let mut signing = apiv2(core, draft)?;
            // The page of `secapi/mch/uploadmedia` has no `nonce_str`.
            signing.nonce = None;
            let frame = form.with_fields(&signing.complete(fields)?)?;
            Parts::of(draft).with(SignedBody::Upload {
                signed: frame.head.clone(),
                upload: upload(frame),
            })
        }
    }
}

/// Returns what signs an APIv2 request.
fn apiv2<'c>(core: &'c Core, draft: &Draft) -> Result<Signing<'c>> {
    let without = draft.without_nonce || paths::is_nonceless(draft.api_path());
    Ok(Signing {
        mchid: core.mchid.as_deref(),
        key: core.apiv2_key()?,
        nonce: if without {
            None
        } else {
            Some(crypto::nonce()?)
        },
    })
}

/// Checks the key that signed. A local key was checked when the client received it, but which key a
/// [`Signer`](crate::Signer) uses is known only from its signature.
fn check_signer(core: &Core, serial: &str, draft: &Draft) -> Result<()> {
    if core.signs_locally() {
        return Ok(());
    }
    if core
        .trust()
        .store()
        .is_some_and(|store| store.knows(serial))
    {
        return Err(Cause::config(format!(
            "the signer's serial {serial} is that of a trusted platform key: check which of the two \
             is wrong"
        )));
    }
    // The signer may have started to use a sandbox's key, which limits where this client sends.
    core.setup().guard.take_id(serial)?;
    draft.check_origin(core.setup())
}

/// A draft's request line and headers, to which signing adds.
struct Parts<'d> {
    draft: &'d Draft,
    target: String,
    headers: HeaderMap,
}

impl<'d> Parts<'d> {
    fn of(draft: &'d Draft) -> Self {
        Self {
            draft,
            target: draft.target.clone(),
            headers: draft.headers.clone(),
        }
    }

    fn with(self, body: SignedBody) -> Result<SignedRequest> {
        let method = self.draft.method.clone();
        let request = wire::request(method, &self.target, self.headers, body);
        Ok(SignedRequest {
            request: request.map_err(|failure| SentError::from(failure).into_cause())?,
            origin: self.draft.origin.clone(),
            message: Vec::new(),
        })
    }
}
