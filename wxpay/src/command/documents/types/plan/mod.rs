//! The types of a source: which structs and enums it has, and their names.

mod item;

use wechatpay_chain::catalog::{Event, Kind, Operation};

pub(super) use self::item::{Enum, Item, Member, Numbered, Purpose, Struct, Type};
use super::{
    form::{Form, Need, Writer, forms},
    words::{self, Taken},
};
use crate::command::documents::fen::is_fen;

/// What a source contains, from the outer types to the inner ones.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// The types that the source is for, such as `Request`.
    pub(super) roots: Vec<String>,
    taken: Taken,
}

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Json,
    Query,
    /// APIv2 and the variables of a path: everything is text.
    Text,
}

/// Where fields are.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// What the names of their types begin with.
    prefix: &'a str,
    /// The names of the fields around them, with dots. Empty in a body itself.
    path: &'a str,
    wire: Wire,
}

impl Plan {
    /// Returns the types of an operation's request and response.
    pub(super) fn of_operation(operation: &Operation, from: Writer) -> Self {
        let mut plan = Self::default();
        let is_v2 = operation.version() == "v2";
        plan.request(forms(operation.request(), Writer::Merchant), is_v2);
        let response = forms(operation.response(), from);
        if !response.is_empty() {
            let wire = if is_v2 { Wire::Text } else { Wire::Json };
            plan.root("Response", Purpose::Response, &response, wire);
        }
        plan
    }

    /// Returns the types of what an event brings: none if its page has no table.
    pub(super) fn of_event(event: &Event, from: Writer) -> Self {
        let mut plan = Self::default();
        let (name, wire) = match event.version() {
            "v2" => ("Notification", Wire::Text),
            _ => ("Resource", Wire::Json),
        };
        let fields = forms(event.fields(), from);
        if !fields.is_empty() {
            plan.root(name, Purpose::Event, &fields, wire);
        }
        plan
    }

    fn root(&mut self, name: &'static str, of: Purpose, fields: &[Form], wire: Wire) {
        let place = Place {
            prefix: name,
            path: "",
            wire,
        };
        let name = self.structure(name, of, fields, place);
        self.roots.push(name);
    }

    fn request(&mut self, request: Vec<Form>, is_v2: bool) {
        let (uploads, keys): (Vec<_>, Vec<_>) =
            request.into_iter().partition(|part| part.name == "body");
        if !keys.is_empty() {
            let name = self.taken.unique("Request".to_owned());
            let at = self.items.len();
            let mut names = Taken::default();
            let members = keys
                .iter()
                .map(|key| self.key(key, is_v2, &mut names))
                .collect();
            let request = Struct {
                name: name.clone(),
                of: Purpose::Request,
                members,
                numbered: Vec::new(),
            };
            // Before its parts.
            self.items.insert(at, Item::Struct(request));
            self.roots.push(name);
        }
        // The file itself is no JSON: `Media` has it.
        let mut fields = uploads.iter().flat_map(|body| &body.fields);
        if let Some(meta) = fields.find(|field| field.name == "meta") {
            self.root("RequestMeta", Purpose::Meta, &meta.fields, Wire::Json);
        }
    }

    /// A key of the options map: a part with fields, a variable, or an option.
    fn key(&mut self, key: &Form, is_v2: bool, names: &mut Taken) -> Member {
        let (name, wire) = match key.name {
            "json" => ("RequestBody", Wire::Json),
            "xml" => ("RequestBody", Wire::Text),
            "headers" => ("RequestHeaders", Wire::Text),
            "query" if is_v2 => ("RequestQuery", Wire::Text),
            "query" => ("RequestQuery", Wire::Query),
            "security" | "nonceless" => ("", Wire::Json),
            _ => ("", Wire::Text),
        };
        let place = Place {
            prefix: "Request",
            path: "",
            wire,
        };
        if name.is_empty() || key.fields.is_empty() {
            return self.member(key, place, names);
        }
        let ty = self.structure(name, Purpose::Part(key.name), &key.fields, place);
        // A part is needed if it has a field that is.
        let is_needed = |need| key.fields.iter().any(|field| field.required == need);
        let required = match key.required {
            Need::Always if is_needed(Need::Always) => Need::Always,
            _ if is_needed(Need::ByClient) => Need::ByClient,
            Need::Always => Need::Mostly,
            required => required,
        };
        Member {
            identifier: names.unique(words::field(key.name)),
            name: key.name,
            ty: Type::Named(ty),
            required,
            is_fen: false,
            sealed: None,
            values: Vec::new(),
            text_of: None,
        }
    }

