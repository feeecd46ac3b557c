//! What can be done: each act that is offered succeeds, and each other is refused.

use std::collections::BTreeSet;

use super::{super::call, NONE, Shop};

#[test]
fn each_offered_act_succeeds_and_each_other_is_refused() {
    let shop = Shop::open();
    shop.fill();
    let start = shop.sandbox.snapshot();
    let (mut offered, mut refused) = (0, 0);
    for (list, acts, count) in [
        (
            "orders",
            &["pay", "enter-password", "fail", "expire"][..],
            40,
        ),
        ("refunds", &["succeed", "fail"], 4),
        ("transfers", &["confirm", "succeed", "fail", "cancel"], 6),
        ("service-orders", &["confirm", "pay", "expire"], 7),
    ] {
        let rows = shop.get(list);
        let rows = rows["data"].as_array().unwrap();
        assert_eq!(rows.len(), count, "{list}");
        for row in rows {
            let can = row["can"].as_array().unwrap();
            let (mchid, number) = (
                row["mchid"].as_str().unwrap(),
                row["number"].as_str().unwrap(),
            );
            // The endpoints below `orders/` are about the first of several kinds.
            let one = shop.get(&format!("{list}?mchid={mchid}&text={number}"));
            let is_first = one["data"][0]["id"] == row["id"];
            if list == "orders" && !is_first && row["number"] == one["data"][0]["number"] {
                assert!(can.is_empty(), "{row}");
                continue;
            }
            for act in acts {
                let target = format!("{list}/{number}/{act}?mchid={mchid}");
                let (status, answer) = call(&shop.sandbox, "POST", &target, NONE);
                let is_offered = can.iter().any(|own| own == act);
                assert_eq!(status == 200, is_offered, "{act} of {row}: {answer}");
                match is_offered {
                    true => offered += 1,
                    false => refused += 1,
                }
                shop.sandbox.restore(&start).unwrap();
            }
        }
    }
    assert!(offered > 40 && refused > 80, "{offered} {refused}");
}

#[test]
fn states_of_all_kinds_are_among_those_that_are_tried() {
    let shop = Shop::open();
    shop.fill();
    let states = |list: &str| {
        let rows = shop.get(list);
        let rows = rows["data"].as_array().unwrap();
        let state = |row: &serde_json::Value| row["state"].as_str().unwrap().to_owned();
        rows.iter().map(state).collect::<BTreeSet<_>>()
    };
    let expected = |states: &str| {
        states
            .split(' ')
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        states("orders"),
        expected(
            "NOTPAY ACCEPT USERPAYING SUCCESS REFUND CLOSED REVOKED PAYERROR CREATED DOING/USER_CONFIRM \
             DOING/MCH_COMPLETE DONE EXPIRED"
        )
    );
    assert_eq!(
        states("refunds"),
        expected("PROCESSING SUCCESS ABNORMAL CLOSED")
    );
    assert_eq!(
        states("transfers"),
        expected("WAIT_USER_CONFIRM TRANSFERING SUCCESS FAIL CANCELING CANCELLED")
    );
}
