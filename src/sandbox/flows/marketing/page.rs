//! A part of a list, by `offset` and `limit` of the query.

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

    /// Returns the items of this part.
    pub(super) fn of<T>(&self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip(self.offset).take(self.limit).collect()
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
