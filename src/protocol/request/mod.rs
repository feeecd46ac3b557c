//! From a chain and its options to a request that lacks only its signature.

mod expand;
mod fit;
mod headers;
mod payload;
mod place;

pub(crate) use self::payload::Payload;

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method};

use self::{
    expand::expand,
    fit::check_method,
    headers::headers,
    payload::{add_query, payload},
    place::{Place, is_absolute, own_prefix},
};
use super::{
    file::Wishes,
    host::{Base, HostRule, Origin},
    lint,
    options::{self, OnProgress, Options},
    path::{self, Version, shown},
    sign::Scheme,
    trust::{Guard, Trust},
    v2,
};
use crate::error::{Cause, Kind, cause::Result};

/// What a client brings to each of its requests.
pub(crate) struct Setup {
    pub(crate) base: Base,
    pub(crate) hosts: HostRule,
    pub(crate) guard: Arc<Guard>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    /// Whether what WeChat Pay is known to refuse is refused here.
    pub(crate) strict: bool,
}

impl Setup {
    /// Whether a request may go to `origin`: by the host rule, and by whose keys the client has.
    pub(crate) fn check_origin(&self, origin: &Origin, unsigned: bool) -> Result<()> {
        if unsigned {
            self.hosts.check_unsigned(origin)?;
        } else {
            self.hosts.check(origin)?;
        }
        match self.guard.sandbox() {
            Some(id) => self.check_sandbox(id, origin),
            None => Ok(()),
        }
    }

    /// Whether a request that has to do with this ID of a sandbox's may go to `origin`.
    pub(crate) fn check_sandbox(&self, id: &str, origin: &Origin) -> Result<()> {
        if self.hosts.may_be_sandbox(origin) {
            return Ok(());
        }
        Err(Cause::request(format!(
            "{} is a sandbox's, and {origin} is not one: a client with a sandbox's keys sends \
             nothing there",
            shown(id)
        )))
    }
}

/// A request that lacks only its signature.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) template: String,
    pub(crate) version: Version,
    pub(crate) scheme: Scheme,
    pub(crate) origin: Origin,
    /// The request target: path and query, as signed and as sent.
    pub(crate) target: String,
    /// Where in the target the base URI's own path ends and the API's path begins.
    pub(crate) prefix: usize,
    /// The API's path that the caller asked for, where a redirect has led to another.
    asked: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) settings: Settings,
}

/// What governs a call besides its bytes.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Zero is none.
    pub(crate) timeout: Duration,
    /// Zero is none.
    pub(crate) connect_timeout: Duration,
    /// Absolute.
    pub(crate) sink: Option<PathBuf>,
    pub(crate) wishes: Wishes,
    pub(crate) on_progress: Option<OnProgress>,
    pub(crate) redirects: bool,
    pub(crate) unsigned: bool,
    pub(crate) mutual_tls: bool,
    pub(crate) without_nonce: bool,
}

impl Draft {
    /// # Errors
    /// On everything that is wrong with the path, the options or their values.
    pub(crate) fn new(
        method: Method,
        template: &str,
        options: Options,
        setup: &Setup,
        trust: &Trust,
    ) -> Result<Self> {
        let mut options = options::sound(options)?;
        let (version, stripped) = path::version(template);
        check_method(&method, &options, version)?;
        let expanded = expand(stripped, &options.vars)?;
        let place = Place::of(&expanded, &options, setup)?;
        let Place {
            origin,
            mut target,
            prefix,
        } = place;
        if let Some(body) = options.json.as_ref().or(options.xml.as_ref()) {
            lint::check(body, version, setup.strict)?;
        }
        let fields = std::mem::take(&mut options.encrypt);
        options::encrypt(&fields, options.json.as_mut(), &mut options.headers, trust)?;
        let payload = payload(&method, &mut target, &mut options, version)?;
        if let Some(query) = &options.query {
            add_query(&mut target, query)?;
        }
        let headers = headers(&method, &mut options, version, setup, trust.preferred());
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
            settings: Settings {
                timeout: options.timeout.unwrap_or(setup.timeout),
                connect_timeout: options.connect_timeout.unwrap_or(setup.connect_timeout),
                sink: options.sink.map(absolute).transpose()?,
                wishes: Wishes {
                    gunzip: options.gunzip,
                    sha1: options.sha1,
                    sha256: options.sha256,
                    named: None,
                },
                on_progress: options.on_progress,
                redirects: options.allow_redirects,
                unsigned: options.unsigned,
                mutual_tls: options.mutual_tls,
                without_nonce: options.without_nonce,
            },
        })
    }

    /// Turns the draft to where a redirect points.
    ///
    /// # Errors
    /// Where that is outside the host rule, or no path to be sent.
    pub(crate) fn redirect(&mut self, location: &str, setup: &Setup) -> Result<()> {
        let outside = |err: Cause| {
            Cause::new(
                Kind::Redirect,
                format!("a redirect that is not followed: {err}"),
            )
        };
        let (origin, target) = if is_absolute(location) {
            let (origin, rest) = Origin::split(location).map_err(outside)?;
            (origin, rest)
        } else if location.starts_with('/') && !location.starts_with("//") {
            (self.origin.clone(), location)
        } else {
            return Err(outside(Cause::request(format!(
                "its Location, of {} bytes, is neither an absolute URL nor an absolute path",
                location.len()
            ))));
        };
        setup
            .check_origin(&origin, self.settings.unsigned)
            .map_err(outside)?;
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        path::check(path).map_err(outside)?;
        let target = match &self.payload {
            // It carries its signature inside, so it is signed again: our fields and no others. A
            // sign over fields of a stranger's choice would fit a message of the stranger's.
            Payload::Query(given) => {
                if let Some(query) = query {
                    v2::request::check_same_fields(given, query).map_err(outside)?;
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

    /// The same request to another base URI.
    pub(crate) fn at(&self, base: &Base) -> Self {
        let mut moved = self.clone();
        moved.origin = base.origin.clone();
        moved.target = format!("{}{}", base.prefix, &self.target[self.prefix..]);
        moved.prefix = base.prefix.len();
        moved
    }

    /// The API's path that the caller asked for, without the base URI's own and without the query.
    ///
    /// What a response must prove follows from this path, wherever redirects lead: an answer that
    /// nothing vouches for must not choose what is demanded of the next.
    pub(crate) fn api_path(&self) -> &str {
        if let Some(asked) = &self.asked {
            return asked;
        }
        let path = &self.target[self.prefix..];
        path.split_once('?').map_or(path, |(path, _)| path)
    }
}

/// Where a relative path leads from here and now.
pub(crate) fn absolute(sink: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&sink)
        .map_err(|err| Cause::request("option `sink` is no path of a file").with_source(err))
}
