//! A part of a list, by `offset` and `limit` of the query.

use serde_json::{Value, json};

use crate::{
    catalog::Kind,
    sandbox::{
        checks::documented,
        dispatch::{request::Ctx, response::ApiResponse},
    },
};

/// Which part of a list a request asks for.
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Page {
    /// Reads the part. `limit` defaults to `max`, which it must not exceed.
    pub(super) fn read(ctx: &Ctx<'_>, max: usize) -> Result<Self, ApiResponse> {
        let limit = number(ctx, "limit")?.unwrap_or(max);
        if limit > max {
            let issue = format!("页大小超过阈值: must be at most {max}");
            return Err(ApiResponse::param_error(
                "limit",
                &limit.into(),
                &issue,
                "query",
            ));
        }
        let offset = number(ctx, "offset")?.unwrap_or(0);
        Ok(Self { offset, limit })
    }

    /// Returns a response with this part of a list.
    pub(super) fn body<T: Into<Value>>(&self, all: Vec<T>) -> Value {
        let total = all.len();
        let part = all.into_iter().skip(self.offset).take(self.limit);
        json!({
            "total_count": total,
            "limit": self.limit,
            "offset": self.offset,
            "data": part.map(Into::into).collect::<Vec<Value>>(),
        })
    }
}

fn number(ctx: &Ctx<'_>, name: &str) -> Result<Option<usize>, ApiResponse> {
    let Some(text) = ctx.optional_query(name) else {
        return Ok(None);
    };
    // Not every table calls it an integer.
    let number = documented::unsigned(text).and_then(|number| usize::try_from(number).ok());
    let refused = || ApiResponse::wrong_text("query", &format!("/{name}"), Kind::Integer, text);
    number.map(Some).ok_or_else(refused)
}
