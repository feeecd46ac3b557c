//! What happens to a transfer: the money, the timers and the notification that go with each state.

use serde_json::{Map, Value};

use super::{Bill, State};
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    flows::{
        payments::pay::engine::fen,
        payouts::{
            authorization::{self, NewAuthorization},
            payout::{NUMBER_USED, ended_notice, freeze_and_keep, not_found, repeated},
        },
    },
    state::{
        account::{Entry, EntryKind},
        merchant::Merchants,
        timers::Timer,
        world::{Store, World},
    },
};

/// How long the user can confirm, in seconds.
const CONFIRMATION_LIFETIME: u64 = 24 * 3600;

/// Seen on the wire.
const NOT_ENOUGH: &str = "商户运营账户资金不足，充值后可以原单号发起重试，请勿更换商户单号";

/// A transfer that a merchant asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewBill {
    pub(crate) acting: Acting,
    pub(crate) out_bill_no: String,
    pub(crate) appid: String,
    pub(crate) openid: String,
    /// The user's name, in the clear.
    pub(crate) user_name: Option<String>,
    /// In fen.
    pub(crate) amount: u64,
    pub(crate) remark: String,
    pub(crate) notify_url: Option<String>,
    /// The `out_authorization_no` that it is made under, or together with.
    pub(crate) authorization: Option<String>,
    /// The request without its sealed fields, whose ciphertext is another one each time.
    pub(crate) request: Map<String, Value>,
}

/// Creates a transfer that waits for the user, and freezes its money. The same request again returns the
/// first one.
pub(crate) fn create(world: &mut World, new: NewBill, now: u64) -> Result<Bill, Refusal> {
    let (mchid, number) = (new.acting.mchid.clone(), new.out_bill_no.clone());
    let known = world.store(&mchid).transfer.bills.get(&number);
    if let Some(bill) = repeated(known, |bill| &bill.new, &new, NUMBER_USED)? {
        return Ok(bill);
    }
    let bill = Bill {
        transfer_bill_no: world.number("1330", 40),
        package_info: format!("{}==", world.token(86)),
        created_at: now,
        updated_at: now,
        state: State::WaitUserConfirm,
        new,
    };
    let Store {
        account, transfer, ..
    } = world.store(&mchid);
    freeze_and_keep(account, bill.new.amount, NOT_ENOUGH, || {
        let bills = &mut transfer.bills;
        bills.keep(number.clone(), bill.clone(), Bill::has_ended, "transfers")
    })?;
    let timer = Timer {
        mchid,
        key: number,
        fire: expire,
    };
    world.after(now.saturating_add(CONFIRMATION_LIFETIME), timer);
    Ok(bill)
}

/// Creates a transfer under an authorization of a scene, which the user need not confirm.
pub(crate) fn create_authorized(
    world: &mut World,
    new: NewBill,
    scene: &str,
    now: u64,
) -> Result<Bill, Refusal> {
    let (mchid, number) = (new.acting.mchid.clone(), new.out_bill_no.clone());
    let is_new = world.store(&mchid).transfer.bills.get(&number).is_none();
    // One that was made while the authorization took effect stays what it is.
    if let (true, Some(authorization)) = (is_new, &new.authorization) {
        let signer = new.acting.signer();
        authorization::check_effective(world, signer, authorization, &new.appid, scene)?;
    }
    create(world, new, now)?;
    if is_new {
        confirm(world, &mchid, &number, now)?;
    }
    Ok(find(world.store(&mchid), &number)?.clone())
}

/// Creates a transfer together with an authorization: both or neither. Who confirms the transfer agrees to the
/// authorization.
pub(crate) fn create_with_authorization(
    world: &mut World,
    new: NewBill,
    asked: NewAuthorization,
    now: u64,
) -> Result<Bill, Refusal> {
    let (signer, number) = (asked.mchid.clone(), asked.out_authorization_no.clone());
    let authorizations = &world.store(&signer).authorization.authorizations;
    let is_new = authorizations.get(&number).is_none();
    authorization::create(world, asked, now)?;
    let created = create(world, new, now);
    if created.is_err() && is_new {
        authorization::forget(world, &signer, &number);
    }
    created
}

