//! What the documents say about a request: which operation it is, which of its fields are sealed. Feature
//! `documents`.

use http::Method;

use crate::{
    catalog::{self, Operation},
    protocol::url::path::Version,
};

/// Returns the documented operation that a request is for. `api_path` is the expanded path below the base
/// URI, as [`Draft::api_path`](crate::protocol::request::Draft::api_path) returns it.
///
/// The template is looked up first: a variable's value may look like a documented word. The expanded path
/// finds what a template hides: an absolute URL, or a variable that contains several segments.
#[allow(dead_code, reason = "used by what follows")]
pub(crate) fn operation(
    method: &Method,
    template: &str,
    api_path: &str,
    version: Version,
) -> Option<&'static Operation> {
    catalog::find(method, template).or_else(|| match version {
        Version::V2 => catalog::find(method, &format!("v2{api_path}")),
        Version::V3 => catalog::find(method, api_path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &Method, template: &str, api_path: &str, version: Version) -> Option<String> {
        operation(method, template, api_path, version).map(ToString::to_string)
    }

    #[test]
    fn operation_is_found_by_template_or_expanded_path() {
        let native = Some("POST v3/pay/transactions/native".to_owned());
        let path = "/v3/pay/transactions/native";
        for template in [
            "v3/pay/transactions/native",
            "v3/{+rest}",
            "https://api.mch.weixin.qq.com/v3/pay/transactions/native",
        ] {
            assert_eq!(found(&Method::POST, template, path, Version::V3), native);
        }
        assert_eq!(
            found(
                &Method::POST,
                "v2/{+rest}",
                "/pay/unifiedorder",
                Version::V2
            )
            .as_deref(),
            Some("POST v2/pay/unifiedorder")
        );
        assert_eq!(found(&Method::PUT, path, path, Version::V3), None);
        // The value of a variable is not part of the path's meaning.
        let by_id = "v3/pay/transactions/id/{transaction_id}";
        assert_eq!(
            found(
                &Method::GET,
                by_id,
                "/v3/pay/transactions/id/x",
                Version::V3
            ),
            Some(format!("GET {by_id}"))
        );
    }
}
