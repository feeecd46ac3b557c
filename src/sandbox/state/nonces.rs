//! The nonces of recent requests. A nonce is accepted once while its timestamp is valid.

use std::collections::{HashMap, VecDeque};

/// How far a timestamp may be from the real time, in seconds, in either direction.
pub(crate) const MAX_SKEW_SECONDS: u64 = 300;
/// How many nonces are remembered.
const MAX_NONCES: usize = 100_000;

/// The nonces of the last minutes.
#[derive(Default)]
pub(crate) struct Nonces {
    /// When each nonce was used.
    used_at: HashMap<String, u64>,
    /// The same nonces, oldest first.
    // The map alone would have to be searched for expired nonces at every request.
    oldest_first: VecDeque<String>,
}

impl Nonces {
    /// Remembers a nonce. Returns whether it is new.
    pub(crate) fn use_once(&mut self, nonce: &str, now: u64) -> bool {
        while let Some(oldest) = self.oldest_first.front() {
            let used_at = self.used_at.get(oldest).copied().unwrap_or(0);
            // Drops what has expired, and the oldest one if the memory is full.
            // Twice the skew: a request whose timestamp is 5 minutes ahead stays valid for 10.
            if used_at + 2 * MAX_SKEW_SECONDS >= now && self.oldest_first.len() < MAX_NONCES {
                break;
            }
            self.used_at.remove(oldest);
            self.oldest_first.pop_front();
        }
        if self.used_at.contains_key(nonce) {
            return false;
        }
        self.used_at.insert(nonce.to_owned(), now);
        self.oldest_first.push_back(nonce.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_is_accepted_once_until_it_expires() {
        let mut nonces = Nonces::default();
        assert!(nonces.use_once("a", 1000));
        assert!(!nonces.use_once("a", 1000 + 2 * MAX_SKEW_SECONDS));
        assert!(nonces.use_once("a", 1001 + 2 * MAX_SKEW_SECONDS));
        for n in 0..MAX_NONCES + 5 {
            nonces.use_once(&n.to_string(), 2000);
        }
        assert!(nonces.oldest_first.len() <= MAX_NONCES);
        assert_eq!(nonces.oldest_first.len(), nonces.used_at.len());
    }
}
