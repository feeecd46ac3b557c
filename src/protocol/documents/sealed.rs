//! Finds the values of sealed fields in a body.

use serde_json::Value;

use crate::{
    base::edit_distance::levenshtein,
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

/// Returns the pointer of an undocumented field that looks like a sealed one that is absent, and the name of
/// the latter. Its text would not be encrypted.
pub(super) fn misspelt(fields: Fields, body: &Value) -> Option<(String, &'static str)> {
    match body {
        Value::Object(object) => object.iter().find_map(|(name, value)| {
            let below = |(pointer, sealed)| (format!("/{name}{pointer}"), sealed);
            match fields.get(name) {
                Some(field) if padding(field).is_some() => None,
                Some(field) => misspelt(field.fields(), value).map(below),
                None if value.is_string() => {
                    let sealed = fields.iter().find(|field| {
                        let known = field.name();
                        padding(*field).is_some()
                            && !object.contains_key(known)
                            && is_misspelling(known, name)
                    })?;
                    Some((format!("/{name}"), sealed.name()))
                }
                None => None,
            }
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            let (pointer, sealed) = misspelt(fields, item)?;
            Some((format!("/{at}{pointer}"), sealed))
        }),
        _ => None,
    }
}

/// Two changes in a name of four letters or more, or another case.
fn is_misspelling(known: &str, name: &str) -> bool {
    let limit = if known.len() < 4 { 1 } else { 2 };
    known.eq_ignore_ascii_case(name)
        || known.len().abs_diff(name.len()) <= limit
            && levenshtein(known.as_bytes(), name.as_bytes()) <= limit
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
