//! Who may use the endpoints: programs on this machine, or those with the token, but no web page.

use std::{fmt, net::SocketAddr};

use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{AUTHORIZATION, ORIGIN, WWW_AUTHENTICATE},
};
use zeroize::Zeroizing;

use crate::{
    base::crypto::digest::{constant_time_eq, sha256},
    error::{Cause, cause::Result},
    sandbox::{
        dispatch::{pipeline::Arrived, response::ApiResponse},
        server::host::{Hosts, is_own_origin},
    },
};

/// The shortest token. A shorter one could be guessed over a network.
const MIN_TOKEN: usize = 16;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request must have.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    token: Option<Zeroizing<String>>,
}

impl Guard {
    /// Returns the guard of these endpoints.
    ///
    /// # Errors
    /// Returns an error if the token is too short or cannot be sent in a header.
    pub(crate) fn with_token(token: &str) -> Result<Self> {
        if token.len() < MIN_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Cause::config(format!(
                "invalid control token: expected at least {MIN_TOKEN} visible ASCII characters"
            )));
        }
        Ok(Self {
            token: Some(Zeroizing::new(token.to_owned())),
        })
    }

    /// Checks that the endpoints may be reached at this address.
    ///
    /// # Errors
    /// Returns an error if other machines reach it and there is no token.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<()> {
        if self.token.is_some() || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        Err(Cause::config(format!(
            "the sandbox would listen on {address}, where other machines could read its keys and change its \
             orders: set a token with control_token, or bind it to 127.0.0.1"
        )))
    }

    /// Checks that a request is not of a web page, and has the token if there is one.
    pub(super) fn check(
        &self,
        request: &Arrived,
        hosts: &Hosts,
    ) -> std::result::Result<(), ApiResponse> {
        // A page of another site can send requests here, though it cannot read the responses. Its browser
        // says so in these headers.
        let headers = &request.parts.headers;
        let listener = &request.listener;
        let is_own = |origin: &HeaderValue| {
            let origin = origin.to_str();
            origin.is_ok_and(|origin| is_own_origin(origin, listener, hosts))
        };
        let is_own_site = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
        if !headers.get_all(ORIGIN).iter().all(is_own)
            || !headers.get_all(FETCH_SITE).iter().all(is_own_site)
        {
            return Err(ApiResponse::error(
                StatusCode::FORBIDDEN,
                "NO_AUTH",
                "a web page of another origin must not use the sandbox: call it from a program, or \
                 without the headers Origin and Sec-Fetch-Site",
            ));
        }
        match &self.token {
            Some(token) if !has_token(request, token) => Err(ApiResponse::error(
                StatusCode::UNAUTHORIZED,
                "SIGN_ERROR",
                "this sandbox requires its control token: send Authorization: Bearer and the token",
            )
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            _ => Ok(()),
        }
    }
}

fn has_token(request: &Arrived, token: &str) -> bool {
    let mut values = request.parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let given = value.to_str().ok().and_then(|value| value.split_once(' '));
    // Of the hashes, so that not even the length can be measured.
    given.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("bearer")
            && constant_time_eq(&sha256(given.as_bytes()), &sha256(token.as_bytes()))
    })
}

/// Does not show the token.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("has_token", &self.token.is_some())
            .finish()
    }
}
