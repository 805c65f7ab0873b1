//! A set of integers: intervals with a step, numbered from 0 without gaps.

/// Values `low, low + step, …` of several intervals, in rising order.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    step: i64,
    segments: Vec<Segment>,
    total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Segment {
    low: i64,
    count: u64,
    /// How many values stand in earlier segments.
    before: u64,
}

impl Span {
    /// The values `v` of the intervals (both ends included) with `v % step = remainder`, without the holes; None when
    /// there are none. Sizes are held below 2^63.
    pub fn new(intervals: &[(i64, i64)], step: i64, remainder: i64, holes: &[i64]) -> Option<Self> {
        let step = step.max(1);
        let mut pieces = Vec::new();
        for &(low, high) in &joined(intervals) {
            let mut low = low;
            let mut gaps: Vec<i64> = holes.iter().copied().filter(|hole| (low..=high).contains(hole)).collect();
            gaps.sort_unstable();
            for gap in gaps {
                pieces.push((low, gap.saturating_sub(1)));
                low = gap.saturating_add(1);
            }
            pieces.push((low, high));
        }
        let (mut segments, mut total) = (Vec::new(), 0u64);
        for (low, high) in pieces {
            let Some(low) = aligned(low, step, remainder).filter(|&low| low <= high) else { continue };
            let count = (i128::from(high) - i128::from(low)) / i128::from(step) + 1;
            let count = u64::try_from(count).unwrap_or(u64::MAX).min((i64::MAX as u64).saturating_sub(total));
            segments.push(Segment { low, count, before: total });
            total += count;
        }
        (total > 0).then_some(Self { step, segments, total })
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// Value number `position`; positions past the end stay at the last value.
    #[inline]
    pub fn at(&self, position: u64) -> i64 {
        let position = position.min(self.total - 1);
        let segment = match self.segments.as_slice() {
            [only] => only,
            many => {
                let index = many.partition_point(|segment| segment.before <= position);
                &many[index.saturating_sub(1)]
            }
        };
        segment.low.wrapping_add(((position - segment.before) as i64).wrapping_mul(self.step))
    }

    /// How many values are smaller than `value`: the position of the first one that is not.
    pub fn below(&self, value: i64) -> u64 {
        let index = self.segments.partition_point(|segment| segment.low < value);
        let Some(segment) = index.checked_sub(1).map(|index| self.segments[index]) else { return 0 };
        let distance = i128::from(value) - i128::from(segment.low);
        let steps = (distance + i128::from(self.step) - 1) / i128::from(self.step);
        segment.before + u64::try_from(steps).unwrap_or(u64::MAX).min(segment.count)
    }
}

/// Sorted, with overlapping and touching intervals made one.
fn joined(intervals: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut sorted: Vec<(i64, i64)> = intervals.iter().copied().filter(|(low, high)| low <= high).collect();
    sorted.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (low, high) in sorted {
        match joined.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => joined.push((low, high)),
        }
    }
    joined
}

/// The first number from `low` on that leaves the remainder.
fn aligned(low: i64, step: i64, remainder: i64) -> Option<i64> {
    let distance = (i128::from(remainder) - i128::from(low)).rem_euclid(i128::from(step));
    i64::try_from(i128::from(low) + distance).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_without_gaps(
            intervals in prop::collection::vec((-60i64..60, -60i64..60), 1..5),
            step in 1i64..7, remainder in 0i64..7, holes in prop::collection::vec(-60i64..60, 0..4),
        ) {
            let expected: Vec<i64> = (-60..60)
                .filter(|value| intervals.iter().any(|(low, high)| (low..=high).contains(&value)))
                .filter(|value| (value - remainder).rem_euclid(step) == 0 && !holes.contains(value))
                .collect();
            match Span::new(&intervals, step, remainder, &holes) {
                None => prop_assert!(expected.is_empty()),
                Some(span) => {
                    let found: Vec<i64> = (0..span.total()).map(|position| span.at(position)).collect();
                    prop_assert_eq!(&found, &expected);
                    for value in -62..62 {
                        let smaller = expected.iter().filter(|&&other| other < value).count() as u64;
                        prop_assert_eq!(span.below(value), smaller);
                    }
                }
            }
        }
    }

    #[test]
    fn the_widest_span_does_not_overflow() {
        let span = Span::new(&[(i64::MIN, i64::MAX)], 1, 0, &[]).unwrap();
        assert_eq!(span.at(0), i64::MIN);
        assert_eq!(span.total(), i64::MAX as u64);
        assert_eq!(Span::new(&[(i64::MAX, i64::MAX)], 10, 3, &[]), None);
    }
}
