//! Encrypting the fields that the documents mark as sealed.

use std::{borrow::Cow, collections::HashSet};

use serde_json::Value;

use super::{
    operation,
    place::Place,
    sealed::{self, Expected, Sealed},
};
use crate::{
    catalog,
    error::{Cause, cause::Result, value::shown},
    protocol::{
        options::{
            Options, RequestOptions,
            documented::{Asked, Seal},
            encrypt::{encrypt_with, error, given_serial, key, resolve_one},
            measure,
        },
        trust::{Trust, sensitive::Padding},
    },
};

const ENCRYPT: &str = "encrypt_documented";
const ALREADY: &str = "already_encrypted";

/// What encrypts sealed fields.
pub(crate) const SEAL: Seal = Seal {
    run: encrypt,
    requires_key,
};

impl Options {
    /// Encrypts every field that WeChat Pay documents as sealed, in place, when the request is made, and
    /// sets `Wechatpay-Serial` to the ID of the key. Feature `documents`.
    ///
    /// The fields are found in `json`, `query`, `xml` and the `meta` of an upload, and each gets its
    /// documented padding. `null` and empty strings are left alone, and so is a field that
    /// [`encrypt`](Options::encrypt) or [`encrypt_pkcs1`](Options::encrypt_pkcs1) names, which decides its
    /// padding. The key is chosen as for [`encrypt`](Options::encrypt), and all attempts of a call send the
    /// same ciphertexts and the same serial.
    ///
    /// A string whose name resembles that of an absent sealed field is an error. A name that resembles none
    /// is not known to be sealed, and its value is sent in clear.
    /// [`check_documents`](Options::check_documents) finds it.
    ///
    /// [`ClientBuilder::encrypt_documented`](crate::ClientBuilder::encrypt_documented) does this for every
    /// call. The two APIv2 operations with sealed fields, `mmpaysptrans/pay_bank` and
    /// `mchrisk/querymchrisk`, have keys of their own: see the guide's
    /// [page](crate::guide::sensitive_fields).
    ///
    /// The call returns an error, and sends nothing, if
    ///
    /// - the path is not documented, because it is then unknown which fields are sealed,
    /// - a sealed field is not a string, or is longer than the key can encrypt: 214 bytes with a 2048-bit key,
    ///   245 with PKCS#1 v1.5 padding,
    /// - a sealed field already is a ciphertext and
    ///   [`already_encrypted`](Options::already_encrypted) does not name it,
    /// - a sealed field is in a `body` or in a query that is given as text, which are sent unchanged,
    /// - the client has no platform key.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "sandbox", doc = "```")]
    #[cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
    /// use wechatpay_chain::{Method, Options, Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// let options = Options::from(json!({ "json": {
    ///     "appid": "wx8888888888888888",
    ///     "type": "MERCHANT_ID",
    ///     "account": "1900000109",
    ///     "name": "张三",
    ///     "relation_type": "STORE",
    /// }}))
    /// .encrypt_documented();
    /// let request = client.chain("v3/profitsharing/receivers/add").prepare(Method::POST, options)?;
    ///
    /// let sent: Value = serde_json::from_slice(request.body()).unwrap();
    /// assert_eq!(sent["name"].as_str().unwrap().len(), 344); // base64 of 256 bytes
    /// assert_eq!(sent["account"], "1900000109");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Official page: "敏感信息加解密".
    pub fn encrypt_documented(mut self) -> Self {
        self.request.documented.encrypt = true;
        self.request.documented.seal = Some(SEAL);
        self
    }

