//! A request that passed the checks on headers and signature, as handlers of APIv3 receive it.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::sandbox::{
    checks::{SERIAL, fields::Fields, json_body, multipart::UploadForm},
    dispatch::{
        pipeline::{Arrived, Listener},
        response::ApiResponse,
    },
    flows::platform::trust,
    state::{LockedWorld, SandboxState, keys::PlatformKey, merchant::Merchant},
};
use crate::{base::crypto::digest, catalog::Operation};

/// A verified request of a documented operation.
///
/// A handler that takes one cannot run before the checks: only the pipeline makes them.
pub(crate) struct Ctx<'a> {
    pub(crate) state: &'a SandboxState,
    /// The merchant that signed.
    pub(crate) merchant: &'a Arc<Merchant>,
    pub(crate) op: &'static Operation,
    pub(crate) parts: &'a Parts,
    pub(crate) raw: &'a Bytes,
    pub(crate) listener: &'a Listener,
    /// The JSON body. Empty if the request has none.
    pub(crate) body: Map<String, Value>,
    pub(crate) upload: Option<Upload>,
    /// The sandbox's time when the request arrived, in seconds since 1970.
    pub(crate) now: u64,
    // Lists, not maps: there are at most a handful, and the first of two equal names counts.
    path: Vec<(&'static str, String)>,
    query: Vec<(String, String)>,
}

/// The parts of an upload.
pub(crate) struct Upload {
    /// The part `meta`, which is what the merchant signed.
    pub(crate) meta: Map<String, Value>,
    pub(crate) file: Bytes,
}

impl<'a> Ctx<'a> {
    /// Reads what the operation takes from the path, the query and the body.
    pub(crate) fn new(
        state: &'a SandboxState,
        merchant: &'a Arc<Merchant>,
        op: &'static Operation,
        arrived: &'a Arrived,
        form: Option<UploadForm<'a>>,
    ) -> Result<Self, ApiResponse> {
        let Arrived {
            parts,
            body: raw,
            listener,
        } = arrived;
        for issue in form.iter().flat_map(|form| &form.oddities) {
            tracing::warn!(operation = %op, "the upload {issue}: WeChat Pay may refuse it");
        }
        let upload = form.map(|form| Upload::new(raw, &form)).transpose()?;
        let body = match upload {
            Some(_) => Map::new(),
            None => json_body::of_operation(op, &parts.headers, raw)?,
        };
        Ok(Self {
            state,
            merchant,
            op,
            parts,
            raw,
            listener,
            body,
            upload,
            now: state.clock.now(),
            path: path_variables(op.template(), parts.uri.path())?,
            query: parse_query(parts.uri.query().unwrap_or_default())?,
        })
    }

    /// Returns the fields of the JSON body.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields::of_body(&self.body)
    }

    /// Returns the value of a variable in the path.
    // The template names its variables and so does the handler: a missing one is a mistake in this crate,
    // and an empty value finds no order.
    pub(crate) fn path(&self, name: &str) -> &str {
        let mut pairs = self.path.iter();
        let found = pairs.find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    /// Returns a required value of the query.
    pub(crate) fn query(&self, name: &str) -> Result<&str, ApiResponse> {
        self.optional_query(name)
            .ok_or_else(|| ApiResponse::missing_from("query", &format!("/{name}")))
    }

    /// Returns whether the path is of service providers: `v3/pay/partner/…`, `v3/partner-papay/…`.
    pub(crate) fn is_partner(&self) -> bool {
        let mut segments = self.op.template().split('/');
        segments.any(|segment| segment == "partner" || segment.starts_with("partner-"))
    }

    /// Returns an optional value of the query. An empty value counts as absent.
    pub(crate) fn optional_query(&self, name: &str) -> Option<&str> {
        find(&self.query, name).filter(|value| !value.is_empty())
    }

    /// Returns the whole query, decoded, in its order.
    pub(crate) fn queries(&self) -> &[(String, String)] {
        &self.query
    }

    /// Locks the world. Never hold it over RSA or another lock.
    pub(crate) fn world(&self) -> LockedWorld<'_> {
        self.state.world()
    }

    /// Returns the platform key that the request's fields are sealed for: the one that its
    /// `Wechatpay-Serial` names.
    // Without the header, WeChat Pay could not tell which of its keys the merchant used.
    pub(crate) fn sealing_key(&self) -> Result<&'a PlatformKey, ApiResponse> {
        let serial = self.parts.headers.get(SERIAL);
        let serial = serial.ok_or_else(crate::sandbox::checks::no_platform_serial)?;
        let key = serial.to_str().ok();
        key.and_then(|id| trust::effective_key(self.state, self.merchant, id))
            .ok_or_else(crate::sandbox::checks::wrong_platform_serial)
    }

    /// Decrypts a field of the body that was sealed for WeChat Pay. Returns `None` if it is absent.
    pub(crate) fn unseal(
        &self,
        fields: &Fields<'_>,
        name: &str,
    ) -> Result<Option<String>, ApiResponse> {
        if !fields.has(name) {
            return Ok(None);
        }
        let key = self.sealing_key()?;
        let text = fields.text(name, 4096)?;
        key.decrypt(text)
            .and_then(|plaintext| String::from_utf8(plaintext).ok())
            .map(Some)
            .ok_or_else(crate::sandbox::checks::not_sealed)
    }

    /// Encrypts a field of the response for the merchant.
    pub(crate) fn seal(&self, text: &str) -> Result<String, ApiResponse> {
        self.merchant
            .key
            .encrypt(text.as_bytes())
            .map_err(|_| ApiResponse::system_error("cannot encrypt for the merchant"))
    }
}

