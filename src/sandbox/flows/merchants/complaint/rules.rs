//! What happens to a complaint, and what its state allows.
//!
//! The documents have `INVALID_REQUEST` for what the state of a complaint does not allow. Its texts are not
//! known.

use serde_json::Value;

use super::{
    Claim, Complaint, Happened, MAX_COMPLAINTS, OrderInfo, Said, State, Step, history::record,
};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::{
        pay::engine,
        refund::{Status, refusals},
    },
    state::world::World,
};

/// The longest text of a customer or of a reply, in characters.
const MAX_TEXT: usize = 300;

/// Where a complaint stands once the customer complains again.
// The documents do not say it. The merchant has to do something, as with a new one.
const AGAIN: State = State::Pending;

/// Complains about a paid order as the customer, and asks for a refund if there is an amount. Returns the
/// complaint's ID.
///
/// # Errors
/// Refuses an order that is not paid, or about which there is a complaint already that is not processed.
pub(crate) fn complain(
    w: &mut World,
    mchid: &str,
    out_trade_no: &str,
    text: &str,
    refund: Option<u64>,
    now: u64,
) -> Result<String, Refusal> {
    check_text(text)?;
    let order = engine::by_out_trade_no(w, mchid, out_trade_no)?;
    let payment = order.payment().ok_or_else(refusals::not_paid)?;
    let amount = order.asked.total;
    let info = OrderInfo {
        transaction_id: payment.transaction_id.clone(),
        out_trade_no: out_trade_no.to_owned(),
        openid: payment.openid.clone(),
        amount,
    };
    if refund.is_some_and(|refund| refund == 0 || refund > amount) {
        return Err(Refusal::invalid_request(
            "申请退款金额必须大于0且不超过订单金额",
        ));
    }
    let store = w.store(mchid);
    let earlier = store.complaint.complaints.iter();
    let earlier = earlier.filter(|complaint| complaint.order.out_trade_no == out_trade_no);
    let mut times = 1;
    for complaint in earlier {
        if complaint.state != State::Processed {
            return Err(Refusal::invalid_request("该订单已有未处理完成的投诉单"));
        }
        times += complaint.times;
    }
    let complaint = Complaint {
        id: w.number("2000", 27),
        mchid: mchid.to_owned(),
        order: info,
        phone: w.number("139", 11),
        text: text.to_owned(),
        created_at: now,
        state: State::Pending,
        claim: refund.map(|amount| Claim {
            amount,
            approved: None,
        }),
        times,
        is_unanswered: true,
        needs_answer_at_once: false,
        history: Vec::new(),
    };
    let id = complaint.id.clone();
    let complaints = &mut w.store(mchid).complaint.complaints;
    let may_drop = |known: &Complaint| known.state == State::Processed;
    if !complaints.try_insert(id.clone(), complaint, may_drop) {
        return Err(Refusal::too_many(MAX_COMPLAINTS, "complaints"));
    }
    record(w, mchid, &id, Happened::Complained, Said::text(text), now)?;
    Ok(id)
}

/// Complains again as the customer, about what the merchant says is processed.
pub(crate) fn complain_again(
    w: &mut World,
    mchid: &str,
    id: &str,
    text: &str,
    now: u64,
) -> Result<(), Refusal> {
    check_text(text)?;
    let complaint = by_id(w, mchid, id)?;
    if complaint.state != State::Processed {
        return Err(Refusal::invalid_request("投诉单未处理完成"));
    }
    complaint.check_room()?;
    complaint.state = AGAIN;
    complaint.times += 1;
    complaint.is_unanswered = true;
    record(
        w,
        mchid,
        id,
        Happened::ComplainedAgain,
        Said::text(text),
        now,
    )
    .map(drop)
}

