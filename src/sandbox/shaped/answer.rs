//! Answers in the documented shape.

use http::StatusCode;

use crate::sandbox::{
    request::Ctx,
    response::{ApiResponse, HandlerResult},
    v2::{V2Ctx, V2Error, V2Result},
};

/// Answers an operation of APIv3 that has no flow.
pub(crate) fn answer(ctx: &Ctx<'_>) -> HandlerResult {
    Err(ApiResponse::error(
        StatusCode::NOT_FOUND,
        "RESOURCE_NOT_EXISTS",
        &format!("请求的资源不存在: not in the sandbox: {}", ctx.op),
    ))
}

/// Answers an operation of APIv2 that has no flow.
pub(crate) fn answer_v2(ctx: &V2Ctx<'_>) -> V2Result {
    Err(V2Error::Return(format!("not in the sandbox: {}", ctx.op)))
}
