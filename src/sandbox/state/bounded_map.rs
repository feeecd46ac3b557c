//! A map of limited size: when it is full, a new value replaces the oldest one.

use std::collections::{HashMap, VecDeque};

/// Values by a string key, at most `limit` of them.
// The limit keeps a sandbox that runs for days, or under a load test, from filling the memory.
pub(crate) struct BoundedMap<T> {
    values: HashMap<String, T>,
    oldest_first: VecDeque<String>,
    limit: usize,
}

impl<T> BoundedMap<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            values: HashMap::new(),
            oldest_first: VecDeque::new(),
            limit,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.values.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.values.get_mut(key)
    }

    /// Returns all values, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.oldest_first
            .iter()
            .filter_map(|key| self.values.get(key))
    }

    /// Returns a value that matches. Searches all of them.
    // A second index would have to follow every change, and a scan of 10,000 orders takes less than a
    // millisecond.
    pub(crate) fn find_mut(&mut self, matches: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.values.values_mut().find(|value| matches(value))
    }

    /// Inserts a value, replacing an earlier one with this key.
    pub(crate) fn insert(&mut self, key: String, value: T) {
        if self.values.insert(key.clone(), value).is_some() {
            // The key is in the queue already, and stays as old as it was.
            return;
        }
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > self.limit {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.values.remove(&oldest);
            }
        }
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
}
