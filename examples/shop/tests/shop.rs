//! A customer and a clerk use the shop over HTTP, against the sandbox.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use shop::{Customer, Order, OrderState, Shop, Store, WeChat, app};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wechatpay_chain::{
    model::BeijingTime,
    sandbox::{DeliveryState, Fault, Injection, Sandbox},
};

struct Open {
    address: SocketAddr,
    sandbox: Arc<Sandbox>,
    store: Store,
    shop: Shop,
}

async fn open() -> Open {
    let sandbox = Arc::new(Sandbox::start_async().await.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let wechat = WeChat::new(
        sandbox.client_builder().build().unwrap(),
        sandbox.appid(),
        sandbox.mchid(),
        format!("http://{address}/wechatpay/notify"),
    );
    let store = Store::in_memory().unwrap();
    let shop = Shop::new(store.clone(), wechat, Customer::Sandbox(sandbox.clone()));
    let router = app(shop.clone());
    tokio::spawn(async { axum::serve(listener, router).await });
    Open {
        address,
        sandbox,
        store,
        shop,
    }
}

impl Open {
    /// Returns the status, the Location header and the body.
    async fn send(&self, method: &str, path: &str, form: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let location = head
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        (
            status,
            location.unwrap_or_default().to_owned(),
            body.to_owned(),
        )
    }

    async fn get(&self, path: &str) -> String {
        let (status, _, body) = self.send("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Posts a form, and returns where it leads.
    async fn post(&self, path: &str, form: &str) -> String {
        let (status, location, body) = self.send("POST", path, form).await;
        assert_eq!(status, 303, "{path}: {body}");
        location
    }

    fn order(&self) -> Order {
        self.store.orders().unwrap().remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_orders_pays_and_gets_a_refund() {
    let open = open().await;
    assert!(open.get("/").await.contains("Longjing"));

    let page = open.post("/orders", "tea=0").await;
    let order = open.order();
    assert_eq!(page, format!("/orders/{}", order.number));
    let shown = open.get(&page).await;
    assert!(
        shown.contains("<svg") && shown.contains("¥18.00"),
        "{shown}"
    );
    assert_eq!(open.get(&format!("{page}/state")).await, "NEW");

    open.post(&format!("{page}/pay"), "").await;
    open.sandbox.settle_async().await.unwrap();
    assert_eq!(open.get(&format!("{page}/state")).await, "PAID");
    let deliveries = open.sandbox.deliveries();
    assert_eq!(deliveries.len(), 1);
    assert_eq!(*deliveries[0].state(), DeliveryState::Acknowledged);

    open.post(&format!("{page}/refund"), "fen=800").await;
    let refund = open.store.refunds(&order.number).unwrap().remove(0);
    assert_eq!((refund.fen, refund.state.as_str()), (800, "PROCESSING"));
    open.sandbox.refund_succeeds(&refund.number).unwrap();
    open.sandbox.settle_async().await.unwrap();
    let refund = open.store.refunds(&order.number).unwrap().remove(0);
    assert_eq!(refund.state, "SUCCESS");

    // No more than what is left.
    let (status, _, body) = open
        .send("POST", &format!("{page}/refund"), "fen=1001")
        .await;
    assert_eq!(status, 409, "{body}");
    open.post(&format!("{page}/refund"), "fen=1000").await;
    assert_eq!(open.store.refunds(&order.number).unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_counts_once_however_often_it_is_reported() {
    let open = open().await;
    open.post("/orders", "tea=1").await;
    let order = open.order();
    open.sandbox.user_pays(&order.number).unwrap();
    open.sandbox.settle_async().await.unwrap();
    let id = open.sandbox.deliveries()[0].id().to_owned();
    open.sandbox.duplicate(&id).unwrap();
    open.sandbox.settle_async().await.unwrap();
    let paid = open.order();
    assert_eq!(paid.state, OrderState::Paid);

    let day = BeijingTime::now().date();
    let (number, id) = (order.number.as_str(), "4200000000000000000000000000");
    assert!(!open.store.mark_paid(number, order.total, id, &day).unwrap());
    assert_eq!(open.order(), paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_of_another_amount_does_not_count() {
    let open = open().await;
    open.post("/orders", "tea=1").await;
    let order = open.order();
    let day = BeijingTime::now().date();
    assert!(
        !open
            .store
            .mark_paid(&order.number, order.total - 1, "1", &day)
            .unwrap()
    );
    assert_eq!(open.order().state, OrderState::New);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_found_paid_although_no_notification_arrives() {
    let open = open().await;
    open.sandbox.hold_deliveries();
    open.post("/orders", "tea=2").await;
    // As if it had been placed a minute ago.
    let mut order = open.order();
    order.number.push('X');
    order.created -= 60;
    open.store.add_order(&order).unwrap();
    let number = order.number.clone();
    let shop = open.shop.clone();
    blocking(move || shop.find(&number).map(drop)).await;
    open.sandbox.user_pays(&order.number).unwrap();

    let shop = open.shop.clone();
    blocking(move || shop.follow_up()).await;
    let found = open.store.order(&order.number).unwrap().unwrap();
    assert_eq!(found.state, OrderState::Paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_that_nobody_pays_is_closed() {
    let open = open().await;
    open.post("/orders", "tea=2").await;
    let mut order = open.order();
    order.number.push('X');
    order.created -= 3600;
    open.store.add_order(&order).unwrap();
    let shop = open.shop.clone();
    blocking(move || shop.follow_up()).await;
    let found = open.store.order(&order.number).unwrap().unwrap();
    assert_eq!(found.state, OrderState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn refund_whose_response_is_lost_is_found_again() {
    let open = open().await;
    let page = open.post("/orders", "tea=0").await;
    let order = open.order();
    open.post(&format!("{page}/pay"), "").await;
    open.sandbox.settle_async().await.unwrap();

    let lost = Injection::new(Fault::LostResponse)
        .path("v3/refund/domestic/refunds")
        .times(2);
    open.sandbox.inject_with(lost).unwrap();
    let (status, _, _) = open
        .send("POST", &format!("{page}/refund"), "fen=1800")
        .await;
    assert_eq!(status, 502);
    assert_eq!(open.store.refunds(&order.number).unwrap()[0].state, "NEW");

    let shop = open.shop.clone();
    blocking(move || shop.follow_up()).await;
    let refunds = open.store.refunds(&order.number).unwrap();
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0].state, "PROCESSING");
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciling_finds_what_differs() {
    let open = open().await;
    for tea in ["tea=0", "tea=1"] {
        let page = open.post("/orders", tea).await;
        open.post(&format!("{page}/pay"), "").await;
    }
    open.sandbox.settle_async().await.unwrap();
    let day = paid_day(&open);
    open.post("/next-day", "").await;
    assert!(
        open.get(&format!("/books/{day}"))
            .await
            .contains("Every payment")
    );

    // A payment that WeChat Pay does not know.
    let mut order = open.order();
    order.number = "tea0000".into();
    open.store.add_order(&order).unwrap();
    open.store
        .mark_paid("tea0000", order.total, "1", &day)
        .unwrap();
    let found = open.get(&format!("/books/{day}")).await;
    assert!(
        found.contains("tea0000") && found.contains("not in the bill"),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_notification_is_refused() {
    let open = open().await;
    let (status, _, body) = open.send("POST", "/wechatpay/notify", "{}").await;
    assert!((400..500).contains(&status), "{status}: {body}");
}

/// The day on which the newest order was paid: the test may run across midnight.
fn paid_day(open: &Open) -> String {
    let today = BeijingTime::now();
    let days = [today, today - Duration::from_secs(86_400)].map(|time| time.date());
    let paid = |day: &&String| !open.store.paid_on(day).unwrap().is_empty();
    days.iter().find(paid).unwrap().clone()
}

async fn blocking(work: impl FnOnce() -> shop::Result<()> + Send + 'static) {
    tokio::task::spawn_blocking(work).await.unwrap().unwrap();
}
