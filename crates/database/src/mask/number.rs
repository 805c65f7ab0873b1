//! Numbers and dates in the text form that PostgreSQL writes and reads.

use super::key::{Draws, Prf};
use super::scramble;

/// Another whole number of as many digits and the same sign, at most `largest`. A bijection.
pub(super) fn integer(prf: &Prf, value: i64, largest: i64) -> i64 {
    let size = value.unsigned_abs();
    let largest = largest.unsigned_abs();
    // Zero has no sign of its own, so it belongs to the positive ones.
    let low = if size < 10 { u64::from(value < 0) } else { 10_u64.pow(size.ilog10()) };
    let high = low.saturating_mul(10).max(10).min(largest.saturating_add(1));
    if size >= high {
        // Only the smallest number of a type, whose size is one more than the largest's.
        return -(largest as i64);
    }
    let made = (low + scramble::number(prf, size - low, high - low)) as i64;
    if value < 0 { -made } else { made }
}

/// Other digits in the same places; the first one is no zero where it was none. NaN and infinity stay.
pub(super) fn decimal(prf: &Prf, text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let Some(first) = digits.find(|c| c != '0') else { return text.to_owned() };
    let significant = &digits[first..];
    let made = match significant.parse::<i64>() {
        Ok(number) => integer(prf, number, i64::MAX).to_string(),
        Err(_) => {
            let tail = scramble::text(prf, &significant[1..]);
            format!("{}{tail}", &significant[..1])
        }
    };
    // A one-digit number may become zero.
    let mut made = format!("{}{made:0>width$}", &digits[..first], width = significant.len()).into_bytes().into_iter();
    let replaced = mantissa.chars().map(|c| match c {
        '0'..='9' => made.next().map_or(c, char::from),
        _ => c,
    });
    replaced.collect::<String>() + &text[mantissa.len()..]
}

/// A number changed by up to `percent`, with as many digits behind the point; none when it is not a plain number.
pub(super) fn noise(draws: &mut Draws<'_>, text: &str, percent: f64, limit: Option<i128>) -> Option<String> {
    let (mantissa, exponent) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
    let scale = mantissa.split_once('.').map_or(0, |(_, behind)| behind.len());
    let value: i128 = mantissa.replace('.', "").parse().ok()?;
    // Millionths of the value, drawn evenly from both sides.
    let most = (percent * 10_000.0) as i128;
    let draw = i128::from(draws.below(1 << 20)) - (1 << 19);
    let part = most * draw / (1 << 19);
    let added = value.checked_mul(part)? / 1_000_000;
    let mut made = value.checked_add(added)?;
    if made == value && value != 0 {
        // Small numbers change by one at least, or they would be the originals.
        made += if draw < 0 { -1 } else { 1 };
    }
    if let Some(limit) = limit {
        made = made.clamp(-limit, limit);
    }
    let sign = if made < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", made.unsigned_abs(), width = scale + 1);
    let (before, behind) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    Some(format!("{sign}{before}{point}{behind}{exponent}"))
}

/// The date at the beginning of `text`, moved; what follows it (time, zone) stays. Infinity stays; none for anything else.
pub(super) fn moved(text: &str, days: i64) -> Option<String> {
    if matches!(text, "infinity" | "-infinity") {
        return Some(text.to_owned());
    }
    let (text, era) = text.strip_suffix(" BC").map_or((text, ""), |text| (text, " BC"));
    let (year, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let (day, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let year: i64 = year.parse().ok()?;
    let year = if era.is_empty() { year } else { 1 - year };
    let (year, month, day) = civil(day_number(year, month.parse().ok()?, day.parse().ok()?) + days);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    Some(format!("{year:04}-{month:02}-{day:02}{rest}{era}"))
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`day_number`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::key::Key;
    use super::*;

    fn prf() -> Prf {
        Key::new(&project::Secret::new("a key for tests, a key for tests".to_owned())).unwrap().purpose("number")
    }

    #[test]
    fn dates_move() {
        assert_eq!(moved("2024-02-28", 2).unwrap(), "2024-03-01");
        assert_eq!(moved("2024-01-01 10:00:00.5+00", -1).unwrap(), "2023-12-31 10:00:00.5+00");
        assert_eq!(moved("0001-01-01", -1).unwrap(), "0001-12-31 BC");
        assert_eq!(moved("0001-12-31 BC", 1).unwrap(), "0001-01-01");
        assert_eq!(moved("infinity", 5).unwrap(), "infinity");
        assert_eq!(moved("12345-06-07", 1).unwrap(), "12345-06-08");
        assert!(moved("yesterday", 1).is_none());
    }

    #[test]
    fn whole_numbers_stay_apart_and_in_their_range() {
        let prf = prf();
        let made: HashSet<i64> = (-300..3000).map(|value| integer(&prf, value, i64::from(i16::MAX))).collect();
        assert_eq!(made.len(), 3300);
        for value in [i64::from(i32::MAX), i64::from(i32::MIN), 2_147_480_000] {
            assert!(integer(&prf, value, i64::from(i32::MAX)).abs() <= i64::from(i32::MAX));
        }
        let _ = (integer(&prf, i64::MAX, i64::MAX), integer(&prf, i64::MIN, i64::MAX));
    }

    #[test]
    fn decimals_keep_their_form() {
        let made = decimal(&prf(), "-0012.50");
        assert!(made.starts_with("-00") && made.len() == 8 && made.chars().nth(5) == Some('.'), "{made}");
        assert_eq!(decimal(&prf(), "NaN"), "NaN");
        assert_eq!(decimal(&prf(), "0.00"), "0.00");
        assert!(decimal(&prf(), "1.5e+300").ends_with("e+300"));
    }

    proptest! {
        #[test]
        fn moving_back_comes_home(year in 1_i64..9999, month in 1_i64..=12, day in 1_i64..=28, days in -4000_i64..4000) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(moved(&moved(&text, days).unwrap(), -days).unwrap(), text);
        }

        #[test]
        fn noise_stays_near(value in 1_000_i64..1_000_000_000, percent in 1_u32..50) {
            let prf = prf();
            let made: i64 = noise(&mut prf.stream(&value.to_le_bytes()), &value.to_string(), f64::from(percent), None).unwrap().parse().unwrap();
            prop_assert!(made != value);
            prop_assert!((made - value).abs() as f64 <= value as f64 * f64::from(percent) / 100.0 + 1.0);
        }
    }
}
