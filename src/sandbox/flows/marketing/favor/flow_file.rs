//! The files of what was used of a stock, and what was refunded.
//!
//! No bill: nine fields behind a backtick, then fields in quotes.

use std::fmt::Write as _;

use super::{FlowRow, Tables};
use crate::sandbox::flows::files::bill::{format_date, format_time, format_yuan};

/// Returns the file of a stock, of one day or of all, and how many rows it has.
pub(super) fn flow_file(
    tables: &Tables,
    stock_id: &str,
    is_refund: bool,
    date: Option<&str>,
) -> (String, usize) {
    let of_day = |row: &FlowRow| date.is_none_or(|date| format_date(row.at) == date);
    let rows = tables
        .flow
        .iter()
        .filter(|row| row.stock_id == stock_id && row.is_refund == is_refund && of_day(row));
    let mut text = String::from(
        "批次id,优惠id,优惠类型,优惠金额（元）,订单总金额（元）,交易类型,支付单号,消耗时间,消耗商户号,设备号,\
         银行流水号,单品信息\r\n",
    );
    let mut count = 0;
    for row in rows {
        count += 1;
        let kind = match row.goods.is_empty() {
            true => "全场代金券",
            false => "单品优惠",
        };
        let business = if row.is_refund { "退款" } else { "支付" };
        let (off, total) = (format_yuan(row.fen), format_yuan(row.total));
        let time = format_time(row.at);
        let FlowRow {
            stock_id,
            coupon_id,
            transaction_id,
            mchid,
            ..
        } = row;
        let (device, goods) = (quoted(&row.device), quoted(&goods(row)));
        let _ = write!(
            text,
            "`{stock_id},`{coupon_id},`{kind},`{off},`{total},`{business},`{transaction_id},`{time},`{mchid},\
             {device},\"\",{goods}\r\n"
        );
    }
    let _ = write!(text, "总条数\r\n`{count}\r\n");
    (text, count)
}

/// Lists the goods of a row as `id*quantity`.
// A guess: no published file has any.
fn goods(row: &FlowRow) -> String {
    let goods = row.goods.iter().map(|goods| {
        let id = goods["goods_id"].as_str().unwrap_or_default();
        format!("{id}*{}", goods["quantity"])
    });
    goods.collect::<Vec<_>>().join(";")
}

/// Returns a field in quotes. A quote in it would end the field.
fn quoted(text: &str) -> String {
    let text = text.replace(['\r', '\n', '"'], " ");
    format!("\"{text}\"")
}
