//! A notification with its ID, its body and its attempts.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Attempt, Content, Delivery, DeliveryState, Notice, schedule::wait_after};
use crate::sandbox::state::header_bytes;

/// What an attempt counts in addition to its response, in bytes.
const ATTEMPT: usize = 1024;
/// How many attempts of a parcel are kept.
const MAX_ATTEMPTS: usize = 100;

/// A notification on its way.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    id: String,
    notice: Arc<Notice>,
    created: u64,
    body: Option<Bytes>,
    attempts: Vec<Attempt>,
    bytes: usize,
    next: Next,
    /// How many attempts of the schedule were made.
    made: usize,
    /// Counts how often the schedule was begun again.
    schedule: u64,
}

/// What comes next for a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// It is sent at this time.
    Due(u64),
    /// Its scheduled attempt is on its way, which was due at this time.
    OnWay(u64),
    Ended(Ending),
    GivenUp,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Acknowledged,
    /// No acknowledgement arrived.
    Refused,
    /// It could not be sent at all, and never can.
    NotSent(String),
}

impl Parcel {
    pub(super) fn new(id: String, notice: Notice, now: u64) -> Self {
        let bytes = ATTEMPT + notice_bytes(&notice);
        Self {
            id,
            notice: Arc::new(notice),
            created: now,
            body: None,
            attempts: Vec::new(),
            bytes,
            next: Next::Due(now),
            made: 0,
            schedule: 0,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn notice(&self) -> Arc<Notice> {
        Arc::clone(&self.notice)
    }

    pub(crate) fn created(&self) -> u64 {
        self.created
    }

    pub(crate) fn body(&self) -> Option<Bytes> {
        self.body.clone()
    }

    /// Returns about how many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns when the next attempt of the schedule is due, unless it is on its way.
    pub(super) fn due(&self) -> Option<u64> {
        match self.next {
            Next::Due(due) => Some(due),
            _ => None,
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.next, Next::Ended(_) | Next::GivenUp)
    }

    /// Keeps a body, unless there is one. Returns the one there is, and how many bytes were added.
    pub(super) fn keep_body(&mut self, body: Bytes) -> (Bytes, usize) {
        if let Some(kept) = &self.body {
            return (kept.clone(), 0);
        }
        self.body = Some(body.clone());
        self.bytes += body.len();
        let added = body.len();
        (body, added)
    }

    /// Takes it on its way. Returns its schedule's number.
    pub(super) fn leave(&mut self, is_scheduled: bool) -> u64 {
        if let (true, Next::Due(due)) = (is_scheduled, &self.next) {
            self.next = Next::OnWay(*due);
        }
        self.schedule
    }

    /// Makes a scheduled attempt on its way due again. Returns when it was due.
    pub(super) fn back_to_waiting(&mut self) -> Option<u64> {
        let Next::OnWay(due) = self.next else {
            return None;
        };
        self.next = Next::Due(due);
        Some(due)
    }

    /// Begins the schedule again.
    pub(super) fn restart(&mut self, now: u64) {
        self.next = Next::Due(now);
        self.made = 0;
        self.schedule += 1;
    }

    pub(super) fn record(&mut self, attempt: Attempt) {
        self.bytes += attempt_bytes(&attempt);
        self.attempts.push(attempt);
        if self.attempts.len() > MAX_ATTEMPTS {
            let oldest = self.attempts.remove(0);
            self.bytes = self.bytes.saturating_sub(attempt_bytes(&oldest));
        }
    }

    /// Ends a job that was due at `at`. `schedule` is `None` for a copy.
    pub(super) fn end(&mut self, ending: Ending, at: u64, schedule: Option<u64>) {
        let is_current = schedule == Some(self.schedule);
        let acknowledged = Next::Ended(Ending::Acknowledged);
        // An acknowledgement of any attempt counts, and is final until the handle sends it again.
        if self.next == acknowledged || schedule.is_some() && !is_current {
            return;
        }
        match ending {
            Ending::Acknowledged => self.next = acknowledged,
            _ if !is_current => {}
            Ending::Refused => {
                self.made += 1;
                let wait = wait_after(self.made, self.notice.is_v2());
                self.next = match wait {
                    Some(wait) => Next::Due(at.saturating_add(wait)),
                    None => Next::GivenUp,
                };
            }
            ending @ Ending::NotSent(_) => self.next = Next::Ended(ending),
        }
    }

    /// Returns it as the handle sees it.
    pub(super) fn view(&self, now: u64, is_held: bool) -> Delivery {
        let notice = &self.notice;
        let (event_type, resource) = match &notice.content {
            Content::V3 {
                event_type,
                resource,
                ..
            } => (event_type.clone(), resource.clone()),
            Content::V2 { fields, req_info } => {
                let event_type = fields.get("event_type").and_then(Value::as_str);
                let inner = req_info.as_ref().unwrap_or(fields).clone();
                (event_type.unwrap_or_default().to_owned(), inner.into())
            }
        };
        Delivery {
            id: self.id.clone(),
            mchid: notice.mchid.clone(),
            event_type,
            url: notice.url.clone(),
            is_v2: notice.is_v2(),
            resource,
            body: self.body.clone().unwrap_or_default(),
            attempts: self.attempts.clone(),
            state: self.state(now, is_held),
            bytes: self.bytes,
        }
    }

    fn state(&self, now: u64, is_held: bool) -> DeliveryState {
        match &self.next {
            Next::Due(due) if is_held && *due <= now => DeliveryState::Held,
            Next::Due(due) => DeliveryState::Waiting {
                due_in: Duration::from_secs(due.saturating_sub(now)),
            },
            Next::OnWay(_) => DeliveryState::Waiting {
                due_in: Duration::ZERO,
            },
            Next::Ended(Ending::Acknowledged) => DeliveryState::Acknowledged,
            Next::Ended(Ending::NotSent(reason)) => DeliveryState::NotSent(reason.clone()),
            Next::Ended(Ending::Refused) | Next::GivenUp => DeliveryState::GivenUp,
        }
    }
}

fn attempt_bytes(attempt: &Attempt) -> usize {
    let error = attempt.error.as_ref().map_or(0, String::len);
    ATTEMPT + header_bytes(&attempt.headers) + attempt.body.len() + error
}

/// Returns about how many bytes a notice takes.
pub(super) fn notice_bytes(notice: &Notice) -> usize {
    let content = match &notice.content {
        Content::V3 { resource, .. } => value_bytes(resource),
        Content::V2 { fields, req_info } => {
            map_bytes(fields) + req_info.as_ref().map_or(0, map_bytes)
        }
    };
    notice.url.len() + content
}

fn value_bytes(value: &Value) -> usize {
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_bytes).sum(),
        Value::Object(map) => map_bytes(map),
        _ => 0,
    };
    size_of::<Value>() + inner
}

fn map_bytes(map: &Map<String, Value>) -> usize {
    map.iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}
