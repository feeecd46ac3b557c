//! Scripted answers and faults.

use http::Method;

use super::Sandbox;
use crate::{
    catalog::{self, Operation},
    error::{Cause, Result, cause},
    sandbox::{
        dispatch::pipeline::is_brand,
        faults::Injection,
        shaped::Scripted,
        state::{RecordedRequest, path_pattern::PathPattern},
    },
};

impl Sandbox {
    /// Answers the requests of an operation with this, after the checks on their signature and headers. The
    /// operation itself is not carried out.
    ///
    /// `path` is a template, such as `v3/pay/transactions/id/{transaction_id}`, or the path of one request. A
    /// JSON value as the `answer` stands for 200 with this body; [`Scripted`] has the other options. Answers
    /// for a number of requests come first, in order; of the others, the latest counts.
    ///
    /// # Errors
    /// Returns an error if no operation of this method and path is documented, or if the answer is invalid. Paths
    /// of brands, which begin with `brand/`, need not be documented.
    pub fn respond(&self, method: Method, path: &str, answer: impl Into<Scripted>) -> Result<()> {
        let op = match is_brand(path.strip_prefix('/').unwrap_or(path)) {
            true => None,
            false => Some(documented(&method, path).map_err(Cause::not_sent)?),
        };
        self.check_may_act()?;
        self.state.note_change();
        let added = self.state.scripts().add(&method, op, path, answer.into());
        added.map_err(|mistake| Cause::config(mistake).not_sent())
    }

    /// Removes the scripted answers.
    pub fn clear_responses(&self) {
        self.state.note_change();
        self.state.scripts().clear();
    }

    /// Adds a fault for the requests that the injection says.
    ///
    /// # Errors
    /// Returns an error if the probability is not between 0 and 1, or if it is for no request.
    pub fn inject_with(&self, injection: Injection) -> Result<()> {
        if let Some(mistake) = injection.mistake() {
            return Err(Cause::config(mistake).not_sent());
        }
        self.check_may_act()?;
        let rng = self.state.world().rng.fork();
        self.state.faults().inject(injection, rng);
        Ok(())
    }

    /// Returns the requests that arrived for a path, oldest first. `path` is a template with variables, or the
    /// whole path.
    ///
    /// ```
    /// use wechatpay_chain::{Method, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// let path = "v3/pay/transactions/id/{transaction_id}";
    /// let query = json!({ "transaction_id": "4200", "query": { "mchid": sandbox.mchid() } });
    /// client.chain(path).get(query).unwrap_err();
    ///
    /// assert_eq!(sandbox.requests_to(Method::GET, path).len(), 1);
    /// assert_eq!(sandbox.requests_to(Method::POST, path).len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn requests_to(&self, method: Method, path: &str) -> Vec<RecordedRequest> {
        let path = PathPattern::new(path);
        let is_for =
            |request: &RecordedRequest| *request.method() == method && path.is(request.path());
        self.requests().into_iter().filter(is_for).collect()
    }
}

/// Returns the operation of a template or a path.
fn documented(method: &Method, path: &str) -> cause::Result<&'static Operation> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // The path of APIv2 as it is sent has no `v2/`.
    let found =
        catalog::find(method, path).or_else(|| catalog::find(method, &format!("v2/{path}")));
    found.ok_or_else(|| {
        let nearest = catalog::nearest(path);
        Cause::config(format!(
            "{method} {path} is not documented; the nearest path is {nearest}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_is_found_by_template_and_by_path() {
        for path in [
            "v3/pay/transactions/id/{transaction_id}",
            "/v3/pay/transactions/id/4200",
        ] {
            let op = documented(&Method::GET, path).unwrap();
            assert_eq!(op.template(), "v3/pay/transactions/id/{transaction_id}");
        }
        for path in ["v2/pay/orderquery", "/pay/orderquery"] {
            assert!(documented(&Method::POST, path).is_ok(), "{path}");
        }
        let unknown = documented(&Method::GET, "v3/certificate").unwrap_err();
        assert!(unknown.to_string().contains("v3/certificates"), "{unknown}");
    }
}
