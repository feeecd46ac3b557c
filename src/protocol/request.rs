//! From a chain and its options to a request that lacks only its signature.

use std::{borrow::Cow, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use serde_json::{Map, Value};

use super::{
    host::{Base, HostRule, Origin},
    lint,
    multipart::Form,
    options::{self, OnProgress, Options, Var, measure, unknown_key},
    path::{self, EMPTY, Version, shown},
    query,
    sign::Scheme,
    trust::Trust,
    verify,
};
use crate::{
    base::template::{self, TemplateError},
    error::{Error, Kind, Outcome, Result},
};

const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/json, text/plain, application/x-gzip, application/pdf, image/png, image/*;q=0.5",
);
const ACCEPTED_XML: HeaderValue =
    HeaderValue::from_static("text/xml, application/xml, application/json, text/plain, */*;q=0.5");
const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a client brings to each of its requests.
pub(crate) struct Setup {
    pub(crate) base: Base,
    pub(crate) hosts: HostRule,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    /// Whether what WeChat Pay is known to refuse is refused here.
    pub(crate) strict: bool,
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
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) settings: Settings,
}

/// The body, before it is signed.
#[derive(Clone)]
pub(crate) enum Payload {
    /// The bytes that are signed and sent.
    Bytes(Bytes),
    /// The fields of an APIv2 body, which carries its signature inside.
    Fields(Map<String, Value>),
    /// The query of an APIv2 GET, a map or a string, which carries its signature inside.
    Query(Value),
    /// A file, of which not all is signed.
    Form(Box<Form>),
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

/// What is asked of a download.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// Unpack it where it is gzip.
    pub(crate) gunzip: bool,
    /// The SHA-1 that it must have, or that it must have once it is unpacked.
    pub(crate) sha1: Option<[u8; 20]>,
}