    /// Adds a struct, and returns its name.
    fn structure(&mut self, name: &str, of: Purpose, fields: &[Form], place: Place<'_>) -> String {
        let name = self.taken.unique(name.to_owned());
        let at = self.items.len();
        let (mut names, mut methods) = (Taken::default(), Taken::default());
        let (mut members, mut numbered) = (Vec::new(), Vec::new());
        for field in fields {
            match field.name.contains('$') {
                false => members.push(self.member(field, place, &mut names)),
                true => numbered.push(Numbered {
                    name: field.name,
                    method: methods.unique(method(field.name)),
                }),
            }
        }
        let structure = Struct {
            name: name.clone(),
            of,
            members,
            numbered,
        };
        // Before the types of its fields.
        self.items.insert(at, Item::Struct(structure));
        name
    }

    fn member(&mut self, field: &Form, place: Place<'_>, names: &mut Taken) -> Member {
        let within = place.path.rsplit('.').next().unwrap_or_default();
        let is_fen = is_fen(field.name, within);
        let type_name = format!("{}{}", place.prefix, words::camel(field.name));
        let path = match place.path {
            "" => field.name.to_owned(),
            outer => format!("{outer}.{}", field.name),
        };
        let inner = Place {
            prefix: &type_name,
            path: &path,
            wire: place.wire,
        };
        let is_text = field.kind == Some(Kind::String) && !field.fields.is_empty();
        let text_of = is_text.then(|| {
            let inner = Place {
                wire: Wire::Json,
                ..inner
            };
            self.structure(
                &type_name,
                Purpose::Text(path.clone()),
                &field.fields,
                inner,
            )
        });
        let ty = match field.kind {
            None => Type::Value,
            Some(_) if is_text => Type::Text,
            Some(kind) => match kind.item() {
                None => self.scalar(kind, field, inner, is_fen),
                Some(item) => {
                    let item = match self.scalar(item, field, inner, is_fen) {
                        Type::IntegerText => Type::Text,
                        item => item,
                    };
                    match place.wire {
                        Wire::Query => Type::OneOrMany(Box::new(item)),
                        _ => Type::List(Box::new(item)),
                    }
                }
            },
        };
        let has_enum = matches!(ty.item(), Type::Named(_));
        Member {
            identifier: names.unique(words::field(field.name)),
            name: field.name,
            is_fen: is_fen && matches!(ty, Type::Integer | Type::IntegerText),
            ty,
            required: field.required,
            sealed: field.sealed,
            values: if has_enum {
                Vec::new()
            } else {
                field.values.clone()
            },
            text_of,
        }
    }

    /// The type of a field, or of the items of its list.
    fn scalar(&mut self, kind: Kind, field: &Form, place: Place<'_>, is_fen: bool) -> Type {
        let is_text = place.wire == Wire::Text;
        match kind {
            // A sealed field has a ciphertext, not one of the values.
            Kind::String if !field.values.is_empty() && field.sealed.is_none() => {
                Type::Named(self.enumeration(place, &field.values))
            }
            Kind::Integer if is_text => Type::IntegerText,
            Kind::Integer => Type::Integer,
            // The pages say "number" for many amounts.
            Kind::Number if is_fen && is_text => Type::IntegerText,
            Kind::Number if is_fen => Type::Integer,
            Kind::Number if !is_text => Type::Number,
            // `TRUE` and `true` are both in use.
            Kind::Boolean if !is_text => Type::Boolean,
            Kind::String | Kind::Number | Kind::Boolean => Type::Text,
            Kind::Object if !field.fields.is_empty() => {
                let of = Purpose::Field(place.path.to_owned());
                Type::Named(self.structure(place.prefix, of, &field.fields, place))
            }
            _ => Type::Value,
        }
    }

    fn enumeration(&mut self, place: Place<'_>, values: &[&'static str]) -> String {
        let name = self.taken.unique(place.prefix.to_owned());
        let mut identifiers = Taken::default();
        let mut variants: Vec<(String, &str)> = Vec::new();
        for value in values {
            if !variants.iter().any(|(_, known)| known == value) {
                variants.push((identifiers.unique(words::variant(value)), value));
            }
        }
        self.items.push(Item::Enum(Enum {
            name: name.clone(),
            of: place.path.to_owned(),
            variants,
        }));
        name
    }
}

/// Returns the accessor's name for `coupon_id_$n`: `coupon_id`.
fn method(name: &str) -> String {
    let plain: Vec<_> = name
        .split('_')
        .filter(|word| !word.starts_with('$'))
        .collect();
    words::field(&plain.join("_"))
}