/// Writes to the merchant as the customer, while the complaint is not processed.
pub(crate) fn ask_again(
    w: &mut World,
    mchid: &str,
    id: &str,
    text: &str,
    now: u64,
) -> Result<(), Refusal> {
    check_text(text)?;
    let complaint = by_id(w, mchid, id)?;
    complaint.check_open()?;
    complaint.is_unanswered = true;
    record(w, mchid, id, Happened::AskedAgain, Said::text(text), now).map(drop)
}

/// Withdraws a complaint as the customer.
pub(crate) fn withdraw(w: &mut World, mchid: &str, id: &str, now: u64) -> Result<(), Refusal> {
    let complaint = by_id(w, mchid, id)?;
    complaint.check_open()?;
    complaint.state = State::Processed;
    complaint.is_unanswered = false;
    record(w, mchid, id, Happened::Withdrew, Said::default(), now).map(drop)
}

/// Marks a complaint as one that needs an answer at once.
pub(crate) fn need_answer_at_once(
    w: &mut World,
    mchid: &str,
    id: &str,
    _: u64,
) -> Result<(), Refusal> {
    let complaint = by_id(w, mchid, id)?;
    complaint.check_open()?;
    complaint.needs_answer_at_once = true;
    Ok(())
}

/// Answers the customer as the merchant. The first answer makes a complaint `PROCESSING`.
pub(super) fn answer(
    w: &mut World,
    mchid: &str,
    id: &str,
    said: Said,
    now: u64,
) -> Result<(), Refusal> {
    let complaint = by_id(w, mchid, id)?;
    complaint.check_open()?;
    complaint.state = State::Processing;
    complaint.is_unanswered = false;
    record(w, mchid, id, Happened::MerchantAnswered, said, now).map(drop)
}

/// Answers a customer who needs an answer at once. Returns the ID of the answer. The same one again changes
/// nothing.
pub(super) fn answer_at_once(
    w: &mut World,
    mchid: &str,
    id: &str,
    idempotent_id: &str,
    message: Value,
    now: u64,
) -> Result<String, Refusal> {
    let complaint = by_id(w, mchid, id)?;
    let is_same = |step: &&Step| {
        let said = step.said.message.as_ref();
        said.is_some_and(|(known, _)| known == idempotent_id)
    };
    if let Some(earlier) = complaint.history.iter().find(is_same) {
        let said = earlier.said.message.as_ref();
        if said.is_none_or(|(_, known)| *known != message) {
            return Err(Refusal::invalid_request("请求参数与之前请求不一致"));
        }
        return Ok(earlier.log_id.clone());
    }
    complaint.check_open()?;
    if !complaint.needs_answer_at_once {
        return Err(Refusal::invalid_request("投诉单不需要即时服务"));
    }
    complaint.state = State::Processing;
    complaint.is_unanswered = false;
    let said = Said {
        message: Some((idempotent_id.to_owned(), message)),
        ..Said::default()
    };
    record(w, mchid, id, Happened::MerchantAnswered, said, now)
}

/// Says as the merchant that a complaint is processed.
pub(super) fn complete(w: &mut World, mchid: &str, id: &str, now: u64) -> Result<(), Refusal> {
    let complaint = by_id(w, mchid, id)?;
    complaint.check_open()?;
    complaint.state = State::Processed;
    complaint.is_unanswered = false;
    record(
        w,
        mchid,
        id,
        Happened::MerchantCompleted,
        Said::default(),
        now,
    )
    .map(drop)
}

/// Decides as the merchant about the refund that a customer asks for. An approved one waits for the refund,
/// and a refused one is processed.
pub(super) fn decide(
    w: &mut World,
    mchid: &str,
    id: &str,
    approved: bool,
    said: Said,
    now: u64,
) -> Result<(), Refusal> {
    let complaint = by_id(w, mchid, id)?;
    let Some(claim) = &mut complaint.claim else {
        // Seen on the wire.
        let message = "非极速退款单据, 不能对本单据进行退款进度更新";
        return Err(Refusal::new(400, "PARAM_ERROR", "PARAM_ERROR", message));
    };
    if claim.approved.is_some() {
        return Err(Refusal::invalid_request("退款审批结果已提交"));
    }
    let mut claim = *claim;
    complaint.check_open()?;
    claim.approved = Some(approved);
    complaint.claim = Some(claim);
    complaint.is_unanswered = false;
    let happened = if approved {
        complaint.state = State::Processing;
        Happened::MerchantApproved
    } else {
        complaint.state = State::Processed;
        Happened::MerchantRefused
    };
    record(w, mchid, id, happened, said, now).map(drop)
}