    /// Names sealed fields that already are ciphertexts, which
    /// [`encrypt_documented`](Options::encrypt_documented) then leaves as they are. Feature `documents`.
    ///
    /// The pointers are those of [`encrypt`](Options::encrypt), into the body or, for an operation whose
    /// sealed fields are there, into the `query` or the `meta` of an upload.
    ///
    /// The header `Wechatpay-Serial` must name the key that made the ciphertexts. It is an error of the
    /// call if it is missing, and if one of the values is not a ciphertext of that key, because a text
    /// would otherwise be sent in clear.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "sandbox", doc = "```")]
    #[cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
    /// use wechatpay_chain::{Method, Options, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// # let sandbox = Sandbox::start()?;
    /// # let client = sandbox.client_builder().build()?;
    /// let name = client.encrypt("张三")?; // perhaps long ago, and stored with its serial
    /// let options = Options::from(json!({ "json": { "appid": "wx8888888888888888", "name": &name } }))
    ///     .encrypt_documented()
    ///     .already_encrypted(["/name"])
    ///     .header("Wechatpay-Serial", name.serial());
    /// let request = client.chain("v3/profitsharing/receivers/add").prepare(Method::POST, options)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Official page: "敏感信息加解密".
    pub fn already_encrypted<P: Into<String>>(
        mut self,
        pointers: impl IntoIterator<Item = P>,
    ) -> Self {
        let pointers = pointers.into_iter().map(Into::into);
        self.request.documented.already.extend(pointers);
        self.request.documented.seal = Some(SEAL);
        self
    }
}

/// Returns `true` if [`encrypt`] requires a platform key.
fn requires_key(asked: Asked<'_>, request: &RequestOptions, by_default: bool) -> bool {
    let plan = Plan::new(asked, request, &[], by_default);
    plan.is_ok_and(|plan| !plan.encrypt.is_empty() || !plan.already.is_empty())
}

/// Encrypts the sealed fields of the request and names the key in its headers. `named` are the fields of
/// `json` that the caller has encrypted in another way.
fn encrypt(
    asked: Asked<'_>,
    request: &mut RequestOptions,
    named: &[(String, Padding)],
    by_default: bool,
    trust: &Trust,
) -> Result<()> {
    let plan = Plan::new(asked, request, named, by_default)?;
    if plan.encrypt.is_empty() && plan.already.is_empty() {
        return Ok(());
    }
    if !plan.already.is_empty() && given_serial(&request.headers)?.is_none() {
        return Err(Cause::request(
            "already_encrypted(): the header `Wechatpay-Serial` is missing: set it to the ID of the key \
             that made the ciphertexts",
        ));
    }
    let key = key(&request.headers, trust)?;
    for (pointer, text) in &plan.already {
        if !key.may_have_made(text) {
            return Err(error(
                ALREADY,
                pointer,
                &format!(
                    "({} bytes) is not a ciphertext of the key {}: expected base64 of as many bytes as \
                     the key has",
                    text.len(),
                    shown(key.serial())
                ),
            ));
        }
    }
    for (pointer, _, text) in &plan.encrypt {
        if key.may_have_made(text) {
            return Err(error(
                ENCRYPT,
                pointer,
                "already is a ciphertext: give the text, or name the field in already_encrypted([…])",
            ));
        }
    }
    let Some((pointer, _, _)) = plan.encrypt.first() else {
        return Ok(());
    };
    if let Some(unchanged) = plan.place.sent_unchanged() {
        return Err(error(ENCRYPT, pointer, unchanged));
    }
    let place = plan.place;
    let pointers: Vec<_> = plan
        .encrypt
        .into_iter()
        .map(|(pointer, padding, _)| (pointer, padding))
        .collect();
    // On an error the whole request is dropped, and nothing is sent.
    let Some(mut body) = place.take(request) else {
        return Ok(());
    };
    encrypt_with(&key, &pointers, &mut body, &mut request.headers, ENCRYPT)?;
    place.put(request, body);
    Ok(())
}

/// What is to be done with the texts of one place. No operation has sealed fields in two.
struct Plan {
    place: Place,
    encrypt: Vec<(String, Padding, String)>,
    already: Vec<(String, String)>,
}

