//! Random numbers that can be reached from any row: what makes mock data a function of the row's number.

use sha2::{Digest, Sha256};

use super::values::Pcg;

/// Where the random numbers of a column, or of what a table draws for itself, come from: one independent generator for every
/// row, without the rows before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    key: [u64; 2],
}

impl Stream {
    /// The stream of `name` in `table` (`schema.table`).
    pub fn new(seed: u64, table: &str, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"nself mock data\0");
        hash.update(seed.to_le_bytes());
        for part in [table, name] {
            // Lengths keep `a` + `bc` and `ab` + `c` apart.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| digest[at + byte]));
        Self { key: [word(0), word(8)] }
    }

    /// The generator of one row.
    #[inline]
    pub fn rng(&self, row: u64) -> Pcg {
        let high = mix(self.key[0] ^ mix(row));
        let low = mix(self.key[1].wrapping_add(row.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        Pcg::new(u128::from(high) << 64 | u128::from(low))
    }

    /// One number of 64 bits for a row, for decisions that need no more than that.
    #[inline]
    pub fn number(&self, row: u64) -> u64 {
        mix(self.key[0].wrapping_add(mix(row ^ self.key[1])))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a bijection.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number below `limit`, which is above 0, from 64 random bits: Lemire's multiplication without its rejection, whose bias
/// is below 2⁻³⁰ for every table that fits on a disk.
#[inline]
pub(crate) fn below(random: u64, limit: u64) -> u64 {
    high(random, limit)
}

/// The upper half of the product: of two fractions of 2⁶⁴, their product.
#[inline]
pub(crate) fn high(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_columns_and_seeds_differ() {
        let numbers = |seed, table, name| {
            let stream = Stream::new(seed, table, name);
            [stream.number(0), stream.number(1), stream.number(u64::MAX)]
        };
        let all = [
            numbers(1, "public.a", "b"),
            numbers(2, "public.a", "b"),
            numbers(1, "public.ab", ""),
            numbers(1, "public.a", "c"),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.concat().into_iter().collect();
        assert_eq!(distinct.len(), 12);
    }

    /// These numbers are a promise: whoever changes them changes everybody's mock data.
    #[test]
    fn numbers_never_change() {
        let stream = Stream::new(42, "public.users", "email");
        assert_eq!((stream.number(0), stream.number(1)), GOLDEN);
    }

    const GOLDEN: (u64, u64) = (17_663_752_676_572_398_878, 13_035_532_192_694_130_199);

    #[test]
    fn limits_are_kept() {
        for limit in [1, 2, 10, u64::MAX] {
            assert_eq!(below(0, limit), 0);
            assert_eq!(below(u64::MAX, limit), limit - 1);
        }
    }
}
