//! Checks which options go with which method and which API version.

use http::Method;

use crate::{
    error::{Cause, cause::Result},
    protocol::{options::RequestOptions, url::path::Version},
};

pub(super) fn check_options(
    method: &Method,
    request: &RequestOptions,
    version: Version,
) -> Result<()> {
    let bodies = [
        ("json", request.json.is_some()),
        ("xml", request.xml.is_some()),
        ("body", request.body.is_some()),
        // On APIv2 the fields of `xml` are parts of the same form as the file.
        ("media", request.media.is_some() && version == Version::V3),
        ("media", request.media.is_some() && request.body.is_some()),
    ];
    let mut given = bodies
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name);
    if let (Some(one), Some(two)) = (given.next(), given.next()) {
        return Err(Cause::request(format!(
            "options `{one}` and `{two}` exclude each other: a request has one body"
        )));
    }
    if request.unsigned && method != Method::GET {
        return Err(Cause::request(format!(
            "option `unsigned` requires GET: a {method} is always signed"
        )));
    }
    match version {
        Version::V3 if request.xml.is_some() => Err(Cause::request(
            "option `xml` requires APIv2, whose paths start with `v2/`: use `json` on APIv3",
        )),
        Version::V3 if request.without_nonce => Err(Cause::request(
            "option `nonceless` requires APIv2, whose paths start with `v2/`: remove it",
        )),
        Version::V2 if method == Method::GET && request.xml.is_some() => Err(Cause::request(
            "option `xml` requires a method with a body: use `query` for an APIv2 GET",
        )),
        Version::V2 if request.unsigned => Err(Cause::request(
            "option `unsigned` requires APIv3: an APIv2 request is always signed",
        )),
        Version::V2 if request.json.is_some() => Err(Cause::request(
            "option `json` requires APIv3: use `xml` for a path that starts with `v2/`",
        )),
        _ if request.media.is_some() && !matches!(*method, Method::POST | Method::PUT) => {
            Err(Cause::request(format!(
                "option `media` requires POST or PUT, found {method}"
            )))
        }
        Version::V3
            if method == Method::GET && (request.json.is_some() || request.body.is_some()) =>
        {
            Err(Cause::request(
                "options `json` and `body` require a method with a body: use `query` for a GET",
            ))
        }
        _ => Ok(()),
    }
}
