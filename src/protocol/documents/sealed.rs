//! Finds the values of sealed fields in a body.

use serde_json::Value;

use crate::{
    catalog::{Field, Fields, Sealing},
    protocol::trust::sensitive::Padding,
};

/// A value that is, or may contain, the text of a sealed field.
pub(crate) struct Sealed<'v> {
    /// A JSON Pointer into the body.
    pub(crate) pointer: String,
    pub(crate) value: &'v Value,
    pub(crate) expected: Expected,
}

/// What the documents say about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A sealed text.
    Text(Padding),
    /// An object with sealed fields, or a list of such objects. The value is neither.
    Object,
}

/// Returns the values of all sealed fields in `body`. What is null, empty or absent is left out.
pub(crate) fn find(fields: Fields, body: &Value) -> Vec<Sealed<'_>> {
    let mut search = Search::default();
    match body {
        Value::Object(_) => search.object(fields, body),
        // A list in place of an object, or an object in place of a list, is searched as well: a text must
        // not stay in clear because the documents are wrong about what it is in.
        Value::Array(items) => search.items(items, |search, item| search.inner(fields, item)),
        other => search.inner(fields, other),
    }
    search.found
}

/// Returns `true` if a field is sealed, or one inside another.
pub(crate) fn any(fields: Fields) -> bool {
    fields
        .iter()
        .any(|field| padding(field).is_some() || any(field.fields()))
}

#[derive(Default)]
struct Search<'v> {
    pointer: String,
    found: Vec<Sealed<'v>>,
}

impl<'v> Search<'v> {
    fn object(&mut self, fields: Fields, object: &'v Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            if let Some(field) = fields.get(name) {
                // A documented name needs no escape in a pointer.
                self.below(name, |search| search.field(field, value));
            }
        }
    }

    fn field(&mut self, field: Field, value: &'v Value) {
        match (padding(field), value) {
            (Some(padding), Value::Array(items)) if field.kind().is_list() => {
                self.items(items, |search, item| search.text(padding, item));
            }
            (Some(padding), _) => self.text(padding, value),
            (None, Value::Array(items)) => {
                self.items(items, |search, item| search.inner(field.fields(), item));
            }
            (None, _) => self.inner(field.fields(), value),
        }
    }

    fn text(&mut self, padding: Padding, value: &'v Value) {
        self.push(value, Expected::Text(padding));
    }

    fn inner(&mut self, fields: Fields, value: &'v Value) {
        if fields.is_empty() {
            return;
        }
        match value {
            Value::Object(_) => self.object(fields, value),
            other if any(fields) => self.push(other, Expected::Object),
            _ => {}
        }
    }

    fn items(&mut self, items: &'v [Value], mut each: impl FnMut(&mut Self, &'v Value)) {
        for (at, item) in items.iter().enumerate() {
            self.below(&at.to_string(), |search| each(search, item));
        }
    }

    fn below(&mut self, token: &str, visit: impl FnOnce(&mut Self)) {
        let len = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(token);
        visit(self);
        self.pointer.truncate(len);
    }

    fn push(&mut self, value: &'v Value, expected: Expected) {
        if value.is_null() || value.as_str().is_some_and(str::is_empty) {
            return;
        }
        self.found.push(Sealed {
            pointer: self.pointer.clone(),
            value,
            expected,
        });
    }
}

fn padding(field: Field) -> Option<Padding> {
    match field.sealed()? {
        Sealing::RsaOaep => Some(Padding::Oaep),
        Sealing::RsaPkcs1 => Some(Padding::Pkcs1),
        Sealing::AesGcm | Sealing::AesEcb => None,
    }
}
