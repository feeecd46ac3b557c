//! What a call or a client asks of the documents. Feature `documents`.
//!
//! The code that uses the documents is reached only through the function pointers here, which the setters
//! set. A program that calls none of them does not contain the documents: the linker drops what nothing
//! refers to.

use http::Method;

use super::RequestOptions;
use crate::{
    error::cause::Result,
    protocol::{
        trust::{Trust, sensitive::Padding},
        url::path::Version,
    },
};

/// Whether a request is compared with what WeChat Pay documents before it is sent. Feature `documents`.
///
/// A finding is a field that is not documented, a required one that is missing, a value of the wrong type or
/// outside the documented list, or a field in clear text that must be encrypted. Each names its place in the
/// options map, such as `/json/amount/totla`, and the nearest documented name.
///
/// Documented lists of values are not complete: a value with digits that looks like a listed one, such as
/// `1011` where `1000` is listed, is not a finding.
///
/// Requests whose path is not documented are not checked. `sign`, `sign_type` and `nonce_str` are never
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

/// What a call asks of the documents.
#[derive(Clone, Default)]
pub(crate) struct Documented {
    /// `None` for the client's setting.
    pub(crate) check: Option<Check>,
    /// How to encrypt the sealed fields, if the call or a pointer in `already` needs it.
    pub(crate) seal: Option<Seal>,
    /// Whether the call itself asks for it, and not only the client.
    pub(crate) encrypt: bool,
    /// Pointers to fields that already are ciphertexts.
    pub(crate) already: Vec<String>,
}

/// Checks, and the function that makes them.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) checks: Checks,
    pub(crate) run: fn(Checks, Asked<'_>, Circumstances, &RequestOptions) -> Result<()>,
}

/// Encrypts the sealed fields, but for the fields of `json` that are given with their padding. The flag
/// tells whether the client asks for it.
type EncryptFn =
    fn(Asked<'_>, &mut RequestOptions, &[(String, Padding)], bool, &Trust) -> Result<()>;

/// The functions that encrypt sealed fields.
#[derive(Clone, Copy)]
pub(crate) struct Seal {
    pub(crate) run: EncryptFn,
    /// Returns `true` if `run` requires a platform key.
    pub(crate) requires_key: fn(Asked<'_>, &RequestOptions, bool) -> bool,
}

/// What decides whether a request is complete, besides its options.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) mutual_tls: bool,
    /// Whether it goes to the default base URI.
    pub(crate) is_default_base: bool,
}

/// A method and a path.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) template: &'a str,
    pub(crate) version: Version,
    /// The expanded path below the base URI, without the query.
    pub(crate) api_path: &'a str,
    /// The query in the path.
    pub(crate) query: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// `api_target` is what follows the base URI's own path: a path and its query.
    pub(crate) fn new(
        method: &'a Method,
        template: &'a str,
        version: Version,
        api_target: &'a str,
    ) -> Self {
        let (api_path, query) = match api_target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (api_target, None),
        };
        Self {
            method,
            template,
            version,
            api_path,
            query,
        }
    }
}
