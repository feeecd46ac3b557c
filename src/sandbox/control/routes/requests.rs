//! The requests that arrived, and the stream of what happens.

use http::StatusCode;

use super::*;
use crate::sandbox::{
    RecordedRequest,
    control::inspect::{self, Filter},
};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    get(
        "requests",
        "Returns the requests to WeChat Pay that arrived.",
        |call| {
            let mut requests = call.sandbox.requests();
            Filter::new(|name| call.query(name))?.keep(&mut requests);
            let behind = |after: &str| {
                let id = id("after", after)?;
                Ok(requests.partition_point(|request| request.id() <= id))
            };
            let end = match call.query("before") {
                None => requests.len(),
                Some(before) => {
                    let id = id("before", before)?;
                    requests.partition_point(|request| request.id() < id)
                }
            };
            let show: fn(&RecordedRequest) -> Value = match is_brief(call.query("brief"))? {
                true => inspect::brief,
                false => view::request,
            };
            page_before(call, &requests, end, behind, show)
        },
    )
    .query(&[
        may(
            "path",
            Kind::Text,
            "A path, or a template such as v3/pay/transactions/id/{transaction_id}",
        ),
        may("method", Kind::Text, "A method"),
        may(
            "status",
            Kind::Text,
            "A status, a class such as 4xx, or none: no response was sent, or not yet",
        ),
        may(
            "text",
            Kind::Text,
            "What is in the path, the query, a header or a body of the request or its response",
        ),
        BRIEF,
        PAGE[0],
        PAGE[1],
        may(
            "before",
            Kind::Text,
            "The `id` before which the page ends at the latest",
        ),
    ])
    .answers(&[DATA, HAS_MORE, HAS_EARLIER]),
    get(
        "requests/{id}",
        "Returns a request with its response, the check of its signature step by step, \
         what the documents say, and its sealed fields in clear text.",
        |call| {
            let id = id("id", call.number())?;
            // The lock ends here: the inspector looks at other requests, too.
            let found = call.state.requests().get(id);
            match found {
                Some(request) => ok(inspect::whole(call.state, &request)),
                None => Err(ApiResponse::error(
                    StatusCode::NOT_FOUND,
                    "RESOURCE_NOT_EXISTS",
                    "the sandbox has no such request, or no longer",
                )),
            }
        },
    )
    .answers(&[
        needs("id", Kind::Integer, "The number of the request"),
        needs("method", Kind::Text, "The method"),
        needs("target", Kind::Text, "The path and query as they arrived"),
        needs("headers", Kind::Object, "The headers"),
        may("response", Kind::Object, "What was sent"),
        needs(
            "signature",
            Kind::Object,
            "The steps of the check, the message that the sandbox built, and what was signed in its place",
        ),
        may(
            "documents",
            Kind::Object,
            "The documented fields with their values, and what breaks them",
        ),
        needs(
            "decrypted",
            Kind::Object,
            "The sealed fields of the request and the response, opened",
        ),
    ]),
    get(
        "events",
        "Streams requests, their responses, changes of states and attempts to \
         deliver notifications, as server-sent events.",
        |call| {
            is_brief(call.query("brief"))?;
            Ok(ApiResponse::events())
        },
    )
    .query(&[BRIEF])
    .streams(),
];

fn id(name: &str, text: &str) -> std::result::Result<u64, ApiResponse> {
    text.parse().map_err(|_| {
        ApiResponse::bad_parameter(&format!(
            "invalid {name} {text:.32}: expected the id of a request"
        ))
    })
}
