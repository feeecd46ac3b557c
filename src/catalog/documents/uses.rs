//! Looks up where a field name is used.

use std::fmt;

use super::field::{Field, Fields};
use crate::catalog::{find::all, operation::Operation};

/// Where a field of a name is documented: from [`by_field`].
#[derive(Clone)]
pub struct FieldUse {
    operation: &'static Operation,
    is_request: bool,
    pointer: String,
    field: Field,
}

/// Returns all documented fields of this name, in requests and responses, in the order of the catalogue.
///
/// `$n` in a documented name stands for digits.
///
/// ```
/// use wechatpay_chain::catalog;
///
/// let mut uses = catalog::by_field("profit_sharing");
/// assert!(uses.any(|used| {
///     used.operation().template() == "v3/pay/transactions/native"
///         && used.is_request()
///         && used.pointer() == "/json/settle_info/profit_sharing"
/// }));
/// ```
pub fn by_field(name: &str) -> impl Iterator<Item = FieldUse> + use<> {
    let name = name.to_owned();
    all().iter().flat_map(move |operation| {
        let sides = [(true, operation.request()), (false, operation.response())];
        let name = name.clone();
        sides.into_iter().flat_map(move |(is_request, fields)| {
            let found = places(fields, &name).into_iter();
            found.map(move |(pointer, field)| FieldUse {
                operation,
                is_request,
                pointer,
                field,
            })
        })
    })
}

/// Returns the fields of this name with their pointers, those within other fields too.
pub(crate) fn places(fields: Fields, name: &str) -> Vec<(String, Field)> {
    let mut found = Vec::new();
    collect(fields, name, &mut String::new(), &mut found);
    found
}

fn collect(fields: Fields, name: &str, pointer: &mut String, found: &mut Vec<(String, Field)>) {
    for field in fields {
        let len = pointer.len();
        pointer.push('/');
        pointer.push_str(field.name());
        if field.is_named(name) {
            found.push((pointer.clone(), field));
        }
        if field.kind().is_list() {
            pointer.push_str("/*");
        }
        collect(field.fields(), name, pointer, found);
        pointer.truncate(len);
    }
}

impl FieldUse {
    /// Returns the operation.
    pub const fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Returns `true` for a field of the request, `false` for one of the response.
    pub const fn is_request(&self) -> bool {
        self.is_request
    }

    /// Returns the JSON Pointer of the field in the options map or in the response, with `*` for the items
    /// of a list: `/json/receivers/*/name`. [`Fields::at`] takes it.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Returns the field.
    pub const fn field(&self) -> Field {
        self.field
    }
}

/// Writes the operation and the pointer.
impl fmt::Display for FieldUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.is_request {
            "request"
        } else {
            "response"
        };
        write!(f, "{} {side} {}", self.operation, self.pointer)
    }
}

impl fmt::Debug for FieldUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldUse({self})")
    }
}
