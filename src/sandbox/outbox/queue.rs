//! Notices that wait to become parcels.

use std::collections::VecDeque;

use super::{MAX_BYTES, MAX_DELIVERIES, Notice, parcel};

/// Notices with their IDs, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<(String, Notice)>,
    bytes: usize,
}

impl Queue {
    /// Adds a notice. What does not fit drops the oldest, but the latest stays however large it is.
    pub(super) fn push(&mut self, id: String, notice: Notice) {
        self.bytes += parcel::notice_bytes(&notice);
        self.waiting.push_back((id, notice));
        while self.waiting.len() > MAX_DELIVERIES
            || self.bytes > MAX_BYTES && self.waiting.len() > 1
        {
            self.pop();
        }
    }

    pub(super) fn pop(&mut self) -> Option<(String, Notice)> {
        let (id, notice) = self.waiting.pop_front()?;
        self.bytes -= parcel::notice_bytes(&notice);
        Some((id, notice))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::outbox::Content;

    #[test]
    fn queue_is_limited_in_bytes() {
        let notice = |bytes| Notice {
            mchid: "1900000109".to_owned(),
            url: "x".repeat(bytes),
            content: Content::V2 {
                fields: serde_json::Map::new(),
                req_info: None,
            },
        };
        let mut queue = Queue::default();
        for number in 0..100 {
            queue.push(number.to_string(), notice(1 << 20));
        }
        assert_eq!(queue.waiting.len(), MAX_BYTES >> 20);
        assert_eq!(queue.waiting.back().unwrap().0, "99");
        queue.push("large".to_owned(), notice(MAX_BYTES + 1));
        assert_eq!(queue.waiting.len(), 1);
        assert_eq!(queue.pop().unwrap().0, "large");
        assert!(queue.is_empty() && queue.bytes == 0);
    }
}
