//! Turns a template and options into a draft: a request that lacks only its signature.

mod check;
mod expand;
mod headers;
mod lint;
pub(crate) mod multipart;
mod payload;
mod setup;
mod url;

pub(crate) use self::{payload::Payload, setup::Setup};

use std::{path::PathBuf, time::Duration};

use http::{HeaderMap, Method};

use self::{
    check::check_options,
    expand::expand,
    headers::headers,
    payload::{add_query, payload},
    url::{Url, is_absolute, own_prefix},
};
#[cfg(feature = "documents")]
use super::options::documented::{Asked, Circumstances};
use super::{
    merchant::is_sandbox_id,
    options::{OnProgress, Options, encrypt},
    response::file::FileOptions,
    sign::Scheme,
    trust::{Trust, signature::SERIAL},
    url::{
        host::{Base, Origin},
        path::{self, Version},
    },
    v2,
};
use crate::error::{Cause, ErrorKind, cause::Result};

/// What was asked: a request without its signature.
///
/// A draft can be signed any number of times. Every attempt signs it again, because a signature
/// carries a timestamp and expires after five minutes.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) template: String,
    pub(crate) version: Version,
    pub(crate) scheme: Scheme,
    pub(crate) origin: Origin,
    /// The request target, path and query, as signed and as sent.
    pub(crate) target: String,
    /// The length of the base URI's own path at the start of the target; the API's path follows it.
    pub(crate) prefix: usize,
    /// The API's path that the caller asked for, if a redirect has led to another.
    asked: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) without_nonce: bool,
    /// Sent without a signature, and its response accepted without one.
    pub(crate) unsigned: bool,
    pub(crate) send: SendSettings,
    pub(crate) response: ResponseSettings,
}

/// How a draft travels.
#[derive(Clone)]
pub(crate) struct SendSettings {
    /// Zero means none.
    pub(crate) timeout: Duration,
    /// Zero means none.
    pub(crate) connect_timeout: Duration,
    pub(crate) redirects: bool,
    pub(crate) mutual_tls: bool,
    pub(crate) on_progress: Option<OnProgress>,
}

/// Where the response of a draft goes, and what it must be.
#[derive(Clone)]
pub(crate) struct ResponseSettings {
    /// An absolute path.
    pub(crate) sink: Option<PathBuf>,
    pub(crate) file: FileOptions,
}

impl Draft {
    /// # Errors
    /// Returns an error for anything wrong with the path, the options or their values.
    pub(crate) fn new(
        method: Method,
        template: &str,
        options: Options,
        setup: &Setup,
        trust: &Trust,
    ) -> Result<Self> {
        let mut options = options.check()?;
        let (version, stripped) = path::version(template);
        check_options(&method, &options.request, version)?;
        let expanded = expand(stripped, &options.request.vars)?;
        let Url {
            origin,
            mut target,
            prefix,
        } = Url::new(&expanded, &options, setup)?;
        let request = &mut options.request;
        if let Some(body) = request.json.as_ref().or(request.xml.as_ref()) {
            lint::check(body, version, setup.strict)?;
        }
        let pointers = encrypt::resolve(&request.encrypt, request.json.as_ref())?;
        #[cfg(feature = "documents")]
        if let Some(seal) = request.documented.seal.or(setup.seal) {
            let asked = Asked::new(&method, template, version, &target[prefix..]);
            (seal.run)(asked, request, &pointers, setup.seal.is_some(), trust)?;
        }
        encrypt::encrypt(
            &pointers,
            request.json.as_mut(),
            &mut request.headers,
            trust,
        )?;
        // After the sensitive fields are encrypted: what is in clear text now stays so.
        #[cfg(feature = "documents")]
        if let Some(check) = request.documented.check.or(setup.check) {
            let asked = Asked::new(&method, template, version, &target[prefix..]);
            let circumstances = Circumstances {
                mutual_tls: options.send.mutual_tls,
                is_default_base: Base::is_default(&origin, &target[..prefix]),
            };
            (check.run)(check.checks, asked, circumstances, request)?;
        }
        let payload = payload(&method, &mut target, request, version)?;
        if let Some(query) = &request.query {
            add_query(&mut target, query)?;
        }
        let headers = headers(&method, request, version, setup, trust.preferred());
        let scheme = if target[prefix..].starts_with("/brand/") {
            Scheme::Brand
        } else {
            Scheme::Merchant
        };
        Ok(Self {
            method,
            template: template.to_owned(),
            version,
            scheme,
            origin,
            target,
            prefix,
            asked: None,
            headers,
            payload,
            without_nonce: options.request.without_nonce,
            unsigned: options.request.unsigned,
            send: SendSettings {
                timeout: options.send.timeout.unwrap_or(setup.timeout),
                connect_timeout: options
                    .send
                    .connect_timeout
                    .unwrap_or(setup.connect_timeout),
                redirects: options.send.allow_redirects,
                mutual_tls: options.send.mutual_tls,
                on_progress: options.send.on_progress,
            },
            response: ResponseSettings {
                sink: options.response.sink.map(absolute).transpose()?,
                file: FileOptions {
                    gunzip: options.response.gunzip,
                    sha1: options.response.sha1,
                    sha256: options.response.sha256,
                    named: None,
                },
            },
        })
    }

