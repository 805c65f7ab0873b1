//! Numbers and moments: integers of some unit, drawn from a [`Span`] and written in a [`Format`].

use super::{Generate, Pcg, Row, civil, distribution::Shape, span::Span, stream};

/// What one unit is, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Format {
    /// Units of `10^-scale`.
    Decimal { scale: u32 },
    /// Days since 1970.
    Date,
    /// Microseconds since 1970, with `+00` where the type has a zone.
    Timestamp { zone: bool },
    /// As ISO 8601 writes it for programs: `2026-01-31T14:30:00Z`.
    Iso,
    /// Microseconds since midnight.
    Time { zone: bool },
    /// Microseconds.
    Interval,
    /// Microseconds since 1970, written as a count of units that long.
    Epoch { unit: i64 },
}

impl Format {
    #[inline]
    pub fn write(self, value: i64, out: &mut Vec<u8>) {
        match self {
            Self::Decimal { scale } => write_decimal(value, scale, out),
            Self::Date => civil::write_date(value, out),
            Self::Timestamp { zone } => {
                civil::write_timestamp(value, b' ', out);
                if zone {
                    out.extend_from_slice(b"+00");
                }
            }
            Self::Iso => {
                civil::write_timestamp(value, b'T', out);
                out.push(b'Z');
            }
            Self::Time { zone } => {
                civil::write_time(value, out);
                if zone {
                    out.extend_from_slice(b"+00");
                }
            }
            Self::Interval => civil::write_interval(value, out),
            Self::Epoch { unit } => write_decimal(value.div_euclid(unit), 0, out),
        }
    }

    /// The value of a literal or cell: the greatest one not above it, and whether it is exact.
    pub fn read(self, text: &str) -> Option<(i64, bool)> {
        let exact = |value| (value, true);
        match self {
            Self::Decimal { scale } => read_decimal(text, scale),
            Self::Date => {
                let micros = civil::read_timestamp(text)?;
                Some((micros.div_euclid(civil::DAY), micros.rem_euclid(civil::DAY) == 0))
            }
            Self::Timestamp { .. } | Self::Iso => civil::read_timestamp(text).map(exact),
            Self::Time { .. } => civil::read_time(text).map(exact),
            Self::Interval => super::checks::interval(text).map(exact),
            Self::Epoch { unit } => read_decimal(text, 0).map(|(value, whole)| (value.saturating_mul(unit), whole)),
        }
    }

    /// A distance in this format's unit; 0 for what cannot be read.
    pub fn distance(self, text: &str) -> i64 {
        match self {
            Self::Decimal { .. } | Self::Epoch { .. } => self.read(text).map_or(0, |(distance, _)| distance),
            Self::Date => text
                .parse()
                .ok()
                .or_else(|| Some(super::checks::interval(text)?.div_euclid(civil::DAY)))
                .unwrap_or_default(),
            _ => super::checks::interval(text).unwrap_or_default(),
        }
    }

    /// The moment in this format's unit; none for what is not a point in time.
    pub fn moment(self, micros: i64) -> Option<i64> {
        match self {
            Self::Date => Some(micros.div_euclid(civil::DAY)),
            Self::Timestamp { .. } | Self::Iso | Self::Epoch { .. } => Some(micros),
            Self::Decimal { .. } | Self::Time { .. } | Self::Interval => None,
        }
    }
}

/// A decimal number from its units: `write_decimal(-1250, 2)` is `-12.50`.
#[inline]
pub fn write_decimal(value: i64, scale: u32, out: &mut Vec<u8>) {
    // Nineteen digits and a point; scales above 18 are held by the caller.
    let mut buffer = [b'0'; 24];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    let mut written = 0;
    while rest > 0 || written <= scale {
        if written == scale && scale > 0 {
            at -= 1;
            buffer[at] = b'.';
        }
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Units of a decimal literal, rounded down, and whether nothing was lost. Saturates at the ends of i64.
pub fn read_decimal(text: &str, scale: u32) -> Option<(i64, bool)> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut units = 0i128;
    let mut exact = true;
    // How many digits of the mantissa count: those before the point, and `scale` behind it, moved by the exponent.
    let wanted = whole.len() as i64 + i64::from(scale) + i64::from(exponent);
    let mut seen = 0i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit < 10)?;
        if seen < wanted {
            units = units.saturating_mul(10).saturating_add(i128::from(digit));
        } else {
            exact &= digit == 0;
        }
        seen += 1;
    }
    for _ in seen..wanted {
        units = units.saturating_mul(10);
    }
    if negative {
        units = -units - i128::from(!exact);
    }
    Some((units.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64, exact))
}