impl Wishes {
    pub(crate) fn are_none(&self) -> bool {
        !self.gunzip && self.sha1.is_none()
    }
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
            headers,
            payload,
            settings: Settings {
                timeout: options.timeout.unwrap_or(setup.timeout),
                connect_timeout: options.connect_timeout.unwrap_or(setup.connect_timeout),
                sink: options.sink.map(absolute).transpose()?,
                wishes: Wishes {
                    gunzip: options.gunzip,
                    sha1: options.sha1,
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
        let outside = |err: Error| {
            Error::new(
                Kind::Redirect,
                format!("a redirect that is not followed: {err}"),
            )
            .with_outcome(Outcome::Unknown)
        };
        let (origin, target) = if is_absolute(location) {
            let (origin, rest) = Origin::split(location).map_err(outside)?;
            (origin, rest)
        } else if location.starts_with('/') && !location.starts_with("//") {
            (self.origin.clone(), location)
        } else {
            return Err(outside(Error::request(format!(
                "`{}` is neither an absolute URL nor an absolute path",
                shown(location)
            ))));
        };
        let allowed = if self.settings.unsigned {
            setup.hosts.check_unsigned(&origin)
        } else {
            setup.hosts.check(&origin)
        };
        allowed.map_err(outside)?;
        let path = target.split('?').next().unwrap_or_default();
        path::check(path).map_err(outside)?;
        self.prefix = own_prefix(&origin, path, setup);
        self.origin = origin;
        self.target = target.split('#').next().unwrap_or_default().to_owned();
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

    /// The path alone, without the base URI's own and without the query.
    pub(crate) fn api_path(&self) -> &str {
        let path = &self.target[self.prefix..];
        path.split_once('?').map_or(path, |(path, _)| path)
    }
}

fn check_method(method: &Method, options: &Options, version: Version) -> Result<()> {
    let bodies = [
        ("json", options.json.is_some()),
        ("xml", options.xml.is_some()),
        ("body", options.body.is_some()),
        // Beside a file, APIv2's fields are parts of the same form.
        ("media", options.media.is_some() && version == Version::V3),
        ("media", options.media.is_some() && options.body.is_some()),
    ];
    let mut given = bodies
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name);
    if let (Some(one), Some(two)) = (given.next(), given.next()) {
        return Err(Error::request(format!(
            "the options `{one}` and `{two}` exclude one another: a request has one body"
        )));
    }
    if options.unsigned && method != Method::GET {
        return Err(Error::request(format!(
            "unsigned() is for GET alone: a {method} is always signed"
        )));
    }
    match version {
        Version::V3 if options.xml.is_some() => Err(Error::request(
            "the option `xml` is for APIv2, whose paths begin with `v2/`: APIv3 takes `json`",
        )),
        Version::V3 if options.without_nonce => Err(Error::request(
            "the option `nonceless` is for APIv2, whose paths begin with `v2/`",
        )),
        Version::V2 if method == Method::GET && options.xml.is_some() => Err(Error::request(
            "an APIv2 GET has no body: its fields go into the option `query`",
        )),
        Version::V2 if options.unsigned => Err(Error::request(
            "unsigned() is for files of APIv3: an APIv2 request is always signed",
        )),
        Version::V2 if options.json.is_some() => Err(Error::request(
            "the option `json` is for APIv3: a path that begins with `v2/` takes `xml`",
        )),
        _ if options.media.is_some() && !matches!(*method, Method::POST | Method::PUT) => {
            Err(Error::request(format!(
                "a file is uploaded by POST or PUT, not by {method}"
            )))
        }
        Version::V3
            if method == Method::GET && (options.json.is_some() || options.body.is_some()) =>
        {
            Err(Error::request(
                "a GET has no body: its parameters go into the option `query`",
            ))
        }
        _ => Ok(()),
    }
}

/// Where a relative path leads from here and now.
pub(crate) fn absolute(sink: PathBuf) -> Result<PathBuf> {
    std::path::absolute(&sink)
        .map_err(|err| Error::request("option `sink` is no path of a file").with_source(err))
}

/// Fills the template. Every variable must have a value, and every value a variable.
fn expand(template: &str, vars: &[Var]) -> Result<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut missing: Vec<(String, &'static str)> = Vec::new();
    let mut used = vec![false; vars.len()];
    let mut lookup = |name: &str| {
        let found = vars.iter().position(|var| var.name == name);
        if let Some(at) = found {
            used[at] = true;
        }
        let value = found.map(|at| &vars[at].value);
        let lack = match value {
            None if name == EMPTY => return None,
            None => "was not given",
            Some(Value::Null) => "is null",
            Some(Value::String(text)) if text.is_empty() => "is an empty string",
            Some(Value::Array(items)) if items.is_empty() => "is an empty array",
            Some(Value::Object(map)) if map.is_empty() => "is an empty object",
            Some(_) => return value,
        };
        missing.push((name.to_owned(), lack));
        None
    };
    template::expand(template, &mut lookup, &mut out).map_err(|err: TemplateError| {
        Error::request(format!("the path is no URI template: {err}"))
    })?;
    if let Some(at) = used.iter().position(|used| !used) {
        let variables = variables(template, vars, &missing);
        let variables = variables.iter().map(AsRef::as_ref).collect::<Vec<&str>>();
        return Err(unknown_key(&vars[at].name, &variables));
    }
    if !missing.is_empty() {
        let lacks = missing
            .iter()
            .map(|(name, lack)| format!("`{}` {lack}", shown(name)))
            .collect::<Vec<_>>();
        return Err(Error::request(format!(
            "the path lacks a value: {}; give one in the options",
            lacks.join(", ")
        )));
    }
    Ok(out)
}

/// The names in the template: those that lack a value and those that have one.
fn variables<'a>(
    template: &str,
    vars: &'a [Var],
    missing: &'a [(String, &'static str)],
) -> Vec<Cow<'a, str>> {
    let given = vars
        .iter()
        .filter(|var| template.contains(&var.name))
        .map(|var| Cow::from(&var.name));
    missing
        .iter()
        .map(|(name, _)| Cow::from(name))
        .chain(given)
        .collect()
}

/// Where a request goes: our own concatenation, which no URL parser rewrites afterwards.
struct Place {
    origin: Origin,
    target: String,
    prefix: usize,
}

