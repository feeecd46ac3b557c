//! The headers of every request.

use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};

use super::setup::Setup;
use crate::protocol::{options::RequestOptions, trust::signature, url::path::Version};

const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/json, text/plain, application/x-gzip, application/pdf, image/png, image/*;q=0.5",
);
const ACCEPTED_XML: HeaderValue =
    HeaderValue::from_static("text/xml, application/xml, application/json, text/plain, */*;q=0.5");
const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns the caller's headers, completed with the client's own.
pub(super) fn headers(
    method: &Method,
    options: &mut RequestOptions,
    version: Version,
    setup: &Setup,
    serial: Option<HeaderValue>,
) -> HeaderMap {
    let mut headers = std::mem::take(&mut options.headers);
    let (accepted, content) = match version {
        Version::V3 => (ACCEPTED, JSON),
        Version::V2 => (ACCEPTED_XML, XML),
    };
    headers.entry(ACCEPT).or_insert(accepted);
    headers
        .entry(USER_AGENT)
        .or_insert_with(|| setup.user_agent.clone());
    if method != Method::GET {
        headers.entry(CONTENT_TYPE).or_insert(content);
    }
    if let Some(serial) = serial.filter(|_| version == Version::V3 && !options.unsigned) {
        headers.entry(signature::SERIAL).or_insert(serial);
    }
    headers
}
