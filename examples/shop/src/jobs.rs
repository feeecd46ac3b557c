//! What runs without anyone asking: following up, and reconciling.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use wechatpay_chain::model::BeijingTime;

use crate::{Shop, web};

/// How often open orders and refunds are asked about.
const FOLLOW_UP: Duration = Duration::from_secs(30);
/// The bill of a day is ready at about 10 in the morning of the next one.
const BILL_IS_READY: &str = "10:30";

/// Runs until the process ends.
pub(crate) async fn run(shop: Shop) {
    let mut timer = interval(FOLLOW_UP);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reconciled = String::new();
    loop {
        timer.tick().await;
        let each = shop.clone();
        if let Err(err) = web::blocking(move || each.follow_up()).await {
            eprintln!("follow-up: {err}");
        }

        let now = BeijingTime::now();
        let yesterday = (now - Duration::from_secs(86_400)).date();
        // The time of day stands behind the date and `T`.
        if now.to_string()[11..] < *BILL_IS_READY || reconciled == yesterday {
            continue;
        }
        let (each, day) = (shop.clone(), yesterday.clone());
        match web::blocking(move || each.reconcile(&day)).await {
            Ok(found) => {
                println!("{yesterday}: {} differences", found.len());
                found.iter().for_each(|line| println!("  {line}"));
                reconciled = yesterday;
            }
            Err(err) => eprintln!("reconciling {yesterday}: {err}"),
        }
    }
}
