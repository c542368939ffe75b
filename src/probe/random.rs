/// A small seeded generator (SplitMix64), so that the order of sends is repeatable.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// Puts `items` into an order that the seed alone decides.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }

    /// Twelve bytes nobody off the path can guess.
    ///
    /// Mixed with the process's own hash keys, which the system's randomness seeds: the order of
    /// sends is repeatable, the nonces that prove an answer are not.
    pub(crate) fn nonce(&mut self) -> [u8; 12] {
        use std::hash::{BuildHasher, RandomState};
        let (a, b) = (self.next(), self.next());
        let (a, b) = (RandomState::new().hash_one(a), RandomState::new().hash_one(b));
        let mut out = [0; 12];
        out[..8].copy_from_slice(&a.to_be_bytes());
        out[8..].copy_from_slice(&b.to_be_bytes()[..4]);
        out
    }
}