/// Confirms a transfer as the user.
pub(crate) fn confirm(
    world: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<(), Refusal> {
    let bill = find(world.store(mchid), number)?;
    bill.enter(&[State::WaitUserConfirm], State::Transfering, now)?;
    if let Some(authorization) = bill.new.authorization.clone() {
        let signer = bill.acting().signer().to_owned();
        // Agreed to already, if the transfer was made under it.
        let _ = authorization::agree(world, &signer, &authorization, now);
    }
    let timer = Timer {
        mchid: mchid.to_owned(),
        key: number.to_owned(),
        fire: |world, _, timer, now| succeed(world, &timer.mchid, &timer.key, now),
    };
    world.settle_later(now, timer);
    Ok(())
}

/// Pays the user who confirmed.
pub(crate) fn succeed(
    world: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let mut bill = find(store, number)?.clone();
    bill.enter(&[State::Transfering], State::Success, now)?;
    let entry = Entry {
        at: now,
        kind: EntryKind::Transfer,
        id: bill.transfer_bill_no.clone(),
        out_no: number.to_owned(),
        fen: -fen(bill.new.amount),
    };
    store.account.spend_frozen(entry)?;
    *find(store, number)? = bill.clone();
    notify(world, &bill);
    Ok(())
}

/// Ends a transfer without payment, for a reason such as `NAME_NOT_CORRECT`.
pub(crate) fn fail(
    world: &mut World,
    mchid: &str,
    number: &str,
    reason: &str,
    now: u64,
) -> Result<(), Refusal> {
    let from = [State::WaitUserConfirm, State::Transfering];
    release(
        world,
        mchid,
        number,
        &from,
        State::Fail(reason.to_owned()),
        now,
    )
}

/// Begins to cancel a transfer that the user has not confirmed. Returns it. To cancel it again changes
/// nothing.
pub(crate) fn cancel(
    world: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<Bill, Refusal> {
    let bill = find(world.store(mchid), number)?;
    // A merchant that missed the first response cancels again.
    if matches!(bill.state, State::Canceling | State::Cancelled) {
        return Ok(bill.clone());
    }
    bill.enter(&[State::WaitUserConfirm], State::Canceling, now)?;
    let bill = bill.clone();
    let timer = Timer {
        mchid: mchid.to_owned(),
        key: number.to_owned(),
        fire: |world, _, timer, now| finish_cancelling(world, &timer.mchid, &timer.key, now),
    };
    world.settle_later(now, timer);
    Ok(bill)
}

/// Ends the cancellation of a transfer.
pub(crate) fn finish_cancelling(
    world: &mut World,
    mchid: &str,
    number: &str,
    now: u64,
) -> Result<(), Refusal> {
    release(
        world,
        mchid,
        number,
        &[State::Canceling],
        State::Cancelled,
        now,
    )
}

fn expire(world: &mut World, _: &Merchants, timer: &Timer, now: u64) -> Result<(), Refusal> {
    let reason = State::Fail("OVERDUE_CLOSE".to_owned());
    let from = [State::WaitUserConfirm];
    // Confirmed or cancelled long since, in most cases.
    release(world, &timer.mchid, &timer.key, &from, reason, now)
}

/// Ends a transfer without payment: the money is available again.
fn release(
    world: &mut World,
    mchid: &str,
    number: &str,
    from: &[State],
    to: State,
    now: u64,
) -> Result<(), Refusal> {
    let store = world.store(mchid);
    let mut bill = find(store, number)?.clone();
    bill.enter(from, to, now)?;
    store.account.unfreeze(bill.new.amount)?;
    *find(store, number)? = bill.clone();
    notify(world, &bill);
    Ok(())
}

fn notify(world: &mut World, bill: &Bill) {
    let Some(url) = &bill.new.notify_url else {
        return;
    };
    let acting = bill.acting();
    world.notify(ended_notice(
        acting.signer(),
        url,
        "MCHTRANSFER.BILL.FINISHED",
        "商家转账单据终态通知",
        bill.resource(),
    ));
}

fn find<'a>(store: &'a mut Store, number: &str) -> Result<&'a mut Bill, Refusal> {
    store.transfer.bills.get_mut(number).ok_or_else(not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::state::random::Rng;

    const NOW: u64 = 1_528_425_296;
    const MCHID: &str = "1900000109";

    fn world() -> World {
        let mut world = World::new(Rng::from_seed(1), Some(60));
        world.add_store(MCHID, 1000);
        world
    }

    fn new(number: &str, amount: u64) -> NewBill {
        NewBill {
            acting: Acting {
                mchid: MCHID.to_owned(),
                sp_mchid: None,
            },
            out_bill_no: number.to_owned(),
            appid: "wxd678efh567hg6787".to_owned(),
            openid: "o1".to_owned(),
            user_name: None,
            amount,
            remark: "奖金".to_owned(),
            notify_url: Some("http://127.0.0.1:1/notify".to_owned()),
            authorization: None,
            request: Map::new(),
        }
    }

    /// Available, frozen, state, number of entries.
    fn seen(world: &mut World, number: &str) -> (u64, u64, &'static str, usize) {
        let store = world.store(MCHID);
        let state = store.transfer.bills.get(number).unwrap().state();
        let account = &store.account;
        (
            account.available(),
            account.frozen(),
            state,
            account.entries().count(),
        )
    }

    fn run_due(world: &mut World, now: u64) {
        world.run_due(&Merchants::default(), now);
    }

    #[test]
    fn confirmed_transfer_pays_the_user_once() {
        let mut world = world();
        create(&mut world, new("a1", 400), NOW).unwrap();
        assert_eq!(seen(&mut world, "a1"), (600, 400, "WAIT_USER_CONFIRM", 0));
        // Nobody confirmed, so WeChat Pay has nothing to do.
        run_due(&mut world, NOW + 3600);
        assert!(succeed(&mut world, MCHID, "a1", NOW).is_err());
        confirm(&mut world, MCHID, "a1", NOW + 3600).unwrap();
        assert_eq!(seen(&mut world, "a1"), (600, 400, "TRANSFERING", 0));
        assert!(cancel(&mut world, MCHID, "a1", NOW + 3600).is_err());
        run_due(&mut world, NOW + 3659);
        assert_eq!(seen(&mut world, "a1"), (600, 400, "TRANSFERING", 0));
        run_due(&mut world, NOW + 3660);
        assert_eq!(seen(&mut world, "a1"), (600, 0, "SUCCESS", 1));
        run_due(&mut world, NOW + 10 * CONFIRMATION_LIFETIME);
        assert_eq!(seen(&mut world, "a1"), (600, 0, "SUCCESS", 1));
        assert!(fail(&mut world, MCHID, "a1", "OTHER_FAIL_REASON_TYPE", NOW).is_err());
        assert!(confirm(&mut world, MCHID, "a1", NOW).is_err());
    }

    #[test]
    fn unconfirmed_transfer_fails_after_a_day() {
        let mut world = world();
        create(&mut world, new("a1", 400), NOW).unwrap();
        run_due(&mut world, NOW + CONFIRMATION_LIFETIME - 1);
        assert_eq!(seen(&mut world, "a1").2, "WAIT_USER_CONFIRM");
        run_due(&mut world, NOW + CONFIRMATION_LIFETIME);
        assert_eq!(seen(&mut world, "a1"), (1000, 0, "FAIL", 0));
        let bill = world.store(MCHID).transfer.bills.get("a1").unwrap();
        assert_eq!(bill.resource()["fail_reason"], "OVERDUE_CLOSE");
    }

    #[test]
    fn cancelled_transfer_gives_the_money_back_once() {
        let mut world = world();
        create(&mut world, new("a1", 400), NOW).unwrap();
        let first = cancel(&mut world, MCHID, "a1", NOW + 1).unwrap();
        assert_eq!(first.state(), "CANCELING");
        assert_eq!(seen(&mut world, "a1"), (600, 400, "CANCELING", 0));
        assert!(confirm(&mut world, MCHID, "a1", NOW + 2).is_err());
        cancel(&mut world, MCHID, "a1", NOW + 30).unwrap();
        run_due(&mut world, NOW + 61);
        assert_eq!(seen(&mut world, "a1"), (1000, 0, "CANCELLED", 0));
        assert_eq!(
            cancel(&mut world, MCHID, "a1", NOW + 90).unwrap().state(),
            "CANCELLED"
        );
        run_due(&mut world, NOW + 10 * CONFIRMATION_LIFETIME);
        assert_eq!(seen(&mut world, "a1"), (1000, 0, "CANCELLED", 0));
    }

    #[test]
    fn transfer_whose_money_is_missing_stays_as_it_is() {
        let mut world = world();
        create(&mut world, new("a1", 400), NOW).unwrap();
        confirm(&mut world, MCHID, "a1", NOW).unwrap();
        world.store(MCHID).account.unfreeze(1).unwrap();
        assert!(succeed(&mut world, MCHID, "a1", NOW).is_err());
        assert_eq!(seen(&mut world, "a1"), (601, 399, "TRANSFERING", 0));
        assert!(fail(&mut world, MCHID, "a1", "NAME_NOT_CORRECT", NOW).is_err());
        assert_eq!(seen(&mut world, "a1"), (601, 399, "TRANSFERING", 0));
    }

    #[test]
    fn failed_transfer_gives_the_money_back() {
        let mut world = world();
        create(&mut world, new("a1", 400), NOW).unwrap();
        confirm(&mut world, MCHID, "a1", NOW).unwrap();
        fail(&mut world, MCHID, "a1", "NAME_NOT_CORRECT", NOW).unwrap();
        assert_eq!(seen(&mut world, "a1"), (1000, 0, "FAIL", 0));
        run_due(&mut world, NOW + 60);
        assert_eq!(seen(&mut world, "a1"), (1000, 0, "FAIL", 0));
    }

    #[test]
    fn same_number_is_the_same_transfer_or_refused() {
        let mut world = world();
        let first = create(&mut world, new("a1", 400), NOW).unwrap();
        let again = create(&mut world, new("a1", 400), NOW + 5).unwrap();
        assert_eq!(first.transfer_bill_no, again.transfer_bill_no);
        assert_eq!(seen(&mut world, "a1").1, 400);
        let other = create(&mut world, new("a1", 401), NOW).unwrap_err();
        assert_eq!((other.status, other.code), (400, "INVALID_REQUEST"));
        let named = NewBill {
            user_name: Some("张三".to_owned()),
            ..new("a1", 400)
        };
        assert!(create(&mut world, named, NOW).is_err());
        let poor = create(&mut world, new("a2", 601), NOW).unwrap_err();
        assert_eq!((poor.status, poor.code), (403, "NOT_ENOUGH"));
        create(&mut world, new("a2", 600), NOW).unwrap();
        assert_eq!(
            cancel(&mut world, MCHID, "a3", NOW).unwrap_err().code,
            "NOT_FOUND"
        );
    }
}
