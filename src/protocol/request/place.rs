//! The URL: put together here, and rewritten by no parser afterwards.

use std::borrow::Cow;

use super::Setup;
use crate::{
    error::{Cause, cause::Result},
    protocol::{
        host::{Base, Origin},
        options::Options,
        path,
    },
};

/// Where a request goes: our own concatenation, which no URL parser rewrites afterwards.
pub(super) struct Place {
    pub(super) origin: Origin,
    pub(super) target: String,
    pub(super) prefix: usize,
}

impl Place {
    pub(super) fn of(expanded: &str, options: &Options, setup: &Setup) -> Result<Self> {
        let absolute = is_absolute(expanded);
        let given = options.base_uri.as_deref().map(Base::parse).transpose();
        let given = given.map_err(|err| Cause::request(format!("option `base_uri`: {err}")))?;
        let base = given.as_ref().unwrap_or(&setup.base);
        let (origin, prefix, rest) = if absolute {
            let (origin, rest) = Origin::split(expanded)?;
            (Cow::Owned(origin), "", rest)
        } else {
            (Cow::Borrowed(&base.origin), base.prefix.as_str(), expanded)
        };
        setup.check_origin(&origin, options.unsigned)?;
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
                "the path has a `#` in its query: a fragment is never sent",
            ));
        }
        if options.query.is_some() && end < target.len() {
            return Err(Cause::request(
                "the path has a query and so have the options: give it once",
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

/// How much of an absolute URL's path is the base URI's own.
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

/// `scheme://…`, whatever the scheme.
pub(super) fn is_absolute(expanded: &str) -> bool {
    expanded.split_once("://").is_some_and(|(scheme, _)| {
        scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}
