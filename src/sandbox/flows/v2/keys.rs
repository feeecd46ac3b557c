//! Keys that a merchant asks for: the one that seals fields of a request, and that of WeChat Pay's own old
//! sandbox.

use super::reply::Reply;
use crate::sandbox::v2::{V2Ctx, V2Result};

/// Returns the public key that fields such as `enc_bank_no` are encrypted with.
// The real one is a key of its own. That of the platform does the same, and its private half is here.
pub(super) fn public_key(ctx: &V2Ctx<'_>) -> V2Result {
    let key = ctx.state.platform.public_key.public_key();
    Ok(Reply::default()
        .echo(ctx, &["mch_id"])
        .put("pub_key", key.to_pkcs1_pem())
        .done())
}

/// Returns the key that requests below `xdc/apiv2sandbox/` are signed with: here, that of all others.
pub(super) fn sign_key(ctx: &V2Ctx<'_>) -> V2Result {
    Ok(Reply::default()
        .echo(ctx, &["mch_id"])
        .put("sandbox_signkey", ctx.merchant.apiv2.as_str())
        .done())
}
