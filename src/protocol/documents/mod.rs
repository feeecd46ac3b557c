//! What the documents say about a request: which operation it is, how it differs, which of its fields are
//! sealed. Feature `documents`.

mod asked;
mod check;
mod decrypt;
mod encrypt;
mod finding;
mod sealed;

pub(crate) use self::{
    asked::Asked,
    check::Given,
    decrypt::{Ciphertext, ciphertexts, in_field, put},
    encrypt::{SealedOptions, encrypt, encrypts, may_encrypt},
};

use http::Method;

use crate::{
    catalog::{self, Operation},
    error::{Cause, cause::Result},
    protocol::url::path::Version,
};

/// Whether a request is compared with what WeChat Pay documents before it is sent. Feature `documents`.
///
/// A finding is a field that is not documented, a required one that is missing, a value of the wrong type or
/// outside the documented list, or a field in clear text that must be encrypted. Each names its place in the
/// options map, such as `/json/amount/totla`, and the nearest documented name.
///
/// Documented lists of values are not complete: a value with digits that looks like a listed one, such as
/// `1011` where `1000` is listed, is no finding.
///
/// Requests whose path is not documented are not checked, and neither is a `body`. `sign`, `sign_type` and `nonce_str` are never
/// findings, and neither are `sub_mch_id`, `sub_appid` and `sub_openid` on APIv2.
///
/// # Examples
///
/// ```
/// use wechatpay_chain::{Checks, Client, Method, json};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let client = Client::builder()
///     .mchid("1900000109")
///     .apiv2_key("0123456789abcdef0123456789abcdef")
///     .check_documents(Checks::Deny)
///     .build()?;
/// let err = client
///     .chain("v2/pay/closeorder")
///     .prepare(Method::POST, json!({ "xml": {
///         "appid": "wx8888888888888888", "mch_id": "1900000109", "out_trade_on": "tea-0001",
///     }}))
///     .unwrap_err();
/// assert!(err.to_string().contains("`/xml/out_trade_on` is not a documented field: did you mean `out_trade_no`?"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Checks {
    /// Nothing is compared. The default.
    #[default]
    Off,
    /// Findings are logged as warnings, and the request is sent.
    Warn,
    /// Findings are an error of the call, and nothing is sent.
    Deny,
}

impl Checks {
    /// Checks a request.
    ///
    /// # Errors
    /// Returns an error that names the findings, if they are denied.
    pub(crate) fn check(self, given: &Given<'_>) -> Result<()> {
        // Without a subscriber the check would cost time for every request and have no effect.
        let is_heard = self == Self::Deny || tracing::enabled!(tracing::Level::WARN);
        if self == Self::Off || !is_heard {
            return Ok(());
        }
        let findings = given.check();
        if findings.is_empty() {
            return Ok(());
        }
        if self == Self::Deny {
            return Err(Cause::request(format!(
                "the request differs from WeChat Pay's documents of {}: {findings} (Checks::Warn sends it anyway)",
                catalog::date(),
            )));
        }
        let operation = given.operation;
        for finding in findings.iter() {
            tracing::warn!(%operation, %finding, "the request differs from WeChat Pay's documents");
        }
        Ok(())
    }
}

/// Returns the documented operation that a request is for. `api_path` is the expanded path below the base
/// URI, as [`Draft::api_path`](crate::protocol::request::Draft::api_path) returns it.
///
/// The template is looked up first: a variable's value may look like a documented word. The expanded path
/// finds what a template hides: an absolute URL, or a variable that contains several segments.
pub(crate) fn operation(
    method: &Method,
    template: &str,
    api_path: &str,
    version: Version,
) -> Option<&'static Operation> {
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
