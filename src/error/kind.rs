//! The classes of errors.

/// The class of an [`Error`](crate::Error): what went wrong.
///
/// Its `Debug` form is what logs carry in the field `kind`.
///
/// ```
/// use wechatpay_chain::{Client, ErrorKind};
///
/// let err = Client::builder().mchid("12a").build().unwrap_err();
/// assert_eq!(err.kind(), ErrorKind::Config);
/// assert_eq!(err.to_string(), "invalid mchid \"12a\": expected digits only");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client's configuration is wrong.
    Config,
    /// A key or certificate cannot be read or used.
    Key,
    /// The path, an option or a value of the call is wrong.
    Request,
    /// The signer failed to sign.
    Signing,
    /// No connection could be established.
    Connect,
    /// The connection broke.
    Transport,
    /// A redirect cannot be followed. Apart from [`Transport`](ErrorKind::Transport), because
    /// repeating the call would only meet the same redirect.
    Redirect,
    /// A timeout expired.
    Timeout,
    /// A response, or another input, exceeded its size limit.
    TooLarge,
    /// A signature is missing or wrong.
    Verification,
    /// A signature was made by a key that is not trusted, or not known yet.
    UnknownKey,
    /// A signature is WeChat Pay's own probe of whether signatures are verified.
    Probe,
    /// A timestamp differs too much from this machine's clock.
    ClockSkew,
    /// WeChat Pay responded with an error.
    Api,
    /// A response or notification cannot be parsed.
    Decode,
    /// A ciphertext cannot be decrypted.
    Decrypt,
    /// A notification is for another merchant.
    WrongMerchant,
    /// A notification's handler or replay guard failed.
    Handler,
    /// A local file cannot be read or written.
    File,
}
