//! What happens to one request: it is verified, kept, forwarded and answered.

use http_body_util::Full;
use hyper::body::Bytes;
use wechatpay_chain::{Notifications, http::Response};

use super::super::{
    forward::{self, NoReply, Reply, Target},
    message::Message,
    store::{Record, Store},
    verdict::{Verdict, When, now},
};

pub(super) struct Handler {
    pub(super) notifications: Notifications,
    pub(super) target: Option<Target>,
    pub(super) forwards_unverified: bool,
    pub(super) store: Store,
}

/// What is shown of a request.
pub(super) struct Seen {
    pub(super) received: u64,
    pub(super) is_v2: bool,
    pub(super) verdict: Verdict,
    /// The ID in the store, or why it is not there.
    pub(super) kept: Result<String, String>,
    /// `None` if it was not forwarded.
    pub(super) reply: Option<Result<Reply, NoReply>>,
    /// The status of the response to the sender.
    pub(super) answered: u16,
}

impl Handler {
    pub(super) async fn handle(&self, message: Message) -> (Seen, Response<Full<Bytes>>) {
        let received = now();
        let verdict = Verdict::of(&message, &self.notifications, When::Now).await;
        let is_forwarded = verdict.is_verified() || self.forwards_unverified;
        let target = self.target.as_ref().filter(|_| is_forwarded);
        let kept = self.keep(&message, received, &verdict, target);
        let reply = match target {
            Some(target) => Some(forward::send(&message, target).await),
            None => None,
        };
        let response = match &reply {
            None => verdict.ack(&message).into(),
            Some(Ok(reply)) => passed_back(reply),
            Some(Err(_)) => verdict.failed_ack(&message).into(),
        };
        let seen = Seen {
            received,
            is_v2: message.is_v2(),
            verdict,
            kept,
            reply,
            answered: response.status().as_u16(),
        };
        (seen, response)
    }

    fn keep(
        &self,
        message: &Message,
        received: u64,
        verdict: &Verdict,
        target: Option<&Target>,
    ) -> Result<String, String> {
        let forward_to = target.map(|target| target.url().to_owned());
        let facts = verdict.facts.clone();
        let mut record = Record::new(message, received, verdict.name(), facts, forward_to);
        self.store.put(&mut record).map_err(|err| err.to_string())
    }
}

/// Returns the receiver's reply as the response to the sender.
fn passed_back(reply: &Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body.clone()));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.own_headers();
    response
}
