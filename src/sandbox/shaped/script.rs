//! Answers that a test scripts.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE, request::Parts};
use serde_json::Value;

use crate::{
    catalog::Operation,
    sandbox::{dispatch::response::ApiResponse, state::path_pattern::PathPattern},
};

/// How many scripted answers can wait. One more drops the oldest.
const MAX_SCRIPTS: usize = 1_000;

/// An answer for [`Sandbox::respond`](crate::sandbox::Sandbox::respond). From a JSON value: 200 with this
/// body, each time.
///
/// ```
/// use wechatpay_chain::{
///     Method, RetryPolicy, json,
///     sandbox::{Sandbox, Scripted},
/// };
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let client = sandbox.client_builder().retry(RetryPolicy::none()).build()?;
/// let path = "v3/pay/transactions/out-trade-no/{out_trade_no}";
/// let error = json!({ "code": "SYSTEM_ERROR", "message": "系统错误" });
/// sandbox.respond(Method::GET, path, Scripted::new(500, error).times(1))?;
/// sandbox.respond(Method::GET, path, json!({ "trade_state": "USERPAYING" }))?;
///
/// let query = json!({ "out_trade_no": "tea-0001", "query": { "mchid": sandbox.mchid() } });
/// let call = || client.chain(path).get(query.clone());
/// assert_eq!(call().unwrap_err().api().unwrap().code(), "SYSTEM_ERROR");
/// let order: serde_json::Value = call()?.json()?;
/// assert_eq!(order["trade_state"], "USERPAYING");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Scripted {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    content_type: Option<HeaderValue>,
    /// `None`: each time.
    times: Option<u32>,
    is_signed: bool,
    /// What is wrong with it, which [`Scripts::add`] says.
    mistake: Option<String>,
}

impl Scripted {
    /// An answer with a status and a JSON body. `null` means no body.
    pub fn new(status: u16, body: impl Into<Value>) -> Self {
        let body = body.into();
        let (bytes, content_type) = match &body {
            Value::Null => (Bytes::new(), None),
            body => (
                body.to_string().into(),
                Some(HeaderValue::from_static("application/json; charset=utf-8")),
            ),
        };
        Self::with_body(status, bytes, content_type)
    }

    /// An answer with any body, such as a bill or the XML of APIv2. It is not signed unless
    /// [`signed`](Self::signed) says so.
    pub fn raw(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut scripted = Self::with_body(status, body.into(), None);
        match HeaderValue::from_str(content_type) {
            Ok(value) => scripted.content_type = Some(value),
            Err(_) => scripted.mistake = Some(format!("invalid content type {content_type:?}")),
        }
        scripted.signed(false)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            _ => self.mistake = Some(format!("invalid header {name:?}")),
        }
        self
    }

    /// Sets for how many requests it is. Defaults to all of them.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Sets whether APIv3's signature is added. Defaults to `true` for JSON.
    pub fn signed(mut self, is_signed: bool) -> Self {
        self.is_signed = is_signed;
        self
    }

    fn with_body(status: u16, body: Bytes, content_type: Option<HeaderValue>) -> Self {
        let valid = StatusCode::from_u16(status).ok();
        // A 1xx is not a final response: the client would wait for another one.
        let valid = valid.filter(|status| !status.is_informational());
        Self {
            mistake: match valid {
                Some(_) => None,
                None => Some(format!("invalid status {status}: expected 200 to 999")),
            },
            status: valid.unwrap_or_default(),
            headers: Vec::new(),
            body,
            content_type,
            times: None,
            is_signed: true,
        }
    }

    fn response(&self) -> ApiResponse {
        let mut response = ApiResponse::bytes(self.status, self.body.clone());
        let content_type = self.content_type.clone().map(|value| (CONTENT_TYPE, value));
        for (name, value) in content_type.into_iter().chain(self.headers.iter().cloned()) {
            response = response.with_header(name, value);
        }
        match self.is_signed {
            true => response,
            false => response.unsigned(),
        }
    }
}

impl From<Value> for Scripted {
    fn from(body: Value) -> Self {
        Self::new(200, body)
    }
}

/// The scripted answers of one sandbox, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripts {
    waiting: VecDeque<Script>,
}