/// Notes that a refund of an order succeeded. A complaint whose refund the merchant approved is processed.
pub(crate) fn refund_succeeded(w: &mut World, mchid: &str, out_trade_no: &str, now: u64) {
    let Some(store) = w.stores.get(mchid) else {
        return;
    };
    let about = store.complaint.complaints.iter();
    let about = about.filter(|complaint| complaint.order.out_trade_no == out_trade_no);
    let about: Vec<_> = about
        .map(|complaint| (complaint.id.clone(), complaint.is_fully_refunded(w)))
        .collect();
    for (id, in_full) in about {
        let Ok(complaint) = by_id(w, mchid, &id) else {
            continue;
        };
        let is_approved = |claim: Claim| claim.approved == Some(true);
        let waits = complaint.state != State::Processed && complaint.claim.is_some_and(is_approved);
        if waits {
            complaint.state = State::Processed;
        }
        let happened = match in_full {
            _ if waits => Happened::RefundReceived,
            true => Happened::RefundedInFull,
            false => Happened::RefundedInPart,
        };
        // It was found above.
        let _ = record(w, mchid, &id, happened, Said::default(), now);
    }
}

/// Finds a complaint that a merchant sees: one about itself or about a sub-merchant.
pub(super) fn find<'a>(w: &'a World, signer: &str, id: &str) -> Result<&'a Complaint, Refusal> {
    let mut found = seen_by(w, signer).filter_map(|mchid| {
        let store = w.stores.get(mchid)?;
        store.complaint.complaints.get(id)
    });
    found.next().ok_or_else(not_seen)
}

/// Returns the merchants whose complaints a merchant sees: itself and its sub-merchants.
pub(super) fn seen_by<'a>(w: &'a World, signer: &'a str) -> impl Iterator<Item = &'a str> {
    let subs = w.stores.get(signer).into_iter();
    let subs = subs.flat_map(|store| &store.sub_merchants);
    std::iter::once(signer).chain(subs.map(String::as_str))
}

impl Complaint {
    pub(super) fn is_fully_refunded(&self, w: &World) -> bool {
        let Some(store) = w.stores.get(&self.mchid) else {
            return false;
        };
        let refunds = store.refund.refunds.iter();
        let refunds = refunds.filter(|refund| refund.out_trade_no == self.order.out_trade_no);
        let succeeded = refunds.filter(|refund| matches!(refund.status, Status::Success(_)));
        let sum: u64 = succeeded.map(|refund| refund.asked.fen).sum();
        sum >= self.order.amount
    }
}

fn check_text(text: &str) -> Result<(), Refusal> {
    let length = text.chars().count();
    match (1..=MAX_TEXT).contains(&length) {
        true => Ok(()),
        false => Err(Refusal::invalid_request("投诉内容必须为 1 到 300 个字符")),
    }
}

pub(super) fn by_id<'a>(
    w: &'a mut World,
    mchid: &str,
    id: &str,
) -> Result<&'a mut Complaint, Refusal> {
    let store = w.stores.get_mut(mchid).ok_or_else(not_seen)?;
    let complaint = store.complaint.complaints.get_mut(id);
    complaint.ok_or_else(not_seen)
}

/// 403 for a complaint that is not the merchant's, seen on the wire. One that does not exist cannot be told
/// from it.
fn not_seen() -> Refusal {
    Refusal::new(403, "NO_AUTH", "NO_AUTH", "您暂无权限查询该投诉单的信息")
}
