//! What happens to an authorization, and what it allows.

use serde_json::{Map, Value};

use super::{Agreed, Authorization, State};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payouts::payout::{NUMBER_USED, ended_notice, not_found, repeated, wrong_state},
    state::{
        timers::Timer,
        world::{Store, World},
    },
};

/// How long the user can agree, in seconds. No page says it: as long as a transfer can be confirmed.
const AGREEMENT_LIFETIME: u64 = 24 * 3600;

/// An authorization that a merchant asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewAuthorization {
    /// The merchant or service provider that asks.
    pub(crate) mchid: String,
    pub(crate) out_authorization_no: String,
    pub(crate) appid: String,
    pub(crate) openid: String,
    pub(crate) scene: String,
    pub(crate) display_name: String,
    pub(crate) perception: Option<String>,
    pub(crate) notify_url: String,
    /// Everything that the request said.
    pub(crate) request: Map<String, Value>,
}

/// Why an authorization ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    Merchant,
    User,
    /// The user did not agree in time.
    Overdue,
}

impl CloseReason {
    /// Returns the reason as the API names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Merchant => "CLOSE_VIA_MCH_API",
            Self::User => "USER_CLOSE",
            Self::Overdue => "USER_OVERDUE_UNCONFIRMED",
        }
    }
}

/// Creates an authorization that waits for the user. The same request again returns the first one.
pub(crate) fn create(
    world: &mut World,
    new: NewAuthorization,
    now: u64,
) -> Result<Authorization, Refusal> {
    let (mchid, number) = (new.mchid.clone(), new.out_authorization_no.clone());
    let known = world
        .store(&mchid)
        .authorization
        .authorizations
        .get(&number);
    if let Some(known) = repeated(known, |known| &known.new, &new, NUMBER_USED)? {
        return Ok(known);
    }
    let authorization = Authorization {
        package_info: format!("{}==", world.token(86)),
        created_at: now,
        agreed: None,
        state: State::Waiting,
        new,
    };
    let authorizations = &mut world.store(&mchid).authorization.authorizations;
    authorizations.keep(
        number.clone(),
        authorization.clone(),
        Authorization::is_closed,
        "authorizations",
    )?;
    let timer = Timer {
        mchid,
        key: number,
        fire: |world, _, timer, now| {
            if find(world.store(&timer.mchid), &timer.key)?.state == State::Waiting {
                close(world, &timer.mchid, &timer.key, CloseReason::Overdue, now)?;
            }
            Ok(())
        },
    };
    world.after(now.saturating_add(AGREEMENT_LIFETIME), timer);
    Ok(authorization)
}

/// Takes an authorization back that was made for something that was then refused.
pub(crate) fn forget(world: &mut World, mchid: &str, number: &str) {
    let authorizations = &mut world.store(mchid).authorization.authorizations;
    authorizations.remove(number);
}

/// Agrees as the user.
pub(crate) fn agree(world: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let id = world.number("1650", 28);
    let known = find(world.store(mchid), number)?;
    if known.state != State::Waiting {
        return Err(wrong_state(known.state()));
    }
    known.state = State::Effective;
    known.agreed = Some(Agreed { id, at: now });
    let agreed = known.clone();
    notify(world, &agreed);
    Ok(())
}

/// Ends an authorization. To close it again changes nothing.
pub(crate) fn close(
    world: &mut World,
    mchid: &str,
    number: &str,
    reason: CloseReason,
    now: u64,
) -> Result<Authorization, Refusal> {
    let known = find(world.store(mchid), number)?;
    match (known.state, reason) {
        // A merchant that missed the first response closes again.
        (State::Closed { .. }, CloseReason::Merchant) => return Ok(known.clone()),
        (State::Effective, _) | (State::Waiting, CloseReason::Overdue) => {}
        _ => return Err(wrong_state(known.state())),
    }
    known.state = State::Closed { at: now, reason };
    let closed = known.clone();
    notify(world, &closed);
    Ok(closed)
}

/// Checks that a user of this app has agreed to transfers of this scene, and has not taken it back.
pub(crate) fn check_effective(
    world: &World,
    mchid: &str,
    number: &str,
    appid: &str,
    scene: &str,
) -> Result<(), Refusal> {
    let store = world.stores.get(mchid);
    let known = store.and_then(|store| store.authorization.authorizations.get(number));
    let known = known.ok_or_else(no_authorization)?;
    let new = &known.new;
    match known.state == State::Effective && new.appid == appid && new.scene == scene {
        true => Ok(()),
        false => Err(no_authorization()),
    }
}

// The code and the text are guesses: no page lists them.
fn no_authorization() -> Refusal {
    Refusal::new(
        403,
        "NO_AUTH",
        "NO_AUTH",
        "用户未授权免确认收款，或授权已解除: no authorization of this app and scene takes effect",
    )
}

