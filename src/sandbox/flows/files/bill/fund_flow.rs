//! The fund flow bill: one row per movement of the merchant's balance, and the totals.

use std::fmt::Write as _;

use super::{format_date, format_time, format_yuan};
use crate::sandbox::state::{
    account::{Account, Entry, EntryKind},
    world::World,
};

/// Returns the fund flow bill of a day, such as `2018-06-08`, or `None` if nothing moved on it.
pub(crate) fn fund_flow_bill(w: &World, mchid: &str, date: &str) -> Option<String> {
    let account = &w.stores.get(mchid)?.account;
    bill("", [("", account)], date)
}

/// Returns the fund flow bill of a day of all sub-merchants, or `None` if nothing moved on it.
// Which columns tell the merchants apart is a guess: no public page has an example.
pub(super) fn platform_bill(w: &World, mchid: &str, date: &str) -> Option<String> {
    let subs = &w.stores.get(mchid)?.sub_merchants;
    let columns = subs.iter().map(|sub_mchid| format!("`{sub_mchid},`BASIC,"));
    let columns: Vec<_> = columns.collect();
    let accounts = subs.iter().zip(&columns).filter_map(|(mchid, columns)| {
        let account = &w.stores.get(mchid)?.account;
        Some((columns.as_str(), account))
    });
    bill("特约商户号,账户类型,", accounts, date)
}

/// Returns the rows of these accounts, each after the columns beside it, and the totals.
fn bill<'a>(
    header: &str,
    accounts: impl IntoIterator<Item = (&'a str, &'a Account)>,
    date: &str,
) -> Option<String> {
    let rows: Vec<_> = accounts
        .into_iter()
        .flat_map(|(columns, account)| {
            let rows = with_balance(account).into_iter();
            rows.map(move |(entry, balance)| (columns, entry, balance))
        })
        .filter(|(_, entry, _)| format_date(entry.at) == date)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut text = format!(
        "{header}记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),\
         资金变更提交申请人,备注,业务凭证号\r\n",
    );
    let (mut incomes, mut income, mut expenses, mut expense) = (0, 0, 0, 0);
    for (columns, entry, balance) in &rows {
        let amount = entry.fen.unsigned_abs();
        let direction = if entry.fen < 0 {
            expenses += 1;
            expense += amount;
            "支出"
        } else {
            incomes += 1;
            income += amount;
            "收入"
        };
        let (time, name) = (format_time(entry.at), name(entry.kind));
        let (amount, balance) = (format_yuan(amount), format_yuan(*balance));
        let Entry { id, out_no, .. } = entry;
        let _ = write!(
            text,
            "{columns}`{time},`{id},`{id},`{name},`{name},`{direction},`{amount},`{balance},`system,`,`{out_no}\r\n",
        );
    }
    let (income, expense) = (format_yuan(income), format_yuan(expense));
    let _ = write!(
        text,
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n\
         `{},`{incomes},`{income},`{expenses},`{expense}\r\n",
        rows.len(),
    );
    Some(text)
}

/// Returns the movements, oldest first, each with the balance after it.
// From the end, because only the last balance is known.
fn with_balance(account: &Account) -> Vec<(&Entry, u64)> {
    let mut balance = account.available() + account.frozen();
    let mut rows: Vec<_> = account
        .entries()
        .rev()
        .map(|entry| {
            let after = balance;
            balance = balance.saturating_add_signed(entry.fen.saturating_neg());
            (entry, after)
        })
        .collect();
    rows.reverse();
    rows
}

/// Returns what a movement is called.
fn name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Payment => "交易",
        EntryKind::Refund => "退款",
        EntryKind::RefundBack => "退款退回",
        EntryKind::SharingOut | EntryKind::SharingIn => "分账",
        EntryKind::SharingReturn => "分账回退",
        EntryKind::Transfer => "商家转账",
        EntryKind::RedPacket => "现金红包",
        EntryKind::Coupon => "代金券",
        EntryKind::CouponBack => "代金券退回",
        EntryKind::Subsidy => "营销补差",
        EntryKind::SubsidyReturn => "营销补差回退",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::state::random::Rng;

    #[test]
    fn balances_follow_the_movements_to_the_fen() {
        let mut world = World::new(Rng::from_seed(1), None);
        world.add_store("1900000109", 1_000);
        let account = &mut world.store("1900000109").account;
        // 2018-06-08 10:34:56 in Beijing, and the days around it.
        for (day, kind, fen) in [
            (0, EntryKind::Payment, 50),
            (1, EntryKind::Payment, 107),
            (1, EntryKind::Refund, -7),
            (1, EntryKind::Transfer, -100),
            (2, EntryKind::Payment, 1),
        ] {
            let entry = Entry {
                at: 1_528_425_296 - 86_400 + day * 86_400,
                kind,
                id: format!("id{fen}"),
                out_no: "no".to_owned(),
                fen,
            };
            account.post(entry).unwrap();
        }
        account.freeze(1).unwrap();
        let bill = fund_flow_bill(&world, "1900000109", "2018-06-08").unwrap();
        let lines: Vec<_> = bill.lines().collect();
        assert_eq!(
            lines[1..],
            [
                "`2018-06-08 10:34:56,`id107,`id107,`交易,`交易,`收入,`1.07,`11.57,`system,`,`no",
                "`2018-06-08 10:34:56,`id-7,`id-7,`退款,`退款,`支出,`0.07,`11.50,`system,`,`no",
                "`2018-06-08 10:34:56,`id-100,`id-100,`商家转账,`商家转账,`支出,`1.00,`10.50,`system,`,`no",
                "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额",
                "`3,`1,`1.07,`2,`1.07",
            ]
        );
        assert!(fund_flow_bill(&world, "1900000109", "2018-06-10").is_none());
        assert!(fund_flow_bill(&world, "1", "2018-06-08").is_none());
    }
}
