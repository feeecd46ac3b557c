//! A map of limited size: when it is full, a new value replaces the oldest one.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::changes::{Changes, Past, StateChange, Stateful, Watch};
use crate::sandbox::dispatch::refusal::Refusal;

/// Of how many dropped values the keys are remembered.
const MAX_DROPPED: usize = 100_000;

/// Values by a string key, at most `limit` of them.
// The limit keeps a sandbox that runs for days, or under a load test, from filling the memory.
#[derive(Clone, Debug)]
pub(crate) struct BoundedMap<T> {
    values: HashMap<String, T>,
    oldest_first: VecDeque<String>,
    limit: usize,
    /// The hashes of the keys of what was dropped.
    dropped: HashSet<u64>,
    watch: Option<Watch>,
}

impl<T> BoundedMap<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            values: HashMap::new(),
            oldest_first: VecDeque::new(),
            limit,
            dropped: HashSet::new(),
            watch: None,
        }
    }

    /// Returns a map that notes which states change. [`Store::take_changes`] must ask it for them: otherwise
    /// the notes are never thrown away.
    ///
    /// [`Store::take_changes`]: super::world::Store::take_changes
    pub(crate) fn watched(limit: usize) -> Self
    where
        T: Stateful,
    {
        Self {
            watch: Some(Watch::default()),
            ..Self::new(limit)
        }
    }

    /// Moves the changes of states since the last time to the others.
    pub(crate) fn take_changes(&mut self, mchid: &str, changes: &mut Changes)
    where
        T: Stateful,
    {
        let Some(watch) = &mut self.watch else {
            return;
        };
        let at_ms = changes.at_ms;
        watch.compare(&self.values, at_ms, |number, from, to| {
            changes.add(StateChange {
                mchid: mchid.to_owned(),
                kind: T::KIND,
                number,
                from,
                to,
            });
        });
    }

    /// Returns the states that a value had, oldest first. Only a map that notes changes has them.
    pub(crate) fn past(&self, key: &str) -> &[Past] {
        self.watch.as_ref().map_or(&[], |watch| watch.past(key))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.values.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        let value = self.values.get_mut(key)?;
        touch(&mut self.watch, key);
        Some(value)
    }

    /// Removes a value.
    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        let removed = self.values.remove(key)?;
        touch(&mut self.watch, key);
        self.oldest_first.retain(|kept| kept != key);
        Some(removed)
    }

    /// Returns all values, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.oldest_first
            .iter()
            .filter_map(|key| self.values.get(key))
    }

    /// Returns the oldest value that matches. Searches all of them.
    // A second index would have to follow every change, and a scan of 10,000 orders takes less than a
    // millisecond.
    pub(crate) fn find_mut(&mut self, matches: impl Fn(&T) -> bool) -> Option<&mut T> {
        let is_it = |key: &&String| self.values.get(*key).is_some_and(&matches);
        let key = self.oldest_first.iter().find(is_it)?;
        touch(&mut self.watch, key);
        self.values.get_mut(key)
    }

    /// Like [`find_mut`](Self::find_mut), for reading.
    pub(crate) fn find(&self, matches: impl Fn(&T) -> bool) -> Option<&T> {
        self.iter().find(|value| matches(value))
    }

    /// Inserts a value like [`insert`](Self::insert), but drops only a value that may be dropped: an order
    /// with frozen money must not vanish. Returns `false` and inserts nothing if none may.
    pub(crate) fn try_insert(
        &mut self,
        key: String,
        value: T,
        may_drop: impl Fn(&T) -> bool,
    ) -> bool {
        if self.values.len() >= self.limit && !self.values.contains_key(&key) {
            let may_drop = |key: &String| self.values.get(key).is_none_or(&may_drop);
            let Some(index) = self.oldest_first.iter().position(may_drop) else {
                return false;
            };
            if let Some(oldest) = self.oldest_first.remove(index) {
                self.forget(&oldest);
            }
        }
        self.insert(key, value);
        true
    }

    /// Returns whether something of this key was dropped for something newer.
    // Money must not move twice under one number.
    pub(crate) fn was_dropped(&self, key: &str) -> bool {
        !self.values.contains_key(key) && self.dropped.contains(&hash(key))
    }

    fn forget(&mut self, key: &str) {
        if self.dropped.is_empty() {
            let (what, limit) = (std::any::type_name::<T>(), self.limit);
            tracing::warn!(
                limit,
                "the sandbox drops the oldest {what} of a merchant for new ones"
            );
        }
        touch(&mut self.watch, key);
        self.values.remove(key);
        if self.dropped.len() < MAX_DROPPED {
            self.dropped.insert(hash(key));
        }
    }

    /// Keeps something new like [`try_insert`](Self::try_insert). `what` is a word for many of it, such as
    /// "refunds".
    ///
    /// # Errors
    /// Refuses it if nothing may be dropped for it, and if something of its key was dropped.
    pub(crate) fn keep(
        &mut self,
        key: String,
        value: T,
        may_drop: impl Fn(&T) -> bool,
        what: &str,
    ) -> Result<(), Refusal> {
        if self.was_dropped(&key) {
            let message = format!(
                "单号已被使用: the sandbox keeps the latest {} {what} of a merchant, and this number is an older one's",
                self.limit
            );
            return Err(Refusal::invalid_request(message));
        }
        match self.try_insert(key, value, may_drop) {
            true => Ok(()),
            false => Err(Refusal::too_many(self.limit, what)),
        }
    }

    /// Inserts a value, replacing an earlier one with this key.
    pub(crate) fn insert(&mut self, key: String, value: T) {
        touch(&mut self.watch, &key);
        if self.values.insert(key.clone(), value).is_some() {
            // The key is in the queue already, and stays as old as it was.
            return;
        }
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > self.limit {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.forget(&oldest);
            }
        }
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