fn notify(world: &mut World, authorization: &Authorization) {
    // Who never agreed has nothing to hear of.
    if authorization.agreed.is_none() {
        return;
    }
    let (event_type, summary) = match authorization.is_closed() {
        false => ("MCHTRANSFER.AUTHORIZATION.CONFIRMED", "免确认收款授权成功"),
        true => ("MCHTRANSFER.AUTHORIZATION.CLOSED", "免确认收款授权解除"),
    };
    world.notify(ended_notice(
        &authorization.new.mchid,
        &authorization.new.notify_url,
        event_type,
        summary,
        authorization.resource(),
    ));
}

fn find<'a>(store: &'a mut Store, number: &str) -> Result<&'a mut Authorization, Refusal> {
    let authorizations = &mut store.authorization.authorizations;
    authorizations.get_mut(number).ok_or_else(not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::state::{merchant::Merchants, random::Rng};

    const NOW: u64 = 1_528_425_296;
    const MCHID: &str = "1900000109";

    fn world() -> World {
        let mut world = World::new(Rng::from_seed(1), Some(60));
        world.add_store(MCHID, 0);
        create(&mut world, new("u1", "王小明"), NOW).unwrap();
        world
    }

    fn new(number: &str, name: &str) -> NewAuthorization {
        NewAuthorization {
            mchid: MCHID.to_owned(),
            out_authorization_no: number.to_owned(),
            appid: "wx1".to_owned(),
            openid: "o1".to_owned(),
            scene: "1000".to_owned(),
            display_name: name.to_owned(),
            perception: None,
            notify_url: "http://127.0.0.1:1/notify".to_owned(),
            request: Map::new(),
        }
    }

    fn is_effective(world: &World, appid: &str, scene: &str) -> bool {
        check_effective(world, MCHID, "u1", appid, scene).is_ok()
    }

    #[test]
    fn authorization_takes_effect_between_agreement_and_end() {
        let mut world = world();
        assert!(!is_effective(&world, "wx1", "1000"));
        // Nothing to end yet.
        assert!(close(&mut world, MCHID, "u1", CloseReason::Merchant, NOW).is_err());
        agree(&mut world, MCHID, "u1", NOW).unwrap();
        assert!(agree(&mut world, MCHID, "u1", NOW).is_err());
        assert!(is_effective(&world, "wx1", "1000"));
        assert!(!is_effective(&world, "wx2", "1000") && !is_effective(&world, "wx1", "1002"));
        world.run_due(&Merchants::default(), NOW + AGREEMENT_LIFETIME);
        assert!(is_effective(&world, "wx1", "1000"));
        let closed = close(&mut world, MCHID, "u1", CloseReason::User, NOW + 5).unwrap();
        assert_eq!(
            closed.resource()["close_info"]["close_reason"],
            "USER_CLOSE"
        );
        assert!(!is_effective(&world, "wx1", "1000"));
        assert!(close(&mut world, MCHID, "u1", CloseReason::User, NOW + 6).is_err());
        let again = close(&mut world, MCHID, "u1", CloseReason::Merchant, NOW + 6).unwrap();
        assert_eq!(again.state, closed.state);
    }

    #[test]
    fn unconfirmed_authorization_is_closed_after_a_day() {
        let mut world = world();
        world.run_due(&Merchants::default(), NOW + AGREEMENT_LIFETIME - 1);
        assert_eq!(
            find(world.store(MCHID), "u1").unwrap().state(),
            "WAIT_USER_CONFIRM"
        );
        world.run_due(&Merchants::default(), NOW + AGREEMENT_LIFETIME);
        assert_eq!(find(world.store(MCHID), "u1").unwrap().state(), "CLOSED");
        assert!(agree(&mut world, MCHID, "u1", NOW + AGREEMENT_LIFETIME).is_err());
    }

    #[test]
    fn what_changes_twice_in_one_run_of_the_timers_is_two_changes() {
        let mut world = world();
        world.take_changes(0);
        let timer = Timer {
            mchid: MCHID.to_owned(),
            key: "u1".to_owned(),
            fire: |world, _, timer, now| {
                let done = agree(world, &timer.mchid, &timer.key, now);
                if done.is_err() {
                    close(world, &timer.mchid, &timer.key, CloseReason::User, now).unwrap();
                }
                Ok(())
            },
        };
        world.after(NOW + 1, timer.clone());
        world.after(NOW + 2, timer);
        world.run_due(&Merchants::default(), NOW + 3);
        let changes = world.take_changes(0).waiting;
        let states: Vec<_> = changes.iter().map(|change| change.to()).collect();
        assert_eq!(states, ["TAKING_EFFECT", "CLOSED"]);
    }

    #[test]
    fn same_number_is_the_same_authorization_or_refused() {
        let mut world = world();
        let first = find(world.store(MCHID), "u1").unwrap().clone();
        let again = create(&mut world, new("u1", "王小明"), NOW + 9).unwrap();
        assert_eq!(again.package_info, first.package_info);
        let other = create(&mut world, new("u1", "王大明"), NOW).unwrap_err();
        assert_eq!((other.status, other.code), (400, "INVALID_REQUEST"));
    }
}
