//! The rules of profit sharing, without a server.

use serde_json::json;

use super::{
    give_back::{NewReturn, give_back},
    receiver::{add_receiver, delete_receiver},
    rules::{close_share, find, finish, share, unfreeze, unsplit_amount},
    *,
};
use crate::sandbox::{
    flows::payments::{
        pay::{
            Version,
            engine::{self, NewOrder, Payer, Product},
        },
        refund::{self, NewRefund, RefundFailure},
    },
    state::{merchant::Merchants, random::Rng, world::World},
};

const NOW: u64 = 1_528_425_296;
const PAYER: &str = "1900000109";
const SHOP: &str = "1900000110";

fn acting() -> Acting {
    Acting {
        mchid: PAYER.to_owned(),
        sp_mchid: None,
    }
}

/// A world with a payment of 1000 fen that is to be shared, and two receivers. Returns the payment's ID.
fn world() -> (World, String) {
    let mut world = World::new(Rng::from_seed(1), Some(60));
    world.add_store(PAYER, 0);
    world.add_store(SHOP, 0);
    let id = paid(&mut world, "tea-0001", true);
    for (kind, account) in [
        (ReceiverKind::MerchantId, SHOP),
        (ReceiverKind::PersonalOpenid, "o1"),
    ] {
        let receiver = Receiver {
            kind,
            account: account.to_owned(),
            name: None,
            relation_type: "STORE".to_owned(),
            custom_relation: None,
        };
        add_receiver(&mut world, PAYER, &Program::Ordinary, receiver).unwrap();
    }
    (world, id)
}

fn paid(world: &mut World, number: &str, profit_sharing: bool) -> String {
    let new = NewOrder {
        acting: acting(),
        product: Product::Native,
        appid: "wxd678efh567hg6787".to_owned(),
        sub_appid: None,
        out_trade_no: number.to_owned(),
        description: "tea".to_owned(),
        attach: None,
        total: 1000,
        payer: Payer::default(),
        notify_url: None,
        expires: None,
        profit_sharing,
        version: Version::V3,
        combined: None,
        request: json!({ "out_trade_no": number }),
    };
    engine::prepay(world, new, NOW).unwrap();
    engine::pay(world, PAYER, number, Payer::default(), NOW).unwrap();
    let order = engine::by_out_trade_no(world, PAYER, number).unwrap();
    order.transaction_id().unwrap().to_owned()
}

fn to(kind: ReceiverKind, account: &str, amount: u64) -> NewShare {
    NewShare {
        kind,
        account: account.to_owned(),
        name: None,
        amount,
        description: "share".to_owned(),
    }
}

fn asked(id: &str, number: &str, shares: &[NewShare], unfreeze_unsplit: bool) -> NewSharing {
    NewSharing {
        acting: acting(),
        transaction_id: id.to_owned(),
        out_order_no: number.to_owned(),
        shares: shares.to_vec(),
        unfreeze_unsplit,
        description: None,
        program: Program::Ordinary,
    }
}

fn shop(amount: u64) -> NewShare {
    to(ReceiverKind::MerchantId, SHOP, amount)
}

fn person(amount: u64) -> NewShare {
    to(ReceiverKind::PersonalOpenid, "o1", amount)
}

/// Available and frozen of the payer, available of the shop, unclaimed of the payment.
fn money(world: &World, id: &str) -> (u64, u64, u64, u64) {
    let (payer, shop) = (&world.stores[PAYER].account, &world.stores[SHOP].account);
    let unsplit = unsplit_amount(world, PAYER, id).unwrap();
    (payer.available(), payer.frozen(), shop.available(), unsplit)
}

fn run_due(world: &mut World, now: u64) {
    world.run_due(&Merchants::default(), now);
}

fn refund(world: &mut World, number: &str, fen: u64) -> bool {
    let new = NewRefund {
        acting: acting(),
        transaction_id: None,
        out_trade_no: Some("tea-0001".to_owned()),
        out_refund_no: number.to_owned(),
        reason: None,
        fen,
        total: Some(1000),
        notify_url: None,
        version: Version::V3,
        request: json!({ "out_refund_no": number }),
    };
    refund::refund(world, new, NOW).is_ok()
}

