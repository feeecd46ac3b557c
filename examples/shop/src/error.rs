//! One error for the shop's own code.

use std::fmt;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// Why something did not work.
#[derive(Debug)]
pub enum Error {
    /// The customer or the clerk asked for something impossible. The text is for them.
    Refused(&'static str),
    /// There is no such page.
    NotFound,
    /// WeChat Pay refused it, or cannot be reached.
    WeChat(wechatpay_chain::Error),
    /// The database failed.
    Store(rusqlite::Error),
}

/// The result of the shop's own code.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => f.write_str(reason),
            Self::NotFound => f.write_str("not found"),
            Self::WeChat(err) => err.fmt(f),
            Self::Store(err) => err.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<wechatpay_chain::Error> for Error {
    fn from(err: wechatpay_chain::Error) -> Self {
        Self::WeChat(err)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(err: rusqlite::Error) -> Self {
        Self::Store(err)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::Refused(reason) => (StatusCode::CONFLICT, *reason),
            Self::NotFound => (StatusCode::NOT_FOUND, "There is no such order."),
            Self::WeChat(_) => (
                StatusCode::BAD_GATEWAY,
                "WeChat Pay did not accept it. Try again later.",
            ),
            Self::Store(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong here.",
            ),
        };
        // The details are for the log, not for the customer.
        eprintln!("{self}");
        (status, crate::pages::message(text)).into_response()
    }
}
