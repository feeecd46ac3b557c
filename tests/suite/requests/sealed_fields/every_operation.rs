//! Every documented operation with sealed fields, with a request and a response made from its table.

use std::{collections::HashSet, thread};

use serde_json::{Map, Value, json};
use wechatpay_chain::{
    Client, Media, Options, PreparedRequest,
    catalog::{self, Field, Fields, Kind, Operation, Sealing},
};

use super::{Opener, padding};
use crate::{
    fixtures::{
        keys::{MCHID, PLATFORM_ID, builder, merchant, platform},
        mode::runtime,
        programs,
    },
    requests::sensitive_fields::encrypted_with,
};

/// A sealed field in a generated body.
struct Sealed {
    pointer: String,
    sealing: Sealing,
}

/// Makes bodies in which every documented field has a value, and every list two items.
#[derive(Default)]
struct Generator {
    sealed: Vec<Sealed>,
    /// The pointers as documented, with `*` for the items of a list.
    documented: HashSet<String>,
}

impl Generator {
    fn object(&mut self, fields: Fields, (pointer, documented): (&str, &str)) -> Value {
        let mut object = Map::new();
        for field in fields {
            let name = field.name().replace("$n", "0").replace("$m", "1");
            let pointers = (format!("{pointer}/{name}"), format!("{documented}/{name}"));
            let value = self.value(field, pointers);
            object.insert(name, value);
        }
        Value::Object(object)
    }

    fn value(&mut self, field: Field, (pointer, documented): (String, String)) -> Value {
        let Some(kind) = field.kind().item() else {
            return self.single(field, field.kind(), (&pointer, &documented));
        };
        let items = [0, 1].map(|at| {
            let pointers = (format!("{pointer}/{at}"), format!("{documented}/*"));
            self.single(field, kind, (&pointers.0, &pointers.1))
        });
        json!(items)
    }

    fn single(&mut self, field: Field, kind: Kind, pointers: (&str, &str)) -> Value {
        if let Some(sealing) = field.sealed() {
            self.documented.insert(pointers.1.to_owned());
            self.sealed.push(Sealed {
                pointer: pointers.0.to_owned(),
                sealing,
            });
            return format!("张三 {}", pointers.0).into();
        }
        if !field.fields().is_empty() {
            return self.object(field.fields(), pointers);
        }
        match kind {
            Kind::Integer | Kind::Number => json!(7),
            Kind::Boolean => json!(true),
            Kind::Object => json!({}),
            _ => format!("text {}", pointers.0).into(),
        }
    }
}

fn has_sealed(fields: Fields) -> bool {
    fields
        .iter()
        .any(|field| field.sealed().is_some() || has_sealed(field.fields()))
}

/// A request made from the table of an operation.
struct Request {
    operation: &'static Operation,
    options: Options,
    /// Which part of the request has the sealed fields.
    part: &'static str,
    /// That part as it was given.
    given: Value,
    sealed: Vec<Sealed>,
    documented: usize,
}

impl Request {
    fn of(operation: &'static Operation) -> Self {
        let mut options = Options::new();
        for part in operation.template().split('{').skip(1) {
            let (name, _) = part.split_once('}').expect("a variable");
            if name != "empty" {
                options = options.var(name, "1");
            }
        }
        let mut sealed_part = None;
        for field in operation.request() {
            let mut generator = Generator::default();
            let mut part = |fields| generator.object(fields, ("", ""));
            let body = match field.name() {
                "json" => {
                    let body = part(field.fields());
                    options = options.json(&body);
                    body
                }
                "query" => {
                    let body = part(field.fields());
                    options = options.query(&body);
                    body
                }
                "xml" => {
                    let mut body = part(field.fields());
                    for name in ["mch_id", "mchid"] {
                        if let Some(id) = body.get_mut(name) {
                            *id = MCHID.into();
                        }
                    }
                    body.as_object_mut().unwrap().shift_remove("sign_type");
                    options = options.xml(&body);
                    body
                }
                "body" => {
                    let body = match field.fields().get("meta") {
                        Some(meta) => part(meta.fields()),
                        None => continue,
                    };
                    options = options.media(Media::from_bytes("a.png", "…").meta(body.clone()));
                    body
                }
                _ => continue,
            };
            if !generator.sealed.is_empty() {
                let found = (field.name(), body, generator);
                assert!(
                    sealed_part.replace(found).is_none(),
                    "{operation}: two parts"
                );
            }
        }
        let (part, given, generator) = sealed_part.expect("a part with sealed fields");
        Self {
            operation,
            options,
            part,
            given,
            sealed: generator.sealed,
            documented: generator.documented.len(),
        }
    }

    /// Returns the part with the sealed fields as it would be sent.
    fn sent(&self, prepared: &PreparedRequest) -> Value {
        let json = || serde_json::from_slice(prepared.body()).expect("JSON");
        match self.part {
            "json" | "body" => json(),
            "query" => {
                let (_, query) = prepared.url().split_once('?').expect("a query");
                let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                let decoded = |text: &str| {
                    let text = percent_encoding::percent_decode_str(text);
                    text.decode_utf8().expect("UTF-8").into_owned()
                };
                Value::Object(
                    pairs
                        .map(|(name, text)| (decoded(name), decoded(text).into()))
                        .collect(),
                )
            }
            "xml" => {
                let body = std::str::from_utf8(prepared.body()).expect("UTF-8");
                let document = roxmltree::Document::parse(body).expect("XML");
                let fields = document.root_element().children();
                // Made by the client, if the table does not list them.
                let fields = fields.filter(|field| {
                    let name = field.tag_name().name();
                    field.is_element() && !["sign", "nonce_str"].contains(&name)
                });
                Value::Object(
                    fields
                        .map(|field| {
                            let text = field.text().unwrap_or_default();
                            (field.tag_name().name().to_owned(), text.into())
                        })
                        .collect(),
                )
            }
            other => panic!("no part {other}"),
        }
    }