#[test]
fn shares_move_the_money_when_they_finish() {
    let (mut world, id) = world();
    assert_eq!(money(&world, &id), (0, 1000, 0, 1000));
    share(
        &mut world,
        asked(&id, "s1", &[shop(100), person(50)], false),
        NOW,
    )
    .unwrap();
    // Claimed, but nobody has it yet.
    assert_eq!(money(&world, &id), (0, 1000, 0, 850));
    run_due(&mut world, NOW + 59);
    assert_eq!(money(&world, &id), (0, 1000, 0, 850));
    run_due(&mut world, NOW + 60);
    assert_eq!(money(&world, &id), (0, 850, 100, 850));
    let order = find(&world, &acting(), "s1", &id).unwrap().body();
    assert_eq!(order["state"], "FINISHED");
    assert_eq!(order["receivers"][1]["result"], "SUCCESS");
    let merchants = Merchants::default();
    assert!(finish(&mut world, &merchants, PAYER, "s1", NOW).is_err());

    share(&mut world, asked(&id, "s2", &[shop(150)], true), NOW + 60).unwrap();
    assert_eq!(money(&world, &id).3, 0);
    run_due(&mut world, NOW + 120);
    assert_eq!(money(&world, &id), (700, 0, 250, 0));
    let nothing_left = share(&mut world, asked(&id, "s3", &[shop(1)], false), NOW).unwrap_err();
    assert_eq!(
        (nothing_left.status, nothing_left.code),
        (403, "NOT_ENOUGH")
    );
    let fen: i64 = world.stores[PAYER]
        .account
        .entries()
        .map(|entry| entry.fen)
        .sum();
    assert_eq!(fen, 700);
}

#[test]
fn unfreezing_gives_the_merchant_the_rest_once() {
    let (mut world, id) = world();
    let order = unfreeze(&mut world, asked(&id, "u1", &[], true), NOW).unwrap();
    assert_eq!(order.body()["receivers"][0]["account"], PAYER);
    assert_eq!(money(&world, &id), (0, 1000, 0, 0));
    run_due(&mut world, NOW + 60);
    assert_eq!(money(&world, &id), (1000, 0, 0, 0));
    let again = unfreeze(&mut world, asked(&id, "u1", &[], true), NOW + 61).unwrap();
    assert_eq!(again.order_id, order.order_id);
    let other = unfreeze(&mut world, asked(&id, "u2", &[], true), NOW + 61).unwrap_err();
    assert_eq!(other.code, "NOT_ENOUGH");
}

#[test]
fn merchant_gets_what_was_not_shared_after_180_days() {
    let (mut world, id) = world();
    let shares = [shop(100)];
    share(&mut world, asked(&id, "s1", &shares, false), NOW).unwrap();
    let days = |days: u64| NOW + days * 24 * 3600;
    run_due(&mut world, days(180) - 1);
    assert_eq!(money(&world, &id), (0, 900, 100, 900));
    run_due(&mut world, days(180));
    assert_eq!(money(&world, &id), (900, 0, 100, 0));
}

#[test]
fn share_that_is_closed_after_180_days_goes_to_the_merchant() {
    let (mut world, id) = world();
    world.settle_after = None;
    share(&mut world, asked(&id, "s1", &[shop(100)], false), NOW).unwrap();
    let late = NOW + 180 * 24 * 3600;
    run_due(&mut world, late);
    assert_eq!(money(&world, &id), (900, 100, 0, 0));
    let shop = world.stores[PAYER].sharing.orders.get("s1").unwrap();
    let account = shop.shares[0].new.account.clone();
    close_share(&mut world, PAYER, "s1", &account, "NO_RELATION", late).unwrap();
    assert_eq!(money(&world, &id), (1000, 0, 0, 0));
}

#[test]
fn closed_refund_can_be_shared_again() {
    let (mut world, id) = world();
    world.settle_after = None;
    let close = |world: &mut World, number: &str, now: u64| {
        refund::refund_fails(world, PAYER, number, RefundFailure::Closed, now).unwrap();
    };
    assert!(refund(&mut world, "r1", 400));
    assert_eq!(money(&world, &id), (0, 600, 0, 600));
    close(&mut world, "r1", NOW);
    assert_eq!(money(&world, &id), (0, 1000, 0, 1000));
    // Not if nothing more is shared.
    for number in ["r2", "r3"] {
        assert!(refund(&mut world, number, 100));
    }
    unfreeze(&mut world, asked(&id, "u1", &[], true), NOW).unwrap();
    close(&mut world, "r2", NOW);
    assert_eq!(money(&world, &id), (100, 800, 0, 0));
    close(&mut world, "r3", NOW + 180 * 24 * 3600);
    assert_eq!(money(&world, &id), (200, 800, 0, 0));
}

