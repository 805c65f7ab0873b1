//! Distributions that give the same numbers on every machine.
//!
//! The floating-point functions of a platform's C library differ in the last bit, and one bit is enough to change a
//! value. So [`ln`] and [`exp`] are written here with additions, multiplications and divisions alone, which IEEE 754
//! rounds in one way only and which Rust never fuses.

use super::{Pcg, stream};

const LN_2: f64 = std::f64::consts::LN_2;

/// The natural logarithm of a positive, finite number; relative error below 1e-14.
pub fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)); the argument is below 0.172, so 12 terms are enough.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = 0.0;
    for odd in (0..12).rev() {
        sum = sum * square + 1.0 / f64::from(2 * odd + 1);
    }
    2.0 * s * sum + exponent as f64 * LN_2
}

/// The exponential function for arguments between -700 and 700, where it neither under- nor overflows.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let power = (x / LN_2 + 0.5).floor();
    let rest = x - power * LN_2;
    let mut sum = 1.0;
    for term in (1..=16).rev() {
        sum = 1.0 + sum * rest / f64::from(term);
    }
    sum * f64::from_bits(((power as i64 + 1023) as u64) << 52)
}

fn power(base: f64, exponent: f64) -> f64 {
    if base <= 0.0 { 0.0 } else { exp(exponent * ln(base)) }
}

/// A standard normal number: twelve uniform ones, summed (Irwin and Hall). Its tails end at 6 deviations.
pub fn normal(rng: &mut Pcg) -> f64 {
    let mut sum = 0u64;
    for _ in 0..6 {
        let word = stream::word(rng);
        sum += (word >> 32) + (word & 0xffff_ffff);
    }
    sum as f64 * (1.0 / 4_294_967_296.0) - 6.0
}

/// Popularity: rank `k` of `n` (from 0) is drawn with a weight of `1 / (k + 1)^exponent`.
///
/// By rejection from the inverse of an envelope (Devroye 1986, X.6), about 1.1 rounds a draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zipf {
    n: u64,
    exponent: f64,
    area: f64,
}

impl Zipf {
    /// `exponent` is held between 0.01 and 10; 1 is the classic one.
    pub fn new(n: u64, exponent: f64) -> Self {
        let exponent = if exponent.is_finite() { exponent.clamp(0.01, 10.0) } else { 1.0 };
        let n = n.max(1);
        let area = if is_one(exponent) {
            1.0 + ln(n as f64)
        } else {
            (power(n as f64, 1.0 - exponent) - exponent) / (1.0 - exponent)
        };
        Self { n, exponent, area }
    }

    /// A rank in `0..n`, small ones often.
    pub fn sample(&self, rng: &mut Pcg) -> u64 {
        // Each round succeeds with a probability above 0.5: sixty-four failures do not happen.
        for _ in 0..64 {
            let envelope = self.inverse(stream::unit(rng));
            let rank = (envelope + 1.0).floor();
            let mut ratio = power(rank, -self.exponent);
            if rank > 1.0 {
                ratio *= power(envelope, self.exponent);
            }
            if stream::unit(rng) < ratio && rank <= self.n as f64 {
                return rank as u64 - 1;
            }
        }
        0
    }

    fn inverse(&self, uniform: f64) -> f64 {
        let scaled = uniform * self.area;
        if scaled <= 1.0 {
            scaled
        } else if is_one(self.exponent) {
            exp(scaled - 1.0)
        } else {
            power(scaled * (1.0 - self.exponent) + self.exponent, 1.0 / (1.0 - self.exponent))
        }
    }
}

fn is_one(exponent: f64) -> bool {
    (exponent - 1.0).abs() < 1e-9
}

/// Positions drawn by weight: Walker's alias method, two draws for any number of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// For each position: below this threshold it is itself, else its alias.
    slots: Vec<(u64, u32)>,
}

