//! The nearest known key to a misspelt one.

use super::from_json::KNOWN;
use crate::{
    base::edit_distance::{MAX_LEN, levenshtein},
    error::Cause,
    protocol::url::path::shown,
};

/// Keys that programs ported from the PHP SDK (and its HTTP client, Guzzle) or from its JavaScript
/// sister (axios) pass, and that have no meaning here: what to use instead.
const ELSEWHERE: [(&str, &str); 62] = [
    // The PHP SDK's own.
    ("mchid", "set it once by ClientBuilder::mchid"),
    ("serial", "set it once by ClientBuilder::serial"),
    ("privateKey", "set it once by ClientBuilder::private_key"),
    (
        "certs",
        "set them once by ClientBuilder::platform_key or ClientBuilder::platform_certificate",
    ),
    ("secret", "set it once by ClientBuilder::apiv2_key"),
    ("merchant", "set it once by ClientBuilder::client_identity"),
    // Guzzle's.
    (
        "auth",
        "every request is signed; credentials of a proxy stand in its URL",
    ),
    (
        "cert",
        "set it once by ClientBuilder::client_identity, and use the option `security`",
    ),
    (
        "ssl_key",
        "set it once by ClientBuilder::client_identity, and use the option `security`",
    ),
    ("config", "the client is configured by ClientBuilder"),
    (
        "cookies",
        "WeChat Pay uses no cookies; a `Cookie` goes into `headers`",
    ),
    ("crypto_method", "TLS 1.2 or 1.3 is negotiated by itself"),
    (
        "curl",
        "there is no curl here: set the proxy, TLS and timeouts on ClientBuilder or Transport",
    ),
    (
        "debug",
        "subscribe to `tracing`, where each call is logged without its secrets",
    ),
    (
        "decode_content",
        "a response in gzip is verified and decoded by itself; a file in gzip is unpacked by Options::gunzip",
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
        "there are no middlewares: a Signer, a Verifier or `tracing` may do instead",
    ),
    (
        "idn_conversion",
        "write the host in ASCII: leave the option out",
    ),
    ("multipart", "files are uploaded by Options::media"),
    (
        "on_headers",
        "the headers are in Response::headers once the call has returned",
    ),
    (
        "on_stats",
        "subscribe to `tracing`, where each call is logged with the time it took",
    ),
    ("on_trailers", "trailers are not read: leave the option out"),
    ("progress", "a callback is set by Options::on_progress"),
    (
        "protocols",
        "only https is used, and http where the host is trusted: leave the option out",
    ),
    (
        "proxy",
        "set it once by ClientBuilder::proxy or on Transport::builder",
    ),
    (
        "read_timeout",
        "`timeout` spans the whole call, reading included",
    ),
    ("retries", "set it once by ClientBuilder::retry"),
    ("save_to", "use `sink`"),
    (
        "ssl_verify",
        "TLS is always verified; a private CA is added by TransportBuilder::root_certificate",
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
        "TLS is always verified; a private CA is added by TransportBuilder::root_certificate",
    ),
    ("version", "HTTP/1.1 is always used: leave the option out"),
    // axios's.
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
        "a response in gzip is verified and decoded by itself",
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
        "set it once by ClientBuilder::max_response",
    ),
    ("maxRedirects", "use `allow_redirects`"),
    (
        "method",
        "the verb says it, or Chain::request takes a Method",
    ),
    (
        "onDownloadProgress",
        "a callback is set by Options::on_progress",
    ),
    (
        "onUploadProgress",
        "a callback is set by Options::on_progress",
    ),
    (
        "params",
        "use `query`; the variables of a path stand beside it, under their own names",
    ),
    (
        "paramsSerializer",
        "`query` is encoded as the PHP SDK does, or is a string as it is sent",
    ),
    ("responseEncoding", "use Response::text or Response::bytes"),
    (
        "responseType",
        "use Response::json, Response::text, Response::bytes or the option `sink`",
    ),
    (
        "transformRequest",
        "give `json`, `xml` or `body` as it is sent",
    ),
    (
        "transformResponse",
        "use Response::json, Response::xml or Response::bytes",
    ),
    ("url", "the chain says it"),
    (
        "validateStatus",
        "an error status is always an Err: its details are in Error::api",
    ),
    (
        "withCredentials",
        "WeChat Pay uses no cookies: leave the option out",
    ),
];

/// The error for a key that is neither an option nor in the template.
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
    }
    Cause::request(message)
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a &'a str>) -> Option<&'a str> {
    // A key of a megabyte is nobody's slip of the finger.
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
        .filter(|(distance, name)| *distance <= 1 + key.len().min(name.len()) / 3)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named() {
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
            ("curl", "there is no curl here"),
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
    fn each_option_of_guzzle_and_axios_is_taken_or_has_its_sentence() {
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
