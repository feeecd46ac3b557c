//! Fields: of a request, a response or a notification, or of an object in one of them.

use std::{fmt, slice};

use super::{
    alternatives::may_be_absent,
    tables::{FieldRow, tables},
};

/// A list of documented fields, in the order of the page.
///
/// ```
/// use wechatpay_chain::{Method, catalog};
///
/// let refund = catalog::find(&Method::POST, "v3/refund/domestic/refunds").unwrap();
/// let body = refund.request().get("json").unwrap().fields();
/// for field in body.iter().filter(|field| field.is_required()) {
///     println!("{}: {}", field.name(), field.kind());
/// }
/// assert!(body.get("reason").is_some() && body.get("raeson").is_none());
/// ```
#[derive(Clone, Copy)]
pub struct Fields {
    rows: &'static [FieldRow],
}

/// A documented field.
#[derive(Clone, Copy)]
pub struct Field {
    row: &'static FieldRow,
}

/// The documented type of a field.
///
/// Displays as in the documents: `string`, `object[]`. On APIv2 every value is text on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Text.
    String,
    /// A whole number. Amounts are in fen.
    Integer,
    /// A number, whole or not.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An object. Its [`fields`](Field::fields) are empty if the page does not list them.
    Object,
    /// A list of texts.
    StringList,
    /// A list of whole numbers.
    IntegerList,
    /// A list of numbers.
    NumberList,
    /// A list of booleans.
    BooleanList,
    /// A list of objects, each with the field's [`fields`](Field::fields).
    ObjectList,
}

/// How the value of a field is encrypted, in addition to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sealing {
    /// With RSA-OAEP and SHA-1: in a request with a platform key, in a response or a notification with the
    /// merchant's key.
    RsaOaep,
    /// Like [`RsaOaep`](Sealing::RsaOaep), with PKCS#1 v1.5 padding: some overseas operations.
    RsaPkcs1,
    /// With AES-256-GCM and the APIv3 key.
    AesGcm,
    /// With AES-256-ECB and a key made from the APIv2 key.
    AesEcb,
}

impl Fields {
    /// No fields.
    pub(crate) const NONE: Self = Self { rows: &[] };

    pub(super) const fn new(rows: &'static [FieldRow]) -> Self {
        Self { rows }
    }

    /// Returns the number of fields, without those of inner objects.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns `true` if no field is documented.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the field at this place of the list.
    pub(crate) fn nth(&self, at: usize) -> Option<Field> {
        self.rows.get(at).map(|row| Field { row })
    }

    /// Returns the field of this name. If the page documents several forms of it, returns the first.
    ///
    /// `$n` in a documented name stands for digits: `coupon_id_0` finds `coupon_id_$n`, and so does that name
    /// itself.
    pub fn get(&self, name: &str) -> Option<Field> {
        self.iter().find(|field| field.is_named(name))
    }

    /// Returns the field that a JSON Pointer names: `/json/amount/total`. An index or `*` stands for the
    /// items of a list: `/json/detail/goods_detail/*/quantity`. A pointer to an item finds the list.
    ///
    /// ```
    /// use wechatpay_chain::{Method, catalog};
    ///
    /// let native = catalog::find(&Method::POST, "v3/pay/transactions/native").unwrap();
    /// let price = native.request().at("/json/detail/goods_detail/0/unit_price").unwrap();
    /// assert_eq!(price.name(), "unit_price");
    /// assert!(native.request().at("/json/amount/totla").is_none());
    /// ```
    pub fn at(&self, pointer: &str) -> Option<Field> {
        let (name, rest) = split(pointer)?;
        // All forms of a field: each has inner fields of its own.
        let mut forms = self.iter().filter(|field| field.is_named(name));
        forms.find_map(|field| field.at(rest))
    }

    /// Returns whether a request must have the field of this name, where `is_given` tells which others it has.
    ///
    /// A page marks some fields as required that others replace, or that only some merchants send:
    /// [`Field::is_required`] alone is stricter.
    ///
    /// ```
    /// use wechatpay_chain::{Method, catalog};
    ///
    /// let query = catalog::find(&Method::POST, "v2/pay/refundquery").unwrap();
    /// let fields = query.request().get("xml").unwrap().fields();
    /// assert!(fields.get("out_trade_no").unwrap().is_required());
    /// assert!(fields.requires("out_trade_no", |_| false));
    /// assert!(!fields.requires("out_trade_no", |given| given == "transaction_id"));
    /// ```
    pub fn requires(&self, name: &str, is_given: impl Fn(&str) -> bool) -> bool {
        self.get(name)
            .is_some_and(|field| field.is_required() && !may_be_absent(&field, *self, is_given))
    }

