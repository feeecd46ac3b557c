//! The trade bill: one row per payment and per refund, and the totals.

mod row;

use std::fmt::Write as _;

use self::row::{Amounts, Back, Row, rows_of};
use super::{format_date, format_time, format_yuan, one_line};
use crate::sandbox::{flows::payments::refund::Status, state::world::World};

/// Which rows a trade bill has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TradeBill {
    /// Payments and refunds.
    All,
    Success,
    Refund,
}

impl TradeBill {
    /// Parses `bill_type`. Defaults to `ALL`.
    pub(crate) fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("ALL") => Some(Self::All),
            Some("SUCCESS") => Some(Self::Success),
            Some("REFUND") => Some(Self::Refund),
            Some(_) => None,
        }
    }

    /// Returns whether bills of this kind have a column.
    fn has(self, column: Column) -> bool {
        match column {
            Column::Always => true,
            Column::Refunds => self != Self::Success,
            Column::RefundTimes => self == Self::Refund,
        }
    }
}

/// Returns the trade bill of a day, such as `2018-06-08`, or `None` if it has no rows. Those of a service
/// provider list the orders that it made for its sub-merchants, or only for `sub_mchid`.
pub(crate) fn trade_bill(
    w: &World,
    mchid: &str,
    sub_mchid: Option<&str>,
    date: &str,
    kind: TradeBill,
) -> Option<String> {
    let mut rows: Vec<Row<'_>> = w
        .stores
        .iter()
        .filter(|(owner, _)| sub_mchid.is_none_or(|sub_mchid| sub_mchid == *owner))
        .flat_map(|(_, store)| rows_of(store, mchid))
        .filter(|row| format_date(row.time) == date)
        .filter(|row| match kind {
            TradeBill::All => true,
            TradeBill::Success => row.back.is_none(),
            TradeBill::Refund => row.back.is_some(),
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    // Orders are kept by creation; a bill lists rows by time.
    rows.sort_by_key(|row| row.time);
    Some(written(&rows, mchid, kind))
}

/// In which bills a column is.
#[derive(Clone, Copy)]
enum Column {
    Always,
    /// Where refunds can be.
    Refunds,
    /// Where nothing but refunds is.
    RefundTimes,
}

const COLUMNS: [(&str, Column); 29] = {
    use Column::{Always, RefundTimes, Refunds};
    [
        ("交易时间", Always),
        ("公众账号ID", Always),
        ("商户号", Always),
        ("特约商户号", Always),
        ("设备号", Always),
        ("微信订单号", Always),
        ("商户订单号", Always),
        ("用户标识", Always),
        ("交易类型", Always),
        ("交易状态", Always),
        ("付款银行", Always),
        ("货币种类", Always),
        ("应结订单金额", Always),
        ("代金券金额", Always),
        ("退款申请时间", RefundTimes),
        ("退款成功时间", RefundTimes),
        ("微信退款单号", Refunds),
        ("商户退款单号", Refunds),
        ("退款金额", Refunds),
        ("充值券退款金额", Refunds),
        ("退款类型", Refunds),
        ("退款状态", Refunds),
        ("商品名称", Always),
        ("商户数据包", Always),
        ("手续费", Always),
        ("费率", Always),
        ("订单金额", Always),
        ("申请退款金额", Refunds),
        ("费率备注", Always),
    ]
};

// A backtick begins every value, as in the real bills. It keeps a spreadsheet from reading a long
// number as a float.
fn written(rows: &[Row<'_>], mchid: &str, kind: TradeBill) -> String {
    let names: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, column)| kind.has(*column))
        .map(|(name, _)| *name)
        .collect();
    let mut text = format!("{}\r\n", names.join(","));
    let (mut paid, mut back) = (Amounts::default(), Amounts::default());
    for row in rows {
        let values = row.values(mchid);
        let columns = COLUMNS.iter().zip(&values);
        let values: Vec<_> = columns
            .filter(|((_, column), _)| kind.has(*column))
            .map(|(_, value)| format!("`{value}"))
            .collect();
        text.push_str(&values.join(","));
        text.push_str("\r\n");
        paid.add(row.paid());
        if !row.is_closed() {
            back.add(row.returned());
        }
    }
    let _ = write!(
        text,
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n\
         `{},`{},`{},`{},`0.00000,`{},`{}\r\n",
        rows.len(),
        format_yuan(paid.settled),
        format_yuan(back.settled),
        format_yuan(back.funded),
        format_yuan(paid.total),
        format_yuan(back.total),
    );
    text
}

impl Row<'_> {
    /// Returns the values of all columns.
    fn values(&self, mchid: &str) -> [String; 29] {
        let (asked, payment) = (&self.order.asked, self.payment);
        let sub_mchid = match asked.acting.sp_mchid {
            Some(_) => asked.acting.mchid.as_str(),
            None => "0",
        };
        let device = asked.request.get("device_info").and_then(|v| v.as_str());
        let (paid, returned) = (self.paid(), self.returned());
        let refund = match self.back {
            Some(Back::Refund(refund)) => Some(refund),
            _ => None,
        };
        let success = match refund.map(|refund| refund.status) {
            Some(Status::Success(time)) => format_time(time),
            _ => String::new(),
        };
        let (state, status) = match &self.back {
            None => ("SUCCESS", ""),
            Some(Back::Refund(refund)) => ("REFUND", refund.status.as_str()),
            Some(Back::Reversal) => ("REVOKED", "SUCCESS"),
        };
        let numbers = refund.map(|refund| (&refund.refund_id, &refund.asked.out_refund_no));
        let (refund_id, out_refund_no) = numbers.map_or(("0", "0"), |(ours, theirs)| {
            (ours.as_str(), theirs.as_str())
        });
        let time = format_time(self.time);
        [
            time.as_str(),
            &asked.appid,
            mchid,
            sub_mchid,
            device.unwrap_or_default(),
            &payment.transaction_id,
            &asked.out_trade_no,
            &payment.openid,
            asked.product.trade_type(),
            state,
            payment.bank_type,
            "CNY",
            &format_yuan(paid.settled),
            // A guess: the coupons of a payment, whoever pays them.
            &format_yuan(paid.coupon),
            &time,
            &success,
            refund_id,
            out_refund_no,
            &format_yuan(returned.settled),
            &format_yuan(returned.funded),
            if self.back.is_some() { "ORIGINAL" } else { "" },
            status,
            &one_line(&asked.description),
            &one_line(asked.attach.as_deref().unwrap_or_default()),
            "0.00000",
            "0.00%",
            &format_yuan(paid.total),
            &format_yuan(returned.total),
            "",
        ]
        .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::flows::{
        payments::pay::{
            Version,
            engine::{self, Product},
            tests::{MCHID, NOW, direct, order, paid, world},
        },
        payments::refund::{NewRefund, RefundFailure, refund, refund_fails},
    };
    use crate::sandbox::state::account::{Entry, EntryKind};

    #[test]
    fn closed_refund_is_a_row_but_not_in_the_total() {
        let mut w = world();
        paid(&mut w, "tea-0001", 100);
        for (number, fen) in [("r1", 30), ("r2", 25)] {
            let new = NewRefund {
                acting: direct(),
                transaction_id: None,
                out_trade_no: Some("tea-0001".to_owned()),
                out_refund_no: number.to_owned(),
                reason: None,
                fen,
                total: Some(100),
                notify_url: None,
                version: Version::V3,
                request: number.into(),
            };
            refund(&mut w, new, NOW).unwrap();
        }
        refund_fails(&mut w, MCHID, "r1", RefundFailure::Closed, NOW).unwrap();
        let bill = trade_bill(&w, MCHID, None, &format_date(NOW), TradeBill::All).unwrap();
        assert!(bill.contains("`r1,`0.30,"), "{bill}");
        let total = bill.lines().last().unwrap();
        assert_eq!(total, "`3,`1.00,`0.25,`0.00,`0.00000,`1.00,`0.25");
    }

    #[test]
    fn reversal_is_a_row_of_its_own_day_however_much_came_after_it() {
        let (mut w, day) = (world(), 24 * 3600);
        let code = "130000000000000001";
        engine::code_pay(&mut w, order(Product::Code, "tea-0001", 100), code, NOW).unwrap();
        let number = engine::Number::Merchants("tea-0001");
        engine::reverse(&mut w, &direct(), number, NOW + day).unwrap();
        // The account forgets old entries.
        for at in 0..100_001 {
            let entry = Entry {
                at,
                kind: EntryKind::SharingIn,
                id: String::new(),
                out_no: String::new(),
                fen: 1,
            };
            w.store(MCHID).account.post(entry).unwrap();
        }
        let rows = |time| {
            let bill = trade_bill(&w, MCHID, None, &format_date(time), TradeBill::All);
            bill.map(|bill| bill.lines().count() - 3)
        };
        assert_eq!(
            (rows(NOW), rows(NOW + day), rows(NOW + 2 * day)),
            (Some(1), Some(1), None)
        );
    }
}