#[test]
fn closed_share_stays_with_the_payment() {
    let (mut world, id) = world();
    share(
        &mut world,
        asked(&id, "s1", &[shop(100), person(50)], false),
        NOW,
    )
    .unwrap();
    close_share(&mut world, PAYER, "s1", "o1", "NO_RELATION", NOW).unwrap();
    assert!(close_share(&mut world, PAYER, "s1", "o1", "NO_RELATION", NOW).is_err());
    run_due(&mut world, NOW + 60);
    assert_eq!(money(&world, &id), (0, 900, 100, 900));
    let body = find(&world, &acting(), "s1", &id).unwrap().body();
    assert_eq!(body["receivers"][1]["result"], "CLOSED");
    assert_eq!(body["receivers"][1]["fail_reason"], "NO_RELATION");

    // With the rest unfrozen, the merchant has it at once.
    share(&mut world, asked(&id, "s2", &[person(50)], true), NOW + 60).unwrap();
    close_share(&mut world, PAYER, "s2", "o1", "NO_RELATION", NOW).unwrap();
    run_due(&mut world, NOW + 120);
    assert_eq!(money(&world, &id), (900, 0, 100, 0));
}

#[test]
fn refused_sharing_moves_nothing() {
    let (mut world, id) = world();
    let plain = paid(&mut world, "tea-0002", false);
    let before = money(&world, &id);
    for (new, code) in [
        (asked(&plain, "s1", &[shop(1)], false), "INVALID_REQUEST"),
        (
            asked("4200", "s1", &[shop(1)], false),
            "RESOURCE_NOT_EXISTS",
        ),
        (
            asked(
                &id,
                "s1",
                &[to(ReceiverKind::MerchantId, "1900000111", 1)],
                false,
            ),
            "PARAM_ERROR",
        ),
        (
            asked(
                &id,
                "s1",
                &[to(ReceiverKind::PersonalSubOpenid, "o1", 1)],
                false,
            ),
            "PARAM_ERROR",
        ),
        // 30 percent is 300.
        (asked(&id, "s1", &[shop(301)], false), "INVALID_REQUEST"),
        (
            asked(&id, "s1", &[shop(200), person(101)], false),
            "INVALID_REQUEST",
        ),
        (asked(&id, "s1", &[shop(1), shop(2)], false), "PARAM_ERROR"),
        (asked(&id, "s1", &[shop(1001)], false), "NOT_ENOUGH"),
    ] {
        assert_eq!(
            share(&mut world, new.clone(), NOW).unwrap_err().code,
            code,
            "{new:?}"
        );
        assert_eq!(money(&world, &id), before);
    }
    share(&mut world, asked(&id, "s1", &[shop(300)], false), NOW).unwrap();
    assert!(share(&mut world, asked(&id, "s2", &[shop(1)], false), NOW).is_err());
    let other = share(&mut world, asked(&id, "s1", &[shop(299)], false), NOW).unwrap_err();
    assert!(other.message.contains("不一致"), "{other:?}");
    share(&mut world, asked(&id, "s1", &[shop(300)], false), NOW).unwrap();
    assert_eq!(money(&world, &id).3, 700);
    delete_receiver(
        &mut world,
        PAYER,
        &Program::Ordinary,
        ReceiverKind::MerchantId,
        SHOP,
    );
    assert!(share(&mut world, asked(&id, "s3", &[shop(1)], true), NOW).is_err());
}

#[test]
fn fifty_first_request_is_refused() {
    let (mut world, id) = world();
    for n in 0..50 {
        share(
            &mut world,
            asked(&id, &format!("s{n}"), &[shop(1)], false),
            NOW,
        )
        .unwrap();
    }
    let refused = share(&mut world, asked(&id, "s50", &[shop(1)], false), NOW).unwrap_err();
    assert!(refused.message.contains("50"), "{refused:?}");
}

#[test]
fn refund_lowers_what_can_be_shared() {
    let (mut world, id) = world();
    assert!(refund(&mut world, "r1", 500));
    assert_eq!(money(&world, &id), (0, 500, 0, 500));
    assert!(share(&mut world, asked(&id, "s1", &[shop(151)], false), NOW).is_err());
    share(&mut world, asked(&id, "s1", &[shop(150)], false), NOW).unwrap();
    // What is claimed cannot be refunded.
    assert!(!refund(&mut world, "r2", 500));
    assert!(refund(&mut world, "r3", 350));
    run_due(&mut world, NOW + 60);
    assert_eq!(money(&world, &id), (0, 0, 150, 0));
}

