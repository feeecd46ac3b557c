//! Orders, and what waits for somebody's decision.

use super::*;
use crate::sandbox::control::cashier::{self, item};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(
        "orders",
        "Returns payments, combined orders and service orders with their states, and what can be \
         done with each below orders/. Amounts are in fen, times in seconds since 1970 by the \
         sandbox's clock.",
        |call| cashier::list(call, item::orders, false),
    )
    .query(&LIST)
    .answers(&[DATA, HAS_MORE, HAS_EARLIER]),
    get(
        "orders/{out_trade_no}",
        "Returns an order with what opens its payment, the response to its query, and its refunds.",
        cashier::order,
    )
    .query(&[may(
        "kind",
        Kind::Text,
        "payment, combined or service, if several have the number. Without it, the first",
    )])
    .answers(&[
        needs("number", Kind::Text, "The merchant's number"),
        needs("state", Kind::Text, "As the API names it"),
        needs(
            "can",
            Kind::List,
            "What can be done with it now, below orders/",
        ),
        may(
            "parameters",
            Kind::Object,
            "What opens the payment: code_url and the rows of its QR code, h5_url, or prepay_id \
             and the names of a front end's parameters",
        ),
        needs(
            "resource",
            Kind::Object,
            "The response to the documented query",
        ),
        needs(
            "refunds",
            Kind::List,
            "As GET refunds lists them, oldest first",
        ),
        needs(
            "timeline",
            Kind::List,
            "What happened, oldest first: kind is request, state, refund, delivery or attempt; \
             at_ms is in milliseconds since 1970 by the sandbox's clock",
        ),
        needs(
            "timeline_left_out",
            Kind::Integer,
            "How many older entries the timeline does not have",
        ),
    ]),
    get(
        "refunds",
        "Returns refunds, and what can be done with each.",
        |call| cashier::list(call, item::refunds, false),
    )
    .query(&LIST)
    .answers(&[DATA, HAS_MORE, HAS_EARLIER]),
    get(
        "transfers",
        "Returns merchant transfers, and what can be done with each.",
        |call| cashier::list(call, item::transfers, false),
    )
    .query(&LIST)
    .answers(&[DATA, HAS_MORE, HAS_EARLIER]),
    get(
        "service-orders",
        "Returns service orders, and what can be done with each below \
         service-orders/.",
        |call| cashier::list(call, item::service_orders, true),
    )
    .query(&LIST)
    .answers(&[DATA, HAS_MORE, HAS_EARLIER]),
    get(
        "money",
        "Returns what came in and went out on each of the last days of Beijing, by the sandbox's \
         clock, in fen. Between merchants, it counts for both.",
        cashier::money,
    )
    .query(&[may(
        "days",
        Kind::Integer,
        "How many days, today included: 1 to 366, by default 30",
    )])
    .answers(&[needs(
        "data",
        Kind::List,
        "The days, oldest first: day, in and out",
    )]),
];

/// What a list can be asked for.
const LIST: [Field; 5] = [
    may(
        "state",
        Kind::Text,
        "Only these states, with commas between them",
    ),
    may(
        "can",
        Kind::Text,
        "Only those with which this can be done, such as pay",
    ),
    may(
        "text",
        Kind::Text,
        "Only those with this text, such as a part of the number",
    ),
    PAGE[0],
    PAGE[1],
];
