//! Red packets: `SENT` → `RECEIVED`, or `REFUND` after a day.

mod requests;

pub(super) use requests::{query, send, send_group};

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::payout::{self, Payout};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::pay::engine,
    state::{
        StateKind,
        account::{Entry, EntryKind},
        changes::Stateful,
        timers::Timer,
        world::World,
    },
    v2::V2Error,
};

/// After how many seconds what nobody took goes back to the merchant.
const LIFETIME: u64 = 24 * 3600;

/// A red packet.
#[derive(Clone, Debug)]
pub(crate) struct RedPacket {
    id: String,
    fen: u64,
    people: u64,
    is_group: bool,
    sent_at: u64,
    state: State,
    /// Whose account it is of: the merchant's own, or a sub-merchant's.
    payer: String,
    /// `re_openid`, who gets it or shares it with others.
    openid: String,
    texts: Map<String, Value>,
}

/// Where a red packet stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Sent,
    /// With the time, and who got how much.
    Received(u64, Vec<(String, u64)>),
    /// The money is back since this time.
    Refunded(u64),
}

/// Takes the money of a new red packet, which goes back after a day.
///
/// # Errors
/// Refuses one that cannot be kept, and more than the payer has.
fn pay(
    w: &mut World,
    mchid: &str,
    number: &str,
    asked: Value,
    packet: &RedPacket,
) -> Result<(), V2Error> {
    let packets = &mut w.store(mchid).v2.red_packets;
    // A red packet that is dropped before its end never gives its money back.
    packets.try_insert(number, asked, packet.clone(), RedPacket::has_ended)?;
    let ids = (packet.id.as_str(), number);
    let (kind, now) = (EntryKind::RedPacket, packet.sent_at);
    if let Err(refusal) = payout::take(w, &packet.payer, kind, ids, packet.fen, now) {
        w.store(mchid).v2.red_packets.remove(number);
        return Err(refusal.into());
    }
    let timer = Timer {
        mchid: mchid.to_owned(),
        key: number.to_owned(),
        fire: |w, _, timer, at| expire(w, &timer.mchid, &timer.key, at),
    };
    w.after(now.saturating_add(LIFETIME), timer);
    Ok(())
}

/// Opens a red packet as its user, and as the others that share it.
///
/// # Errors
/// Refuses one that does not exist, was opened, or has gone back.
pub(crate) fn open(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let packet = w.store(mchid).v2.red_packets.get(number);
    let packet = packet.ok_or_else(not_found)?;
    let (fen, people, first) = (packet.fen, packet.people, packet.openid.clone());
    let openids: Vec<_> = std::iter::once(first)
        .chain((1..people).map(|_| w.openid()))
        .collect();
    // Equal parts and not random ones, so that a test can predict each of them.
    let share = fen / people;
    let rest = fen - share * people;
    let shares = openids.into_iter().enumerate();
    let shares = shares.map(|(n, openid)| (openid, if n == 0 { share + rest } else { share }));
    let packet = sent(w, mchid, number)?;
    packet.state = State::Received(now, shares.collect());
    Ok(())
}

/// Gives the money back that nobody took.
fn expire(w: &mut World, mchid: &str, number: &str, now: u64) -> Result<(), Refusal> {
    let packet = sent(w, mchid, number)?;
    let back = Entry {
        at: now,
        kind: EntryKind::RedPacket,
        id: packet.id.clone(),
        out_no: number.to_owned(),
        fen: engine::fen(packet.fen),
    };
    let payer = packet.payer.clone();
    w.store(&payer).account.post(back)?;
    sent(w, mchid, number)?.state = State::Refunded(now);
    Ok(())
}

fn sent<'a>(w: &'a mut World, mchid: &str, number: &str) -> Result<&'a mut RedPacket, Refusal> {
    let packet = w.store(mchid).v2.red_packets.get_mut(number);
    let packet = packet.ok_or_else(not_found)?;
    match packet.state {
        State::Sent => Ok(packet),
        _ => {
            let message = format!("the red packet is {}, not SENT", packet.status());
            Err(Refusal::new(400, "INVALID_REQUEST", "SEND_FAILED", message))
        }
    }
}

fn not_found() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "NOT_FOUND", "指定单号数据不存在")
}

impl Stateful for Payout<RedPacket> {
    const KIND: StateKind = StateKind::RedPacket;

    fn state_name(&self) -> Cow<'static, str> {
        self.made.status().into()
    }
}

