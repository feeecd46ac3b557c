//! The axum extractor, called through a router.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Request, StatusCode},
    response::IntoResponse as _,
    routing::post,
};
use http_body_util::BodyExt as _;
use tower_service::Service as _;
use wechatpay_chain::{Ack, Client, Notification, NotificationRejection, Notifications};

use super::node::{APIV3_KEY, Delivery, genuine, receiver};
use crate::fixtures::{
    keys::{PLATFORM_ID, builder, platform},
    programs,
};

async fn handler(notification: Notification) -> Ack {
    assert!(notification.time_left() > Duration::ZERO);
    match notification.event_type() {
        "TRANSACTION.SUCCESS" => notification.ack(),
        _ => notification.fail("not handled here"),
    }
}

fn by_client() -> Router {
    let client = builder().build().unwrap();
    let with_state = |State(_): State<Client>, notification| handler(notification);
    Router::new()
        .route("/", post(with_state))
        .with_state(client)
}

fn by_notifications() -> Router {
    let route = Router::<Notifications>::new().route("/", post(handler));
    route.with_state(receiver())
}

async fn post_to(
    mut app: Router,
    headers: &[(String, String)],
    body: Body,
) -> (StatusCode, String) {
    let mut request = Request::post("/");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = app.call(request.body(body).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn deliver(app: Router, sent: &Delivery) -> (StatusCode, String) {
    post_to(app, &sent.headers, sent.body.clone().into()).await
}

#[tokio::test]
async fn genuine_notification_reaches_the_handler() {
    if programs::missing() {
        return;
    }
    for app in [by_client(), by_notifications()] {
        assert_eq!(
            deliver(app, &genuine()).await,
            (StatusCode::NO_CONTENT, String::new())
        );
    }
}

#[tokio::test]
async fn one_state_serves_several_merchants() {
    if programs::missing() {
        return;
    }
    let other = Notifications::builder()
        .mchid("1900000110")
        .apiv2_key("fedcba9876543210fedcba9876543210")
        .build()
        .unwrap();
    let all = Notifications::all([other, receiver()]);
    let app = Router::new().route("/", post(handler)).with_state(all);
    assert_eq!(
        deliver(app, &genuine()).await,
        (StatusCode::NO_CONTENT, String::new())
    );
}

#[tokio::test]
async fn handler_can_take_a_refused_notification() {
    if programs::missing() {
        return;
    }
    let other = Notifications::builder()
        .mchid("1900000110")
        .platform_key(PLATFORM_ID, platform().public())
        .apiv3_key(APIV3_KEY)
        .build()
        .unwrap();
    let handler = |result: Result<Notification, NotificationRejection>| async move {
        match result {
            Ok(notification) => notification.ack().into_response(),
            Err(rejection) => match rejection.error().refused_notification() {
                Some(refused) => Ack::dismiss(refused).into_response(),
                None => rejection.into_response(),
            },
        }
    };
    let app = || {
        Router::new()
            .route("/", post(handler))
            .with_state(other.clone())
    };
    let (status, _) = deliver(app(), &genuine()).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let mut altered = genuine();
    altered.body.push(b' ');
    let (status, _) = deliver(app(), &altered).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn forged_notification_does_not_reach_the_handler() {
    if programs::missing() {
        return;
    }
    let mut altered = genuine();
    altered.body.push(b' ');
    let (status, body) = deliver(by_client(), &altered).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(body, r#"{"code":"FAIL","message":"signature refused"}"#);

    let xml = Delivery {
        headers: vec![],
        body: b"<xml><return_code>SUCCESS</return_code></xml>".to_vec(),
    };
    let (status, body) = deliver(by_notifications(), &xml).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.starts_with("<xml><return_code>FAIL</return_code>"),
        "{body}"
    );
}

#[tokio::test]
async fn endless_body_is_refused_at_the_limit() {
    if programs::missing() {
        return;
    }
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let endless = body_of(move || Some(chunk.clone()));
    let (status, _) = post_to(by_client(), &[], endless).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);

    let declared = Body::from(vec![b'x'; 2 * 1024 * 1024]);
    let (status, _) = post_to(by_client(), &[], declared).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn stalled_body_times_out() {
    if programs::missing() {
        return;
    }
    let stalled = body_of(|| None);
    let (status, body) = post_to(by_client(), &[], stalled).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("timed out"), "{body}");
}

/// A body of the chunks that `next` returns. When it returns `None`, the body stalls forever.
fn body_of(next: impl FnMut() -> Option<Bytes> + Unpin + Send + 'static) -> Body {
    Body::new(Chunks(next))
}

struct Chunks<F>(F);

impl<F: FnMut() -> Option<Bytes> + Unpin> http_body::Body for Chunks<F> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        match (self.0)() {
            Some(chunk) => std::task::Poll::Ready(Some(Ok(http_body::Frame::data(chunk)))),
            None => std::task::Poll::Pending,
        }
    }
}
