//! Receives notifications with axum and handles each of them once. Run it with
//!
//! ```text
//! cargo run --example axum_notification --features axum
//! ```
//!
//! and with `WXPAY_MCHID`, `WXPAY_PUB_KEY_ID`, `WXPAY_PUB_KEY` (the path of `pub_key.pem`) and
//! `WXPAY_APIV3_KEY` set. In a crate of your own it needs
//!
//! ```toml
//! [dependencies]
//! axum = "0.8"
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "time"] }
//! wechatpay-chain = { version = "0.1", features = ["axum"] }
//! ```

use std::{env, error::Error, sync::Arc};

use axum::{
    Router,
    extract::{FromRef, State},
    routing::post,
};
use wechatpay_chain::{Ack, MemoryGuard, Notification, Notifications, PublicKey};

#[derive(Clone)]
struct App {
    notifications: Notifications,
    /// One for all requests. If several processes receive, they need one that they share.
    guard: Arc<MemoryGuard>,
}

impl FromRef<App> for Notifications {
    fn from_ref(app: &App) -> Self {
        app.notifications.clone()
    }
}

async fn hook(State(app): State<App>, notification: Notification) -> Ack {
    let handled = notification.once_async(&app.guard, handle(&notification));
    // WeChat Pay waits for five seconds in all: put work that takes longer into a queue.
    match tokio::time::timeout(notification.time_left(), handled).await {
        Ok(Ok(ack)) => ack,
        Ok(Err(err)) => {
            eprintln!("{err}");
            Ack::refusal(&err)
        }
        Err(_) => notification.fail("timed out"),
    }
}

async fn handle(notification: &Notification) -> Result<(), Box<dyn Error + Send + Sync>> {
    match (notification.event_type(), notification.original_type()) {
        ("TRANSACTION.SUCCESS", "transaction") => {
            let transaction = notification.resource_json();
            println!("paid: {}", transaction["out_trade_no"]);
            Ok(())
        }
        (event, of) => {
            println!("not handled: {event} of {of}");
            Ok(())
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let notifications = Notifications::builder()
        .mchid(env::var("WXPAY_MCHID")?)
        .platform_key(
            env::var("WXPAY_PUB_KEY_ID")?,
            PublicKey::from_pem_file(env::var("WXPAY_PUB_KEY")?)?,
        )
        .apiv3_key(env::var("WXPAY_APIV3_KEY")?)
        .build()?;
    let app = Router::new()
        .route("/wechatpay/notify", post(hook))
        .with_state(App {
            notifications,
            guard: Arc::new(MemoryGuard::new()),
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
