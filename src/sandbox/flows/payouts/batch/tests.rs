//! The rules of batch transfers, without a server.

use super::{
    rules::{close, create, fail_detail, finish},
    *,
};
use crate::sandbox::state::{merchant::Merchants, random::Rng, world::World};

const NOW: u64 = 1_528_425_296;
const MCHID: &str = "1900000109";

fn new(number: &str, amounts: &[u64]) -> NewBatch {
    let details = amounts.iter().enumerate().map(|(n, amount)| NewDetail {
        out_detail_no: format!("{number}d{n}"),
        amount: *amount,
        remark: "奖金".to_owned(),
        openid: format!("o{n}"),
        user_name: None,
        request: Map::new(),
    });
    NewBatch {
        mchid: MCHID.to_owned(),
        appid: "wxd678efh567hg6787".to_owned(),
        out_batch_no: number.to_owned(),
        name: "五月".to_owned(),
        remark: "奖金".to_owned(),
        total: amounts.iter().sum(),
        details: details.collect(),
        scene: None,
        notify_url: Some("http://127.0.0.1:1/notify".to_owned()),
    }
}

fn world() -> World {
    let mut world = World::new(Rng::from_seed(1), Some(60));
    world.add_store(MCHID, 1000);
    world
}

/// Available, frozen, status, number of entries.
fn seen(world: &mut World, number: &str) -> (u64, u64, &'static str, usize) {
    let store = world.store(MCHID);
    let status = store.batch.batches.get(number).unwrap().status();
    let account = &store.account;
    (
        account.available(),
        account.frozen(),
        status,
        account.entries().count(),
    )
}

#[test]
fn batch_pays_all_users_once() {
    let mut world = world();
    let first = create(&mut world, new("b1", &[100, 200, 300]), NOW).unwrap();
    assert_eq!(seen(&mut world, "b1"), (400, 600, "ACCEPTED", 0));
    let again = create(&mut world, new("b1", &[100, 200, 300]), NOW).unwrap();
    assert_eq!(first.batch_id, again.batch_id);
    let other = create(&mut world, new("b1", &[100, 200, 301]), NOW).unwrap_err();
    assert!(other.message.contains("不一致"), "{other:?}");
    assert_eq!(seen(&mut world, "b1").1, 600);
    assert_eq!(
        create(&mut world, new("b2", &[401]), NOW).unwrap_err().code,
        "NOT_ENOUGH"
    );
    world.run_due(&Merchants::default(), NOW + 60);
    assert_eq!(seen(&mut world, "b1"), (400, 0, "FINISHED", 3));
    assert!(finish(&mut world, MCHID, "b1", NOW).is_err());
    assert!(close(&mut world, MCHID, "b1", "OVERDUE_CLOSE", NOW).is_err());
    assert_eq!(seen(&mut world, "b1"), (400, 0, "FINISHED", 3));
}

#[test]
fn failed_transfer_of_a_batch_gives_its_money_back() {
    let mut world = world();
    create(&mut world, new("b1", &[100, 200]), NOW).unwrap();
    fail_detail(&mut world, MCHID, "b1d1", "NAME_NOT_CORRECT", NOW).unwrap();
    assert_eq!(seen(&mut world, "b1"), (900, 100, "PROCESSING", 0));
    assert!(fail_detail(&mut world, MCHID, "b1d1", "NAME_NOT_CORRECT", NOW).is_err());
    assert!(close(&mut world, MCHID, "b1", "OVERDUE_CLOSE", NOW).is_err());
    world.run_due(&Merchants::default(), NOW + 60);
    assert_eq!(seen(&mut world, "b1"), (900, 0, "FINISHED", 1));
    let batch = world.store(MCHID).batch.batches.get("b1").unwrap();
    let summary = batch.summary();
    assert_eq!(
        (&summary["success_amount"], &summary["fail_amount"]),
        (&100.into(), &200.into())
    );
    assert_eq!(batch.list(Some("FAIL"), 0, 20)[0]["out_detail_no"], "b1d1");
    assert_eq!(batch.list(None, 1, 20).len(), 1);
}

#[test]
fn batch_ends_with_its_last_transfer() {
    let mut world = world();
    create(&mut world, new("b1", &[100]), NOW).unwrap();
    fail_detail(&mut world, MCHID, "b1d0", "NAME_NOT_CORRECT", NOW).unwrap();
    assert_eq!(seen(&mut world, "b1"), (1000, 0, "FINISHED", 0));
}

#[test]
fn closed_batch_gives_all_money_back() {
    let mut world = world();
    create(&mut world, new("b1", &[100, 200]), NOW).unwrap();
    close(&mut world, MCHID, "b1", "OVERDUE_CLOSE", NOW).unwrap();
    assert_eq!(seen(&mut world, "b1"), (1000, 0, "CLOSED", 0));
    world.run_due(&Merchants::default(), NOW + 60);
    assert_eq!(seen(&mut world, "b1"), (1000, 0, "CLOSED", 0));
    let batch = world.store(MCHID).batch.batches.get("b1").unwrap();
    assert_eq!(batch.resource()["close_reason"], "OVERDUE_CLOSE");
}
