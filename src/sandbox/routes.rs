//! All the operations that the sandbox knows.

use std::sync::Arc;

use axum::Router;
use http::{Method, StatusCode, Uri};

use super::{answer::Answer, bill, echo, media, service_order, transaction, world::World};

pub(super) fn routes(world: Arc<World>) -> Router {
    Router::new()
        .merge(service_order::routes())
        .merge(transaction::routes())
        .merge(bill::routes())
        .merge(media::routes())
        .merge(echo::routes())
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown)
        .with_state(world)
}

// WeChat Pay answers these two without a body; that would help nobody find the mistake.

async fn unknown(uri: Uri) -> Answer {
    Answer::error(
        StatusCode::NOT_FOUND,
        "RESOURCE_NOT_EXISTS",
        &format!(
            "请求的资源不存在: the sandbox has no operation at {}",
            uri.path()
        ),
    )
}

async fn wrong_method(method: Method) -> Answer {
    Answer::error(
        StatusCode::METHOD_NOT_ALLOWED,
        "INVALID_REQUEST",
        &format!("请求方法不正确: {method}; the Allow header names the right one"),
    )
}
