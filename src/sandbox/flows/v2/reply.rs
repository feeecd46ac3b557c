//! The fields of responses, and what several operations read of a request.

use serde_json::{Map, Value};

use crate::{
    protocol::v2::sign::SignType,
    sandbox::{
        flows::payments::pay::engine::Version,
        v2::{V2Ctx, V2Error, V2Reply},
    },
};

pub(super) use crate::sandbox::time::format_date_time as format_time;

/// The fields of a response.
#[derive(Default)]
pub(super) struct Reply(Map<String, Value>);

impl Reply {
    pub(super) fn put(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.0.insert(name.to_owned(), value.to_string().into());
        self
    }

    /// Repeats fields of the request, as far as it has them.
    pub(super) fn echo(&mut self, ctx: &V2Ctx<'_>, names: &[&str]) -> &mut Self {
        for name in names {
            if let Some(value) = ctx.optional(name) {
                self.put(name, value);
            }
        }
        self
    }

    /// Puts nested elements, which only unsigned responses have.
    pub(super) fn nest(&mut self, name: &str, value: Value) -> &mut Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(super) fn done(&mut self) -> V2Reply {
        V2Reply::Fields(std::mem::take(&mut self.0))
    }

    pub(super) fn into_fields(self) -> Map<String, Value> {
        self.0
    }
}

/// Returns what a request asks for. What is new in every repetition of it is left out.
pub(super) fn asked(ctx: &V2Ctx<'_>) -> Value {
    let mut fields = ctx.fields.clone();
    for name in ["nonce_str", "sign", "sign_type"] {
        fields.remove(name);
    }
    Value::Object(fields)
}

/// Returns the version that the notifications of an order or a refund are of.
pub(super) fn version(ctx: &V2Ctx<'_>) -> Version {
    Version::V2 {
        hmac: ctx.sign_type == SignType::HmacSha256,
    }
}

/// Reads a merchant's number: letters, digits and `_-|*@`.
pub(super) fn merchants_number<'a>(
    ctx: &'a V2Ctx<'_>,
    name: &str,
    max: usize,
) -> Result<&'a str, V2Error> {
    let number = ctx.short_text(name, max)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
    match number.bytes().all(is_plain) {
        true => Ok(number),
        false => Err(wrong(name)),
    }
}

/// Refuses a field whose value breaks a rule.
pub(super) fn wrong(name: &str) -> V2Error {
    V2Error::Return(format!("{name}参数格式错误"))
}
