//! The sandbox itself: its configuration and its clock.

use std::time::Duration;

use super::*;
use crate::{
    protocol::url::host::Origin,
    sandbox::{dispatch::pipeline::Arrived, server::host},
};

/// About a hundred years.
const MAX_ADVANCE: u64 = 100 * 366 * 86_400;

const NOW: Field = needs(
    "now",
    Kind::Integer,
    "The sandbox's time, in seconds since 1970",
);

pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(
        "config",
        "Returns all that clients of the merchants need: base URIs, IDs, keys \
         and certificates.",
        |call| {
            let mut config = call.sandbox.config()?;
            reach_as_this(call, &mut config);
            ok(config)
        },
    )
    .answers(&[
        needs("base_uri", Kind::Text, "Of the first merchant, as of all"),
        needs(
            "https_base_uri",
            Kind::Text,
            "The same over HTTPS, for clients that trust ca_certificate",
        ),
        may(
            "proxy_uri",
            Kind::Text,
            "The proxy that poses as WeChat Pay's hosts, if there is one",
        ),
        needs(
            "ca_certificate",
            Kind::Text,
            "The certificate of the sandbox's authority, as PEM",
        ),
        needs(
            "merchants",
            Kind::List,
            "For each merchant its IDs, its keys, and PEM of its key and certificates",
        ),
    ]),
    get(
        "clock",
        "Returns the time by the clock of expiry and schedules.",
        |call| {
            let clock = &call.state.clock;
            ok(json!({ "now": clock.now(), "ahead_s": clock.ahead().as_secs() }))
        },
    )
    .answers(&[
        NOW,
        needs(
            "ahead_s",
            Kind::Integer,
            "By how many seconds it is ahead of the real time",
        ),
    ]),
    post(
        "clock",
        "Moves the clock of expiry and schedules ahead, and does what is due by then.",
        |call| {
            let seconds = call.integer("advance_s").unwrap_or_default();
            if seconds > MAX_ADVANCE {
                return Err(ApiResponse::bad_parameter(&format!(
                    "invalid advance_s {seconds}: expected at most {MAX_ADVANCE}"
                )));
            }
            call.sandbox.advance(Duration::from_secs(seconds));
            ok(json!({ "now": call.state.clock.now() }))
        },
    )
    .takes(&[needs("advance_s", Kind::Integer, "By how many seconds")])
    .answers(&[NOW]),
    post(
        "reset",
        "Returns to the state after the start: no orders, the opening \
         balances, no faults, the real time.",
        |call| {
            call.sandbox.reset();
            done(Ok(()))
        },
    ),
    get(
        "openapi.json",
        "Returns this description of all endpoints.",
        |_| ok(openapi::document()),
    )
    .answers(&[
        needs("openapi", Kind::Text, "The version of OpenAPI"),
        needs("paths", Kind::Object, "The endpoints"),
    ]),
];

/// Replaces the address in the base URIs by the host that this client reached, unless it knows the address.
fn reach_as_this(call: &Call<'_>, config: &mut Value) {
    let Arrived {
        parts, listener, ..
    } = call.request;
    // Through the proxy, the client names a host that is not the sandbox's own.
    let Some((host, _)) = host::reached(parts).filter(|_| listener.host.is_none()) else {
        return;
    };
    if !call.state.address.ip().is_unspecified() && !call.state.hosts.has(&host) {
        return;
    }
    let own = format!("{}/", listener.origin(parts));
    let replace = |uri: &mut Value| {
        let Ok((mut known, _)) = Origin::split(uri.as_str().unwrap_or_default()) else {
            return;
        };
        // The port of the other scheme is known from within alone.
        known.host.clone_from(&host);
        *uri = match known.https == listener.tls {
            true => own.as_str().into(),
            false => format!("{known}/").into(),
        };
    };
    let replace_proxy = |uri: &mut Value| {
        if let Ok((mut known, _)) = Origin::split(uri.as_str().unwrap_or_default()) {
            known.host.clone_from(&host);
            *uri = known.to_string().into();
        }
    };
    let replace_all = |config: &mut Value| {
        for name in ["base_uri", "https_base_uri"] {
            config.get_mut(name).map(replace);
        }
        config.get_mut("proxy_uri").map(replace_proxy);
    };
    replace_all(config);
    if let Some(Value::Array(merchants)) = config.get_mut("merchants") {
        merchants.iter_mut().for_each(replace_all);
    }
}
