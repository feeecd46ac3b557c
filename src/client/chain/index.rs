//! The chains that were looked up by a literal path: an append-only hash trie.
//!
//! `Index` must return a reference that lives as long as the chain, so nothing in here may move or be
//! removed. That rules out a `HashMap` behind a lock. Reading takes no lock, since a lookup happens on
//! every call.

use std::sync::OnceLock;

/// How many times a chain may be indexed in a row. A loop of indexes would otherwise grow memory
/// without bound.
pub(super) const MAX_DEPTH: u8 = 64;

const WIDTH: usize = 4;
const BITS: u32 = WIDTH.trailing_zeros();

/// The children of one chain. Nothing in it moves or is removed before the whole is dropped.
pub(super) struct Children<T> {
    slots: [OnceLock<Box<Node<T>>>; WIDTH],
}

struct Node<T> {
    key: &'static str,
    value: T,
    others: Children<T>,
}

impl<T> Children<T> {
    pub(super) fn get_or_insert(&self, key: &'static str, make: impl Fn() -> T) -> &T {
        let mut hash = hash(key);
        let mut children = self;
        loop {
            let slot = &children.slots[hash as usize % WIDTH];
            let node = slot.get_or_init(|| {
                Box::new(Node {
                    key,
                    value: make(),
                    others: Self::default(),
                })
            });
            if node.key == key {
                return &node.value;
            }
            children = &node.others;
            hash >>= BITS;
        }
    }
}

impl<T> Default for Children<T> {
    fn default() -> Self {
        Self {
            slots: Default::default(),
        }
    }
}

/// A fast hash over the whole key. It need not resist deliberate collisions: the keys are literals in
/// the program.
fn hash(key: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(ODD);
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let words = key.as_bytes().chunks_exact(8);
    let last = word(words.remainder());
    let mut hash = words.fold(key.len() as u64, |hash, bytes| mix(hash, word(bytes)));
    hash = mix(hash, last);
    hash ^ (hash >> 32)
}
