//! The operations of batch transfers.

use serde_json::{Value, json};

use super::{Batch, NewBatch, NewDetail, rules};
use crate::catalog::Kind;
use crate::sandbox::{
    checks::{documented::unsigned, fields::Fields, merchant::check_appid},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{
        Route,
        payouts::{payout::not_found, transfer::check_user_name},
        v3,
    },
};

pub(crate) const ROUTES: &[Route] = &[
    // The table requires `user_name` and `transfer_scene_id`. The documents ask for the name from 2,000
    // yuan on, and older merchants have no scenes.
    v3("POST v3/transfer/batches", create).own_rules(),
    v3("GET v3/transfer/batches/batch-id/{batch_id}", query_by_id),
    v3("GET v3/transfer/batches/out-batch-no/{out_batch_no}", query),
    v3(
        "GET v3/transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}",
        query_detail_by_id,
    ),
    v3(
        "GET v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}",
        query_detail,
    ),
];

/// How many transfers a batch can have.
const MAX_DETAILS: usize = 1000;
/// The largest amount of a transfer, in fen.
const MAX_AMOUNT: u64 = 10_000_000_000;

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let new = read(ctx)?;
    let batch = rules::create(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&batch.creation_body()))
}

fn query_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    let id = ctx.path("batch_id");
    show(ctx, |batch| batch.batch_id == id)
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.path("out_batch_no");
    show(ctx, |batch| batch.new.out_batch_no == number)
}

fn query_detail_by_id(ctx: &Ctx<'_>) -> HandlerResult {
    let (batch_id, id) = (ctx.path("batch_id"), ctx.path("detail_id"));
    show_detail(
        ctx,
        |batch| batch.batch_id == batch_id,
        |_, detail_id| detail_id == id,
    )
}

fn query_detail(ctx: &Ctx<'_>) -> HandlerResult {
    let (batch, number) = (ctx.path("out_batch_no"), ctx.path("out_detail_no"));
    show_detail(
        ctx,
        |known| known.new.out_batch_no == batch,
        |new, _| new.out_detail_no == number,
    )
}

fn show(ctx: &Ctx<'_>, is_it: impl Fn(&Batch) -> bool) -> HandlerResult {
    let needs_details = match ctx.query("need_query_detail")? {
        // PHP writes its Booleans as digits in a query.
        "true" | "1" => true,
        "false" | "0" => false,
        other => {
            let issue = "must be true or false";
            return Err(query_error("need_query_detail", other, issue));
        }
    };
    let offset = integer(ctx, "offset", 0, 0..=u64::MAX)?;
    let limit = integer(ctx, "limit", 20, 20..=100)?;
    let status = match ctx.optional_query("detail_status") {
        None if needs_details => return Err(ApiResponse::missing_from("query", "/detail_status")),
        None | Some("ALL") => None,
        Some(status @ ("WAIT_PAY" | "SUCCESS" | "FAIL")) => Some(status),
        Some(other) => {
            let issue = "must be ALL, WAIT_PAY, SUCCESS or FAIL";
            return Err(query_error("detail_status", other, issue));
        }
    };
    let mut world = ctx.world();
    let batches = &world.store(&ctx.merchant.mchid).batch.batches;
    let batch = batches.find(is_it).ok_or_else(not_found)?;
    let mut body = json!({ "transfer_batch": batch.summary(), "offset": offset, "limit": limit });
    if needs_details {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        body["transfer_detail_list"] = batch.list(status, offset, limit as usize).into();
    }
    Ok(ApiResponse::ok(&body))
}

fn show_detail(
    ctx: &Ctx<'_>,
    is_batch: impl Fn(&Batch) -> bool,
    is_detail: impl Fn(&NewDetail, &str) -> bool,
) -> HandlerResult {
    let mut world = ctx.world();
    let batches = &world.store(&ctx.merchant.mchid).batch.batches;
    let batch = batches.find(is_batch).ok_or_else(not_found)?.clone();
    // The name is sealed without the world.
    drop(world);
    let found = batch
        .pairs()
        .find(|(new, detail)| is_detail(new, &detail.detail_id));
    let (new, detail) = found.ok_or_else(not_found)?;
    let name = new.user_name.as_deref();
    let name = name.map(|name| ctx.seal(name)).transpose()?;
    Ok(ApiResponse::ok(&batch.detail_body(new, detail, name)))
}