/// How values fall over a span.
#[derive(Debug, Clone, PartialEq)]
pub enum Curve {
    Shape(Shape),
    /// Moments as people make them: more by day than by night, more on weekdays when so said.
    Human {
        hours: &'static [u16; 24],
        weekend: u64,
    },
}

/// Weights of the hours (UTC), summing to 1,000: people who use something all day.
pub const WAKING: [u16; 24] =
    [18, 10, 6, 4, 4, 8, 18, 34, 48, 56, 60, 60, 58, 56, 56, 56, 56, 56, 58, 62, 66, 62, 52, 36];
/// Weights of the hours of an office.
pub const OFFICE: [u16; 24] =
    [0, 0, 0, 0, 0, 0, 10, 40, 100, 125, 125, 115, 75, 95, 110, 105, 70, 30, 0, 0, 0, 0, 0, 0];

/// A comparison with an earlier cell of the row.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// Position in [`Row::cells`].
    pub cell: usize,
    /// This value must be greater (or smaller), and may be equal.
    pub greater: bool,
    pub or_equal: bool,
    /// `=` and `<>`.
    pub equal: Option<bool>,
    /// Added to the cell before it is compared: a number, or an interval.
    pub plus: Option<String>,
}

/// A generator of numbers or moments.
#[derive(Debug, Clone)]
pub struct Scalar {
    pub span: Span,
    pub curve: Curve,
    pub format: Format,
    pub against: Vec<Against>,
    pub prefix: &'static str,
    pub suffix: &'static str,
}

impl Scalar {
    pub fn new(span: Span, shape: Shape, format: Format) -> Self {
        Self { span, curve: Curve::Shape(shape), format, against: Vec::new(), prefix: "", suffix: "" }
    }

    #[inline]
    fn put(&self, value: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix.as_bytes());
        self.format.write(value, out);
        out.extend_from_slice(self.suffix.as_bytes());
    }

    fn draw(&self, rng: &mut Pcg, from: u64, to: u64) -> u64 {
        match &self.curve {
            Curve::Shape(shape) if from == 0 && to == self.span.total() => shape.position(rng, to),
            Curve::Shape(_) => from + stream::below(rng, to - from),
            Curve::Human { hours, weekend } => {
                let value = human(rng, hours, *weekend, self.span.at(from), self.span.at(to - 1), self.format);
                self.span.below(value).clamp(from, to - 1)
            }
        }
    }

    /// The positions that the row's earlier cells leave.
    fn left(&self, row: &Row<'_>, out: &[u8]) -> Left {
        let (mut from, mut to, mut near, mut not, mut edge) = (0, self.span.total(), false, None, None);
        for against in &self.against {
            let cell = row.cells.get(against.cell).and_then(|range| out.get(range.clone()));
            let other = cell.and_then(|cell| std::str::from_utf8(cell).ok()).and_then(|text| self.format.read(text));
            // A null, or something that is no number: nothing to compare with.
            let Some((other, exact)) = other else { continue };
            let other = other.saturating_add(against.plus.as_deref().map_or(0, |plus| self.format.distance(plus)));
            let strict = i64::from(!against.or_equal);
            edge = Some(if against.greater { other.saturating_add(strict) } else { other.saturating_sub(strict) });
            let start = self.span.below(other);
            let end = self.span.below(other.saturating_add(1));
            match against.equal {
                Some(true) => (from, to) = (start, end.max(start + 1)),
                Some(false) => not = (end > start).then_some(start),
                None if against.greater => {
                    from = from.max(if against.or_equal && exact { start } else { end });
                    near = true;
                }
                None => to = to.min(if against.or_equal || !exact { end } else { start }),
            }
        }
        // Nothing of the span is left: a value outside of it meets the check all the same.
        let forced = if from >= to { edge } else { None };
        Left { from, to, near, not, forced }
    }
}

