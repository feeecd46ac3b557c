//! One documented operation.

use std::fmt;

use http::Method;

/// A documented operation of WeChat Pay: a method, a path template and a title.
///
/// ```
/// use wechatpay_chain::{Method, catalog};
///
/// let operation = catalog::find(&Method::POST, "v3/pay/transactions/native").unwrap();
/// assert_eq!(operation.version(), "v3");
/// assert_eq!(operation.template(), "v3/pay/transactions/native");
/// assert_eq!(operation.to_string(), "POST v3/pay/transactions/native");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    verb: Verb,
    template: &'static str,
    title: &'static str,
    /// The place in the catalogue, by which its fields are found.
    number: u16,
}

/// Like [`Method`], which can own memory and has a destructor: a table of it would not be plain data.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Operation {
    /// Returns the API version, `v2` or `v3`: the first segment of the template.
    pub fn version(&self) -> &'static str {
        self.template.split('/').next().unwrap_or_default()
    }

    /// Returns the HTTP method.
    pub const fn method(&self) -> Method {
        match self.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
            Verb::Delete => Method::DELETE,
        }
    }

    /// Returns the path as [`Client::chain`](crate::Client::chain) accepts it, without a leading slash and
    /// with variables in braces: `v3/pay/transactions/id/{transaction_id}`.
    ///
    /// A template that ends in `/{empty}` is the documents' way to write a trailing slash: the variable
    /// is never given.
    pub const fn template(&self) -> &'static str {
        self.template
    }

    #[cfg(feature = "documents")]
    pub(super) const fn number(&self) -> u16 {
        self.number
    }

    /// Returns the title in the official documents, in Chinese.
    pub const fn title(&self) -> &'static str {
        self.title
    }
}

/// Writes the method and the template: `GET v3/certificates`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.template)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({self} {})", self.title)
    }
}

/// Gives each operation its place in the catalogue.
pub(super) const fn numbered<const N: usize>(mut operations: [Operation; N]) -> [Operation; N] {
    let mut at = 0;
    while at < N {
        operations[at].number = at as u16;
        at += 1;
    }
    operations
}

pub(super) const fn get(template: &'static str, title: &'static str) -> Operation {
    Operation {
        verb: Verb::Get,
        template,
        title,
        number: 0,
    }
}

pub(super) const fn post(template: &'static str, title: &'static str) -> Operation {
    Operation {
        verb: Verb::Post,
        template,
        title,
        number: 0,
    }
}

pub(super) const fn put(template: &'static str, title: &'static str) -> Operation {
    Operation {
        verb: Verb::Put,
        template,
        title,
        number: 0,
    }
}

pub(super) const fn patch(template: &'static str, title: &'static str) -> Operation {
    Operation {
        verb: Verb::Patch,
        template,
        title,
        number: 0,
    }
}

pub(super) const fn delete(template: &'static str, title: &'static str) -> Operation {
    Operation {
        verb: Verb::Delete,
        template,
        title,
        number: 0,
    }
}
