//! Faults of responses and of notifications.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;
use crate::sandbox::{DeliveryFault, Fault, Injection};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(
        "faults",
        "Returns the faults that wait for requests.",
        |call| {
            let faults = call.state.faults();
            ok(json!({ "data": faults.waiting().map(shown).collect::<Vec<_>>() }))
        },
    )
    .answers(&[DATA]),
    post(
        "faults",
        "Adds a fault for requests to WeChat Pay: for the next one, unless it \
         says more.",
        |call| done(call.sandbox.inject_with(injection(call)?)),
    )
    .takes(&[
        needs(
            "fault",
            Kind::Text,
            "bad_signature, no_signature, probe, unknown_serial, timestamp, error, \
         raw, delay, cut, hangup, lost_response or flood",
        ),
        may(
            "path",
            Kind::Text,
            "Only for paths that begin with this, or for those of this template",
        ),
        may("method", Kind::Text, "Only for this method"),
        may("times", Kind::Integer, "For so many requests"),
        may(
            "probability",
            Kind::Number,
            "For each request with this probability, 0 to 1",
        ),
        may(
            "status",
            Kind::Integer,
            "Of error and raw: the status, by default 500",
        ),
        may(
            "code",
            Kind::Text,
            "Of error: the code, by default SYSTEM_ERROR",
        ),
        may("message", Kind::Text, "Of error: the message"),
        may(
            "retry_after_s",
            Kind::Integer,
            "Of error: the header Retry-After",
        ),
        may("headers", Kind::Object, "Of raw: the headers"),
        may("body", Kind::Text, "Of raw: the body"),
        may(
            "offset_s",
            Kind::Signed,
            "Of timestamp: seconds from the real time, by default -600",
        ),
        may(
            "delay_ms",
            Kind::Integer,
            "Of delay: how long, by default 1000",
        ),
        may(
            "bytes",
            Kind::Integer,
            "Of cut: after how many bytes of the body. Of flood: how many",
        ),
    ]),
    delete(
        "faults",
        "Removes the faults that wait for requests.",
        |call| {
            call.sandbox.clear_faults();
            done(Ok(()))
        },
    ),
    get(
        "delivery-faults",
        "Returns the faults that wait for notifications, the next one first.",
        |call| {
            let world = call.state.world();
            let faults = world.outbox.faults();
            let faults = faults.map(|fault| json!({ "fault": delivery_fault_name(fault) }));
            ok(json!({ "data": faults.collect::<Vec<_>>() }))
        },
    )
    .answers(&[DATA]),
    post(
        "delivery-faults",
        "Adds a fault for the next notification. It is sent with it first, \
         which the receiver must refuse.",
        |call| {
            let given = call.text("fault");
            let found = DELIVERY_FAULTS.iter().find(|(_, name)| *name == given);
            let (fault, _) = found.ok_or_else(|| {
                let names: Vec<_> = DELIVERY_FAULTS.iter().map(|(_, name)| *name).collect();
                unknown(given, &names.join(", "))
            })?;
            call.sandbox.inject_delivery(*fault);
            done(Ok(()))
        },
    )
    .takes(&[needs(
        "fault",
        Kind::Text,
        "probe, wrong_key, bad_signature, unknown_serial, stale_timestamp or \
         wrong_apiv3_key",
    )]),
    delete(
        "delivery-faults",
        "Removes the faults that wait for notifications.",
        |call| {
            call.state.world().outbox.clear_faults();
            done(Ok(()))
        },
    ),
];

const DELIVERY_FAULTS: [(DeliveryFault, &str); 6] = [
    (DeliveryFault::Probe, "probe"),
    (DeliveryFault::WrongKey, "wrong_key"),
    (DeliveryFault::BadSignature, "bad_signature"),
    (DeliveryFault::UnknownSerial, "unknown_serial"),
    (DeliveryFault::StaleTimestamp, "stale_timestamp"),
    (DeliveryFault::WrongApiv3Key, "wrong_apiv3_key"),
];

/// Returns the name of a fault of notifications.
pub(in super::super) fn delivery_fault_name(fault: DeliveryFault) -> &'static str {
    let found = DELIVERY_FAULTS.iter().find(|(known, _)| *known == fault);
    found.map_or("", |(_, name)| name)
}

