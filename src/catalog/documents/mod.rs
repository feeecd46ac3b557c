//! The documented fields of all operations and notifications, as data. Feature `documents`.
//!
//! The sources are in the repository's folder `documents`. A program there packs them into `packed.bin`,
//! which is decoded at first use.

mod alternatives;
mod event;
mod field;
mod tables;
#[cfg(test)]
mod tests;
mod uses;

pub use self::{
    event::{Event, events},
    field::{Field, Fields, FieldsIter, Kind, Sealing},
    uses::{FieldUse, by_field},
};

use self::tables::tables;
pub(crate) use self::{alternatives::may_be_absent, uses::places};
use super::operation::Operation;

/// Returns the date of the documents that the fields were taken from, as `YYYY-MM-DD`.
///
/// Operations and fields that WeChat Pay documented later are not known.
pub fn date() -> &'static str {
    tables().date()
}

impl Operation {
    /// Returns the documented fields of the request.
    ///
    /// The top level has the keys of an options map: the variables of the path, and `json`, `query`,
    /// `xml`, `body`, `headers`, `base_uri`, `security` or `nonceless`, as far as they are documented.
    ///
    /// ```
    /// use wechatpay_chain::{Method, catalog};
    ///
    /// let native = catalog::find(&Method::POST, "v3/pay/transactions/native").unwrap();
    /// let total = native.request().at("/json/amount/total").unwrap();
    /// assert_eq!(total.kind(), catalog::Kind::Integer);
    /// assert!(total.is_required());
    /// ```
    pub fn request(&self) -> Fields {
        tables().of_operation(self.number()).0
    }

    /// Returns the documented fields of the response body.
    ///
    /// ```
    /// use wechatpay_chain::{Method, catalog};
    ///
    /// let native = catalog::find(&Method::POST, "v3/pay/transactions/native").unwrap();
    /// let names: Vec<_> = native.response().iter().map(|field| field.name()).collect();
    /// assert_eq!(names, ["code_url"]);
    /// ```
    pub fn response(&self) -> Fields {
        tables().of_operation(self.number()).1
    }
}