impl RedPacket {
    /// Returns whether nothing more will happen to it.
    fn has_ended(&self) -> bool {
        self.state != State::Sent
    }

    /// Returns `SENT`, `RECEIVED` or `REFUND`.
    fn status(&self) -> &'static str {
        match self.state {
            State::Sent => "SENT",
            State::Received(..) => "RECEIVED",
            State::Refunded(_) => "REFUND",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::state::{merchant::Merchants, random::Rng};

    const MCHID: &str = "1900000109";

    fn world(people: u64) -> World {
        let mut world = World::new(Rng::from_seed(1), None);
        world.add_store(MCHID, 1_000);
        pay(&mut world, MCHID, "hb", Value::Null, &packet(people, 400)).unwrap();
        world
    }

    fn packet(people: u64, fen: u64) -> RedPacket {
        RedPacket {
            id: "1000041".to_owned(),
            fen,
            people,
            is_group: people > 1,
            sent_at: 0,
            state: State::Sent,
            payer: MCHID.to_owned(),
            openid: "o1".to_owned(),
            texts: Map::new(),
        }
    }

    #[test]
    fn red_packet_under_way_is_not_dropped_for_a_new_one() {
        let mut world = world(1);
        let packets = &mut world.store(MCHID).v2.red_packets;
        for n in 1..payout::MAX_PAYOUTS {
            packets.insert(&n.to_string(), Value::Null, packet(1, 100));
        }
        let refused = pay(&mut world, MCHID, "new", Value::Null, &packet(1, 100));
        let code = "FREQ_LIMIT";
        assert!(matches!(refused, Err(V2Error::Result { code: seen, .. }) if seen == code));
        let store = world.store(MCHID);
        assert_eq!(store.account.available(), 600);
        assert!(store.v2.red_packets.get("hb").is_some());

        open(&mut world, MCHID, "7", 5).unwrap();
        pay(&mut world, MCHID, "new", Value::Null, &packet(1, 100)).unwrap();
        let store = world.store(MCHID);
        assert_eq!(store.account.available(), 500);
        let packets = &store.v2.red_packets;
        assert!(packets.get("7").is_none() && packets.get("hb").is_some());
    }

    #[test]
    fn red_packet_without_the_money_is_not_kept() {
        let mut world = world(1);
        let poor = pay(&mut world, MCHID, "new", Value::Null, &packet(1, 601));
        assert!(poor.is_err());
        let store = world.store(MCHID);
        assert!(store.v2.red_packets.get("new").is_none());
        assert_eq!(store.account.available(), 600);
    }

    #[test]
    fn opened_red_packet_is_shared_to_the_fen_and_does_not_go_back() {
        let mut world = world(3);
        open(&mut world, MCHID, "hb", 5).unwrap();
        assert!(open(&mut world, MCHID, "hb", 6).is_err());
        assert!(expire(&mut world, MCHID, "hb", LIFETIME).is_err());
        let store = world.store(MCHID);
        assert_eq!(store.account.available(), 600);
        let State::Received(5, shares) = &store.v2.red_packets.get("hb").unwrap().state else {
            panic!("not received")
        };
        let fen: Vec<_> = shares.iter().map(|(_, fen)| *fen).collect();
        assert_eq!(fen, [134, 133, 133]);
        assert_eq!(shares[0].0, "o1");
    }

    #[test]
    fn red_packet_that_nobody_takes_goes_back_once() {
        let mut world = world(1);
        expire(&mut world, MCHID, "hb", LIFETIME).unwrap();
        assert!(expire(&mut world, MCHID, "hb", LIFETIME).is_err());
        assert!(open(&mut world, MCHID, "hb", LIFETIME).is_err());
        assert!(open(&mut world, MCHID, "other", 1).is_err());
        assert_eq!(world.store(MCHID).account.available(), 1_000);
        // The timer has nothing left to do.
        world.run_due(&Merchants::default(), u64::MAX);
        assert_eq!(world.store(MCHID).account.available(), 1_000);
    }

    #[test]
    fn number_is_one_payout() {
        let mut world = world(1);
        let packets = &world.store(MCHID).v2.red_packets;
        assert!(packets.repeated("hb", &Value::Null).unwrap().is_some());
        assert!(packets.repeated("other", &Value::Null).unwrap().is_none());
        let refused = packets.repeated("hb", &json!({ "amount": "1" }));
        assert!(matches!(
            refused,
            Err(V2Error::Result {
                code: "FATAL_ERROR",
                ..
            })
        ));
    }
}
