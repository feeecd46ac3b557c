//! The profit sharing bill: one row per share that a receiver got, per share that came back, and per rest
//! that was unfrozen.

use std::fmt::Write as _;

use super::{format_date, format_time, format_yuan, one_line};
use crate::sandbox::{
    checks::merchant::Acting,
    flows::{
        payments::pay::notice::signer,
        payouts::sharing::{
            ShareResult,
            give_back::{Return, ReturnResult},
        },
    },
    state::world::{Store, World},
};

// The documents do not list the columns. These are the ones that a program which stores real bills reads,
// in its order.
const COLUMNS: &str = "分账时间,分账发起方,分账方,微信订单号,微信分账/回退单号,分账明细单号,\
                       商户分账/回退单号,订单金额,分账接收方,金额,业务类型,处理状态,备注";
// The documents promise a summary without its columns: these are the sandbox's.
const SUMMARY: &str = "总笔数,分账笔数,分账金额,解冻笔数,解冻金额,回退笔数,回退金额";

/// Returns the profit sharing bill of a day, such as `2018-06-08`, or `None` if nothing was shared on it.
/// Those of a service provider list what it shared for its sub-merchants, or only for `sub_mchid`.
pub(crate) fn sharing_bill(
    w: &World,
    mchid: &str,
    sub_mchid: Option<&str>,
    date: &str,
) -> Option<String> {
    let mut rows: Vec<Row<'_>> = w
        .stores
        .iter()
        .filter(|(owner, _)| sub_mchid.is_none_or(|sub_mchid| sub_mchid == *owner))
        .flat_map(|(_, store)| rows_of(store))
        .filter(|row| signer(row.acting) == mchid && format_date(row.time) == date)
        .collect();
    if rows.is_empty() {
        return None;
    }
    rows.sort_by_key(|row| row.time);
    Some(written(&rows))
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Business {
    Share,
    /// The rest that the merchant got.
    Rest,
    Return,
}

impl Business {
    fn name(self) -> &'static str {
        match self {
            Self::Share => "分账",
            Self::Rest => "解冻",
            Self::Return => "分账回退",
        }
    }
}

struct Row<'a> {
    time: u64,
    acting: &'a Acting,
    business: Business,
    transaction_id: &'a str,
    /// Of the share or the return.
    id: &'a str,
    detail_id: &'a str,
    out_no: &'a str,
    /// The total of the payment, in fen.
    total: u64,
    receiver: &'a str,
    /// In fen.
    amount: u64,
    note: &'a str,
}

/// Returns the rows of what a merchant shared. What did not succeed is in no bill.
fn rows_of(store: &Store) -> Vec<Row<'_>> {
    let total = |out_trade_no: &str| {
        let order = store.pay.transactions.get(out_trade_no);
        order.map_or(0, |order| order.asked.total)
    };
    let mut rows = Vec::new();
    for order in store.sharing.orders.iter() {
        let succeeded = order
            .shares
            .iter()
            .filter(|share| share.result == ShareResult::Success);
        rows.extend(succeeded.map(|share| Row {
            time: order.finished_at.unwrap_or(order.created_at),
            acting: &order.new.acting,
            business: match share.is_rest {
                true => Business::Rest,
                false => Business::Share,
            },
            transaction_id: &order.new.transaction_id,
            id: &order.order_id,
            detail_id: &share.detail_id,
            out_no: &order.new.out_order_no,
            total: total(&order.out_trade_no),
            receiver: &share.new.account,
            amount: share.new.amount,
            note: &share.new.description,
        }));
    }
    let is_done = |back: &&Return| back.result == ReturnResult::Success;
    for back in store.sharing.returns.iter().filter(is_done) {
        let order = store.sharing.orders.get(&back.new.out_order_no);
        rows.push(Row {
            time: back.finished_at.unwrap_or(back.created_at),
            acting: &back.new.acting,
            business: Business::Return,
            transaction_id: order.map_or("", |order| &order.new.transaction_id),
            id: &back.return_id,
            detail_id: "",
            out_no: &back.new.out_return_no,
            total: order.map_or(0, |order| total(&order.out_trade_no)),
            receiver: &back.new.return_mchid,
            amount: back.new.amount,
            note: &back.new.description,
        });
    }
    rows
}

fn written(rows: &[Row<'_>]) -> String {
    let mut text = format!("{COLUMNS}\r\n");
    for row in rows {
        let (time, business) = (format_time(row.time), row.business.name());
        let (total, amount) = (format_yuan(row.total), format_yuan(row.amount));
        let (initiator, sharer, note) = (signer(row.acting), &row.acting.mchid, one_line(row.note));
        let Row {
            transaction_id,
            id,
            detail_id,
            out_no,
            receiver,
            ..
        } = row;
        let _ = write!(
            text,
            "`{time},`{initiator},`{sharer},`{transaction_id},`{id},`{detail_id},`{out_no},`{total},\
             `{receiver},`{amount},`{business},`成功,`{note}\r\n"
        );
    }
    let of = |business| {
        let found = rows.iter().filter(move |row| row.business == business);
        let (count, sum) = found.fold((0, 0), |(n, sum), row| (n + 1, sum + row.amount));
        format!("`{count},`{}", format_yuan(sum))
    };
    let _ = write!(
        text,
        "{SUMMARY}\r\n`{},{},{},{}\r\n",
        rows.len(),
        of(Business::Share),
        of(Business::Rest),
        of(Business::Return),
    );
    text
}
