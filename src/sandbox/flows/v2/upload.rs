//! The upload of a picture for a merchant's application.

use super::reply::{Reply, wrong};
use crate::{
    base::crypto::digest::{hex_lower, md5},
    sandbox::v2::{V2Ctx, V2Error, V2Result},
};

/// The largest picture, in bytes.
const MAX_SIZE: usize = 2 << 20;

/// Takes a picture, whose hash is signed.
pub(super) fn media(ctx: &V2Ctx<'_>) -> V2Result {
    let hash = ctx.text("media_hash")?;
    let file = ctx.file.as_ref().ok_or_else(|| wrong("media"))?;
    if !hash.eq_ignore_ascii_case(&hex_lower(&md5(file))) {
        return Err(wrong("media_hash"));
    }
    if file.len() > MAX_SIZE {
        return Err(V2Error::Result {
            code: "PARAM_ERROR",
            message: "图片大小不能超过2M".to_owned(),
        });
    }
    let media_id = ctx.world().token(64);
    Ok(Reply::default().put("media_id", media_id).done())
}
