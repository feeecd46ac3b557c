//! The operations of receipts of single transfers, and the download of all files.

use http::StatusCode;
use serde_json::json;

use super::{
    Receipt, batch, detail,
    file::{self, Download},
};
use crate::sandbox::{
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, payouts::transfer::Bill, v3},
    shaped,
    state::{files::FileKind, world::World},
    time::format_rfc3339,
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/fund-app/mch-transfer/elecsign/out-bill-no", apply),
    v3(
        "GET v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}",
        query,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/elecsign/transfer-bill-no",
        apply,
    ),
    v3(
        "GET v3/fund-app/mch-transfer/elecsign/transfer-bill-no/{transfer_bill_no}",
        query,
    ),
    v3("POST v3/transfer/bill-receipt", batch::apply),
    v3("GET v3/transfer/bill-receipt/{out_batch_no}", batch::query),
    v3("POST v3/transfer-detail/electronic-receipts", detail::apply),
    v3("GET v3/transfer-detail/electronic-receipts", detail::query),
    v3("GET v3/transferdownload/elecvoucherfile", download),
    v3("GET v3/transferdownload/signfile", download),
];

/// A transfer, as its receipt has it.
struct Transfer {
    out_bill_no: String,
    transfer_bill_no: String,
    /// In fen.
    amount: u64,
    state: &'static str,
}

/// Asks for a receipt. To ask again changes nothing.
fn apply(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let named = |name| fields.optional_text(name, 64);
    let (ours, theirs) = (named("transfer_bill_no")?, named("out_bill_no")?);
    let mut world = ctx.world();
    let transfer = find(&world, &ctx.merchant.mchid, theirs, ours)?;
    if transfer.state != "SUCCESS" {
        return Err(ApiResponse::invalid_request(&format!(
            "当前单据状态不支持此操作: the transfer is {}",
            transfer.state
        )));
    }
    let new = Receipt::new(&mut world, ctx.now);
    let receipts = &mut world.store(&ctx.merchant.mchid).receipt.receipts;
    let receipt = match receipts.get(&transfer.out_bill_no) {
        Some(known) => known.clone(),
        None => {
            receipts.insert(transfer.out_bill_no, new.clone());
            new
        }
    };
    Ok(ApiResponse::ok(&json!({
        "state": state(&receipt, ctx.now),
        "create_time": format_rfc3339(receipt.created_at),
    })))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let named = |name| Some(ctx.path(name)).filter(|number| !number.is_empty());
    let (ours, theirs) = (named("transfer_bill_no"), named("out_bill_no"));
    let mut world = ctx.world();
    let transfer = find(&world, &ctx.merchant.mchid, theirs, ours)?;
    let store = world.store(&ctx.merchant.mchid);
    let receipt = store.receipt.receipts.get(&transfer.out_bill_no);
    let receipt = receipt.ok_or_else(not_found)?.clone();
    let mut body = json!({
        "state": state(&receipt, ctx.now),
        "create_time": format_rfc3339(receipt.created_at),
        "update_time": format_rfc3339(receipt.finished_at.min(ctx.now)),
    });
    if receipt.is_finished(ctx.now) {
        let lines = [
            format!("out_bill_no {}", transfer.out_bill_no),
            format!("transfer_bill_no {}", transfer.transfer_bill_no),
            format!("amount {} fen", transfer.amount),
        ];
        file::offer(
            ctx,
            &mut world,
            &receipt,
            Download::Voucher,
            &lines,
            &mut body,
        );
    }
    Ok(ApiResponse::ok(&body))
}

/// Returns the file of a receipt, or one in the documented shape for a token that is not of this flow.
fn download(ctx: &Ctx<'_>) -> HandlerResult {
    let token = ctx.query("token")?;
    let world = ctx.world();
    match world.files.get(FileKind::Receipt, token) {
        Some(file) if file.mchid == ctx.merchant.mchid && ctx.now < file.expires_at => {
            Ok(ApiResponse::file(file.bytes.clone(), file.content_type))
        }
        Some(_) => Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "下载链接已失效: a download_url works for 10 minutes",
        )),
        None => {
            drop(world);
            shaped::answer(ctx)
        }
    }
}

/// Finds a transfer of a merchant by its number or by WeChat Pay's.
fn find(
    w: &World,
    mchid: &str,
    theirs: Option<&str>,
    ours: Option<&str>,
) -> Result<Transfer, ApiResponse> {
    let bills = w.stores.get(mchid).map(|store| &store.transfer.bills);
    let bill = bills.and_then(|bills| match (theirs, ours) {
        (Some(number), _) => bills.get(number),
        (None, Some(id)) => bills.find(|bill| bill.transfer_bill_no == id),
        (None, None) => None,
    });
    // A sub-merchant does not see what its provider made for it.
    let is_own = |bill: &&Bill| bill.new.acting.sp_mchid.is_none();
    let bill = bill.filter(is_own).ok_or_else(not_found)?;
    Ok(Transfer {
        out_bill_no: bill.new.out_bill_no.clone(),
        transfer_bill_no: bill.transfer_bill_no.clone(),
        amount: bill.new.amount,
        state: bill.state(),
    })
}

fn state(receipt: &Receipt, now: u64) -> &'static str {
    match receipt.is_finished(now) {
        true => "FINISHED",
        false => "GENERATING",
    }
}

pub(super) fn not_found() -> ApiResponse {
    ApiResponse::error(StatusCode::NOT_FOUND, "NOT_FOUND", "记录不存在")
}
