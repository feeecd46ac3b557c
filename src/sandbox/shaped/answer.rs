//! Answers in the documented shape.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use super::{
    fill::{Form, Known, fill},
    memory::{Answer, Remembered},
    sample,
    values::{Values, hash},
};
use crate::{
    catalog::{Field, Fields, Kind, Operation, Sealing},
    protocol::response::v3::is_documented_unsigned,
    sandbox::{
        dispatch::{
            request::Ctx,
            response::{ApiResponse, HandlerResult},
        },
        state::{SandboxState, keys::PlatformKey, merchant::Merchant},
        v2::{V2Ctx, V2Error, V2Reply, V2Result},
    },
};

/// How many sealed values of a request are decrypted.
// Each costs about a millisecond, and the sandbox answers one request at a time.
const MAX_DECRYPTED: usize = 50;

/// Answers an operation of APIv3 that has no flow.
pub(crate) fn answer(ctx: &Ctx<'_>) -> HandlerResult {
    let op = ctx.op;
    if op.response().is_empty() && op.method() == Method::GET {
        return Ok(file(op));
    }
    let request = parameters(ctx);
    let about = match look_up(ctx.state, ctx.merchant, op, &request) {
        Remembered::Conflict => {
            return Err(ApiResponse::invalid_request("请求参数与之前请求不一致"));
        }
        Remembered::Same(earlier) => {
            sample::publish(ctx, &earlier.response);
            return Ok(response(op, &earlier.response));
        }
        Remembered::About(earlier) => Some(earlier),
        Remembered::New => None,
    };
    let seal = |text: &str, sealing| seal(ctx.merchant, text, sealing);
    let echoed = echoed(&request, about.as_deref());
    let origin = ctx.listener.origin(ctx.parts);
    let made = |seal| {
        make(&Source {
            op,
            echoed: &echoed,
            origin: &origin,
            merchant: ctx.merchant,
            now: ctx.now,
            form: Form::Json,
            seal,
        })
    };
    let filled = made(&seal);
    sample::publish(ctx, &filled);
    let answered = response(op, &filled);
    let clear = made(&|_, _| None);
    ctx.world().store(&ctx.merchant.mchid).shaped.add(
        op,
        Answer {
            request,
            response: filled,
            clear,
        },
    );
    Ok(answered)
}

/// Returns what the sandbox remembers of a request.
fn look_up(
    state: &SandboxState,
    merchant: &Merchant,
    op: &Operation,
    request: &Map<String, Value>,
) -> Remembered {
    let mut world = state.world();
    world.store(&merchant.mchid).shaped.look_up(op, request)
}

/// Returns the objects whose values are echoed, the request itself first.
fn echoed<'a>(
    request: &'a Map<String, Value>,
    about: Option<&'a Answer>,
) -> Vec<&'a Map<String, Value>> {
    let about = about.map(|about| [&about.clear, &about.request]);
    std::iter::once(request)
        .chain(about.into_iter().flatten())
        .collect()
}

/// Answers an operation of APIv2 that has no flow.
pub(crate) fn answer_v2(ctx: &V2Ctx<'_>) -> V2Result {
    /// Added to each response.
    const COMMON: [&str; 7] = [
        "return_code",
        "return_msg",
        "result_code",
        "err_code",
        "err_code_des",
        "nonce_str",
        "sign",
    ];
    let op = ctx.op;
    let mut request = ctx.fields.clone();
    // Different each time, and no parameters.
    for name in ["nonce_str", "sign", "sign_type"] {
        request.remove(name);
    }
    // Encrypted anew, the same value is another text.
    let xml = op.request().get("xml");
    let key = &ctx.state.platform.public_key;
    Opener::new(op, Some(key)).open(&mut request, xml.map_or(Fields::NONE, |xml| xml.fields()));
    let about = match look_up(ctx.state, ctx.merchant, op, &request) {
        Remembered::Conflict => {
            return Err(V2Error::Result {
                code: "INVALID_REQUEST",
                message: "201 商户订单号重复".to_owned(),
            });
        }
        Remembered::Same(earlier) => return Ok(reply(op, earlier.response.clone())),
        Remembered::About(earlier) => Some(earlier),
        Remembered::New => None,
    };
    let echoed = echoed(&request, about.as_deref());
    let origin = ctx.listener.origin(ctx.parts);
    let seal = |text: &str, sealing| seal(ctx.merchant, text, sealing);
    let made = |seal| {
        let mut filled = make(&Source {
            op,
            echoed: &echoed,
            origin: &origin,
            merchant: ctx.merchant,
            now: ctx.now,
            form: Form::Text,
            seal,
        });
        filled.retain(|name, _| !COMMON.contains(&name.as_str()));
        if let Some(sign_type) = filled.get_mut("sign_type") {
            *sign_type = ctx.sign_type.name().into();
        }
        if !is_json(op) {
            for value in filled.values_mut().filter(|value| !value.is_string()) {
                *value = value.to_string().into();
            }
        }
        filled
    };
    let filled = made(&seal);
    let clear = made(&|_, _| None);
    let answer = Answer {
        request,
        response: filled.clone(),
        clear,
    };
    ctx.world()
        .store(&ctx.merchant.mchid)
        .shaped
        .add(op, answer);
    Ok(reply(op, filled))
}