// A function of the field, not of the map: its values are borrowed meanwhile.
fn touch(watch: &mut Option<Watch>, key: &str) {
    if let Some(watch) = watch {
        watch.touch(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_map_drops_the_oldest_value() {
        let mut map = BoundedMap::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("b", 3), ("c", 4)] {
            map.insert(key.to_owned(), value);
        }
        assert_eq!(map.get("a"), None);
        assert_eq!(map.get("b"), Some(&3));
        assert_eq!(map.find_mut(|n| *n == 4), Some(&mut 4));
        assert_eq!(map.oldest_first.len(), map.values.len());
    }

    #[test]
    fn number_of_what_was_dropped_is_refused() {
        let mut map = BoundedMap::new(1);
        let mut keep = |key: &str| map.keep(key.to_owned(), 1, |_| true, "refunds");
        keep("a").unwrap();
        keep("b").unwrap();
        let refused = keep("a").unwrap_err();
        assert!(refused.message.contains("latest 1 refunds"), "{refused:?}");
        assert!(keep("b").is_ok() && keep("c").is_ok());
        assert!(map.was_dropped("b") && !map.was_dropped("c"));
    }

    #[test]
    fn oldest_value_is_found() {
        let mut map = BoundedMap::new(100);
        for key in 0..100_u32 {
            map.insert(key.to_string(), key);
        }
        for oldest in 0..100 {
            let found = map.find_mut(|value| *value >= oldest).copied();
            assert_eq!(
                (found, map.find(|value| *value >= oldest)),
                (Some(oldest), Some(&oldest))
            );
        }
    }

    #[test]
    fn value_that_must_stay_is_not_dropped() {
        let mut map = BoundedMap::new(2);
        let mut insert = |key: &str, value| map.try_insert(key.to_owned(), value, |n| *n > 1);
        assert!(insert("a", 1) && insert("b", 2) && insert("c", 3));
        assert!(insert("a", 1) && insert("d", 1));
        assert!(!insert("e", 4));
        assert_eq!(map.iter().collect::<Vec<_>>(), [&1, &1]);
        assert_eq!(map.remove("a"), Some(1));
        assert_eq!((map.values.len(), map.oldest_first.len()), (1, 1));
    }
}
