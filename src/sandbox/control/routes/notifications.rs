//! Notifications.

use http::StatusCode;

use super::*;
use crate::sandbox::Release;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(
        "notifications",
        "Returns the notifications, with the receiver's response to each attempt.",
        |call| {
            let mchid = call.query(MCHID);
            let mut deliveries = call.sandbox.deliveries();
            deliveries.retain(|delivery| mchid.is_none_or(|mchid| delivery.mchid() == mchid));
            let behind = |after: &str| {
                let mut ids = deliveries.iter().map(|delivery| delivery.id());
                let at = ids.position(|id| id == after).map(|at| at + 1);
                at.ok_or_else(|| {
                    ApiResponse::bad_parameter(&format!(
                        "invalid after {after:.64}: the sandbox has no such notification, or no longer"
                    ))
                })
            };
            let show = match is_brief(call.query("brief"))? {
                true => view::brief_delivery,
                false => view::delivery,
            };
            page(call, &deliveries, behind, show)
        },
    )
    .query(&[BRIEF, PAGE[0], PAGE[1]])
    .answers(&[DATA, HAS_MORE, HAS_EARLIER]),
    post(
        "notifications",
        "Sends the merchant a documented notification.",
        |call| {
            let (sandbox, mchid) = (&call.sandbox, call.merchant()?);
            let event = call.text("event_type");
            let resource = call.body.get("resource").cloned().unwrap_or_default();
            let sent = match call.optional_text("url") {
                Some(url) => sandbox.notify_to(mchid, event, resource, url)?,
                None => sandbox.notify(event, resource)?,
            };
            ok(view::delivery(&sent))
        },
    )
    .takes(&[
        needs("event_type", Kind::Text, "The event type, or the name of its page"),
        may("resource", Kind::Object, "Its fields. Required ones that are left out are filled in"),
        may("url", Kind::Text, "Where it goes, if not where the sandbox was told to send this event"),
    ])
    .answers(&DELIVERY),
    get(
        "notifications/held",
        "Returns whether notifications are held.",
        |call| ok(json!({ "is_held": call.sandbox.holds_deliveries() })),
    )
    .answers(&[needs("is_held", Kind::Boolean, "Whether they are held")]),
    post(
        "notifications/hold",
        "Holds notifications until they are released. Those on their way arrive.",
        |call| {
            call.sandbox.hold_deliveries();
            done(Ok(()))
        },
    ),
    post(
        "notifications/release",
        "Sends the notifications that were held, one after another.",
        |call| {
            let order = match call.optional_text("order").unwrap_or("in_order") {
                "in_order" => Release::InOrder,
                "reversed" => Release::Reversed,
                "shuffled" => Release::Shuffled,
                other => {
                    return Err(ApiResponse::bad_parameter(&format!(
                        "unknown order {other:.32}: expected in_order, reversed or shuffled"
                    )));
                }
            };
            call.sandbox.release_deliveries(order);
            done(Ok(()))
        },
    )
    .takes(&[may(
        "order",
        Kind::Text,
        "in_order, reversed or shuffled. By default in_order, as they were created",
    )]),
    get(
        "notifications/{id}",
        "Returns a notification, with the receiver's response to each attempt.",
        |call| match call.sandbox.delivery(call.number()) {
            Some(delivery) => ok(view::delivery(&delivery)),
            None => Err(ApiResponse::error(
                StatusCode::NOT_FOUND,
                "RESOURCE_NOT_EXISTS",
                "the sandbox has no such notification, or no longer",
            )),
        },
    )
    .answers(&DELIVERY),
    post(
        "notifications/redirect",
        "Sends all notifications to a URL, in place of their own. Without one, ends that.",
        |call| {
            let (from, url) = (call.optional_text("from"), call.optional_text("url"));
            let before = call.sandbox.redirect_from(from, url)?;
            ok(before.map_or_else(|| json!({}), |url| json!({ "before": url })))
        },
    )
    .takes(&[
        may(
            "url",
            Kind::Text,
            "A URL of this machine, or of a host that the sandbox delivers to",
        ),
        may("from", Kind::Text, "Do so only if they go to this URL so far"),
    ])
    .answers(&[may("before", Kind::Text, "Where they went so far")]),
    post(
        "notifications/{id}/resend",
        "Sends a notification again, now and then by its schedule from the start.",
        |call| done(call.sandbox.resend(call.number())),
    ),
    post(
        "notifications/{id}/duplicate",
        "Sends a notification once more, at once and beside its schedule.",
        |call| done(call.sandbox.duplicate(call.number())),
    ),
];

/// A notification.
const DELIVERY: [Field; 3] = [
    needs("id", Kind::Text, "The ID of the notification"),
    needs(
        "state",
        Kind::Text,
        "waiting, held, acknowledged, given_up or not_sent",
    ),
    needs("attempts", Kind::List, "The attempts so far"),
];
