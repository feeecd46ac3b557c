use std::sync::atomic::{AtomicU8, Ordering};

use super::super::Clock;

/// How far connecting has come, for the message if its time runs out.
pub(super) struct Step {
    reached: AtomicU8,
    pub(super) clock: Clock,
}

impl Step {
    pub(super) const DNS: u8 = 1;
    pub(super) const TCP: u8 = 2;
    pub(super) const PROXY: u8 = 3;
    pub(super) const TLS: u8 = 4;

    pub(super) fn new(clock: Clock) -> Self {
        Self {
            reached: AtomicU8::default(),
            clock,
        }
    }

    pub(super) fn set(&self, step: u8) {
        self.reached.store(step, Ordering::Relaxed);
    }

    pub(super) fn describe(&self) -> &'static str {
        match self.reached.load(Ordering::Relaxed) {
            Self::DNS => "DNS did not respond",
            Self::TCP => "the TCP handshake did not complete",
            Self::PROXY => "the proxy did not respond",
            Self::TLS => "the TLS handshake did not complete",
            _ => "connecting had not begun",
        }
    }
}
