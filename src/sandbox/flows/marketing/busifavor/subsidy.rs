//! A merchant pays another one for honouring a coupon, and gets it back with a refund.

use serde_json::{Value, json};

use super::{Receipt, ReturnReceipt, State, key, refusals, stocks};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::{
        pay::engine::{Order, fen},
        refund::{Refund, Status},
    },
    state::{
        account::{Entry, EntryKind},
        world::World,
    },
    time::format_rfc3339,
};

/// What a merchant pays for a coupon, or gets back.
pub(super) struct NewReceipt<'a> {
    pub(super) out_no: &'a str,
    pub(super) stock_id: &'a str,
    pub(super) code: &'a str,
    pub(super) transaction_id: &'a str,
    pub(super) payer: &'a str,
    pub(super) payee: &'a str,
    /// In fen.
    pub(super) fen: u64,
    pub(super) description: &'a str,
}

/// Pays for a used coupon at once, and returns the response.
pub(super) fn pay(
    w: &mut World,
    signer: &str,
    new: &NewReceipt<'_>,
    now: u64,
) -> Result<Value, Refusal> {
    let creator = stocks::creator_of(w, signer, new.stock_id)?;
    check_payer(w, signer, new.payer)?;
    let tables = &w.store(&creator).busifavor;
    if tables.stock(new.stock_id)?.body.get("subsidy") != Some(&Value::Bool(true)) {
        return Err(refusals::invalid(
            "该批次不允许补差: the stock was made without subsidy",
        ));
    }
    let coupon = tables.coupons.get(&key(new.stock_id, new.code));
    match &coupon.ok_or_else(refusals::no_coupon)?.state {
        State::Used { .. } => {}
        _ => return Err(refusals::invalid("券未核销，不能补差")),
    }
    let payee = w
        .stores
        .get(new.payee)
        .ok_or_else(refusals::no_transaction)?;
    let is_its = |order: &Order| order.transaction_id() == Some(new.transaction_id);
    let order = payee.pay.transactions.find(is_its);
    let total = order.ok_or_else(refusals::no_transaction)?.asked.total;
    let is_same = |receipt: &&Receipt| {
        let of = (&*receipt.stock_id, &*receipt.code, &*receipt.transaction_id);
        of == (new.stock_id, new.code, new.transaction_id)
    };
    let receipts = w.stores.values();
    let receipts = receipts.flat_map(|store| store.busifavor.receipts.iter());
    let left = receipts
        .filter(is_same)
        .map(|known| known.fen - known.returned);
    let paid: u64 = left.sum();
    if paid.saturating_add(new.fen) > total {
        return Err(refusals::invalid("补差金额超过订单金额"));
    }
    let receipt = Receipt {
        id: w.number("1120", 28),
        out_no: new.out_no.to_owned(),
        stock_id: new.stock_id.to_owned(),
        code: new.code.to_owned(),
        transaction_id: new.transaction_id.to_owned(),
        payer: new.payer.to_owned(),
        payee: new.payee.to_owned(),
        fen: new.fen,
        description: new.description.to_owned(),
        at: now,
        returned: 0,
    };
    let ids = (&receipt.id[..], new.out_no);
    transfer(
        w,
        EntryKind::Subsidy,
        (new.payer, new.payee),
        ids,
        new.fen,
        now,
    )?;
    let body = receipt.body();
    let receipts = &mut w.store(signer).busifavor.receipts;
    receipts.insert(receipt.id.clone(), receipt);
    Ok(body)
}

