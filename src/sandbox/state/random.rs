//! Random IDs and numbers: from the operating system, or repeatable from a seed.

use crate::{
    base::crypto::{digest, random},
    error::cause::Result,
};

const LETTERS_AND_DIGITS: &[u8; 62] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A generator of IDs, nonces and choices. Equal seeds give equal sequences.
// SplitMix64. It protects nothing: keys and secrets come from the operating system.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a generator with a seed from the operating system.
    pub(crate) fn from_system() -> Result<Self> {
        let mut seed = [0; 8];
        random(&mut seed)?;
        Ok(Self(u64::from_be_bytes(seed)))
    }

    /// Returns the seed that goes on where this generator is.
    pub(crate) fn seed(&self) -> u64 {
        self.0
    }

    /// Returns another generator, whose sequence is its own.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, or 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product. A remainder would favour small numbers.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns letters and digits.
    pub(crate) fn token(&mut self, length: usize) -> String {
        self.pick_from(LETTERS_AND_DIGITS, length)
    }

    /// Returns decimal digits.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        self.pick_from(b"0123456789", length)
    }

    /// Returns upper-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.pick_from(b"0123456789ABCDEF", length)
    }

    /// Returns 32 lower-case hexadecimal digits in the groups of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let digits = self.hex(32).to_ascii_lowercase();
        let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
        let groups = groups.map(|(from, to)| digits.get(from..to).unwrap_or_default());
        groups.join("-")
    }

    fn pick_from(&mut self, alphabet: &[u8], length: usize) -> String {
        let size = alphabet.len() as u64;
        (0..length)
            .filter_map(|_| alphabet.get(self.below(size) as usize))
            .map(|byte| char::from(*byte))
            .collect()
    }
}

/// Returns upper-case hexadecimal digits from the operating system.
pub(crate) fn hex(digits: usize) -> Result<String> {
    let mut bytes = vec![0; digits.div_ceil(2)];
    random(&mut bytes)?;
    let mut text = digest::hex_upper(&bytes);
    text.truncate(digits);
    Ok(text)
}

/// Returns letters and digits from the operating system.
// The remainder slightly favours the first characters of the alphabet. That is good enough here: the
// values have to differ between sandboxes and protect nothing.
pub(crate) fn token(length: usize) -> Result<String> {
    let mut bytes = vec![0; length];
    random(&mut bytes)?;
    let pick = |byte: &u8| LETTERS_AND_DIGITS.get(usize::from(*byte) % LETTERS_AND_DIGITS.len());
    Ok(bytes
        .iter()
        .filter_map(pick)
        .map(|byte| char::from(*byte))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The numbers are those of the reference implementation, https://prng.di.unimi.it/splitmix64.c.
    #[test]
    fn seed_gives_the_sequence_of_splitmix64() {
        let mut rng = Rng::from_seed(1_234_567);
        let numbers = [rng.next(), rng.next(), rng.next()];
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn equal_seeds_give_equal_ids() {
        let ids = |seed| {
            let mut rng = Rng::from_seed(seed);
            (
                rng.token(32),
                rng.digits(28),
                rng.hex(40),
                rng.fork().token(8),
            )
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
        assert_eq!(ids(7).1.len(), 28);
        let mut rng = Rng::from_seed(1);
        assert!((0..1000).all(|_| rng.below(3) < 3));
        assert_eq!(rng.below(0), 0);
    }
}
