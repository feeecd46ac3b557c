//! The documented notifications.

use std::fmt;

use super::{
    field::Fields,
    tables::{EventRow, tables},
};

/// A documented notification.
#[derive(Clone, Copy)]
pub struct Event {
    row: &'static EventRow,
}

/// Returns all documented notifications, APIv2 first.
///
/// Several can have the same event type, for example those for direct merchants and for service
/// providers.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// let paid = catalog::events()
///     .find(|event| event.event_types().contains(&"TRANSACTION.SUCCESS") && event.version() == "v3")
///     .unwrap();
/// assert!(paid.fields().get("transaction_id").is_some());
/// ```
pub fn events() -> impl ExactSizeIterator<Item = Event> + DoubleEndedIterator {
    tables().events().iter().map(|row| Event { row })
}

impl Event {
    /// Returns the name of the notification's page, unique within a version. For most of APIv3 it is the
    /// event type.
    pub fn name(&self) -> &'static str {
        tables().text(self.row.name)
    }

    /// Returns the API version, `v2` or `v3`.
    pub const fn version(&self) -> &'static str {
        if self.row.is_v2 { "v2" } else { "v3" }
    }

    /// Returns the values of `event_type`. Empty for a notification without an envelope.
    pub fn event_types(&self) -> &'static [&'static str] {
        tables().values(self.row.event_types)
    }

    /// Returns the values of `original_type` of the encrypted resource. Empty for a notification without one.
    pub fn original_types(&self) -> &'static [&'static str] {
        tables().values(self.row.original_types)
    }

    /// Returns the fields of the decrypted resource, or of the whole body if it has no resource, as on
    /// APIv2. Empty if the page has no table.
    pub fn fields(&self) -> Fields {
        tables().fields(self.row.fields)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("event_types", &self.event_types())
            .field("original_types", &self.original_types())
            .field("fields", &self.fields())
            .finish()
    }
}