    /// Returns the part as it was given, in the form of [`sent`](Self::sent).
    fn expected(&self) -> Value {
        if matches!(self.part, "json" | "body") {
            return self.given.clone();
        }
        let given = self.given.as_object().expect("an object").iter();
        let given = given.filter(|(name, _)| {
            self.part != "xml" || !["sign", "nonce_str"].contains(&name.as_str())
        });
        Value::Object(
            given
                .flat_map(|(name, value)| match value {
                    Value::String(text) => vec![(name.clone(), text.clone().into())],
                    Value::Bool(true) if self.part == "query" => vec![(name.clone(), "1".into())],
                    Value::Array(items) => items
                        .iter()
                        .enumerate()
                        .map(|(at, item)| (format!("{name}[{at}]"), item.clone()))
                        .collect(),
                    other => vec![(name.clone(), other.to_string().into())],
                })
                .collect(),
        )
    }
}

#[test]
fn every_documented_sealed_field_of_a_request_opens_in_openssl() {
    if programs::missing() {
        return;
    }
    let requests = catalog::all()
        .iter()
        .filter(|operation| has_sealed(operation.request()))
        .map(Request::of)
        .collect::<Vec<_>>();
    assert_eq!(requests.len(), 119);
    let fields: usize = requests.iter().map(|request| request.documented).sum();
    assert_eq!(fields, 291);

    let client = builder().build().unwrap();
    let by_default = builder().encrypt_documented(true).build().unwrap();
    let opener = Opener::new(platform());
    let prepare = |client: &Client, request: &Request, options: Options| {
        let operation = request.operation;
        let chain = client.chain(operation.template());
        let prepared = chain.prepare(operation.method(), options).unwrap();
        assert_eq!(prepared.headers()["wechatpay-serial"], PLATFORM_ID);
        request.sent(&prepared)
    };
    let check = |request: &Request| {
        let operation = request.operation;
        let expected = request.expected();
        let options = request.options.clone().encrypt_documented();
        let mut sent = prepare(&client, request, options);
        for Sealed { pointer, sealing } in &request.sealed {
            let field = sent.pointer_mut(pointer).unwrap();
            *field = opener.open(padding(*sealing), field).into();
        }
        assert_eq!(sent.to_string(), expected.to_string(), "{operation}");
        // The client's setting does the same, and openssl is slow.
        let mut sent = prepare(&by_default, request, request.options.clone());
        for Sealed { pointer, .. } in &request.sealed {
            let field = sent.pointer_mut(pointer).unwrap();
            assert_eq!(field.as_str().unwrap().len(), 344, "{operation}");
            *field = expected.pointer(pointer).unwrap().clone();
        }
        assert_eq!(sent.to_string(), expected.to_string(), "{operation}");
    };
    thread::scope(|scope| {
        for requests in requests.chunks(requests.len().div_ceil(4)) {
            scope.spawn(|| requests.iter().for_each(check));
        }
    });
    // Without either, nothing is encrypted.
    for request in &requests {
        let chain = client.chain(request.operation.template());
        let prepared = chain.prepare(request.operation.method(), &request.options);
        let sent = request.sent(&prepared.unwrap());
        assert_eq!(sent.to_string(), request.expected().to_string());
    }
}

#[test]
fn every_documented_sealed_field_of_a_response_is_decrypted() {
    if programs::missing() {
        return;
    }
    let operations = catalog::all()
        .iter()
        .filter(|operation| has_sealed(operation.response()))
        .collect::<Vec<_>>();
    assert_eq!(operations.len(), 43);
    let client = builder().build().unwrap();
    let check = |operation: &Operation| {
        let mut generator = Generator::default();
        let expected = generator.object(operation.response(), ("", ""));
        let mut response = expected.clone();
        for Sealed { pointer, sealing } in &generator.sealed {
            let field = response.pointer_mut(pointer).unwrap();
            let ciphertext = encrypted_with(merchant(), padding(*sealing), field.as_str().unwrap());
            *field = ciphertext.into();
        }
        let is_pkcs1 = |sealed: &Sealed| sealed.sealing == Sealing::RsaPkcs1;
        if cfg!(feature = "aws-lc-rs") && generator.sealed.iter().any(is_pkcs1) {
            let err = client.decrypt_documented(operation, &mut response);
            assert!(err.unwrap_err().is_decrypt());
            return generator.documented.len();
        }
        let future = client.decrypt_documented_async(operation, response.clone());
        let decrypted = runtime().block_on(future).unwrap();
        assert_eq!(decrypted.to_string(), expected.to_string(), "{operation}");
        client.decrypt_documented(operation, &mut response).unwrap();
        assert_eq!(response.to_string(), expected.to_string(), "{operation}");
        generator.documented.len()
    };
    let check = &check;
    let fields: usize = thread::scope(|scope| {
        let chunks = operations.chunks(operations.len().div_ceil(4));
        let threads = chunks
            .map(|operations| {
                scope.spawn(move || operations.iter().map(|each| check(each)).sum::<usize>())
            })
            .collect::<Vec<_>>();
        threads.into_iter().map(|each| each.join().unwrap()).sum()
    });
    assert_eq!(fields, 71);
}