impl Weighted {
    /// None when no weight is positive, or one is negative or not a number.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        if weights.iter().any(|&weight| weight.is_nan() || weight < 0.0) || total <= 0.0 || !total.is_finite() {
            return None;
        }
        let count = weights.len();
        let mut scaled: Vec<f64> = weights.iter().map(|weight| weight / total * count as f64).collect();
        let mut slots: Vec<(u64, u32)> = (0..count).map(|index| (u64::MAX, index as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..count).partition(|&index| scaled[index] < 1.0);
        while let (Some(&low), Some(&high)) = (small.last(), large.last()) {
            small.pop();
            slots[low] = (stream::threshold(scaled[low]), high as u32);
            scaled[high] -= 1.0 - scaled[low];
            if scaled[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Some(Self { slots })
    }

    pub fn sample(&self, rng: &mut Pcg) -> usize {
        let slot = stream::below(rng, self.slots.len() as u64) as usize;
        let (threshold, alias) = self.slots[slot];
        if threshold == u64::MAX || stream::word(rng) < threshold { slot } else { alias as usize }
    }
}

/// How numbers fall between their lowest and highest value.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Uniform,
    /// Mean and standard deviation as fractions of the interval.
    Normal {
        mean: f64,
        deviation: f64,
    },
    /// Many small ones, few large ones: how prices and sizes fall. `median` is a fraction of the interval.
    LogNormal {
        median: f64,
        sigma: f64,
    },
    Zipf(Zipf),
}

impl Shape {
    /// A position in `0..count`. A Zipf shape was made for one count and falls back to its own beyond it.
    #[inline]
    pub fn position(&self, rng: &mut Pcg, count: u64) -> u64 {
        match self {
            Self::Uniform => stream::below(rng, count),
            Self::Normal { mean, deviation } => within(count, *mean + *deviation * normal(rng)),
            Self::LogNormal { median, sigma } => within(count, *median * exp(*sigma * normal(rng))),
            Self::Zipf(zipf) => zipf.sample(rng).min(count.saturating_sub(1)),
        }
    }
}

/// The position that a fraction of the interval falls on. Outliers are reflected at its ends rather than pile up there.
fn within(count: u64, fraction: f64) -> u64 {
    let folded = if fraction < 0.0 { -fraction } else { fraction };
    let folded = folded - 2.0 * (folded / 2.0).floor();
    let folded = if folded > 1.0 { 2.0 - folded } else { folded };
    ((folded * count as f64) as u64).min(count.saturating_sub(1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rng() -> Pcg {
        stream::shared(7, 7)
    }

    #[test]
    fn the_functions_are_right() {
        for x in [1e-300, 0.001, 0.5, 1.0, 1.5, 2.0, 10.0, 12345.678, 1e300] {
            assert!((ln(x) - x.ln()).abs() <= 1e-13 * x.ln().abs().max(1.0), "{x}");
        }
        for x in [-690.0, -3.5, -0.1, 0.0, 0.1, 1.0, 20.5, 690.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn zipf_follows_its_law() {
        for exponent in [0.7, 1.0, 1.5] {
            let (zipf, mut rng) = (Zipf::new(1_000, exponent), rng());
            let mut counts = vec![0u32; 1_000];
            for _ in 0..200_000 {
                counts[zipf.sample(&mut rng) as usize] += 1;
            }
            let total: f64 = (1..=1_000).map(|rank| f64::from(rank).powf(-exponent)).sum();
            for rank in [1usize, 2, 5, 20] {
                let expected = 200_000.0 * (rank as f64).powf(-exponent) / total;
                assert!((f64::from(counts[rank - 1]) / expected - 1.0).abs() < 0.1, "{exponent} {rank}");
            }
        }
        assert_eq!(Zipf::new(1, 1.0).sample(&mut rng()), 0);
    }

    #[test]
    fn weights_are_kept() {
        let (weighted, mut rng) = (Weighted::new(&[1.0, 0.0, 3.0]).unwrap(), rng());
        let mut counts = [0u32; 3];
        for _ in 0..40_000 {
            counts[weighted.sample(&mut rng)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((29_400..30_600).contains(&counts[2]), "{counts:?}");
        assert_eq!(Weighted::new(&[0.0]), None);
        assert_eq!(Weighted::new(&[1.0, -1.0]), None);
    }

    /// The numbers themselves are the contract: another machine must get them too.
    #[test]
    fn the_same_numbers_everywhere() {
        let (mut rng, zipf) = (rng(), Zipf::new(1 << 40, 1.1));
        let drawn: Vec<u64> = (0..6).map(|_| zipf.sample(&mut rng)).collect();
        let shape = Shape::LogNormal { median: 0.1, sigma: 0.8 };
        let shaped: Vec<u64> = (0..4).map(|_| shape.position(&mut rng, 1_000_000_007)).collect();
        assert_eq!(drawn, [701_639, 61_631, 599_445, 2_663, 699, 14]);
        assert_eq!(shaped, [76_937_733, 270_985_862, 63_386_090, 378_119_862]);
    }
}
