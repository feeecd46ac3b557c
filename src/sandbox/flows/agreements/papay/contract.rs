//! Signing and terminating contracts.

use serde_json::Value;

use super::{
    Contract, Signature, State, Tables, TerminatedBy, Termination, notice,
    period::{self, Schedule},
    refusals,
};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    flows::payments::pay::engine::{Payer, Version},
    state::{
        timers::Timer,
        world::{Store, World},
    },
    time::format_compact,
};

/// How long a contract lasts, in seconds: 10 years.
// The plan decides it, which no request has.
pub(super) const LIFETIME: u64 = 10 * 365 * 24 * 3600;

/// What a merchant asks a user to sign.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewContract {
    pub(crate) acting: Acting,
    /// The app: `appid`, or `sp_appid` of a service provider's contract.
    pub(crate) appid: String,
    pub(crate) sub_appid: Option<String>,
    /// Digits.
    pub(crate) plan_id: String,
    /// `out_contract_code`, or `contract_code` in APIv2.
    pub(crate) code: String,
    pub(crate) display_account: String,
    /// Whom the request names. Nobody else can sign.
    pub(crate) user: Payer,
    pub(crate) user_code: Option<String>,
    /// APIv2's `request_serial`.
    pub(crate) serial: Option<String>,
    /// Where the signature is notified.
    pub(crate) sign_url: Option<String>,
    /// Where the termination is notified.
    pub(crate) terminate_url: Option<String>,
    /// The one deduction, of a contract that is not periodic.
    pub(crate) schedule: Option<Schedule>,
    /// The order whose payment signs it.
    pub(crate) signed_by: Option<String>,
    pub(crate) version: Version,
    /// Everything that the request said.
    pub(crate) request: Value,
}

impl NewContract {
    pub(crate) fn key(&self) -> String {
        key(&self.plan_id, &self.code)
    }
}

/// Returns the key of a contract: the code is unique in its plan.
pub(super) fn key(plan_id: &str, code: &str) -> String {
    format!("{plan_id}/{code}")
}

/// Creates a contract that a user can sign. The same request again returns the first one.
///
/// # Errors
/// Refuses a code that a different request used.
pub(crate) fn presign(w: &mut World, new: NewContract, now: u64) -> Result<Contract, Refusal> {
    let (mchid, key) = (new.acting.mchid.clone(), new.key());
    if let Some(existing) = w.store(&mchid).papay.contracts.get(&key) {
        return match existing.asked == new {
            true => Ok(existing.clone()),
            false => Err(refusals::code_used()),
        };
    }
    // Real IDs have 18 digits and begin with the date.
    let date: String = format_compact(now).chars().take(8).collect();
    let contract = Contract {
        contract_id: w.number(&date, 18),
        presign_id: w.token(32),
        state: State::Open,
        notice: None,
        schedule: new.schedule.clone(),
        latest: None,
        asked: new,
    };
    let contracts = &mut w.store(&mchid).papay.contracts;
    contracts.keep(key, contract.clone(), |old| !old.is_signed(), "contracts")?;
    Ok(contract)
}

/// Signs a contract as the user, and notifies.
///
/// # Errors
/// Refuses a contract that was signed before, and one that a payment signs.
pub(crate) fn user_signs(w: &mut World, mchid: &str, key: &str, now: u64) -> Result<(), Refusal> {
    if find(&mut w.store(mchid).papay, key)?
        .asked
        .signed_by
        .is_some()
    {
        return Err(refusals::signed_by_payment());
    }
    sign(w, mchid, key, Payer::default(), now)
}

/// Signs a contract, and notifies. `payer` is who paid with the signature.
pub(super) fn sign(
    w: &mut World,
    mchid: &str,
    key: &str,
    payer: Payer,
    now: u64,
) -> Result<(), Refusal> {
    let someone = w.openid();
    let contract = find(&mut w.store(mchid).papay, key)?;
    if contract.state != State::Open {
        return Err(refusals::signed());
    }
    let named = &contract.asked.user;
    contract.state = State::Signed(Signature {
        at: now,
        openid: named.openid.clone().or(payer.openid).unwrap_or(someone),
        sub_openid: named.sub_openid.clone().or(payer.sub_openid),
    });
    let ends_at = contract.ends_at();
    let notice = notice::signed(contract, now);
    let timer = Timer {
        mchid: mchid.to_owned(),
        key: key.to_owned(),
        fire: |w, _, timer, now| expire(w, &timer.mchid, &timer.key, now),
    };
    w.after(ends_at, timer);
    notice.map(|notice| w.notify(notice));
    Ok(())
}

/// Ends a contract whose time is over.
// One that ended before can have made room for another with the same code.
pub(super) fn expire(w: &mut World, mchid: &str, key: &str, now: u64) -> Result<(), Refusal> {
    let contract = find(&mut w.store(mchid).papay, key)?;
    match contract.ends_at() <= now {
        true => terminate(w, mchid, key, TerminatedBy::System, None, now),
        false => Ok(()),
    }
}

