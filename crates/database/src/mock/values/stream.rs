//! Draws from a stream: integers, chances and picks, each one multiplication away from the generator's bits.
//!
//! None of them loops or rejects, so a value takes the same number of draws on every machine. The bias of the
//! multiplication method is below `n / 2^64`.

use rand_pcg::rand_core::Rng;

use super::Pcg;

/// The bits of the next 64-bit word.
#[inline]
pub fn word(rng: &mut Pcg) -> u64 {
    rng.next_u64()
}

/// Uniform in `0..n`; 0 when `n` is 0.
#[inline]
pub fn below(rng: &mut Pcg, n: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(n)) >> 64) as u64
}

/// Uniform in `low..=high`; `low` when the interval is empty.
#[inline]
pub fn between(rng: &mut Pcg, low: i64, high: i64) -> i64 {
    if high <= low {
        return low;
    }
    let span = (i128::from(high) - i128::from(low) + 1) as u128;
    // The whole range of i64 has 2^64 values, one more than a u64 can say.
    let offset = if span > u128::from(u64::MAX) { rng.next_u64() } else { below(rng, span as u64) };
    (i128::from(low) + i128::from(offset)) as i64
}

/// Uniform in `0.0..1.0` with 53 bits.
#[inline]
pub fn unit(rng: &mut Pcg) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// One of the items; the list must not be empty.
#[inline]
pub fn pick<'a, T: ?Sized>(rng: &mut Pcg, items: &[&'a T]) -> &'a T {
    items[below(rng, items.len() as u64) as usize]
}

/// A probability as a threshold for [`hit`].
pub fn threshold(probability: f64) -> u64 {
    // A cast from float to integer saturates, and 2^64 is exact.
    (probability.clamp(0.0, 1.0) * 18_446_744_073_709_551_616.0) as u64
}

/// True with the probability of the threshold; a threshold of 0 draws nothing.
#[inline]
pub fn hit(rng: &mut Pcg, threshold: u64) -> bool {
    threshold != 0 && (threshold == u64::MAX || rng.next_u64() < threshold)
}

/// A bijection of 64-bit words without visible structure: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
#[inline]
pub fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A hash of bytes that stays the same for ever (FNV-1a, then [`mix`]).
pub fn hash(bytes: &[u8]) -> u64 {
    mix(bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)))
}

/// The stream that all columns of a row share for one purpose, for example the person whose names they tell.
#[inline]
pub fn shared(row_key: u64, purpose: u64) -> Pcg {
    let low = mix(row_key ^ purpose);
    Pcg::new(u128::from(low) << 64 | u128::from(mix(low)))
}
