//! What WeChat Pay posts. Everything is stored before the acknowledgement, so that nothing is lost; what
//! arrives twice changes nothing the second time.

use axum::extract::{FromRef, State};
use wechatpay_chain::{Ack, Notification, Notifications, model::event};

use crate::{Result, Shop, web};

// What the extractor verifies and decrypts with. It refuses what is not genuine.
impl FromRef<Shop> for Notifications {
    fn from_ref(shop: &Shop) -> Self {
        shop.wechat.client().notifications()
    }
}

pub(crate) async fn hook(State(shop): State<Shop>, notification: Notification) -> Ack {
    let handled = web::blocking(move || {
        handle(&shop, &notification)?;
        Ok(notification.ack())
    });
    match handled.await {
        Ok(ack) => ack,
        Err(err) => {
            eprintln!("{err}");
            Ack::fail("not stored")
        }
    }
}

fn handle(shop: &Shop, notification: &Notification) -> Result<()> {
    match (notification.event_type(), notification.original_type()) {
        (event::TRANSACTION_SUCCESS, "transaction") => {
            shop.apply(&notification.resource()?)?;
        }
        (event::REFUND_SUCCESS | event::REFUND_ABNORMAL | event::REFUND_CLOSED, _) => {
            shop.apply_refund(&notification.resource()?)?;
        }
        (event, of) => eprintln!("not handled: {event} of {of}"),
    }
    Ok(())
}