/// Gives back a part of what was paid for a coupon, with a refund of its order, and returns the response.
pub(super) fn give_back(
    w: &mut World,
    signer: &str,
    new: &NewReceipt<'_>,
    refund_id: &str,
    now: u64,
) -> Result<Value, Refusal> {
    stocks::creator_of(w, signer, new.stock_id)?;
    check_payer(w, signer, new.payer)?;
    let refunds = w.stores.get(new.payee).map(|store| &store.refund.refunds);
    let is_its = |refund: &Refund| {
        refund.refund_id == refund_id && refund.transaction_id == new.transaction_id
    };
    let refund = refunds.and_then(|refunds| refunds.find(is_its));
    let refund = refund.filter(|refund| refund.status != Status::Closed);
    let refunded = refund.ok_or_else(refusals::no_transaction)?.asked.fen;
    let returns = w.stores.values();
    let returns = returns.flat_map(|store| store.busifavor.returns.iter());
    let with_it = returns.filter(|known| known.refund_id == refund_id);
    let given: u64 = with_it.map(|known| known.fen).sum();
    if given.saturating_add(new.fen) > refunded {
        return Err(refusals::invalid("回退金额超过退款金额"));
    }
    let is_its = |receipt: &Receipt| {
        receipt.stock_id == new.stock_id
            && receipt.code == new.code
            && receipt.transaction_id == new.transaction_id
            && receipt.payer == new.payer
            && receipt.payee == new.payee
    };
    let receipts = &w.store(signer).busifavor.receipts;
    if receipts.find(is_its).is_none() {
        return Err(refusals::no_receipt());
    }
    let has_enough = |receipt: &Receipt| new.fen <= receipt.fen.saturating_sub(receipt.returned);
    let receipt = receipts.find(|receipt| is_its(receipt) && has_enough(receipt));
    let too_much = || refusals::invalid("回退金额超过剩余可回退的补差金额");
    let receipt = receipt.ok_or_else(too_much)?.clone();
    let id = w.number("1121", 28);
    let ids = (&id[..], new.out_no);
    // The one that was paid gives it back.
    transfer(
        w,
        EntryKind::SubsidyReturn,
        (new.payee, new.payer),
        ids,
        new.fen,
        now,
    )?;
    let tables = &mut w.store(signer).busifavor;
    if let Some(receipt) = tables.receipts.get_mut(&receipt.id) {
        receipt.returned += new.fen;
    }
    let returned = ReturnReceipt {
        id,
        out_no: new.out_no.to_owned(),
        receipt,
        refund_id: refund_id.to_owned(),
        fen: new.fen,
        description: new.description.to_owned(),
        at: now,
    };
    let body = returned.body();
    tables.returns.insert(returned.id.clone(), returned);
    Ok(body)
}

/// Moves money from one merchant to another.
fn transfer(
    w: &mut World,
    kind: EntryKind,
    (from, to): (&str, &str),
    (id, out_no): (&str, &str),
    amount: u64,
    now: u64,
) -> Result<(), Refusal> {
    let entry = |fen| Entry {
        at: now,
        kind,
        id: id.to_owned(),
        out_no: out_no.to_owned(),
        fen,
    };
    let account = |w: &mut World, mchid: &str, entry| {
        let store = w.stores.get_mut(mchid).ok_or_else(refusals::not_enough)?;
        store
            .account
            .post(entry)
            .map_err(|_| refusals::not_enough())
    };
    account(w, from, entry(-fen(amount)))?;
    account(w, to, entry(fen(amount)))
}

/// Checks that the merchant that pays is the signer, or one that it may act for.
fn check_payer(w: &World, signer: &str, payer: &str) -> Result<(), Refusal> {
    match signer == payer || w.may_act_for(signer, payer) {
        true => Ok(()),
        false => Err(refusals::not_yours()),
    }
}

impl Receipt {
    /// Returns the body of a receipt.
    pub(super) fn body(&self) -> Value {
        json!({
            "subsidy_receipt_id": self.id,
            "stock_id": self.stock_id,
            "coupon_code": self.code,
            "transaction_id": self.transaction_id,
            "payer_merchant": self.payer,
            "payee_merchant": self.payee,
            "amount": self.fen,
            "description": self.description,
            "status": "SUCCESS",
            "success_time": format_rfc3339(self.at),
            "out_subsidy_no": self.out_no,
            "create_time": format_rfc3339(self.at),
        })
    }
}

impl ReturnReceipt {
    /// Returns the body of a return.
    pub(super) fn body(&self) -> Value {
        let Receipt {
            id,
            stock_id,
            code,
            transaction_id,
            payer,
            payee,
            ..
        } = &self.receipt;
        json!({
            "subsidy_return_receipt_id": self.id,
            "stock_id": stock_id,
            "coupon_code": code,
            "transaction_id": transaction_id,
            "refund_id": self.refund_id,
            "payer_merchant": payer,
            "payee_merchant": payee,
            "amount": self.fen,
            "description": self.description,
            "status": "SUCCESS",
            "return_done_time": format_rfc3339(self.at),
            "subsidy_receipt_id": id,
            "out_subsidy_return_no": self.out_no,
            "return_create_time": format_rfc3339(self.at),
        })
    }
}
