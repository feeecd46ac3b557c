//! What a request asks for.

use http::Method;

use super::operation;
use crate::{catalog::Operation, protocol::url::path};

/// A method and a path.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) template: &'a str,
    /// The expanded path below the base URI, without the query.
    pub(super) api_path: &'a str,
    /// The query in the path.
    pub(super) query: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// `api_target` is what follows the base URI's own path: a path and its query.
    pub(crate) fn new(method: &'a Method, template: &'a str, api_target: &'a str) -> Self {
        let (api_path, query) = match api_target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (api_target, None),
        };
        Self {
            method,
            template,
            api_path,
            query,
        }
    }

    /// Returns the query in the path.
    pub(crate) fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// Returns the documented operation.
    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        let (version, _) = path::version(self.template);
        operation(self.method, self.template, self.api_path, version)
    }
}
