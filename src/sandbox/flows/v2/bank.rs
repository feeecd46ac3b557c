//! Transfers to a bank card, which are done at once.

use super::reply::{Reply, asked, format_time, merchants_number, wrong};
use crate::{
    base::crypto::digest::{hex_lower, md5},
    sandbox::{
        dispatch::refusal::Refusal,
        flows::payments::pay::engine,
        state::{
            account::{Entry, EntryKind},
            world::World,
        },
        v2::{V2Ctx, V2Error, V2Result},
    },
};

/// The fields that are encrypted.
const CARD: &str = "enc_bank_no";
const NAME: &str = "enc_true_name";

/// A transfer that was made.
#[derive(Clone, Debug)]
pub(crate) struct BankTransfer {
    payment_no: String,
    card_md5: String,
    name_md5: String,
    fen: u64,
    time: u64,
}

/// Transfers money to a bank card.
pub(super) fn transfer(ctx: &V2Ctx<'_>) -> V2Result {
    let number = merchants_number(ctx, "partner_trade_no", 32)?;
    let fen = ctx.fen("amount")?;
    if fen == 0 {
        return Err(wrong("amount"));
    }
    ctx.text("bank_code")?;
    // Without the lock: it is RSA.
    let (card, name) = (unsealed(ctx, CARD)?, unsealed(ctx, NAME)?);
    if !card.bytes().all(|byte| byte.is_ascii_digit()) || !(8..=32).contains(&card.len()) {
        return Err(wrong(CARD));
    }
    // Encrypted anew, the same card is another text.
    let mut asked = asked(ctx);
    let (card_md5, name_md5) = (hash(&card), hash(&name));
    asked[CARD] = card_md5.as_str().into();
    asked[NAME] = name_md5.as_str().into();

    let mchid = &ctx.merchant.mchid;
    let mut world = ctx.world();
    let earlier = world
        .store(mchid)
        .v2
        .bank_transfers
        .repeated(number, &asked)?;
    let transfer = match earlier.cloned() {
        Some(transfer) => transfer,
        None => {
            let made = BankTransfer {
                payment_no: world.number("10000187", 28),
                card_md5,
                name_md5,
                fen,
                time: ctx.now,
            };
            take(&mut world, mchid, number, &made)?;
            let transfers = &mut world.store(mchid).v2.bank_transfers;
            transfers.insert(number, asked, made.clone());
            made
        }
    };
    Ok(Reply::default()
        .echo(ctx, &["mch_id", "nonce_str"])
        .put("partner_trade_no", number)
        .put("amount", transfer.fen)
        .put("payment_no", &transfer.payment_no)
        .put("cmms_amt", fee(transfer.fen))
        .done())
}

/// Returns a transfer.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let number = ctx.text("partner_trade_no")?;
    let mut world = ctx.world();
    let transfers = &world.store(&ctx.merchant.mchid).v2.bank_transfers;
    let transfer = transfers.find(number)?;
    Ok(Reply::default()
        .echo(ctx, &["mch_id"])
        .put("partner_trade_no", number)
        .put("payment_no", &transfer.payment_no)
        .put("bank_no_md5", &transfer.card_md5)
        .put("true_name_md5", &transfer.name_md5)
        .put("amount", transfer.fen)
        .put("status", "SUCCESS")
        .put("cmms_amt", fee(transfer.fen))
        .put("create_time", format_time(transfer.time))
        .put("pay_succ_time", format_time(transfer.time))
        .done())
}

/// Takes the amount and the fee out of the merchant's account, or neither.
fn take(w: &mut World, mchid: &str, number: &str, made: &BankTransfer) -> Result<(), Refusal> {
    let fee = fee(made.fen);
    let account = &mut w.store(mchid).account;
    account.freeze(made.fen.saturating_add(fee))?;
    for fen in [made.fen, fee] {
        account.spend_frozen(Entry {
            at: made.time,
            kind: EntryKind::Transfer,
            id: made.payment_no.clone(),
            out_no: number.to_owned(),
            fen: -engine::fen(fen),
        })?;
    }
    Ok(())
}

/// Returns the fee of a transfer: 0.1 %, from 1 to 25 yuan.
fn fee(fen: u64) -> u64 {
    fen.div_ceil(1_000).clamp(100, 2_500)
}

/// Decrypts what was encrypted with the key that `risk/getpublickey` returns.
fn unsealed(ctx: &V2Ctx<'_>, name: &str) -> Result<String, V2Error> {
    let opened = ctx.state.platform.public_key.decrypt(ctx.text(name)?);
    let text = opened.and_then(|text| String::from_utf8(text).ok());
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| wrong(name))
}

fn hash(text: &str) -> String {
    hex_lower(&md5(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fee_is_a_thousandth_from_1_to_25_yuan() {
        for (fen, expected) in [
            (1, 100),
            (100_000, 100),
            (100_001, 101),
            (2_500_000, 2_500),
            (2_500_001, 2_500),
        ] {
            assert_eq!(fee(fen), expected, "{fen}");
        }
    }
}