fn injection(call: &Call<'_>) -> std::result::Result<Injection, ApiResponse> {
    let mut injection = Injection::new(fault(call)?);
    if let Some(path) = call.optional_text("path") {
        injection = injection.path(path);
    }
    if let Some(method) = call.optional_text("method") {
        let parsed = Method::from_bytes(method.as_bytes());
        injection = injection.method(parsed.map_err(|_| invalid("method", method))?);
    }
    if let Some(times) = call.integer("times") {
        injection = injection.times(u32::try_from(times).unwrap_or(u32::MAX));
    }
    if let Some(probability) = call.body.get("probability").and_then(Value::as_f64) {
        injection = injection.probability(probability);
    }
    Ok(injection)
}

fn fault(call: &Call<'_>) -> std::result::Result<Fault, ApiResponse> {
    let bytes = call.integer("bytes").unwrap_or_default();
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let offset = call.body.get("offset_s").and_then(Value::as_i64);
    Ok(match call.text("fault") {
        "bad_signature" => Fault::BadSignature,
        "no_signature" => Fault::NoSignature,
        "probe" => Fault::Probe,
        "unknown_serial" => Fault::UnknownSerial,
        "timestamp" => Fault::Timestamp(offset.unwrap_or(-600)),
        "error" => Fault::Error {
            status: status(call)?,
            code: call
                .optional_text("code")
                .unwrap_or("SYSTEM_ERROR")
                .to_owned(),
            message: call.text("message").to_owned(),
            retry_after: call
                .integer("retry_after_s")
                .map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
        },
        "raw" => Fault::Raw {
            status: status(call)?,
            headers: headers(call)?,
            body: Bytes::from(call.text("body").to_owned()),
        },
        "delay" => Fault::Delay(Duration::from_millis(
            call.integer("delay_ms").unwrap_or(1_000),
        )),
        "cut" => Fault::Cut(bytes),
        "hangup" => Fault::Hangup,
        "lost_response" => Fault::LostResponse,
        "flood" => Fault::Flood(bytes),
        other => {
            let known = "bad_signature, no_signature, probe, unknown_serial, timestamp, error, raw, delay, cut, \
                         hangup, lost_response, flood";
            return Err(unknown(other, known));
        }
    })
}

fn status(call: &Call<'_>) -> std::result::Result<StatusCode, ApiResponse> {
    let status = call.integer("status").unwrap_or(500);
    let parsed = u16::try_from(status).ok();
    let parsed = parsed.and_then(|status| StatusCode::from_u16(status).ok());
    // The server could not send one that says that another response follows.
    let parsed = parsed.filter(|status| !status.is_informational());
    parsed.ok_or_else(|| invalid("status", &status.to_string()))
}

fn headers(call: &Call<'_>) -> std::result::Result<HeaderMap, ApiResponse> {
    let mut headers = HeaderMap::new();
    let given = call.body.get("headers").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        let text = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok());
        let (Some(parsed), Some(text)) = (parsed, text) else {
            return Err(invalid("headers", name));
        };
        headers.insert(parsed, text);
    }
    Ok(headers)
}

fn invalid(field: &str, value: &str) -> ApiResponse {
    ApiResponse::bad_parameter(&format!(
        "invalid {field} {value:.64}: HTTP does not allow it"
    ))
}

fn unknown(fault: &str, known: &str) -> ApiResponse {
    ApiResponse::bad_parameter(&format!(
        "unknown fault {fault:.64}: expected one of {known}"
    ))
}

/// Returns a fault with the fields that would add it.
fn shown((injection, left): (&Injection, Option<u32>)) -> Value {
    let fault = injection.fault();
    let details = match fault {
        Fault::Timestamp(offset) => json!({ "offset_s": offset }),
        Fault::Error {
            status,
            code,
            message,
            retry_after,
        } => json!({
            "status": status.as_u16(),
            "code": code,
            "message": message,
            "retry_after_s": retry_after,
        }),
        Fault::Raw {
            status,
            headers,
            body,
        } => json!({
            "status": status.as_u16(),
            "headers": view::headers(headers),
            "body": String::from_utf8_lossy(body),
        }),
        Fault::Delay(delay) => json!({ "delay_ms": view::millis(*delay) }),
        Fault::Cut(bytes) | Fault::Flood(bytes) => json!({ "bytes": bytes }),
        _ => json!({}),
    };
    let mut shown = json!({
        "fault": fault.name(),
        "path": injection.path_prefix(),
        "method": injection.only_method().map(Method::as_str),
        "times": left,
        "probability": injection.chance(),
    });
    if let (Value::Object(shown), Value::Object(details)) = (&mut shown, details) {
        shown.extend(details);
    }
    shown
}
