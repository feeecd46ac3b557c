//! The trade bill: one row per payment, and the totals.

use std::fmt::Write as _;

use super::{format_time, format_yuan};
use crate::sandbox::flows::pay::PaidTransaction;

/// Returns the trade bill of these payments.
// A backtick begins every value, as in the real bills. It keeps a spreadsheet from reading a long
// number as a float.
pub(super) fn trade_bill(payments: &[PaidTransaction<'_>], mchid: &str) -> String {
    let mut text = String::from(
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
         付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,\
         退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n",
    );
    let mut total = 0;
    for payment in payments {
        let (time, amount) = (format_time(payment.time), format_yuan(payment.total));
        let _ = write!(
            text,
            "`{time},`{},`{mchid},`0,`,`{},`{},`{},`NATIVE,`SUCCESS,`OTHERS,`CNY,`{amount},`0.00,`0,`0,\
             `0.00,`0.00,`,`,`{},`{},`0.00000,`0.00%,`{amount},`0.00,`\r\n",
            payment.appid,
            payment.transaction_id,
            payment.out_trade_no,
            payment.openid,
            payment.description,
            payment.attach,
        );
        total += payment.total;
    }
    let total = format_yuan(total);
    let _ = write!(
        text,
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
         `{},`{total},`0.00,`0.00,`0.00000,`{total},`0.00\r\n",
        payments.len()
    );
    text
}