impl Contract {
    /// Returns when a contract that was signed ends on its own.
    pub(super) fn ends_at(&self) -> u64 {
        let signed_at = self.signature().map_or(0, |signature| signature.at);
        let lifetime = || signed_at.saturating_add(LIFETIME);
        self.schedule.as_ref().map_or_else(lifetime, period::end_of)
    }
}

/// Terminates a contract as the user, and notifies.
///
/// # Errors
/// Refuses a contract that is not signed.
pub(crate) fn user_terminates(
    w: &mut World,
    mchid: &str,
    key: &str,
    now: u64,
) -> Result<(), Refusal> {
    terminate(w, mchid, key, TerminatedBy::User, None, now)
}

/// Terminates a contract as the merchant, and notifies. Returns it. Terminating it again succeeds.
///
/// # Errors
/// Refuses a contract that is not signed, or that ended in another way.
pub(crate) fn terminate_as_merchant(
    w: &mut World,
    mchid: &str,
    key: &str,
    remark: &str,
    now: u64,
) -> Result<Contract, Refusal> {
    let contract = find(&mut w.store(mchid).papay, key)?;
    if let State::Terminated(_, termination) = &contract.state {
        // A merchant that missed the first response asks again.
        if termination.by == TerminatedBy::Merchant {
            return Ok(contract.clone());
        }
    }
    let remark = Some(remark.to_owned());
    terminate(w, mchid, key, TerminatedBy::Merchant, remark, now)?;
    find(&mut w.store(mchid).papay, key).cloned()
}

/// Terminates a contract, and notifies.
pub(super) fn terminate(
    w: &mut World,
    mchid: &str,
    key: &str,
    by: TerminatedBy,
    remark: Option<String>,
    now: u64,
) -> Result<(), Refusal> {
    let contract = find(&mut w.store(mchid).papay, key)?;
    let signature = match &contract.state {
        State::Open => return Err(refusals::no_contract()),
        State::Terminated(..) => return Err(refusals::terminated()),
        State::Signed(signature) => signature.clone(),
    };
    let at = now;
    contract.state = State::Terminated(signature, Termination { at, by, remark });
    let notice = notice::terminated(contract, now);
    notice.map(|notice| w.notify(notice));
    Ok(())
}

/// Finds a contract that was signed, by its plan and the merchant's code.
///
/// # Errors
/// Refuses one that does not exist, that nobody signed, or that another service provider made.
pub(crate) fn by_code<'a>(
    w: &'a World,
    acting: &Acting,
    plan_id: &str,
    code: &str,
) -> Result<&'a Contract, Refusal> {
    let store = w.stores.get(&acting.mchid);
    let contract = store.and_then(|store| store.papay.contracts.get(&key(plan_id, code)));
    contract
        .filter(|contract| is_of(contract, acting))
        .ok_or_else(refusals::no_contract)
}

/// Like [`by_code`], by WeChat Pay's ID.
pub(crate) fn by_id<'a>(
    w: &'a World,
    acting: &Acting,
    contract_id: &str,
) -> Result<&'a Contract, Refusal> {
    let store = w.stores.get(&acting.mchid);
    let has_id = |contract: &Contract| contract.contract_id == contract_id;
    let contract = store.and_then(|store| store.papay.contracts.find(has_id));
    contract
        .filter(|contract| is_of(contract, acting))
        .ok_or_else(refusals::no_contract)
}

/// Finds a contract of this app that is in force, to change it.
pub(super) fn in_force<'a>(
    w: &'a mut World,
    acting: &Acting,
    appid: &str,
    contract_id: &str,
) -> Result<&'a mut Contract, Refusal> {
    let contract = by_id(w, acting, contract_id)?;
    if contract.asked.appid != appid {
        return Err(refusals::no_contract());
    }
    if !contract.is_signed() {
        return Err(refusals::terminated());
    }
    let key = contract.asked.key();
    find(&mut w.store(&acting.mchid).papay, &key)
}

fn is_of(contract: &Contract, acting: &Acting) -> bool {
    contract.asked.acting == *acting && contract.signature().is_some()
}

/// Returns whether a merchant has a contract with this code.
pub(crate) fn has_code(store: &Store, code: &str) -> bool {
    let contracts = &store.papay.contracts;
    contracts.find(|contract| contract.code() == code).is_some()
}

/// Returns the key of the one contract with this code.
///
/// # Errors
/// Refuses a code of several plans.
pub(crate) fn key_of(w: &World, mchid: &str, code: &str) -> Result<String, Refusal> {
    let store = w.stores.get(mchid).ok_or_else(refusals::no_contract)?;
    let contracts = store.papay.contracts.iter();
    let mut keys = contracts.filter_map(|contract| {
        let asked = &contract.asked;
        (asked.code == code).then(|| asked.key())
    });
    match (keys.next(), keys.next()) {
        (None, _) => Err(refusals::no_contract()),
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(refusals::code_of_several_plans()),
    }
}

pub(super) fn find<'a>(tables: &'a mut Tables, key: &str) -> Result<&'a mut Contract, Refusal> {
    tables
        .contracts
        .get_mut(key)
        .ok_or_else(refusals::no_contract)
}