fn read(ctx: &Ctx<'_>) -> Result<NewBatch, ApiResponse> {
    let fields = ctx.fields();
    check_appid(&fields, ctx.merchant)?;
    let out_batch_no = number(&fields, "out_batch_no")?;
    let total = fields.integer("total_amount", 1..=MAX_AMOUNT)?;
    let count = fields.integer("total_num", 1..=MAX_DETAILS as u64)?;
    if !fields.has("transfer_detail_list") {
        return Err(ApiResponse::missing("/transfer_detail_list"));
    }
    let details = fields.objects("transfer_detail_list", MAX_DETAILS)?;
    let read = details.iter().map(read_detail);
    let mut new = read.collect::<Result<Vec<_>, _>>()?;
    let sum: u64 = new.iter().map(|detail| detail.amount).sum();
    if sum != total {
        let issue = "must be the sum of the transfers";
        return Err(fields.error("total_amount", issue));
    }
    if new.len() as u64 != count {
        let issue = "must be the number of transfers";
        return Err(fields.error("total_num", issue));
    }
    let mut numbers: Vec<_> = new.iter().map(|detail| &detail.out_detail_no).collect();
    numbers.sort_unstable();
    if numbers
        .windows(2)
        .any(|pair| matches!(pair, [one, other] if one == other))
    {
        let issue = "must not have an out_detail_no twice";
        return Err(fields.error("transfer_detail_list", issue));
    }
    let notify_url = match fields.has("notify_url") {
        true => Some(fields.notify_url()?.to_owned()),
        false => None,
    };
    let scene = fields.optional_text("transfer_scene_id", 36)?;
    let name = fields.text("batch_name", 32)?;
    let remark = fields.text("batch_remark", 32)?;
    // Last: to open a thousand names takes a while, and a request that is refused should not.
    for (new, fields) in new.iter_mut().zip(&details) {
        new.user_name = ctx.unseal(fields, "user_name")?;
        check_user_name(fields, new.user_name.as_deref(), new.amount)?;
        // It stays sealed: nothing reads it.
        if fields.has("user_id_card") {
            ctx.sealing_key()?;
        }
    }
    Ok(NewBatch {
        mchid: ctx.merchant.mchid.clone(),
        appid: fields.text("appid", 32)?.to_owned(),
        out_batch_no: out_batch_no.to_owned(),
        name: name.to_owned(),
        remark: remark.to_owned(),
        total,
        details: new,
        scene: scene.map(str::to_owned),
        notify_url,
    })
}

/// Reads what is in the clear.
fn read_detail(fields: &Fields<'_>) -> Result<NewDetail, ApiResponse> {
    let amount = fields.integer("transfer_amount", 1..=MAX_AMOUNT)?;
    fields.optional_text("user_id_card", 4096)?;
    let mut request = fields.as_map().clone();
    request.retain(|name, _| !matches!(name.as_str(), "user_name" | "user_id_card"));
    Ok(NewDetail {
        out_detail_no: number(fields, "out_detail_no")?.to_owned(),
        amount,
        remark: fields.text("transfer_remark", 32)?.to_owned(),
        openid: fields.text("openid", 64)?.to_owned(),
        user_name: None,
        request,
    })
}

/// Returns a number that the merchant chose: up to 32 letters and digits.
fn number<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a str, ApiResponse> {
    let text = fields.text(name, 32)?;
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(text)
    } else {
        Err(fields.error(name, "must be letters and digits"))
    }
}

fn integer(
    ctx: &Ctx<'_>,
    name: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, ApiResponse> {
    let Some(text) = ctx.optional_query(name) else {
        return Ok(default);
    };
    match unsigned(text) {
        Some(value) if range.contains(&value) => Ok(value),
        Some(_) => {
            let issue = format!("must be from {} to {}", range.start(), range.end());
            Err(query_error(name, text, &issue))
        }
        None => Err(ApiResponse::wrong_text(
            "query",
            &format!("/{name}"),
            Kind::Integer,
            text,
        )),
    }
}

fn query_error(name: &str, value: &str, issue: &str) -> ApiResponse {
    ApiResponse::param_error(name, &Value::from(value), issue, "query")
}