impl Upload {
    fn new(raw: &Bytes, form: &UploadForm<'_>) -> Result<Self, ApiResponse> {
        json_body::check_size(form.meta)?;
        let Ok(Value::Object(meta)) = serde_json::from_slice(form.meta) else {
            return Err(ApiResponse::param_error(
                "meta",
                &Value::Null,
                "must be a JSON object",
                "body",
            ));
        };
        Ok(Self {
            meta,
            // A view into the body, not a copy.
            file: raw.slice_ref(form.file),
        })
    }

    /// Returns whether this is the SHA-256 of the file, in hexadecimal.
    pub(crate) fn is_hashed_as(&self, sha256: &str) -> bool {
        sha256.eq_ignore_ascii_case(&digest::hex_lower(&digest::sha256(&self.file)))
    }
}

/// Returns the values of a template's variables in a path that matches it.
// From the end, where both have the same segments: a base URI's prefix comes before the template.
pub(crate) fn path_variables(
    template: &'static str,
    path: &str,
) -> Result<Vec<(&'static str, String)>, ApiResponse> {
    let mut variables = Vec::new();
    for (documented, segment) in template.rsplit('/').zip(path.rsplit('/')) {
        let name = documented
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(name) = name {
            variables.push((name, decode(segment, "path", "uri_template")?));
        }
    }
    Ok(variables)
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = pairs.iter().find(|(key, _)| key == name)?;
    Some(value)
}

pub(crate) fn parse_query(query: &str) -> Result<Vec<(String, String)>, ApiResponse> {
    // The query of a form: `+` is a space. The signature does not see this, it covers the raw bytes.
    let decode = |text: &str| decode(&text.replace('+', " "), "query", "query");
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

pub(crate) fn decode(text: &str, what: &str, location: &str) -> Result<String, ApiResponse> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(ApiResponse::param_error(
            what,
            &text.into(),
            "must be UTF-8",
            location,
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::sandbox::dispatch::request::*;

    #[test]
    fn query_decodes_plus_and_percent() {
        let pairs = parse_query("a=1&b=%E4%B8%AD+x&c&&d=").unwrap();
        let found = |name| find(&pairs, name);
        assert_eq!(found("a"), Some("1"));
        assert_eq!(found("b"), Some("中 x"));
        assert_eq!(found("c"), Some(""));
        assert_eq!(found("e"), None);
        assert!(parse_query("a=%ff").is_err());
    }

    #[test]
    fn path_variables_are_decoded_and_a_prefix_is_ignored() {
        let template = "v3/pay/transactions/out-trade-no/{out_trade_no}/close";
        for prefix in ["", "/hk"] {
            let path = format!("{prefix}/v3/pay/transactions/out-trade-no/a%2Fb+/close");
            let variables = path_variables(template, &path).unwrap();
            assert_eq!(variables, [("out_trade_no", "a/b+".to_owned())]);
        }
        assert!(path_variables("v3/{a}", "/v3/%ff").is_err());
    }
}
