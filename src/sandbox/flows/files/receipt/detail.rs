//! Receipts of single transfers of older merchants: one of a batch, or one of APIv2.

use serde_json::{Value, json};

use super::{
    batch::BatchReceipt,
    file::{self, Download},
    routes::not_found,
};
use crate::sandbox::{
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    state::world::World,
};

/// Which transfer a receipt is of.
struct Asked<'a> {
    accept_type: &'a str,
    /// Of a batch alone.
    out_batch_no: Option<&'a str>,
    out_detail_no: &'a str,
    /// Where the request says it: `body` or `query`.
    location: &'static str,
}

/// Asks for a receipt of a transfer. To ask again changes nothing.
pub(super) fn apply(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let asked = Asked {
        accept_type: fields.text("accept_type", 32)?,
        out_batch_no: fields.optional_text("out_batch_no", 32)?,
        out_detail_no: fields.text("out_detail_no", 32)?,
        location: "body",
    };
    let mut world = ctx.world();
    asked.paid(&world, &ctx.merchant.mchid)?;
    let new = BatchReceipt::new(&mut world, ctx.now);
    let receipts = &mut world.store(&ctx.merchant.mchid).receipt.details;
    let key = asked.key();
    if receipts.get(&key).is_none() {
        receipts.insert(key, new);
    }
    asked.body(ctx, &mut world)
}

pub(super) fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let asked = Asked {
        accept_type: ctx.query("accept_type")?,
        out_batch_no: ctx.optional_query("out_batch_no"),
        out_detail_no: ctx.query("out_detail_no")?,
        location: "query",
    };
    asked.body(ctx, &mut ctx.world())
}

impl Asked<'_> {
    /// Returns the key of the receipt.
    fn key(&self) -> String {
        let batch = self.out_batch_no.unwrap_or_default();
        format!("{} {batch} {}", self.accept_type, self.out_detail_no)
    }

    /// Returns WeChat Pay's number of the transfer and its amount in fen.
    ///
    /// # Errors
    /// Refuses a transfer that does not exist or did not succeed.
    fn paid(&self, w: &World, mchid: &str) -> Result<(String, u64), ApiResponse> {
        let store = w.stores.get(mchid).ok_or_else(not_found)?;
        let (id, fen, status) = match (self.accept_type, self.out_batch_no) {
            ("BATCH_TRANSFER", Some(number)) => {
                let batch = store.batch.batches.get(number).ok_or_else(not_found)?;
                let detail = batch.detail(self.out_detail_no).ok_or_else(not_found)?;
                (detail.0.to_owned(), detail.1, detail.2)
            }
            ("BATCH_TRANSFER", None) => {
                return Err(ApiResponse::missing_from(self.location, "/out_batch_no"));
            }
            ("TRANSFER_TO_POCKET", _) => {
                let (id, fen) = store
                    .v2
                    .transfer(self.out_detail_no)
                    .ok_or_else(not_found)?;
                (id.to_owned(), fen, "SUCCESS")
            }
            // The sandbox has no transfers to banks.
            ("TRANSFER_TO_BANK", _) => return Err(not_found()),
            (other, _) => {
                let issue = "must be BATCH_TRANSFER, TRANSFER_TO_POCKET or TRANSFER_TO_BANK";
                return Err(ApiResponse::param_error(
                    "accept_type",
                    &other.into(),
                    issue,
                    self.location,
                ));
            }
        };
        if status != "SUCCESS" {
            return Err(ApiResponse::invalid_request(&format!(
                "当前单据状态不支持此操作: the transfer is {status}"
            )));
        }
        Ok((id, fen))
    }

    fn body(&self, ctx: &Ctx<'_>, w: &mut World) -> HandlerResult {
        let mchid = &ctx.merchant.mchid;
        let (id, fen) = self.paid(w, mchid)?;
        let known = w.stores.get(mchid);
        let known = known.and_then(|store| store.receipt.details.get(&self.key()));
        let known = known.ok_or_else(not_found)?.clone();
        let mut body: Value = json!({
            "accept_type": self.accept_type,
            "out_detail_no": self.out_detail_no,
            "signature_no": known.signature_no,
            "signature_status": known.status(ctx.now),
        });
        if let Some(number) = self.out_batch_no {
            body["out_batch_no"] = number.into();
        }
        if known.receipt.is_finished(ctx.now) {
            let lines = [
                format!("out_detail_no {}", self.out_detail_no),
                format!("detail_id {id}"),
                format!("amount {fen} fen"),
            ];
            file::offer(ctx, w, &known.receipt, Download::Signed, &lines, &mut body);
        }
        Ok(ApiResponse::ok(&body))
    }
}
