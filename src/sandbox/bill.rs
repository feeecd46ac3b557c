//! Bills: what they say, as text.

mod routes;

pub(super) use routes::routes;

use std::fmt::Write as _;

use bytes::Bytes;

use super::{clock::rfc3339, transaction::Paid};

/// How many files are kept.
pub(super) const FILES: usize = 100;

/// A file that is ready.
pub(super) struct File {
    bytes: Bytes,
    expires: u64,
}

/// The trade bill of what was paid.
fn trade_bill(paid: &[Paid<'_>], mchid: &str) -> String {
    let mut text = String::from(
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
         付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,\
         退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n",
    );
    let mut total = 0;
    for one in paid {
        let (time, amount) = (written(one.time), yuan(one.total));
        let _ = write!(
            text,
            "`{time},`{},`{mchid},`0,`,`{},`{},`{},`NATIVE,`SUCCESS,`OTHERS,`CNY,`{amount},`0.00,`0,`0,\
             `0.00,`0.00,`,`,`{},`{},`0.00000,`0.00%,`{amount},`0.00,`\r\n",
            one.appid,
            one.transaction_id,
            one.out_trade_no,
            one.openid,
            one.description,
            one.attach,
        );
        total += one.total;
    }
    let total = yuan(total);
    let _ = write!(
        text,
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
         `{},`{total},`0.00,`0.00,`0.00000,`{total},`0.00\r\n",
        paid.len()
    );
    text
}

/// The fund flow bill of what was paid.
fn fund_flow_bill(paid: &[Paid<'_>]) -> String {
    let mut text = String::from(
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
         资金变更提交申请人,备注,业务凭证号\r\n",
    );
    let mut balance = 0;
    for one in paid {
        balance += one.total;
        let (time, amount) = (written(one.time), yuan(one.total));
        let _ = write!(
            text,
            "`{time},`{},`{},`交易,`交易,`收入,`{amount},`{},`system,`,`{}\r\n",
            one.transaction_id,
            one.transaction_id,
            yuan(balance),
            one.out_trade_no,
        );
    }
    let _ = write!(
        text,
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`{0},`{0},`{1},`0,`0.00\r\n",
        paid.len(),
        yuan(balance)
    );
    text
}

/// `2018-06-08 10:34:56`, as bills write a time.
fn written(seconds: u64) -> String {
    rfc3339(seconds)
        .chars()
        .take(19)
        .collect::<String>()
        .replace('T', " ")
}

/// Fen as bills write them.
fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}
