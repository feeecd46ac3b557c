//! The operations of APIv2.
//!
//! An order is one thing: what APIv2 creates, APIv3 can query, close and refund, and the other way round.

mod bank;
mod bill;
mod coupon;
mod keys;
mod order;
mod papay;
mod payout;
mod red_packet;
mod refund;
mod reply;
mod sharing;
mod transfer;
mod upload;

pub(crate) use self::order::query_fields;
pub(crate) use self::red_packet::{RedPacket, open as open_red_packet};

use self::{bank::BankTransfer, payout::Payouts, transfer::Transfer};
use super::{Route, v2};

pub(crate) const ROUTES: &[Route] = &[
    v2("POST v2/pay/unifiedorder", order::unified_order),
    v2("POST v2/pay/orderquery", order::query),
    v2("POST v2/pay/closeorder", order::close),
    v2("POST v2/pay/micropay", order::micropay),
    v2("POST v2/secapi/pay/reverse", order::reverse),
    v2("POST v2/secapi/pay/refund", refund::refund),
    v2("POST v2/secapi/pay/refundv2", refund::refund),
    v2("POST v2/pay/refundquery", refund::query),
    v2("POST v2/pay/refundqueryv2", refund::query),
    v2("POST v2/pay/downloadbill", bill::trade),
    v2("POST v2/mmpaymkttransfers/send_coupon", coupon::send),
    v2(
        "POST v2/mmpaymkttransfers/query_coupon_stock",
        coupon::query_stock,
    ),
    v2("POST v2/mmpaymkttransfers/querycouponsinfo", coupon::query),
    v2("POST v2/pay/downloadfundflow", bill::fund_flow),
    v2(
        "POST v2/pay/profitsharingaddreceiver",
        sharing::add_receiver,
    ),
    v2(
        "POST v2/pay/profitsharingremovereceiver",
        sharing::remove_receiver,
    ),
    v2("POST v2/secapi/pay/profitsharing", sharing::share_once),
    v2("POST v2/secapi/pay/multiprofitsharing", sharing::share_more),
    v2("POST v2/secapi/pay/profitsharingfinish", sharing::finish),
    v2("POST v2/pay/profitsharingquery", sharing::query),
    v2(
        "POST v2/pay/profitsharingorderamountquery",
        sharing::unsplit_amount,
    ),
    v2(
        "POST v2/pay/profitsharingmerchantratioquery",
        sharing::ratio,
    ),
    v2("POST v2/secapi/pay/profitsharingreturn", sharing::give_back),
    v2(
        "POST v2/pay/profitsharingreturnquery",
        sharing::query_return,
    ),
    v2("POST v2/mmpaymkttransfers/sendredpack", red_packet::send),
    v2(
        "POST v2/mmpaymkttransfers/sendgroupredpack",
        red_packet::send_group,
    ),
    v2("POST v2/mmpaymkttransfers/gethbinfo", red_packet::query),
    v2(
        "POST v2/mmpaymkttransfers/promotion/transfers",
        transfer::transfer,
    ),
    v2("POST v2/mmpaymkttransfers/gettransferinfo", transfer::query),
    v2("POST v2/secapi/mch/uploadmedia", upload::media).own_rules(),
    v2("POST v2/mmpaysptrans/pay_bank", bank::transfer),
    v2("POST v2/mmpaysptrans/query_bank", bank::query),
    v2("POST v2/risk/getpublickey", keys::public_key),
    v2(
        "POST v2/xdc/apiv2getsignkey/sign/getsignkey",
        keys::sign_key,
    ),
    v2("POST v2/papay/preentrustweb", papay::presign),
    v2("POST v2/papay/partner/preentrustweb", papay::presign),
    v2("GET v2/papay/h5entrustweb", papay::presign_h5),
    v2("GET v2/papay/partner/h5entrustweb", papay::presign_h5),
    v2("POST v2/papay/querycontract", papay::query),
    v2("POST v2/papay/partner/querycontract", papay::query),
    v2("POST v2/papay/deletecontract", papay::terminate),
    v2("POST v2/papay/partner/deletecontract", papay::terminate),
    v2("POST v2/pay/contractorder", papay::contract_order),
    v2("POST v2/pay/pappayapply", papay::deduct),
    v2("POST v2/pay/partner/pappayapply", papay::deduct),
    v2("POST v2/pay/paporderquery", papay::query_order),
    v2("POST v2/pay/partner/paporderquery", papay::query_order),
];

/// What one merchant has of it. Its payments and refunds are with those of APIv3.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `mch_billno`.
    pub(crate) red_packets: Payouts<RedPacket>,
    /// By `partner_trade_no`.
    transfers: Payouts<Transfer>,
    /// By `partner_trade_no`, which the two kinds of transfers do not share.
    bank_transfers: Payouts<BankTransfer>,
}

impl Tables {
    /// Returns WeChat Pay's number of a transfer to a user's change, and its amount in fen.
    pub(crate) fn transfer(&self, partner_trade_no: &str) -> Option<(&str, u64)> {
        let transfer = self.transfers.get(partner_trade_no)?;
        Some((&transfer.payment_no, transfer.fen))
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            red_packets: Payouts::watched(),
            transfers: Payouts::default(),
            bank_transfers: Payouts::default(),
        }
    }
}
