//! The operations of complaints.

use serde_json::{Value, json};

use super::{Said, callback, rules};
use crate::sandbox::{
    checks::{documented::unsigned, fields::Fields},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, v3},
    state::files::FileKind,
    time::{format_rfc3339, parse_rfc3339},
};

pub(crate) const ROUTES: &[Route] = &[
    v3("GET v3/merchant-service/complaints-v2", list),
    v3("GET v3/merchant-service/complaints-v2/{complaint_id}", show),
    v3(
        "GET v3/merchant-service/complaints-v2/{complaint_id}/negotiation-historys",
        history,
    ),
    v3(
        "POST v3/merchant-service/complaints-v2/{complaint_id}/response",
        answer,
    ),
    v3(
        "POST v3/merchant-service/complaints-v2/{complaint_id}/response-immediate-service",
        answer_at_once,
    ),
    v3(
        "POST v3/merchant-service/complaints-v2/{complaint_id}/complete",
        complete,
    ),
    v3(
        "POST v3/merchant-service/complaints-v2/{complaint_id}/update-refund-progress",
        decide,
    ),
    v3(
        "POST v3/merchant-service/complaint-notifications",
        callback::create,
    ),
    v3(
        "GET v3/merchant-service/complaint-notifications",
        callback::query,
    ),
    v3(
        "PUT v3/merchant-service/complaint-notifications",
        callback::update,
    ),
    v3(
        "DELETE v3/merchant-service/complaint-notifications",
        callback::delete,
    ),
];

/// The longest time between the two dates of a list, in seconds.
const MAX_SPAN: u64 = 30 * DAY;
const DAY: u64 = 24 * 3600;
/// How many images a reply has at most.
const MAX_IMAGES: usize = 4;
/// The largest answer of immediate service that is kept, in bytes of JSON. The documents name no limit.
const MAX_MESSAGE: usize = 64 << 10;

fn list(ctx: &Ctx<'_>) -> HandlerResult {
    let page = Page::read(ctx, 50, 10)?;
    let (begin, end) = (day(ctx, "begin_date")?, day(ctx, "end_date")?);
    let issue = match end.checked_sub(begin) {
        None => Some("must not be before begin_date"),
        Some(span) if span > MAX_SPAN => Some("must be at most 30 days after begin_date"),
        Some(_) => None,
    };
    if let Some(issue) = issue {
        let value = ctx.optional_query("end_date").into();
        return Err(ApiResponse::param_error("end_date", &value, issue, "query"));
    }
    let signer = &ctx.merchant.mchid;
    let named = ctx.optional_query("complainted_mchid");
    let (total, found) = {
        let world = ctx.world();
        if named.is_some_and(|named| named != signer && !world.may_act_for(signer, named)) {
            return Err(no_auth("您暂无权限查询该商户的投诉信息"));
        }
        let mchids = rules::seen_by(&world, signer)
            .filter(|mchid| named.is_none_or(|named| named == *mchid));
        let stores = mchids.filter_map(|mchid| world.stores.get(mchid));
        let complaints = stores.flat_map(|store| store.complaint.complaints.iter());
        let in_time =
            complaints.filter(|complaint| (begin..end + DAY).contains(&complaint.created_at));
        // The latest one comes first. Equal times are told apart by the ID.
        let mut complaints: Vec<_> = in_time.collect();
        complaints.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        let found = page.of(&complaints).iter();
        let found = found.map(|complaint| (complaint.body(&world), complaint.phone().to_owned()));
        (complaints.len(), found.collect::<Vec<_>>())
    };
    // Sealed without the lock.
    let mut data = Vec::new();
    for (mut body, phone) in found {
        body["payer_phone"] = ctx.seal(&phone)?.into();
        data.push(body);
    }
    Ok(page.body(data, total))
}

fn show(ctx: &Ctx<'_>) -> HandlerResult {
    let (mut body, phone) = {
        let world = ctx.world();
        let complaint = rules::find(&world, &ctx.merchant.mchid, ctx.path("complaint_id"))?;
        let mut body = complaint.body(&world);
        body["payer_openid"] = complaint.openid().into();
        (body, complaint.phone().to_owned())
    };
    body["payer_phone"] = ctx.seal(&phone)?.into();
    Ok(ApiResponse::ok(&body))
}

fn history(ctx: &Ctx<'_>) -> HandlerResult {
    let page = Page::read(ctx, 300, 100)?;
    let images = format!(
        "{}/v3/merchant-service/images/",
        ctx.listener.origin(ctx.parts)
    );
    let world = ctx.world();
    let complaint = rules::find(&world, &ctx.merchant.mchid, ctx.path("complaint_id"))?;
    let steps: Vec<_> = complaint.history.iter().rev().collect();
    let data = page.of(&steps).iter().map(|step| step.body(&images));
    Ok(page.body(data.collect(), steps.len()))
}

fn answer(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let mchid = complained_about(ctx, &fields)?;
    let said = Said {
        text: fields.text("response_content", 200)?.to_owned(),
        images: images(ctx, &fields, "response_images")?,
        message: None,
    };
    rules::answer(
        &mut ctx.world(),
        &mchid,
        ctx.path("complaint_id"),
        said,
        ctx.now,
    )?;
    Ok(ApiResponse::no_content())
}

