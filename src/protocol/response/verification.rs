//! How a response is vouched for.

/// How it was verified that a response comes from WeChat Pay.
///
/// [`Response::verification`](crate::Response::verification) returns it. A response that fails
/// verification is an error and never reaches the caller as a success, so this value tells which of
/// the permitted ways it was. Which way a response must take is decided from the request (its path
/// and its options) and never from what the peer sent: otherwise a forged response could choose to
/// need no signature.
///
/// ```
/// use wechatpay_chain::{Response, Verification};
///
/// fn log(response: &Response) {
///     match response.verification() {
///         Verification::Verified { serial, .. } => println!("signed by {serial}"),
///         Verification::NamedFile { .. } => println!("a file with the hash that WeChat Pay named"),
///         Verification::DocumentedUnsigned => println!("documented as unsigned"),
///         _ => println!("not verified"),
///     }
/// }
/// # let _ = log;
/// ```
///
/// Official page: "如何使用微信支付公钥验签".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// A response with a valid signature (APIv2: with a valid `sign`).
    ///
    /// The signature of an APIv3 response does not name the request. That the two belong together
    /// rests on TLS, and a recorded response would be accepted while it is younger than 300 seconds.
    /// (A notification carries an ID against this: see [`ReplayGuard`](crate::ReplayGuard).)
    #[non_exhaustive]
    Verified {
        /// The serial or public key ID of the platform key (APIv2: the digest's name, `MD5` or
        /// `HMAC-SHA256`).
        serial: String,
    },
    /// A file whose URL and hash were named by a verified response. It was fetched by
    /// [`download`](crate::Chain::download) and has that hash, so it needs no signature.
    #[non_exhaustive]
    NamedFile {
        /// The serial or public key ID that verified the response which named the file.
        serial: String,
    },
    /// A response that WeChat Pay documents as unsigned: some file downloads, and some operations
    /// of APIv2.
    DocumentedUnsigned,
    /// A response that was requested with [`Options::unsigned`](crate::Options::unsigned). Nothing
    /// vouches for it.
    Unsigned,
}

impl Verification {
    /// Returns `true` if a signature vouches for the response, either directly or through the hash
    /// in a [response that named it](Self::NamedFile).
    pub fn is_verified(&self) -> bool {
        self.serial().is_some()
    }

    /// Returns the serial or public key ID of the platform key that vouches for the response
    /// (APIv2: the digest's name), or `None` if there is no signature.
    pub fn serial(&self) -> Option<&str> {
        match self {
            Self::Verified { serial } | Self::NamedFile { serial } => Some(serial),
            Self::DocumentedUnsigned | Self::Unsigned => None,
        }
    }
}