/// Encrypts a value for a merchant, as responses have it.
pub(crate) fn seal(merchant: &Merchant, text: &str, sealing: Sealing) -> Option<String> {
    match sealing {
        Sealing::RsaOaep => merchant.key.encrypt(text.as_bytes()).ok(),
        Sealing::RsaPkcs1 => merchant.key.encrypt_pkcs1(text.as_bytes()).ok(),
        _ => None,
    }
}

/// What a response is made from.
struct Source<'a> {
    op: &'a Operation,
    echoed: &'a [&'a Map<String, Value>],
    origin: &'a str,
    merchant: &'a Merchant,
    now: u64,
    form: Form,
    seal: super::fill::Seal<'a>,
}

fn make(source: &Source<'_>) -> Map<String, Value> {
    let op = source.op;
    let request = Value::Array(
        source
            .echoed
            .iter()
            .map(|map| Value::Object((*map).clone()))
            .collect(),
    );
    let values = Values {
        seed: hash(format!("{op} {request} {}", source.merchant.mchid).as_bytes()),
        now: source.now,
        origin: source.origin,
        mchid: &source.merchant.mchid,
        appid: source.merchant.appid(),
        form: source.form,
    };
    let known = Known {
        given: &Map::new(),
        echoed: source.echoed,
        values: &values,
        seal: source.seal,
        form: source.form,
    };
    fill(op.response(), &known)
}

fn response(op: &Operation, filled: &Map<String, Value>) -> ApiResponse {
    match op.response().is_empty() {
        true => ApiResponse::no_content(),
        false => ApiResponse::ok(&Value::Object(filled.clone())),
    }
}

fn reply(op: &Operation, filled: Map<String, Value>) -> V2Reply {
    match is_json(op) {
        true => V2Reply::Json(Value::Object(filled)),
        false => V2Reply::Fields(filled),
    }
}

/// Returns whether this is the one operation of APIv2 that answers with JSON.
fn is_json(op: &Operation) -> bool {
    op.template() == "v2/appauth/getaccesstoken"
}

/// A small file, for an operation that answers with one.
fn file(op: &Operation) -> ApiResponse {
    /// One transparent pixel.
    const PNG: &[u8] =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
        \0\0\0\rIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";
    let template = op.template();
    if is_documented_unsigned(&Method::GET, &format!("/{template}")) {
        return match template.contains("/images/") {
            true => ApiResponse::file(Bytes::from_static(PNG), "image/png"),
            false => ApiResponse::file(
                Bytes::from_static(sample::TEXT.as_bytes()),
                "text/plain; charset=utf-8",
            ),
        };
    }
    if !template.ends_with("/statements") {
        return ApiResponse::no_content();
    }
    ApiResponse::statement(
        Bytes::from_static(sample::TEXT.as_bytes()),
        "text/plain; charset=utf-8",
    )
}

/// Returns the variables of the path, the query and the body as one object, with sealed values in the
/// clear.
fn parameters(ctx: &Ctx<'_>) -> Map<String, Value> {
    let request = ctx.op.request();
    let mut parameters = Map::new();
    // By the template: some tables leave out a variable of their path.
    for segment in ctx.op.template().split('/') {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(name) = name {
            let value = ctx.path(name);
            if !value.is_empty() {
                parameters.insert(name.to_owned(), value.into());
            }
        }
    }
    for (name, value) in ctx.queries() {
        parameters.insert(name.clone(), value.as_str().into());
    }
    let table = |part: &str| request.get(part).map_or(Fields::NONE, |part| part.fields());
    let mut body = ctx.body.clone();
    let mut opener = Opener::new(ctx.op, ctx.sealing_key().ok());
    opener.open(&mut parameters, table("query"));
    opener.open(&mut body, table("json"));
    parameters.extend(body);
    if let Some(upload) = &ctx.upload {
        parameters.extend(upload.meta.clone());
    }
    parameters
}

/// Decrypts the sealed values of a request.
struct Opener<'a> {
    key: Option<&'a PlatformKey>,
    op: &'a Operation,
    left: usize,
}

impl<'a> Opener<'a> {
    fn new(op: &'a Operation, key: Option<&'a PlatformKey>) -> Self {
        Self {
            key,
            op,
            left: MAX_DECRYPTED,
        }
    }

