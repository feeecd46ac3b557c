//! A bounded map: when it is full, the oldest entry makes room.

use std::collections::{HashMap, VecDeque};

/// How many orders of a kind are kept.
pub(super) const ORDERS: usize = 10_000;

/// Entries by the merchant's own number, at most `limit` of them.
pub(super) struct Store<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
    limit: usize,
}

impl<T> Store<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            limit,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&T> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        self.entries.get_mut(key)
    }

    /// All entries, in the order they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.order.iter().filter_map(|key| self.entries.get(key))
    }

    /// The first entry of which this holds. Walks through all of them.
    pub(super) fn find_mut(&mut self, is: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.entries.values_mut().find(|entry| is(entry))
    }

    /// Puts an entry in, in place of an earlier one of this key.
    pub(super) fn insert(&mut self, key: String, entry: T) {
        if self.entries.insert(key.clone(), entry).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.limit {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut store = Store::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("b", 3), ("c", 4)] {
            store.insert(key.to_owned(), value);
        }
        assert_eq!(store.get("a"), None);
        assert_eq!(store.get("b"), Some(&3));
        assert_eq!(store.find_mut(|n| *n == 4), Some(&mut 4));
        assert_eq!(store.order.len(), store.entries.len());
    }
}
