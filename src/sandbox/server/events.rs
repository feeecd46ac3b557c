//! The stream of events to one subscriber, as server-sent events.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, header::CACHE_CONTROL};
use http_body::Frame;
use tokio::{
    sync::{Notify, futures::OwnedNotified},
    task::AbortHandle,
    time::{Sleep, sleep},
};

use crate::sandbox::{
    control,
    dispatch::response::ApiResponse,
    outbox::{SandboxEvent, Subscription},
    state::SandboxState,
};

/// After how much silence a comment is sent, so that what is between does not take the connection for dead.
const SILENCE: Duration = Duration::from_secs(15);

/// Returns the response, with the events from now on as its body. It hangs up if they are not read as fast
/// as they happen, and ends with a reset: a reader that missed a change must not believe that it knows all.
pub(super) fn stream(
    state: &SandboxState,
    response: ApiResponse,
    is_brief: bool,
    hangup: &Arc<Notify>,
) -> Response<Body> {
    let subscription = Arc::new(state.post.subscribe());
    let (watched, hangup) = (Arc::clone(&subscription), Arc::clone(hangup));
    let watch = tokio::spawn(async move {
        watched.overrun().await;
        hangup.notify_one();
    });
    let (parts, _) = response
        .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .into_response()
        .into_parts();
    let body = EventBody {
        // At once, so that a reader knows that it is subscribed.
        first: Some(": subscribed\n\n"),
        next: next(Arc::clone(&subscription)),
        subscription,
        replaced: Box::pin(state.post.replaced()),
        is_brief,
        silence: Box::pin(sleep(SILENCE)),
        watch: watch.abort_handle(),
    };
    Response::from_parts(parts, Body::new(body))
}

type Next = Pin<Box<dyn Future<Output = Option<SandboxEvent>> + Send>>;

struct EventBody {
    first: Option<&'static str>,
    next: Next,
    subscription: Arc<Subscription>,
    replaced: Pin<Box<OwnedNotified>>,
    is_brief: bool,
    silence: Pin<Box<Sleep>>,
    watch: AbortHandle,
}

fn next(subscription: Arc<Subscription>) -> Next {
    Box::pin(async move { subscription.next().await })
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let text = if let Some(first) = self.first.take() {
            first.to_owned()
        } else if self.replaced.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        } else if let Poll::Ready(event) = self.next.as_mut().poll(cx) {
            let Some(event) = event else {
                return Poll::Ready(None);
            };
            self.next = next(Arc::clone(&self.subscription));
            let (name, data) = control::event(&event, self.is_brief);
            format!("event: {name}\ndata: {data}\n\n")
        } else if self.silence.as_mut().poll(cx).is_ready() {
            ":\n\n".to_owned()
        } else {
            return Poll::Pending;
        };
        self.silence = Box::pin(sleep(SILENCE));
        Poll::Ready(Some(Ok(Frame::data(text.into()))))
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
