//! Requests under a number of the merchant's: the same one again has the same answer.

use serde_json::Value;

use crate::sandbox::{dispatch::refusal::Refusal, state::bounded_map::BoundedMap};

/// How many requests of a merchant are remembered.
const MAX_REQUESTS: usize = 10_000;

/// What was answered, by the merchant's number.
#[derive(Clone, Debug)]
pub(super) struct Once<T>(BoundedMap<(Value, T)>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_REQUESTS))
    }
}

impl<T: Clone> Once<T> {
    /// Returns the answer to the same request before, or `None` if the number is new.
    ///
    /// # Errors
    /// Refuses with `differs` a number that a different request used.
    pub(super) fn answered(
        &self,
        number: &str,
        asked: &Value,
        differs: fn() -> Refusal,
    ) -> Result<Option<T>, Refusal> {
        match self.0.get(number) {
            Some((earlier, _)) if earlier != asked => Err(differs()),
            None if self.0.was_dropped(number) => Err(differs()),
            answered => Ok(answered.map(|(_, answer)| answer.clone())),
        }
    }

    pub(super) fn keep(&mut self, number: &str, asked: Value, answer: T) {
        self.0.insert(number.to_owned(), (asked, answer));
    }
}
