//! The URL that the events of a merchant's coupons are posted to.

use serde_json::{Value, json};

use crate::sandbox::{
    checks::merchant::{acting_for, acting_for_query},
    dispatch::{
        refusal::Refusal,
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    outbox::{Content, Notice},
    state::world::{Store, World},
    time::format_rfc3339,
};

/// Where events are posted to.
#[derive(Clone, Debug)]
pub(super) struct Callback {
    url: String,
    /// Whether they are posted.
    is_on: bool,
}

/// Which of a merchant's callbacks is meant.
pub(super) type Of = fn(&mut Store) -> &mut Option<Callback>;

/// Sets the URL.
pub(super) fn set(ctx: &Ctx<'_>, of: Of) -> HandlerResult {
    let fields = ctx.fields();
    let mchid = acting_for(ctx, &fields)?.signer_alone().mchid;
    let url = fields.notify_url()?.to_owned();
    let is_on = fields.optional_bool("switch")?.unwrap_or(true);
    let body = json!({
        "update_time": format_rfc3339(ctx.now),
        "notify_url": url,
        "mchid": mchid,
    });
    *of(ctx.world().store(&mchid)) = Some(Callback { url, is_on });
    Ok(ApiResponse::ok(&body))
}

/// Returns the URL.
pub(super) fn get(ctx: &Ctx<'_>, of: Of) -> HandlerResult {
    ctx.query("mchid")?;
    let mchid = acting_for_query(ctx)?.signer_alone().mchid;
    let mut world = ctx.world();
    let callback = of(world.store(&mchid));
    let callback = callback.as_ref().ok_or_else(not_set)?;
    let body = json!({ "mchid": mchid, "notify_url": callback.url });
    Ok(ApiResponse::ok(&body))
}

/// Notifies a merchant of an event, if it asked for that.
pub(super) fn notify(
    w: &mut World,
    mchid: &str,
    of: Of,
    (event, summary): (&str, &'static str),
    resource: Value,
) {
    let callback = w.stores.get_mut(mchid).and_then(|store| of(store).clone());
    if let Some(callback) = callback.filter(|callback| callback.is_on) {
        w.notify(Notice {
            mchid: mchid.to_owned(),
            url: callback.url,
            content: Content::V3 {
                event_type: event.to_owned(),
                original_type: "coupon",
                summary,
                resource,
            },
        });
    }
}

// A guess: the documents list no code for it.
fn not_set() -> Refusal {
    Refusal::new(
        404,
        "RESOURCE_NOT_EXISTS",
        "NOT_FOUND",
        "回调地址不存在: set it first",
    )
}