fn to_return(number: &str, amount: u64) -> NewReturn {
    NewReturn {
        acting: acting(),
        out_order_no: "s1".to_owned(),
        out_return_no: number.to_owned(),
        return_mchid: SHOP.to_owned(),
        amount,
        description: "back".to_owned(),
    }
}

#[test]
fn receiver_gives_back_at_most_its_share() {
    let (mut world, id) = world();
    share(
        &mut world,
        asked(&id, "s1", &[shop(100), person(50)], true),
        NOW,
    )
    .unwrap();
    // It has nothing yet.
    assert_eq!(
        give_back(&mut world, to_return("b1", 1), NOW)
            .unwrap_err()
            .code,
        "PARAM_ERROR"
    );
    run_due(&mut world, NOW + 60);
    assert_eq!(money(&world, &id), (850, 0, 100, 0));
    let first = give_back(&mut world, to_return("b1", 60), NOW + 60).unwrap();
    assert_eq!(first.body()["result"], "PROCESSING");
    let again = give_back(&mut world, to_return("b1", 60), NOW + 60).unwrap();
    assert_eq!(first.return_id, again.return_id);
    assert!(give_back(&mut world, to_return("b1", 61), NOW + 60).is_err());
    let over = give_back(&mut world, to_return("b2", 41), NOW + 60).unwrap_err();
    assert_eq!(over.code, "NOT_ENOUGH");
    let person = NewReturn {
        return_mchid: "o1".to_owned(),
        ..to_return("b3", 1)
    };
    assert_eq!(
        give_back(&mut world, person, NOW).unwrap_err().code,
        "PARAM_ERROR"
    );
    run_due(&mut world, NOW + 120);
    assert_eq!(money(&world, &id), (910, 0, 40, 0));
    give_back(&mut world, to_return("b2", 40), NOW + 120).unwrap();
    run_due(&mut world, NOW + 180);
    assert_eq!(money(&world, &id), (950, 0, 0, 0));
}

#[test]
fn return_fails_if_the_receiver_spent_the_money() {
    let (mut world, id) = world();
    share(&mut world, asked(&id, "s1", &[shop(100)], true), NOW).unwrap();
    run_due(&mut world, NOW + 60);
    world.store(SHOP).account.freeze(50).unwrap();
    give_back(&mut world, to_return("b1", 60), NOW + 60).unwrap();
    run_due(&mut world, NOW + 120);
    let body = world.stores[PAYER]
        .sharing
        .returns
        .get("b1")
        .unwrap()
        .body();
    assert_eq!(
        (&body["result"], &body["fail_reason"]),
        (&json!("FAILED"), &json!("BALANCE_NOT_ENOUGH"))
    );
    assert_eq!(money(&world, &id), (900, 0, 50, 0));
    // What failed can be asked for again.
    world.store(SHOP).account.unfreeze(50).unwrap();
    give_back(&mut world, to_return("b2", 100), NOW + 120).unwrap();
    run_due(&mut world, NOW + 180);
    assert_eq!(money(&world, &id), (1000, 0, 0, 0));
}

#[test]
fn return_is_of_the_merchant_and_not_of_a_person_with_its_number() {
    let (mut world, id) = world();
    let namesake = Receiver {
        kind: ReceiverKind::PersonalOpenid,
        account: SHOP.to_owned(),
        name: None,
        relation_type: "STORE".to_owned(),
        custom_relation: None,
    };
    add_receiver(&mut world, PAYER, &Program::Ordinary, namesake).unwrap();
    let shares = [to(ReceiverKind::PersonalOpenid, SHOP, 50), shop(100)];
    share(&mut world, asked(&id, "s1", &shares, true), NOW).unwrap();
    run_due(&mut world, NOW + 60);
    world.store(SHOP).account.freeze(50).unwrap();
    give_back(&mut world, to_return("b1", 60), NOW + 60).unwrap();
    run_due(&mut world, NOW + 120);
    // It failed, so all of the share can be asked for again.
    world.store(SHOP).account.unfreeze(50).unwrap();
    give_back(&mut world, to_return("b2", 100), NOW + 120).unwrap();
    run_due(&mut world, NOW + 180);
    assert_eq!(money(&world, &id), (950, 0, 0, 0));
}