#[derive(Clone, Debug)]
struct Script {
    method: Method,
    /// `None`: of a brand, whose operations are not in the catalogue.
    operation: Option<Operation>,
    path: PathPattern,
    scripted: Scripted,
}

impl Scripts {
    /// Adds an answer. The error says what is wrong with it.
    pub(crate) fn add(
        &mut self,
        method: &Method,
        operation: Option<&Operation>,
        path: &str,
        scripted: Scripted,
    ) -> Result<(), String> {
        if let Some(mistake) = scripted.mistake {
            return Err(mistake);
        }
        self.waiting.push_back(Script {
            method: method.clone(),
            operation: operation.copied(),
            path: PathPattern::new(path),
            scripted,
        });
        if self.waiting.len() > MAX_SCRIPTS {
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Returns the scripted answer to a request, if there is one.
    ///
    /// Of several, the first one counts that is for a number of requests; then the latest of the others.
    pub(crate) fn take(&mut self, op: Option<&Operation>, parts: &Parts) -> Option<ApiResponse> {
        let path = parts.uri.path();
        let is_for = |script: &&Script| {
            let is_it = script.operation.as_ref() == op;
            is_it && (op.is_some() || script.method == parts.method) && script.path.is(path)
        };
        let is_counted = |script: &Script| script.scripted.times.is_some();
        let counted = self
            .waiting
            .iter()
            .position(|script| is_for(&script) && is_counted(script));
        let Some(index) = counted else {
            let mut latest = self.waiting.iter().rev();
            return latest.find(is_for).map(|script| script.scripted.response());
        };
        let script = self.waiting.get_mut(index)?;
        let response = script.scripted.response();
        let times = script.scripted.times.unwrap_or_default().saturating_sub(1);
        script.scripted.times = Some(times);
        if times == 0 {
            self.waiting.remove(index);
        }
        Some(response)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::json;

    use super::*;
    use crate::catalog;

    const TEMPLATE: &str = "v3/pay/transactions/out-trade-no/{out_trade_no}";

    fn scripts(added: impl IntoIterator<Item = (&'static str, Scripted)>) -> Scripts {
        let mut scripts = Scripts::default();
        for (path, scripted) in added {
            scripts
                .add(&Method::GET, Some(query()), path, scripted)
                .unwrap();
        }
        scripts
    }

    fn query() -> &'static Operation {
        catalog::find(&Method::GET, TEMPLATE).unwrap()
    }

    fn take(scripts: &mut Scripts, path: &str) -> Option<Value> {
        let (parts, ()) = Request::builder().uri(path).body(()).unwrap().into_parts();
        scripts
            .take(Some(query()), &parts)
            .map(|answer| answer.body_json())
    }

    const ONE: &str = "/v3/pay/transactions/out-trade-no/1?mchid=1";

    #[test]
    fn counted_answers_come_first_and_end() {
        let mut scripts = scripts([
            (TEMPLATE, json!(1).into()),
            (TEMPLATE, Scripted::new(500, json!(2)).times(2)),
            (TEMPLATE, json!(3).into()),
        ]);
        let got: Vec<_> = (0..4).map(|_| take(&mut scripts, ONE).unwrap()).collect();
        assert_eq!(got, [2, 2, 3, 3]);
        scripts.clear();
        assert_eq!(take(&mut scripts, ONE), None);
    }

    #[test]
    fn path_of_one_request_is_not_that_of_another() {
        let path = "v3/pay/transactions/out-trade-no/1";
        let mut scripts = scripts([(path, json!(1).into())]);
        assert_eq!(take(&mut scripts, ONE), Some(json!(1)));
        assert_eq!(take(&mut scripts, &format!("/hk{ONE}")), Some(json!(1)));
        assert_eq!(
            take(&mut scripts, "/v3/pay/transactions/out-trade-no/11"),
            None
        );
    }

    #[test]
    fn invalid_answers_are_refused() {
        for scripted in [
            Scripted::new(99, json!({})),
            Scripted::new(100, json!({})),
            Scripted::new(200, json!({})).header("a b", "c"),
            Scripted::new(200, json!({})).header("a", "\n"),
            Scripted::raw(200, "\n", ""),
        ] {
            let added = Scripts::default().add(&Method::GET, Some(query()), TEMPLATE, scripted);
            assert!(added.is_err());
        }
    }
}