    fn open(&mut self, object: &mut Map<String, Value>, fields: Fields) {
        for field in fields {
            let Some(value) = object.get_mut(field.name()) else {
                continue;
            };
            match value {
                Value::String(text) if field.sealed().is_some() => {
                    self.open_text(text, &field);
                }
                Value::Object(inner) => self.open(inner, field.fields()),
                Value::Array(items) if field.kind() == Kind::ObjectList => {
                    for item in items.iter_mut().filter_map(Value::as_object_mut) {
                        self.open(item, field.fields());
                    }
                }
                _ => {}
            }
        }
    }

    fn open_text(&mut self, text: &mut String, field: &Field) {
        if self.left == 0 {
            return hide(text);
        }
        self.left -= 1;
        let opened = self.key.and_then(|key| match field.sealed()? {
            Sealing::RsaOaep => key.decrypt(text),
            Sealing::RsaPkcs1 => key.decrypt_pkcs1(text),
            _ => None,
        });
        match opened.and_then(|opened| String::from_utf8(opened).ok()) {
            Some(opened) => *text = opened,
            // A flow refuses it. Here the value has no meaning, so that the samples of the documents, which
            // are not encrypted, are answered, and PKCS#1 v1.5 that AWS-LC does not decrypt.
            None => {
                tracing::warn!(
                    operation = %self.op,
                    field = field.name(),
                    "a sealed field of the request cannot be decrypted"
                );
                hide(text);
            }
        }
    }
}

/// Replaces what is encrypted: each time it is another text, and the same request must stay the same.
fn hide(text: &mut String) {
    // No shorter RSA key is in use.
    const SHORTEST: usize = 128;
    let sealed = STANDARD.decode(text.as_str());
    if sealed.is_ok_and(|sealed| sealed.len() >= SHORTEST) {
        "***".clone_into(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        catalog,
        sandbox::state::keys::{KeySource, Role},
    };

    #[test]
    fn sealed_fields_are_opened_with_the_padding_of_the_operation() {
        let private = KeySource::default().key(Role::Platform(0)).unwrap();
        let (oaep, pkcs1) = (
            private
                .public_key()
                .encrypt_oaep("张三".as_bytes())
                .unwrap(),
            private
                .public_key()
                .encrypt_pkcs1("张三".as_bytes())
                .unwrap(),
        );
        let key = PlatformKey {
            id: String::new(),
            private,
        };
        let opened = |path: &str, part: &str, name: &str, sealed: &[u8]| {
            let op = catalog::find(&Method::POST, path).unwrap();
            let mut fields = json!({ name: STANDARD.encode(sealed) });
            let fields = fields.as_object_mut().unwrap();
            let table = op.request().get(part).unwrap().fields();
            Opener::new(op, Some(&key)).open(fields, table);
            fields[name] == "张三"
        };
        for (path, part, name, is_oaep) in [
            ("v3/profitsharing/receivers/add", "json", "name", true),
            ("v2/mmpaysptrans/pay_bank", "xml", "enc_true_name", true),
            (
                "v3/customs/verify-certificate",
                "json",
                "certificate_name",
                false,
            ),
        ] {
            assert_eq!(opened(path, part, name, &oaep), is_oaep, "{path}");
            // AWS-LC does not decrypt PKCS#1 v1.5.
            let is_pkcs1 = !is_oaep && !cfg!(feature = "aws-lc-rs");
            assert_eq!(opened(path, part, name, &pkcs1), is_pkcs1, "{path}");
        }
    }

    #[test]
    fn request_with_sealed_fields_that_are_not_opened_is_the_same_when_repeated() {
        let private = KeySource::default().key(Role::Platform(0)).unwrap();
        let other = KeySource::default().key(Role::Platform(1)).unwrap();
        let op = catalog::find(&Method::POST, "v3/partner-transfer/batches").unwrap();
        let table = op.request().get("json").unwrap().fields();
        let key = PlatformKey {
            id: String::new(),
            private,
        };
        let request = |sealed_for: &PlatformKey, details: usize| {
            let sealed = || {
                let sealed = sealed_for.private.public_key();
                STANDARD.encode(sealed.encrypt_oaep("张三".as_bytes()).unwrap())
            };
            let details: Vec<_> = (0..details)
                .map(|_| json!({ "user_name": sealed() }))
                .collect();
            let mut request = json!({ "transfer_detail_list": details });
            Opener::new(op, Some(&key)).open(request.as_object_mut().unwrap(), table);
            request
        };
        let more = MAX_DECRYPTED + 1;
        assert_eq!(request(&key, more), request(&key, more));
        let other = PlatformKey {
            id: String::new(),
            private: other,
        };
        assert_eq!(request(&other, 1), request(&other, 1));
        assert_ne!(request(&other, 1), request(&key, 1));
    }
}
