//! What a source contains.

use wechatpay_chain::catalog::Sealing;

use crate::command::documents::types::form::Need;

pub(in super::super) enum Item {
    Struct(Struct),
    Enum(Enum),
}

pub(in super::super) struct Struct {
    pub(in super::super) name: String,
    pub(in super::super) of: Purpose,
    pub(in super::super) members: Vec<Member>,
    /// Names with `$n`, which stands for digits: `coupon_id_$n`.
    pub(in super::super) numbered: Vec<Numbered>,
}

/// What a struct is.
#[derive(Clone)]
pub(in super::super) enum Purpose {
    /// The options map.
    Request,
    /// A body, a query and so on.
    Part(&'static str),
    /// The metadata of an upload.
    Meta,
    Response,
    /// What an event brings.
    Event,
    /// The object of the field at this path.
    Field(String),
    /// The JSON text in the field at this path.
    Text(String),
}

pub(in super::super) struct Enum {
    pub(in super::super) name: String,
    /// The path of the field.
    pub(in super::super) of: String,
    /// Identifiers and values.
    pub(in super::super) variants: Vec<(String, &'static str)>,
}

pub(in super::super) struct Member {
    pub(in super::super) identifier: String,
    pub(in super::super) name: &'static str,
    pub(in super::super) ty: Type,
    pub(in super::super) required: Need,
    pub(in super::super) is_fen: bool,
    pub(in super::super) sealed: Option<Sealing>,
    /// The values, unless an enum has them.
    pub(in super::super) values: Vec<&'static str>,
    /// The struct of the JSON text.
    pub(in super::super) text_of: Option<String>,
}

pub(in super::super) struct Numbered {
    pub(in super::super) name: &'static str,
    /// The accessor's name.
    pub(in super::super) method: String,
}

pub(in super::super) enum Type {
    Text,
    Integer,
    /// A whole number that is text on the wire.
    IntegerText,
    Number,
    Boolean,
    Value,
    Named(String),
    List(Box<Type>),
    /// A list in a query, which one value can stand for.
    OneOrMany(Box<Type>),
}

impl Type {
    /// The type of a list's items, or the type itself.
    pub(super) fn item(&self) -> &Self {
        match self {
            Self::List(item) | Self::OneOrMany(item) => item,
            other => other,
        }
    }
}
