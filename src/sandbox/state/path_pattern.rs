//! The paths that a test names: one path, a documented template, or a prefix.

use http::Method;

use crate::catalog::{self, Operation};

/// Which requests a path in a test stands for.
///
/// A leading slash and APIv2's `v2/`, which is not sent, do not matter, and neither does the prefix of an
/// overseas base URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(String);

impl PathPattern {
    pub(crate) fn new(path: &str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let rest = path.strip_prefix("v2/").filter(|rest| !rest.is_empty());
        // The documents' way to write a trailing slash.
        Self(rest.unwrap_or(path).replace("{empty}", ""))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is a template, such as `v3/certificates/{serial}`.
    pub(crate) fn has_variables(&self) -> bool {
        self.0.contains(['{', '<'])
    }

    /// Returns whether a request's path is this one, or one of this template.
    pub(crate) fn is(&self, path: &str) -> bool {
        let is_segment = |(own, segment): (&str, &str)| {
            let is_variable = own.starts_with(['{', '<']);
            own == segment || is_variable && !segment.is_empty()
        };
        let count = |path: &str| path.split('/').count();
        forms(path).any(|path| {
            count(&self.0) == count(path) && self.0.split('/').zip(path.split('/')).all(is_segment)
        })
    }

    /// Like [`is`](Self::is), but a path without variables stands for all that begin with it.
    pub(crate) fn is_or_begins(&self, path: &str) -> bool {
        match self.has_variables() {
            true => self.is(path),
            false => forms(path).any(|path| path.starts_with(&self.0)),
        }
    }
}

/// Returns the documented operation of a request.
pub(crate) fn operation_of(method: &Method, path: &str) -> Option<&'static Operation> {
    forms(path).find_map(|path| {
        let v2 = || catalog::find(method, &format!("v2/{path}"));
        catalog::find(method, path).or_else(v2)
    })
}

/// Returns a path as it was sent, and below the prefix of an overseas base URI.
fn forms(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let below = |prefix| path.strip_prefix(prefix);
    [Some(path), below("hk/"), below("global/")]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_of_a_path_is_the_documented_one() {
        for (path, template) in [
            ("/v3/certificates", Some("v3/certificates")),
            (
                "/hk/v3/marketing/favor/users/o1/coupons",
                Some("v3/marketing/favor/users/{openid}/coupons"),
            ),
            ("/v3/users/o1", None),
        ] {
            let found = operation_of(&Method::GET, path).map(Operation::template);
            assert_eq!(found, template);
        }
        let v2 = operation_of(&Method::POST, "/pay/unifiedorder");
        assert_eq!(v2.map(Operation::template), Some("v2/pay/unifiedorder"));
    }

    #[test]
    fn template_stands_for_its_paths_and_a_path_for_itself() {
        let template = "v3/pay/transactions/out-trade-no/{out_trade_no}";
        let one = "/v3/pay/transactions/out-trade-no/1";
        for (pattern, path, expected) in [
            (template, one, true),
            (&template.replace('{', "<"), one, true),
            (template, "/v3/pay/transactions/out-trade-no/1/close", false),
            (template, "/v3/pay/transactions/out-trade-no/", false),
            (template, "/hk/v3/pay/transactions/out-trade-no/1", true),
            (one, one, true),
            (one, "/v3/pay/transactions/out-trade-no/11", false),
            ("v2/pay/unifiedorder", "/pay/unifiedorder", true),
            ("/pay/unifiedorder", "/pay/unifiedorder", true),
            (
                "v3/applyment4sub/applyment/{empty}",
                "/v3/applyment4sub/applyment/",
                true,
            ),
        ] {
            assert_eq!(
                PathPattern::new(pattern).is(path),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn path_without_variables_is_a_prefix_too() {
        for (pattern, path, expected) in [
            ("", "/v3/x", true),
            ("/v3/pay", "/v3/payscore", true),
            ("v3/pay/", "/v3/payscore", false),
            ("v3/pay/{id}", "/v3/pay/1", true),
            ("v3/pay/{id}", "/v3/pay/1/close", false),
        ] {
            assert_eq!(
                PathPattern::new(pattern).is_or_begins(path),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
