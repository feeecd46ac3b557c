//! The nonces that were used: each is good once, for as long as its timestamp is.

use std::collections::{HashMap, VecDeque};

/// How far a timestamp may be off, in seconds, either way.
pub(super) const SKEW: u64 = 300;
/// How many nonces are remembered at most.
const NONCES: usize = 100_000;

/// The nonces of the last minutes.
#[derive(Default)]
pub(super) struct Nonces {
    known: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Nonces {
    /// Remembers a nonce; false if it was known.
    pub(super) fn take(&mut self, nonce: &str, now: u64) -> bool {
        while let Some(oldest) = self.order.front() {
            let taken = self.known.get(oldest).copied().unwrap_or(0);
            // A timestamp may lie ahead as far as it may lie behind.
            if taken + 2 * SKEW >= now && self.order.len() < NONCES {
                break;
            }
            self.known.remove(oldest);
            self.order.pop_front();
        }
        if self.known.contains_key(nonce) {
            return false;
        }
        self.known.insert(nonce.to_owned(), now);
        self.order.push_back(nonce.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_and_forgotten_in_time() {
        let mut nonces = Nonces::default();
        assert!(nonces.take("a", 1000));
        assert!(!nonces.take("a", 1000 + 2 * SKEW));
        assert!(nonces.take("a", 1001 + 2 * SKEW));
        for n in 0..NONCES + 5 {
            nonces.take(&n.to_string(), 2000);
        }
        assert!(nonces.order.len() <= NONCES);
        assert_eq!(nonces.order.len(), nonces.known.len());
    }
}
