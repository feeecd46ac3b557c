//! Which options go with which method and which API.

use http::Method;

use crate::{
    error::{Cause, cause::Result},
    protocol::{options::Options, path::Version},
};

pub(super) fn check_method(method: &Method, options: &Options, version: Version) -> Result<()> {
    let bodies = [
        ("json", options.json.is_some()),
        ("xml", options.xml.is_some()),
        ("body", options.body.is_some()),
        // Beside a file, APIv2's fields are parts of the same form.
        ("media", options.media.is_some() && version == Version::V3),
        ("media", options.media.is_some() && options.body.is_some()),
    ];
    let mut given = bodies
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| name);
    if let (Some(one), Some(two)) = (given.next(), given.next()) {
        return Err(Cause::request(format!(
            "the options `{one}` and `{two}` exclude one another: a request has one body"
        )));
    }
    if options.unsigned && method != Method::GET {
        return Err(Cause::request(format!(
            "unsigned() is for GET alone: a {method} is always signed"
        )));
    }
    match version {
        Version::V3 if options.xml.is_some() => Err(Cause::request(
            "the option `xml` is for APIv2, whose paths begin with `v2/`: APIv3 takes `json`",
        )),
        Version::V3 if options.without_nonce => Err(Cause::request(
            "the option `nonceless` is for APIv2, whose paths begin with `v2/`",
        )),
        Version::V2 if method == Method::GET && options.xml.is_some() => Err(Cause::request(
            "an APIv2 GET has no body: its fields go into the option `query`",
        )),
        Version::V2 if options.unsigned => Err(Cause::request(
            "unsigned() is for files of APIv3: an APIv2 request is always signed",
        )),
        Version::V2 if options.json.is_some() => Err(Cause::request(
            "the option `json` is for APIv3: a path that begins with `v2/` takes `xml`",
        )),
        _ if options.media.is_some() && !matches!(*method, Method::POST | Method::PUT) => {
            Err(Cause::request(format!(
                "a file is uploaded by POST or PUT, not by {method}"
            )))
        }
        Version::V3
            if method == Method::GET && (options.json.is_some() || options.body.is_some()) =>
        {
            Err(Cause::request(
                "a GET has no body: its parameters go into the option `query`",
            ))
        }
        _ => Ok(()),
    }
}
