//! Money in and out by day, beside the balances.

use std::time::Duration;

use serde_json::{Value, json};

use super::{super::call, NONE, Shop};
use crate::sandbox::payments::orders::SUB_MCHID;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn days_add_up_to_what_the_balance_gained() {
    let shop = Shop::open();
    let mchid = shop.sandbox.mchid().to_owned();
    let balance = || {
        let balance = shop.sandbox.balance(&mchid).unwrap();
        i64::try_from(balance.available + balance.frozen).unwrap()
    };
    let opening = balance();
    shop.prepay("native", "tea-0001");
    shop.sandbox.user_pays("tea-0001").unwrap();
    shop.sandbox.advance(DAY);
    shop.prepay("native", "tea-0002");
    shop.sandbox.user_pays("tea-0002").unwrap();
    shop.refund("tea-0001", "r1", 30);
    shop.sandbox.advance(DAY);
    shop.transfer("t1");
    // Frozen money has not gone out.
    let target = format!("money?days=4&mchid={mchid}");
    let sums = |target: &str| {
        let money = shop.get(target);
        let fen = |day: &Value, name: &str| day[name].as_i64().unwrap();
        let days = money["data"].as_array().unwrap().iter();
        days.map(|day| (fen(day, "in"), fen(day, "out")))
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(&target), [(0, 0), (100, 0), (100, 30), (0, 0)]);
    shop.sandbox.user_confirms_transfer("t1").unwrap();
    shop.sandbox.transfer_succeeds("t1").unwrap();
    let moved = sums(&target);
    assert_eq!(moved[3], (0, 100));
    let gained: i64 = moved.iter().map(|(received, paid)| received - paid).sum();
    assert_eq!(gained, balance() - opening);

    // Only the last day, of all merchants and of another one.
    assert_eq!(sums("money?days=1"), [(0, 100)]);
    assert_eq!(
        sums(&format!("money?days=2&mchid={SUB_MCHID}")),
        [(0, 0); 2]
    );
    assert_eq!(sums("money").len(), 30);
    for days in ["0", "367", "x"] {
        let (status, refused) = call(&shop.sandbox, "GET", &format!("money?days={days}"), NONE);
        assert_eq!((status, &refused["code"]), (400, &json!("PARAM_ERROR")));
    }
}

#[test]
fn days_are_those_of_beijing() {
    let shop = Shop::open();
    // It is noon there.
    let days = || {
        shop.get("money?days=1")["data"][0]["day"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let today = days();
    shop.sandbox.advance(Duration::from_secs(11 * 3600));
    assert_eq!(days(), today);
    shop.sandbox.advance(Duration::from_secs(2 * 3600));
    let tomorrow = days();
    assert!(tomorrow > today, "{today} {tomorrow}");
    assert_eq!(tomorrow.len(), "2018-06-08".len());
}