fn answer_at_once(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let mchid = complained_about(ctx, &fields)?;
    let message = Value::Object(fields.object("message")?.as_map().clone());
    if message.to_string().len() > MAX_MESSAGE {
        return Err(ApiResponse::invalid_request("message is larger than 64 kB"));
    }
    let idempotent_id = fields.text("idempotent_id", 128)?;
    let id = ctx.path("complaint_id");
    let mut world = ctx.world();
    let log_id = rules::answer_at_once(&mut world, &mchid, id, idempotent_id, message, ctx.now)?;
    Ok(ApiResponse::ok(&json!({ "log_id": log_id })))
}

fn complete(ctx: &Ctx<'_>) -> HandlerResult {
    let mchid = complained_about(ctx, &ctx.fields())?;
    rules::complete(&mut ctx.world(), &mchid, ctx.path("complaint_id"), ctx.now)?;
    Ok(ApiResponse::no_content())
}

fn decide(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let id = ctx.path("complaint_id");
    let mchid = rules::find(&ctx.world(), &ctx.merchant.mchid, id)?
        .mchid
        .clone();
    let approved = match fields.text("action", 32)? {
        "APPROVE" => true,
        "REJECT" => false,
        _ => return Err(fields.error("action", "must be APPROVE or REJECT")),
    };
    fields.optional_integer("launch_refund_day", 0..=u64::from(u32::MAX))?;
    fields.optional_text("remark", 200)?;
    let reason = fields.optional_text("reject_reason", 200)?;
    let said = Said {
        text: reason.filter(|_| !approved).unwrap_or_default().to_owned(),
        images: images(ctx, &fields, "reject_media_list")?,
        message: None,
    };
    rules::decide(&mut ctx.world(), &mchid, id, approved, said, ctx.now)?;
    Ok(ApiResponse::no_content())
}

/// Returns the merchant of the complaint in the path, which the body must name.
fn complained_about(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<String, ApiResponse> {
    let named = fields.text("complainted_mchid", 64)?;
    let world = ctx.world();
    let complaint = rules::find(&world, &ctx.merchant.mchid, ctx.path("complaint_id"))?;
    match complaint.mchid == named {
        true => Ok(complaint.mchid.clone()),
        false => Err(fields.error("complainted_mchid", "is not the merchant of this complaint")),
    }
}

/// Reads the media IDs of images, which the merchant must have uploaded as images of complaints.
fn images(ctx: &Ctx<'_>, fields: &Fields<'_>, name: &str) -> Result<Vec<String>, ApiResponse> {
    let list = fields.as_map().get(name).and_then(Value::as_array);
    let list = list.map_or(&[][..], Vec::as_slice);
    if list.len() > MAX_IMAGES {
        return Err(fields.error(name, "must have at most 4 items"));
    }
    let world = ctx.world();
    let is_uploaded = |id: &str| {
        let file = world.files.get(FileKind::Image, id);
        file.is_some_and(|file| file.mchid == ctx.merchant.mchid)
    };
    let ids = list.iter().filter_map(Value::as_str);
    let ids: Vec<_> = ids.map(str::to_owned).collect();
    match ids.iter().all(|id| is_uploaded(id)) {
        true => Ok(ids),
        false => Err(fields.error(
            name,
            "must be media IDs of POST v3/merchant-service/images/upload",
        )),
    }
}

/// Returns the start of a day in the query, in seconds since 1970.
fn day(ctx: &Ctx<'_>, name: &str) -> Result<u64, ApiResponse> {
    let date = ctx.query(name)?;
    // Dates such as 2019-1-1 or with other digits do not come back as they were.
    let start = parse_rfc3339(&format!("{date}T00:00:00+08:00"));
    let is_same = |start: &u64| format_rfc3339(*start).starts_with(date);
    start.filter(is_same).ok_or_else(|| {
        let issue = "must be a date such as 2019-01-01";
        ApiResponse::param_error(name, &date.into(), issue, "query")
    })
}

fn no_auth(message: &str) -> ApiResponse {
    ApiResponse::error(http::StatusCode::FORBIDDEN, "NO_AUTH", message)
}

/// A part of a list, as `limit` and `offset` name it.
struct Page {
    limit: usize,
    offset: usize,
}

impl Page {
    fn read(ctx: &Ctx<'_>, max: usize, default: usize) -> Result<Self, ApiResponse> {
        let read = |name: &str, default: usize, range: std::ops::RangeInclusive<usize>| {
            let Some(text) = ctx.optional_query(name) else {
                return Ok(default);
            };
            let number = unsigned(text).and_then(|number| usize::try_from(number).ok());
            number
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    let issue = format!("must be from {} to {}", range.start(), range.end());
                    ApiResponse::param_error(name, &text.into(), &issue, "query")
                })
        };
        Ok(Self {
            limit: read("limit", default, 1..=max)?,
            offset: read("offset", 0, 0..=usize::MAX)?,
        })
    }

    fn of<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let rest = all.get(self.offset..).unwrap_or_default();
        rest.get(..self.limit).unwrap_or(rest)
    }

    /// Returns a page as responses show it. The total is part of the first one, as documented.
    fn body(&self, data: Vec<Value>, total: usize) -> ApiResponse {
        let mut body = json!({ "data": data, "limit": self.limit, "offset": self.offset });
        if self.offset == 0 {
            body["total_count"] = total.into();
        }
        ApiResponse::ok(&body)
    }
}