    /// Returns an iterator over the fields.
    pub fn iter(&self) -> FieldsIter {
        FieldsIter(self.rows.iter())
    }
}

/// An iterator over [`Fields`].
#[derive(Clone)]
pub struct FieldsIter(slice::Iter<'static, FieldRow>);

impl Iterator for FieldsIter {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        self.0.next().map(|row| Field { row })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for FieldsIter {
    fn next_back(&mut self) -> Option<Field> {
        self.0.next_back().map(|row| Field { row })
    }
}

impl ExactSizeIterator for FieldsIter {}

impl IntoIterator for Fields {
    type Item = Field;
    type IntoIter = FieldsIter;

    fn into_iter(self) -> FieldsIter {
        self.iter()
    }
}

impl fmt::Debug for FieldsIter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Field {
    /// Returns the name. `$n` and `$m` in it stand for digits.
    pub fn name(&self) -> &'static str {
        tables().text(self.row.name)
    }

    /// Returns the type.
    pub const fn kind(&self) -> Kind {
        self.row.kind
    }

    /// Returns `true` if the field is required. In an optional object, it is required if that object is
    /// present.
    pub const fn is_required(&self) -> bool {
        self.row.required
    }

    /// Returns the documented values, as text. Empty if the page lists none. For a list, these are the
    /// values of its items. WeChat Pay may add others at any time.
    pub fn values(&self) -> &'static [&'static str] {
        tables().values(self.row.values)
    }

    /// Returns how the value is encrypted, or `None` if it is not.
    pub const fn sealed(&self) -> Option<Sealing> {
        self.row.sealed
    }

    /// Returns the fields of an object, of the items of a list, or of the JSON text in a string. Empty if
    /// none are documented.
    pub fn fields(&self) -> Fields {
        tables().fields(self.row.fields)
    }

    fn at(self, pointer: &str) -> Option<Self> {
        let mut rest = pointer;
        if self.kind().is_list() && !rest.is_empty() {
            let (item, fields) = split(rest)?;
            if item != "*" && !is_digits(item) {
                return None;
            }
            rest = fields;
        }
        if rest.is_empty() {
            Some(self)
        } else {
            self.fields().at(rest)
        }
    }

    /// Returns `true` if `name` is the documented name, or one that it stands for.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name() == name || self.matches(name)
    }

    /// Returns `true` if this is the field of a value with this name. A value is never named `$n`.
    pub(crate) fn matches(&self, name: &str) -> bool {
        matches(self.name(), name)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("is_required", &self.is_required())
            .field("values", &self.values())
            .field("sealed", &self.sealed())
            .field("fields", &self.fields())
            .finish()
    }
}

impl Kind {
    /// Returns `true` if the value is a list.
    pub const fn is_list(&self) -> bool {
        self.item().is_some()
    }

    /// Returns the type of a list's items, or `None` if this is not a list.
    pub const fn item(&self) -> Option<Self> {
        match self {
            Self::StringList => Some(Self::String),
            Self::IntegerList => Some(Self::Integer),
            Self::NumberList => Some(Self::Number),
            Self::BooleanList => Some(Self::Boolean),
            Self::ObjectList => Some(Self::Object),
            _ => None,
        }
    }

    /// In the order of their numbers in the packed tables.
    pub(super) const ALL: [Self; 10] = [
        Self::String,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Object,
        Self::StringList,
        Self::IntegerList,
        Self::NumberList,
        Self::BooleanList,
        Self::ObjectList,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::StringList => "string[]",
            Self::IntegerList => "integer[]",
            Self::NumberList => "number[]",
            Self::BooleanList => "boolean[]",
            Self::ObjectList => "object[]",
        })
    }
}

/// Splits a JSON Pointer after its first name. No documented name needs an escape, as a test shows.
fn split(pointer: &str) -> Option<(&str, &str)> {
    let path = pointer.strip_prefix('/')?;
    Some(path.split_at(path.find('/').unwrap_or(path.len())))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares a documented name, which may have `$n` for digits, with a real one.
fn matches(documented: &str, name: &str) -> bool {
    match documented.split_once('$') {
        None => documented == name,
        Some((head, rest)) => name
            .strip_prefix(head)
            .is_some_and(|tail| matches_from_digits(rest, tail)),
    }
}

/// Compares from the digits on. `documented` starts with the letter after `$`.
fn matches_from_digits(documented: &str, name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches(documented.get(1..).unwrap_or_default(), &name[digits..])
}
