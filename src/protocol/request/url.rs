//! The URL of a request.
//!
//! It is concatenated here and no URL parser rewrites it afterwards. A parser that normalized it, for
//! example from `%2f` to `/`, would change what is sent but not what was signed.

use std::borrow::Cow;

use super::setup::Setup;
use crate::{
    error::{Cause, cause::Result},
    protocol::{
        options::Options,
        url::{
            host::{Base, Origin},
            path,
        },
    },
};

/// An origin and the request target below it.
pub(super) struct Url {
    pub(super) origin: Origin,
    /// Path and query.
    pub(super) target: String,
    /// The length of the base URI's own path at the start of the target.
    pub(super) prefix: usize,
}

impl Url {
    /// Builds the URL of an expanded template, which is a path or an absolute URL.
    ///
    /// # Errors
    /// Returns an error if the host rule or the path check refuses it.
    pub(super) fn new(expanded: &str, options: &Options, setup: &Setup) -> Result<Self> {
        let absolute = is_absolute(expanded);
        let given = options
            .send
            .base_uri
            .as_deref()
            .map(Base::parse)
            .transpose();
        let given = given.map_err(|err| Cause::request(format!("option `base_uri`: {err}")))?;
        let base = given.as_ref().unwrap_or(&setup.base);
        let (origin, prefix, rest) = if absolute {
            let (origin, rest) = Origin::split(expanded)?;
            (Cow::Owned(origin), "", rest)
        } else {
            (Cow::Borrowed(&base.origin), base.prefix.as_str(), expanded)
        };
        setup.check_origin(&origin, options.request.unsigned)?;
        let mut target = String::with_capacity(prefix.len() + rest.len() + 1);
        target.push_str(prefix);
        if !rest.starts_with('/') {
            target.push('/');
        }
        target.push_str(rest);
        let end = target.find('?').unwrap_or(target.len());
        path::check(&target[..end])?;
        if target[end..].contains('#') {
            return Err(Cause::request(
                "invalid path: its query contains `#`, and a fragment is never sent; percent-encode it as %23",
            ));
        }
        if options.request.query.is_some() && end < target.len() {
            return Err(Cause::request(
                "both the path and the option `query` have a query: set only one",
            ));
        }
        let prefix = if absolute {
            own_prefix(&origin, &target, base)
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

/// Returns how much of an absolute URL's path is the base URI's own.
pub(super) fn own_prefix(origin: &Origin, path: &str, base: &Base) -> usize {
    let prefix = &base.prefix;
    let below = path
        .strip_prefix(prefix.as_str())
        .is_some_and(|rest| rest.starts_with('/'));
    if *origin == base.origin && below {
        prefix.len()
    } else {
        0
    }
}

/// Returns `true` for `scheme://…`, with any scheme.
pub(super) fn is_absolute(expanded: &str) -> bool {
    expanded.split_once("://").is_some_and(|(scheme, _)| {
        scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}
