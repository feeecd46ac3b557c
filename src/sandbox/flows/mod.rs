//! The operations that the sandbox implements, one module per flow.
//!
//! In a flow with orders, `mod.rs` has the order with its states and rules, and `routes.rs` has the
//! operations that read and change it. The rules know nothing of paths or locks, so the tests beside
//! them run without a server.

pub(super) mod bill;
mod media;
mod self_test;
pub(super) mod service_order;
pub(super) mod transaction;

use std::sync::Arc;

use axum::Router;
use http::{Method, StatusCode, Uri};

use super::{response::ApiResponse, state::SandboxState};

/// Returns a router with every operation.
pub(super) fn routes(state: Arc<SandboxState>) -> Router {
    Router::new()
        .merge(service_order::routes())
        .merge(transaction::routes())
        .merge(bill::routes())
        .merge(media::routes())
        .merge(self_test::routes())
        // These two do not check the signature: only a handler that takes an `ApiRequest` does.
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(unknown_operation)
        .with_state(state)
}

// WeChat Pay sends these two without a body. The sandbox explains them: a wrong path or method is
// the first mistake of a new client.

async fn unknown_operation(uri: Uri) -> ApiResponse {
    ApiResponse::error(
        StatusCode::NOT_FOUND,
        "RESOURCE_NOT_EXISTS",
        &format!("请求的资源不存在: not in the sandbox: {}", uri.path()),
    )
}

async fn method_not_allowed(method: Method) -> ApiResponse {
    ApiResponse::error(
        StatusCode::METHOD_NOT_ALLOWED,
        "INVALID_REQUEST",
        &format!("请求方法不正确: {method} is not allowed here; see the Allow header"),
    )
}
