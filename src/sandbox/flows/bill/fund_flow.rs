//! The fund flow bill: one row per movement of the merchant's balance, and the totals.

use std::fmt::Write as _;

use super::{format_time, format_yuan};
use crate::sandbox::flows::pay::PaidTransaction;

/// Returns the fund flow bill of these payments.
pub(super) fn fund_flow_bill(payments: &[PaidTransaction<'_>]) -> String {
    let mut text = String::from(
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
         资金变更提交申请人,备注,业务凭证号\r\n",
    );
    // Every day begins with an empty account: the sandbox has no ledger of earlier days.
    let mut balance = 0;
    for payment in payments {
        balance += payment.total;
        let (time, amount) = (format_time(payment.time), format_yuan(payment.total));
        let _ = write!(
            text,
            "`{time},`{},`{},`交易,`交易,`收入,`{amount},`{},`system,`,`{}\r\n",
            payment.transaction_id,
            payment.transaction_id,
            format_yuan(balance),
            payment.out_trade_no,
        );
    }
    let _ = write!(
        text,
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`{0},`{0},`{1},`0,`0.00\r\n",
        payments.len(),
        format_yuan(balance)
    );
    text
}
