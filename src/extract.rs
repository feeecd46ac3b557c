//! The axum extractor for notifications.

use std::{
    fmt,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{
    client::{Client, Notifications},
    error::{Cause, Error, ErrorKind, Result},
    protocol::{
        notification::{BUDGET, Notification, ack::Ack, receiver::check_size},
        response::v2::is_xml,
    },
    wire::Clock,
};

/// Extracts a notification: reads at most 1 MiB, then verifies and decrypts it, all within five
/// seconds.
///
/// The router's state is a [`Client`] or [`Notifications`], or provides [`Notifications`] through
/// [`FromRef`].
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::post};
/// use wechatpay_chain::{Ack, Client, Notification};
///
/// async fn hook(notification: Notification) -> Ack {
///     println!("{}: {}", notification.id(), notification.event_type());
///     notification.ack()
/// }
///
/// fn app(client: Client) -> Router {
///     Router::new().route("/notify", post(hook)).with_state(client)
/// }
/// # let _ = app;
/// ```
///
/// With a state of your own, implement [`FromRef`] for its [`Notifications`]. [`Notifications::all`]
/// receives for several merchants:
///
/// ```
/// use axum::{Router, extract::FromRef, routing::post};
/// use wechatpay_chain::{Ack, Client, Notification, Notifications};
///
/// #[derive(Clone)]
/// struct App {
///     notifications: Notifications,
///     // … a database, a replay guard …
/// }
///
/// impl FromRef<App> for Notifications {
///     fn from_ref(app: &App) -> Self {
///         app.notifications.clone()
///     }
/// }
///
/// async fn hook(notification: Notification) -> Ack {
///     println!("for {:?}: {}", notification.mchid(), notification.event_type());
///     notification.ack()
/// }
///
/// fn app(clients: &[Client]) -> Router {
///     let notifications = Notifications::all(clients);
///     Router::new().route("/notify", post(hook)).with_state(App { notifications })
/// }
/// # let _ = app;
/// ```
///
/// The extractor consumes the body, so it must be the handler's last parameter. If the compiler only says
/// that the handler does not implement `Handler`, add `#[axum::debug_handler(state = App)]` to it (axum's
/// feature `macros`). Usually the `FromRef` is missing, or the parameter is not the last one.
///
/// To handle refused notifications, extract `Result<Notification, NotificationRejection>`. The
/// [error](NotificationRejection::error) returns the content of another merchant's notification through
/// [`refused_notification`](crate::Error::refused_notification).
impl<S> FromRequest<S> for Notification
where
    Notifications: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        // WeChat Pay's five seconds started when it sent the request; this is the closest we can get.
        let received = Instant::now();
        let notifications = Notifications::from_ref(state);
        let (parts, body) = request.into_parts();
        // A rejection responds in the format of the request, even if the notification cannot be opened.
        let mut v2 = false;
        let clock = match Clock::get() {
            Ok(clock) => clock,
            Err(cause) => {
                let error = cause.not_sent();
                return Err(NotificationRejection { error, v2 });
            }
        };
        let received_in_time = clock.timeout(BUDGET, async {
            let body = read(body).await?;
            v2 = is_xml(&body);
            notifications
                .receive_since(received, &parts.headers, &body)
                .await
        });
        let error = match received_in_time.await {
            Ok(Ok(notification)) => return Ok(notification),
            Ok(Err(error)) => error,
            Err(_) => timed_out(BUDGET),
        };
        tracing::warn!(target: "wechatpay_chain", %error, "notification refused");
        Err(NotificationRejection { error, v2 })
    }
}

impl FromRef<Client> for Notifications {
    fn from_ref(client: &Client) -> Self {
        client.notifications()
    }
}

impl IntoResponse for Ack {
    fn into_response(self) -> Response {
        http::Response::<Body>::from(self)
    }
}

/// The error of the extractor. As a response it becomes [`Ack::refusal`].
///
/// ```
/// use wechatpay_chain::{Ack, Notification, NotificationRejection};
///
/// async fn hook(notification: Result<Notification, NotificationRejection>) -> Ack {
///     match notification {
///         Ok(notification) => notification.ack(),
///         Err(rejection) => {
///             eprintln!("refused: {}", rejection.error());
///             Ack::refusal(rejection.error())
///         }
///     }
/// }
/// ```
pub struct NotificationRejection {
    error: Error,
    v2: bool,
}

impl NotificationRejection {
    /// Returns the error.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Converts this into the error.
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl IntoResponse for NotificationRejection {
    fn into_response(self) -> Response {
        let ack = Ack::refusal(&self.error);
        if self.v2 { ack.v2() } else { ack }.into_response()
    }
}

impl fmt::Debug for NotificationRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotificationRejection")
            .field(&self.error)
            .finish()
    }
}

impl fmt::Display for NotificationRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for NotificationRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Reads the body up to the limit. If its declared length exceeds the limit, reads nothing.
async fn read(body: Body) -> Result<Bytes> {
    let declared = http_body::Body::size_hint(&body).lower();
    check_size(usize::try_from(declared).unwrap_or(usize::MAX)).map_err(Cause::not_sent)?;
    match Limited::new(body, Notifications::MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(err) if err.is::<LengthLimitError>() => check_size(usize::MAX)
            .map(|()| Bytes::new())
            .map_err(Cause::not_sent),
        Err(err) => Err(Cause::new(
            ErrorKind::Transport,
            "the connection broke while the body was read",
        )
        .with_source(err)
        .in_step("body")
        .not_sent()),
    }
}

fn timed_out(limit: Duration) -> Error {
    Cause::new(
        ErrorKind::Timeout,
        format!("not received and opened within {limit:?}"),
    )
    .in_step("time")
    .not_sent()
}
