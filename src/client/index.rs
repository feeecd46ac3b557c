//! The chains that were looked up by a literal: an append-only hash trie, read without a lock.

use std::sync::OnceLock;

use super::Chain;

/// How deep literals may be indexed into one another.
pub(super) const MOST_DEPTH: u8 = 64;

const WIDTH: usize = 4;
const BITS: u32 = WIDTH.trailing_zeros();

/// The children of one chain. Nothing in it ever moves or goes before the whole does.
#[derive(Default)]
pub(super) struct Children {
    slots: [OnceLock<Box<Node>>; WIDTH],
}

struct Node {
    key: &'static str,
    chain: Chain,
    others: Children,
}

impl Children {
    pub(super) fn get_or_insert(&self, key: &'static str, make: impl Fn() -> Chain) -> &Chain {
        let mut hash = hash(key);
        let mut children = self;
        loop {
            let slot = &children.slots[hash as usize % WIDTH];
            let node = slot.get_or_init(|| {
                Box::new(Node {
                    key,
                    chain: make(),
                    others: Self::default(),
                })
            });
            if node.key == key {
                return &node.chain;
            }
            children = &node.others;
            hash >>= BITS;
        }
    }
}

/// Quick, over the whole key; the keys are the program's own literals.
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
