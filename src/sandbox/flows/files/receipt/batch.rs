//! Receipts of batches, as older merchants have them: `ACCEPTED` → `FINISHED`.

use serde_json::{Value, json};

use super::{
    Receipt,
    file::{self, Download},
    routes::not_found,
};
use crate::sandbox::{
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::payouts::batch::Batch,
    state::world::World,
    time::format_rfc3339,
};

/// A receipt of older merchants, of a whole batch or of one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BatchReceipt {
    pub(super) receipt: Receipt,
    /// WeChat Pay's number of it.
    pub(super) signature_no: String,
}

impl BatchReceipt {
    pub(super) fn new(world: &mut World, now: u64) -> Self {
        Self {
            receipt: Receipt::new(world, now),
            // As in the documents: 40 digits.
            signature_no: world.number("1050000010", 40),
        }
    }

    /// Returns `signature_status`.
    pub(super) fn status(&self, now: u64) -> &'static str {
        match self.receipt.is_finished(now) {
            true => "FINISHED",
            false => "ACCEPTED",
        }
    }
}

/// Asks for a receipt of a batch. To ask again changes nothing.
pub(super) fn apply(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let number = fields.text("out_batch_no", 32)?;
    let mut world = ctx.world();
    let status = find(&world, &ctx.merchant.mchid, number)?.status();
    if status != "FINISHED" {
        return Err(ApiResponse::invalid_request(&format!(
            "当前单据状态不支持此操作: the batch is {status}"
        )));
    }
    let new = BatchReceipt::new(&mut world, ctx.now);
    let receipts = &mut world.store(&ctx.merchant.mchid).receipt.batches;
    if receipts.get(number).is_none() {
        receipts.insert(number.to_owned(), new);
    }
    body(ctx, &mut world, number)
}

pub(super) fn query(ctx: &Ctx<'_>) -> HandlerResult {
    body(ctx, &mut ctx.world(), ctx.path("out_batch_no"))
}

fn body(ctx: &Ctx<'_>, w: &mut World, number: &str) -> HandlerResult {
    let mchid = &ctx.merchant.mchid;
    let known = w.stores.get(mchid);
    let known = known.and_then(|store| store.receipt.batches.get(number));
    let known = known.ok_or_else(not_found)?.clone();
    let receipt = &known.receipt;
    let mut body: Value = json!({
        "out_batch_no": number,
        "signature_no": known.signature_no,
        "signature_status": known.status(ctx.now),
        "create_time": format_rfc3339(receipt.created_at),
        "update_time": format_rfc3339(receipt.finished_at.min(ctx.now)),
    });
    if receipt.is_finished(ctx.now) {
        let batch = find(w, mchid, number)?;
        let lines = [
            format!("out_batch_no {number}"),
            format!("batch_id {}", batch.batch_id),
            format!("total {} fen", batch.new.total),
        ];
        file::offer(ctx, w, receipt, Download::Signed, &lines, &mut body);
    }
    Ok(ApiResponse::ok(&body))
}

fn find<'a>(w: &'a World, mchid: &str, number: &str) -> Result<&'a Batch, ApiResponse> {
    let store = w.stores.get(mchid).ok_or_else(not_found)?;
    let batch = store.batch.batches.get(number);
    batch.ok_or_else(not_found)
}
