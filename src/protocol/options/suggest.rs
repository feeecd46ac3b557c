//! The error for an unknown option key: it names the nearest known key, or what to use instead.
//!
//! A misspelt key must be an error. If it were ignored, `timeot` would leave a call without its timeout,
//! and a misspelt variable would be sent as an empty segment.

use super::from_json::KNOWN;
use crate::{
    base::edit_distance::{MAX_LEN, levenshtein},
    error::{Cause, value::shown},
};

/// Keys from the PHP SDK, its HTTP client Guzzle, and axios (used by the JavaScript SDK) that have no
/// meaning here, and what to use instead. Ported programs pass them.
const ELSEWHERE: [(&str, &str); 62] = [
    // The PHP SDK's options.
    ("mchid", "set it once with ClientBuilder::mchid"),
    ("serial", "set it once with ClientBuilder::serial"),
    ("privateKey", "set it once with ClientBuilder::private_key"),
    (
        "certs",
        "set them once with ClientBuilder::platform_key or ClientBuilder::platform_certificate",
    ),
    ("secret", "set it once with ClientBuilder::apiv2_key"),
    (
        "merchant",
        "set it once with ClientBuilder::client_identity",
    ),
    // Guzzle's options.
    (
        "auth",
        "every request is signed; a proxy's credentials are part of its URL",
    ),
    (
        "cert",
        "set it once with ClientBuilder::client_identity, and use the option `security`",
    ),
    (
        "ssl_key",
        "set it once with ClientBuilder::client_identity, and use the option `security`",
    ),
    ("config", "configure the client with ClientBuilder"),
    (
        "cookies",
        "WeChat Pay uses no cookies; set `Cookie` in `headers`",
    ),
    (
        "crypto_method",
        "TLS 1.2 or 1.3 is negotiated automatically",
    ),
    (
        "curl",
        "curl is not used: set the proxy, TLS and timeouts on ClientBuilder or Transport",
    ),
    (
        "debug",
        "subscribe to `tracing`, where every call is logged without secrets",
    ),
    (
        "decode_content",
        "a gzip response is verified and decoded automatically; Options::gunzip decompresses a gzip file",
    ),
    (
        "delay",
        "wait before the call, for example with tokio::time::sleep",
    ),
    (
        "exceptions",
        "an error status is always an Err: its details are in Error::api",
    ),
    (
        "http_errors",
        "an error status is always an Err: its details are in Error::api",
    ),
    ("expect", "`Expect` is not sent: leave the option out"),
    (
        "force_ip_resolve",
        "every address of the host is tried: leave the option out",
    ),
    ("form_params", "WeChat Pay takes `json` or `xml`"),
    (
        "handler",
        "there is no middleware: use a Signer, a Verifier or `tracing`",
    ),
    (
        "idn_conversion",
        "write the host in ASCII: leave the option out",
    ),
    ("multipart", "use Options::media to upload a file"),
    (
        "on_headers",
        "the headers are in Response::headers after the call",
    ),
    (
        "on_stats",
        "subscribe to `tracing`, where every call is logged with its duration",
    ),
    ("on_trailers", "trailers are not read: leave the option out"),
    ("progress", "use Options::on_progress"),
    (
        "protocols",
        "https is always used, and http only for a trusted host: leave the option out",
    ),
    (
        "proxy",
        "set it once with ClientBuilder::proxy or Transport::builder",
    ),
    (
        "read_timeout",
        "`timeout` covers the whole call, including reading",
    ),
    ("retries", "set it once with ClientBuilder::retry"),
    ("save_to", "use `sink`"),
    (
        "ssl_verify",
        "TLS is always verified; add a private CA with TransportBuilder::root_certificate",
    ),
    (
        "stream",
        "use `sink` to write a large response to a file as it arrives",
    ),
    (
        "stream_context",
        "set the proxy, TLS and timeouts on ClientBuilder or Transport",
    ),
    (
        "synchronous",
        "`get` and `post` wait, `get_async` and `post_async` return a future",
    ),
    (
        "verify",
        "TLS is always verified; add a private CA with TransportBuilder::root_certificate",
    ),
    ("version", "HTTP/1.1 is always used: leave the option out"),
    // axios's options.
    ("adapter", "there are no adapters: leave the option out"),
    ("baseURL", "use `base_uri`"),
    (
        "cancelToken",
        "drop the future of an async verb to cancel its call",
    ),
    (
        "signal",
        "drop the future of an async verb to cancel its call",
    ),
    ("data", "use `json`, `xml` or `body`"),
    (
        "decompress",
        "a gzip response is verified and decoded automatically",
    ),
    (
        "httpAgent",
        "set the proxy and TLS once on ClientBuilder or Transport",
    ),
    (
        "httpsAgent",
        "set the proxy and TLS once on ClientBuilder or Transport",
    ),
    (
        "maxBodyLength",
        "the size of a request is not limited: leave the option out",
    ),
    (
        "maxContentLength",
        "set it once with ClientBuilder::max_response",
    ),
    ("maxRedirects", "use `allow_redirects`"),
    ("method", "use the verb, or Chain::request with a Method"),
    ("onDownloadProgress", "use Options::on_progress"),
    ("onUploadProgress", "use Options::on_progress"),
    (
        "params",
        "use `query`; path variables are passed next to it, under their own names",
    ),
    (
        "paramsSerializer",
        "`query` is encoded like the PHP SDK encodes it, or give a finished query as a string",
    ),
    ("responseEncoding", "use Response::text or Response::bytes"),
    (
        "responseType",
        "use Response::json, Response::text, Response::bytes or the option `sink`",
    ),
    (
        "transformRequest",
        "give `json`, `xml` or `body` in its final form",
    ),
    (
        "transformResponse",
        "use Response::json, Response::xml or Response::bytes",
    ),
    ("url", "use the chain"),
    (
        "validateStatus",
        "an error status is always an Err: its details are in Error::api",
    ),
    (
        "withCredentials",
        "WeChat Pay uses no cookies: leave the option out",
    ),
];

