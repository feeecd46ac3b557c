//! What the documents say about a request: which operation it is, how it differs, which of its fields are
//! sealed. Feature `documents`.

mod check;
mod decrypt;
mod encrypt;
mod finding;
mod place;
mod sealed;

pub(crate) use self::{
    check::check,
    decrypt::{Ciphertext, ciphertexts, in_field, put},
    encrypt::SEAL,
};
#[cfg(feature = "sandbox")]
pub(crate) use self::{
    check::{Received, findings},
    finding::{Finding, Problem},
    sealed::{Expected, find as sealed_fields},
};

use crate::{
    catalog::{self, Operation},
    protocol::{options::documented::Asked, url::path::Version},
};

/// Returns the documented operation that a request is for.
///
/// The template is looked up first: a variable's value may look like a documented word. The expanded path
/// finds what a template hides: an absolute URL, or a variable that contains several segments.
fn operation(asked: Asked<'_>) -> Option<&'static Operation> {
    let Asked {
        method,
        template,
        version,
        api_path,
        ..
    } = asked;
    catalog::find(method, template).or_else(|| match version {
        Version::V2 => catalog::find(method, &format!("v2{api_path}")),
        Version::V3 => catalog::find(method, api_path).or_else(|| {
            // An absolute URL may have the prefix of another base URI, such as `/hk`.
            let prefix = api_path.find("/v3/")?;
            catalog::find(method, &api_path[prefix..])
        }),
    })
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn found(method: &Method, template: &str, api_path: &str, version: Version) -> Option<String> {
        operation(Asked::new(method, template, version, api_path)).map(ToString::to_string)
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
        let with_prefix = "/hk/v3/pay/transactions/native";
        let url = "https://apihk.mch.weixin.qq.com/hk/v3/pay/transactions/native";
        assert_eq!(found(&Method::POST, url, with_prefix, Version::V3), native);
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