impl Plan {
    fn new(
        asked: Asked<'_>,
        request: &RequestOptions,
        named: &[(String, Padding)],
        by_default: bool,
    ) -> Result<Self> {
        let must = request.documented.encrypt;
        let operation = if must || by_default {
            operation(asked)
        } else {
            None
        };
        if must && operation.is_none() {
            return Err(undocumented(asked));
        }
        let mut plan = Self {
            place: Place::Json,
            encrypt: Vec::new(),
            already: Vec::new(),
        };
        let mut first = None;
        for place in Place::ALL {
            let fields = operation.and_then(|operation| place.documented(operation));
            let Some(body) = place.body(asked, request) else {
                if must && place == Place::Body && request.body.is_some() && fields.is_some() {
                    return Err(Cause::request(
                        "encrypt_documented(): the option `body` is sent unchanged, and the operation \
                         has sealed fields: give them in `json` or `xml`",
                    ));
                }
                continue;
            };
            let sealed = fields.map_or_else(Vec::new, |fields| sealed::find(fields, &body));
            if let Some((given, name)) = fields.and_then(|fields| sealed::misspelt(fields, &body)) {
                return Err(error(
                    ENCRYPT,
                    &given,
                    &format!(
                        "is not documented, and would be sent in clear text: did you mean the sealed \
                         field `{name}`?"
                    ),
                ));
            }
            if !sealed.is_empty() {
                plan.place = place;
                plan.encrypt = sealed.iter().map(text).collect::<Result<_>>()?;
                first = Some((place, body));
                break;
            }
            first.get_or_insert((place, body));
        }
        if !request.documented.already.is_empty() {
            plan.leave(&request.documented.already, first)?;
        }
        let named: HashSet<_> = named.iter().map(|(pointer, _)| pointer).collect();
        let is_named = |pointer: &String| named.contains(pointer);
        if plan.place == Place::Json {
            if let Some((pointer, _)) = plan.already.iter().find(|(pointer, _)| is_named(pointer)) {
                return Err(error(
                    ALREADY,
                    pointer,
                    "is named by encrypt(…) as well, which would encrypt it again",
                ));
            }
            plan.encrypt.retain(|(pointer, _, _)| !is_named(pointer));
        }
        Ok(plan)
    }

    /// Moves what the pointers reach from the texts to encrypt to the ciphertexts.
    fn leave(&mut self, pointers: &[String], body: Option<(Place, Cow<'_, Value>)>) -> Result<()> {
        let Some((place, body)) = body else {
            return Err(Cause::request(
                "already_encrypted(): the request has neither a body nor a query, so there are no fields \
                 in it",
            ));
        };
        self.place = place;
        for given in pointers {
            for pointer in resolve_one(given, &body, ALREADY)? {
                let text = body.pointer(&pointer).and_then(Value::as_str);
                let text = text.unwrap_or_default();
                if text.is_empty() && given.ends_with('?') {
                    continue;
                }
                self.already.push((pointer, text.to_owned()));
            }
        }
        let left: HashSet<_> = self.already.iter().map(|(pointer, _)| pointer).collect();
        self.encrypt
            .retain(|(pointer, _, _)| !left.contains(pointer));
        Ok(())
    }
}

/// Returns the text of a sealed field.
fn text(sealed: &Sealed<'_>) -> Result<(String, Padding, String)> {
    let wrong = |expected| {
        let found = measure(sealed.value);
        error(
            ENCRYPT,
            &sealed.pointer,
            &format!("is {found}: expected {expected}"),
        )
    };
    match (sealed.expected, sealed.value) {
        (Expected::Text(padding), Value::String(text)) => {
            Ok((sealed.pointer.clone(), padding, text.clone()))
        }
        (Expected::Text(_), _) => Err(wrong("a string, which is encrypted")),
        (Expected::Object, _) => Err(wrong("an object, some of whose fields are encrypted")),
    }
}

fn undocumented(asked: Asked<'_>) -> Cause {
    let is_path = asked.template.starts_with("v2/") || asked.template.starts_with("v3/");
    let path = if is_path {
        asked.template
    } else {
        asked.api_path
    };
    let nearest = match catalog::by_path(path).next() {
        Some(other) => format!("the path is documented for {}", other.method()),
        None => format!(
            "the nearest documented path is `{}`",
            catalog::nearest(path)
        ),
    };
    Cause::request(format!(
        "encrypt_documented(): the operation is not documented, so its sealed fields are unknown; \
         {nearest}; correct it, or name the fields with encrypt([…])"
    ))
}