    /// Returns `true` if [`new`](Self::new) encrypts fields, which requires a platform key.
    pub(crate) fn encrypts(
        method: &Method,
        template: &str,
        options: &Options,
        setup: &Setup,
    ) -> bool {
        if options.encrypts() {
            return true;
        }
        #[cfg(feature = "documents")]
        if let Some(seal) = options.request.documented.seal.or(setup.seal) {
            let (version, stripped) = path::version(template);
            // Whatever is wrong here is an error of the draft.
            let url = expand(stripped, &options.request.vars)
                .and_then(|expanded| Url::new(&expanded, options, setup));
            return url.is_ok_and(|url| {
                let asked = Asked::new(method, template, version, &url.target[url.prefix..]);
                (seal.requires_key)(asked, &options.request, setup.seal.is_some())
            });
        }
        #[cfg(not(feature = "documents"))]
        let _ = (method, template, setup);
        false
    }

    /// Checks that the draft may go to its origin: by the host rule, by whose keys the client has, and by
    /// the key that its `Wechatpay-Serial` asks for.
    ///
    /// # Errors
    /// Returns an error that names the origin, and the sandbox ID if that is the reason.
    pub(crate) fn check_origin(&self, setup: &Setup) -> Result<()> {
        setup.check_origin(&self.origin, self.unsigned)?;
        // The caller or a verifier may have asked for a key that the client does not hold itself.
        let requested = self.headers.get(SERIAL).and_then(|id| id.to_str().ok());
        match requested.filter(|id| is_sandbox_id(id)) {
            Some(id) => setup.check_sandbox(id, &self.origin),
            None => Ok(()),
        }
    }

    /// Points the draft to the target of a redirect.
    ///
    /// # Errors
    /// Returns an error if the host rule or the path check refuses the target.
    pub(crate) fn redirect(&mut self, location: &str, setup: &Setup) -> Result<()> {
        let refused =
            |err: Cause| Cause::new(ErrorKind::Redirect, format!("redirect not followed: {err}"));
        let (origin, target) = if is_absolute(location) {
            let (origin, rest) = Origin::split(location).map_err(refused)?;
            (origin, rest)
        } else if location.starts_with('/') && !location.starts_with("//") {
            (self.origin.clone(), location)
        } else {
            return Err(refused(Cause::request(format!(
                "its Location ({} bytes) is neither an absolute URL nor an absolute path",
                location.len()
            ))));
        };
        setup
            .check_origin(&origin, self.unsigned)
            .map_err(refused)?;
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        path::check(path).map_err(refused)?;
        let target = match &self.payload {
            // The query carries its signature, so it is signed again. Only the caller's own fields are
            // signed: signing fields that the redirect chose would let its sender obtain a
            // signed message of any content.
            Payload::Query(given) => {
                if let Some(query) = query {
                    v2::request::check_same_fields(given, query).map_err(refused)?;
                }
                path
            }
            _ => target,
        };
        let asked = self.api_path().to_owned();
        self.asked.get_or_insert(asked);
        self.prefix = own_prefix(&origin, path, &setup.base);
        self.origin = origin;
        self.target = target.to_owned();
        Ok(())
    }

    /// Copies the draft for another base URI.
    pub(crate) fn at(&self, base: &Base) -> Self {
        let mut moved = self.clone();
        moved.origin = base.origin.clone();
        moved.target = format!("{}{}", base.prefix, &self.target[self.prefix..]);
        moved.prefix = base.prefix.len();
        moved
    }

    /// Returns the API's path that the caller asked for, without the base URI's own path and without
    /// the query.
    ///
    /// How a response must be verified follows from this path, wherever redirects lead. Otherwise an
    /// unverified redirect could choose a path whose responses need no signature.
    pub(crate) fn api_path(&self) -> &str {
        if let Some(asked) = &self.asked {
            return asked;
        }
        let path = &self.target[self.prefix..];
        path.split_once('?').map_or(path, |(path, _)| path)
    }
}

/// Resolves a relative path now: the working directory may change before the file is written.
pub(crate) fn absolute(sink: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&sink)
        .map_err(|err| Cause::request("option `sink` is not a valid file path").with_source(err))
}
