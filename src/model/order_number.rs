//! Numbers that a merchant gives to orders, refunds and transfers.

use crate::{
    base::crypto::nonce,
    error::{Cause, Result},
};

use super::BeijingTime;

/// The longest prefix. With the time and the random part it makes 32 characters: the longest number.
const MAX_PREFIX: usize = 8;
/// 36 to the power of 10 is about 3.7e15.
const RANDOM: usize = 10;

/// Returns a new number for an order, a refund or a transfer: the prefix, the time of Beijing to the
/// second, and 10 random letters and digits, such as `tea20261129101530K3V9Q0ZB7M`.
///
/// It satisfies every rule of `out_trade_no`, `out_refund_no` and `out_bill_no`: 6 to 32 characters, letters
/// and digits only, unique below a merchant ID. Of a million numbers made in the same second, two are
/// equal with a probability of about 1 in 7,000; no server and no counter is needed.
///
/// The prefix tells what a number is for. It may be empty, and has at most 8 letters and digits.
///
/// Make the number once, **store it, and then call**: when a call ends with
/// [`Outcome::Unknown`](crate::Outcome::Unknown), the same number finds out what happened, or repeats the
/// call without moving the money twice. A new number does not.
///
/// # Errors
///
/// Returns an error if the prefix is too long or has other characters, or if the system has no random
/// numbers.
///
/// ```
/// use wechatpay_chain::model::order_number;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let out_trade_no = order_number("tea")?;
/// assert_eq!(out_trade_no.len(), 27);
/// assert!(out_trade_no.starts_with("tea20"));
/// assert!(order_number("客户").is_err());
/// # Ok(())
/// # }
/// ```
pub fn order_number(prefix: &str) -> Result<String> {
    if prefix.len() > MAX_PREFIX || !prefix.bytes().all(|b| b.is_ascii_alphanumeric()) {
        let shown: String = prefix.chars().take(64).collect();
        return Err(Cause::request(format!(
            "the prefix of an order number has at most {MAX_PREFIX} letters and digits, got {shown:?}"
        ))
        .not_sent());
    }
    let random = random_part().map_err(Cause::not_sent)?;
    Ok(format!("{prefix}{}{random}", BeijingTime::now().compact()))
}

// Capitals only: a database that ignores case would take two numbers for one.
fn random_part() -> Result<String, Cause> {
    let mut random = String::with_capacity(RANDOM);
    while random.len() < RANDOM {
        let usable = |c: &char| !c.is_ascii_lowercase();
        random.extend(nonce()?.chars().filter(usable).take(RANDOM - random.len()));
    }
    Ok(random)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_satisfy_the_rules_and_differ() {
        let mut seen = BTreeSet::new();
        for prefix in ["", "r", "TEA12345"] {
            for _ in 0..1000 {
                let number = order_number(prefix).unwrap();
                assert_eq!(number.len(), prefix.len() + 24);
                assert!(
                    number.bytes().all(|b| b.is_ascii_alphanumeric()),
                    "{number}"
                );
                assert!(
                    number
                        .bytes()
                        .skip(prefix.len())
                        .all(|b| !b.is_ascii_lowercase())
                );
                assert!(seen.insert(number));
            }
        }
    }

    #[test]
    fn invalid_prefixes_are_errors() {
        for prefix in ["123456789", "a-b", "茶", " "] {
            let error = order_number(prefix).unwrap_err();
            assert!(error.to_string().contains("at most 8"), "{error}");
        }
    }
}