impl Place {
    fn of(expanded: &str, options: &Options, setup: &Setup) -> Result<Self> {
        let absolute = is_absolute(expanded);
        let base;
        let (origin, prefix, rest) = if absolute {
            let (origin, rest) = Origin::split(expanded)?;
            (Cow::Owned(origin), "", rest)
        } else if let Some(uri) = &options.base_uri {
            base = Base::parse(uri)
                .map_err(|err| Error::request(format!("option `base_uri`: {err}")))?;
            (Cow::Borrowed(&base.origin), base.prefix.as_str(), expanded)
        } else {
            let base = &setup.base;
            (Cow::Borrowed(&base.origin), base.prefix.as_str(), expanded)
        };
        if options.unsigned {
            setup.hosts.check_unsigned(&origin)?;
        } else {
            setup.hosts.check(&origin)?;
        }
        let mut target = String::with_capacity(prefix.len() + rest.len() + 1);
        target.push_str(prefix);
        if !rest.starts_with('/') {
            target.push('/');
        }
        target.push_str(rest);
        let end = target.find('?').unwrap_or(target.len());
        path::check(&target[..end])?;
        if target[end..].contains('#') {
            return Err(Error::request(
                "the path has a `#` in its query: a fragment is never sent",
            ));
        }
        if options.query.is_some() && end < target.len() {
            return Err(Error::request(
                "the path has a query and so have the options: give it once",
            ));
        }
        let prefix = if absolute {
            own_prefix(&origin, &target, setup)
        } else {
            prefix.len()
        };
        Ok(Self {
            prefix,
            origin: origin.into_owned(),
            target,
        })
    }
}

/// How much of an absolute URL's path is the client's own base URI's.
fn own_prefix(origin: &Origin, path: &str, setup: &Setup) -> usize {
    let prefix = &setup.base.prefix;
    let below = path
        .strip_prefix(prefix.as_str())
        .is_some_and(|rest| rest.starts_with('/'));
    if *origin == setup.base.origin && below {
        prefix.len()
    } else {
        0
    }
}

/// `scheme://…`, whatever the scheme.
fn is_absolute(expanded: &str) -> bool {
    expanded.split_once("://").is_some_and(|(scheme, _)| {
        scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

fn add_query(target: &mut String, query: &Value) -> Result<()> {
    let at = target.len();
    target.push('?');
    query::encode(query, target)?;
    if target.len() == at + 1 {
        target.truncate(at);
    }
    Ok(())
}

fn payload(
    method: &Method,
    target: &mut String,
    options: &mut Options,
    version: Version,
) -> Result<Payload> {
    if let Some(body) = options.body.take() {
        return Ok(Payload::Bytes(body));
    }
    if let Some(media) = options.media.take() {
        let fields = match version {
            Version::V2 => Some(fields(options.xml.take())?),
            Version::V3 => None,
        };
        let form = Form::new(media, fields, &mut options.headers)?;
        return Ok(Payload::Form(Box::new(form)));
    }
    if version == Version::V2 {
        return if method == Method::GET {
            Ok(Payload::Query(take_query(target, options)))
        } else {
            Ok(Payload::Fields(fields(options.xml.take())?))
        };
    }
    match options.json.take() {
        None => Ok(Payload::Bytes(Bytes::new())),
        Some(json) => serde_json::to_vec(&json)
            .map(|bytes| Payload::Bytes(bytes.into()))
            .map_err(|err| Error::request("option `json` does not serialize").with_source(err)),
    }
}

/// The query of an APIv2 GET, from the options or from the path: it is put back when it is signed.
fn take_query(target: &mut String, options: &mut Options) -> Value {
    if let Some(query) = options.query.take() {
        return query;
    }
    match target.find('?') {
        Some(at) => {
            let query = target[at + 1..].to_owned();
            target.truncate(at);
            Value::String(query)
        }
        None => Value::Object(Map::new()),
    }
}

fn fields(xml: Option<Value>) -> Result<Map<String, Value>> {
    match xml {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        // PHP's empty array is both a list and a map.
        Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(other) => Err(Error::request(format!(
            "option `xml` is {}: APIv2 takes an object of fields",
            measure(&other)
        ))),
    }
}

/// The caller's headers, and ours where they gave none.
fn headers(
    method: &Method,
    options: &mut Options,
    version: Version,
    setup: &Setup,
    serial: Option<HeaderValue>,
) -> HeaderMap {
    let mut headers = std::mem::take(&mut options.headers);
    let (accepted, content) = match version {
        Version::V3 => (ACCEPTED, JSON),
        Version::V2 => (ACCEPTED_XML, XML),
    };
    headers.entry(ACCEPT).or_insert(accepted);
    headers
        .entry(USER_AGENT)
        .or_insert_with(|| setup.user_agent.clone());
    if method != Method::GET {
        headers.entry(CONTENT_TYPE).or_insert(content);
    }
    if let Some(serial) = serial.filter(|_| version == Version::V3 && !options.unsigned) {
        headers.entry(verify::SERIAL).or_insert(serial);
    }
    headers
}