/// Positions `from..to`, without one; `near`: mostly close to the first.
struct Left {
    from: u64,
    to: u64,
    near: bool,
    not: Option<u64>,
    forced: Option<i64>,
}

/// A moment between two others, by hours and days of the week.
fn human(rng: &mut Pcg, hours: &[u16; 24], weekend: u64, low: i64, high: i64, format: Format) -> i64 {
    let unit = if format == Format::Date { 1 } else { civil::DAY };
    // Whole days where there are any, so that none is cut to an hour that nobody chose.
    let (whole, last_whole) = ((low + (unit - 1)).div_euclid(unit), (high + 1).div_euclid(unit) - 1);
    let (first, last) =
        if whole <= last_whole { (whole, last_whole) } else { (low.div_euclid(unit), high.div_euclid(unit)) };
    let mut day = stream::between(rng, first, last);
    // A day of the week-end is kept with the given chance, else it is drawn again, once.
    if weekend != u64::MAX && civil::weekday(day) >= 5 && !stream::hit(rng, weekend) {
        day = stream::between(rng, first, last);
    }
    if unit == 1 {
        return day;
    }
    let mut lot = stream::below(rng, 1_000) as u16;
    let mut hour = 0;
    while hour < 23 && lot >= hours[hour] {
        lot -= hours[hour];
        hour += 1;
    }
    let within = stream::below(rng, 3_600 * civil::SECOND as u64) as i64;
    day.saturating_mul(unit).saturating_add(hour as i64 * 3_600 * civil::SECOND + within).clamp(low, high)
}

impl Generate for Scalar {
    #[inline]
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let position = if self.against.is_empty() {
            self.draw(rng, 0, self.span.total())
        } else {
            let Left { from, to, near, not, forced } = self.left(row, out);
            if let Some(value) = forced {
                return self.put(value, out);
            }
            let drawn = if near {
                // What comes after something mostly comes soon after it: the fourth power of a uniform number.
                let fraction = stream::unit(rng);
                let square = fraction * fraction;
                from + ((square * square * (to - from) as f64) as u64).min(to - from - 1)
            } else {
                self.draw(rng, from, to)
            };
            match not {
                Some(position) if position == drawn => {
                    if drawn + 1 < to {
                        drawn + 1
                    } else {
                        from
                    }
                }
                _ => drawn,
            }
        };
        self.put(self.span.at(position), out);
    }

    fn distinct(&self) -> Option<u64> {
        let per_value = match self.format {
            // Several moments may have the same number of whole units.
            Format::Epoch { unit } => (unit.unsigned_abs()).max(1),
            _ => 1,
        };
        Some((self.span.total() / per_value).max(1))
    }

    fn nth(&self, index: u64, _: &Row<'_>, _: &mut Pcg, out: &mut Vec<u8>) {
        let factor = match self.format {
            Format::Epoch { unit } => unit.unsigned_abs().max(1),
            _ => 1,
        };
        self.put(self.span.at(index.saturating_mul(factor)), out);
    }

    fn reads_cells(&self) -> bool {
        !self.against.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        let written = |value, scale| {
            let mut out = Vec::new();
            write_decimal(value, scale, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(-1250, 2), "-12.50");
        assert_eq!(written(5, 2), "0.05");
        assert_eq!(written(0, 0), "0");
        assert_eq!(written(i64::MIN, 18), "-9.223372036854775808");
        assert_eq!(written(7, 18), "0.000000000000000007");
        assert_eq!(read_decimal("12.5", 2), Some((1250, true)));
        assert_eq!(read_decimal("-0.015", 2), Some((-2, false)));
        assert_eq!(read_decimal("1e3", 1), Some((10_000, true)));
        assert_eq!(read_decimal("15e-1", 0), Some((1, false)));
        assert_eq!(read_decimal("99999999999999999999", 0), Some((i64::MAX, true)));
        assert_eq!(read_decimal("abc", 0), None);
        assert_eq!(read_decimal("", 0), None);
    }

    #[test]
    fn hours_sum_to_a_thousand() {
        assert_eq!(WAKING.iter().sum::<u16>(), 1_000);
        assert_eq!(OFFICE.iter().sum::<u16>(), 1_000);
    }
}