/// Returns the error for a key that is neither an option nor a variable of the template.
pub(crate) fn unknown_key(key: &str, variables: &[&str]) -> Cause {
    let mut message = format!(
        "the option `{}` is neither a known option nor a variable of the path",
        shown(key)
    );
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(name, _)| *name == key) {
        message.push_str(": ");
        message.push_str(instead);
    } else if let Some(nearest) = nearest(key, KNOWN.iter().chain(variables)) {
        message.push_str(&format!(": did you mean `{}`?", shown(nearest)));
    } else if variables.is_empty() {
        message.push_str(", which has no variables");
        // The most common first mistake: the fields of the body without the key around them.
        message.push_str("; the fields of the body go under `json` (APIv2: `xml`)");
    }
    Cause::request(message)
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a &'a str>) -> Option<&'a str> {
    // The distance takes quadratic time, and a longer key is not a typing mistake.
    if key.len() > MAX_LEN {
        return None;
    }
    let lower = key.to_lowercase();
    known
        .filter(|name| name.len() <= MAX_LEN)
        .map(|name| {
            let name_lower = name.to_lowercase();
            (levenshtein(lower.as_bytes(), name_lower.as_bytes()), *name)
        })
        .min_by_key(|(distance, _)| *distance)
        // One mistake, plus one per three characters. More would suggest unrelated names.
        .filter(|(distance, name)| *distance <= 1 + key.len().min(name.len()) / 3)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_key_is_suggested() {
        for (key, text) in [
            ("out_orderno", "did you mean `out_order_no`?"),
            ("outOrderNo", "did you mean `out_order_no`?"),
            ("timeot", "did you mean `timeout`?"),
            ("Json", "did you mean `json`?"),
            ("verify", "TLS is always verified"),
            ("debug", "subscribe to `tracing`"),
            ("data", "use `json`, `xml` or `body`"),
            ("params", "use `query`"),
            ("http_errors", "an error status is always an Err"),
            ("curl", "curl is not used"),
            ("delay", "wait before the call"),
            ("privateKey", "ClientBuilder::private_key"),
            ("maxContentLength", "ClientBuilder::max_response"),
            ("zzzzzzzz", "nor a variable of the path"),
        ] {
            let err = unknown_key(key, &["out_order_no"]).to_string();
            assert!(err.contains(text), "{err}");
        }
    }

    /// The options of Guzzle 7 (`GuzzleHttp\\RequestOptions`) and of axios 1 (`AxiosRequestConfig`).
    #[test]
    fn options_of_guzzle_and_axios_are_supported_or_explained() {
        for key in [
            "allow_redirects",
            "auth",
            "body",
            "cert",
            "cookies",
            "connect_timeout",
            "crypto_method",
            "debug",
            "decode_content",
            "delay",
            "expect",
            "form_params",
            "headers",
            "http_errors",
            "json",
            "multipart",
            "on_headers",
            "on_stats",
            "progress",
            "proxy",
            "query",
            "sink",
            "synchronous",
            "ssl_key",
            "stream",
            "verify",
            "timeout",
            "read_timeout",
            "version",
            "force_ip_resolve",
            "idn_conversion",
            "base_uri",
            "handler",
            "curl",
            "stream_context",
            "protocols",
            "retries",
            "url",
            "method",
            "baseURL",
            "transformRequest",
            "transformResponse",
            "params",
            "paramsSerializer",
            "data",
            "withCredentials",
            "adapter",
            "responseType",
            "responseEncoding",
            "onUploadProgress",
            "onDownloadProgress",
            "maxContentLength",
            "maxBodyLength",
            "validateStatus",
            "maxRedirects",
            "httpAgent",
            "httpsAgent",
            "signal",
            "cancelToken",
            "decompress",
        ] {
            let err = unknown_key(key, &["out_order_no"]).to_string();
            assert!(
                KNOWN.contains(&key) || ELSEWHERE.iter().any(|(name, _)| *name == key),
                "{key}"
            );
            assert!(
                KNOWN.contains(&key) || !err.contains("did you mean"),
                "{err}"
            );
        }
        let mut names = ELSEWHERE.map(|(name, _)| name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(names.iter().all(|name| !KNOWN.contains(name)));
    }
}
