//! Calendar and decimals: from numbers to PostgreSQL's text and back.

/// Days between 1970-01-01, from which Parquet counts, and 2000-01-01, from which PostgreSQL does.
pub(super) const DAYS: i32 = 10_957;
pub(super) const MICROS: i64 = DAYS as i64 * DAY;
pub(super) const DAY: i64 = 86_400_000_000;

/// A day as PostgreSQL reads it: `2026-01-31`, `0044-03-15 BC`. Source: H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
pub(super) fn date(days: i64) -> String {
    let (date, era) = civil(days);
    format!("{date}{era}")
}

fn civil(days: i64) -> (String, &'static str) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // There is no year 0: the one before 1 is 1 BC.
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

/// A time of day with as many digits as there are.
pub(super) fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match micros % 1_000_000 {
        0 => text,
        fraction => format!("{text}.{fraction:06}"),
    }
}

/// A moment, in microseconds since 1970.
pub(super) fn timestamp(micros: i64, utc: bool) -> String {
    let (date, era) = civil(micros.div_euclid(DAY));
    format!("{date} {}{}{era}", time(micros.rem_euclid(DAY)), if utc { "+00" } else { "" })
}

/// The number that `text` is when it is counted in units of 10^-scale; `None` for `NaN`, or with too many digits.
pub(super) fn unscaled(text: &str, precision: u32, scale: u32) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > scale as usize {
        return None;
    }
    let digits = format!("{whole}{fraction:0<width$}", width = scale as usize);
    let value: i128 = digits.parse().ok()?;
    (value.unsigned_abs() < 10_u128.pow(precision)).then_some(value)
}

/// A number counted in units of 10^-scale.
pub(super) fn decimal(unscaled: i128, scale: u32) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Big-endian bytes in two's complement; `None` when there are more than 16.
pub(super) fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let mut all = if negative { [0xff; 16] } else { [0; 16] };
    all.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(i128::from_be_bytes(all))
}

/// `2a0c…` with its hyphens.
pub(super) fn uuid(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for at in [20, 16, 12, 8] {
        if at < text.len() {
            text.insert(at, '-');
        }
    }
    text
}

/// `\x00ff`, as bytea is written.
pub(super) fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS[usize::from(value)];
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    b"\\x".iter().copied().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_that_of_postgresql() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(i64::from(DAYS)), "2000-01-01");
        assert_eq!(date(-719_163), "0001-12-31 BC");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(timestamp(-1, true), "1969-12-31 23:59:59.999999+00");
        assert_eq!(timestamp(DAY, false), "1970-01-02 00:00:00");
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (text, scale) in [("0.00", 2), ("-0.05", 2), ("123456789.10", 2), ("-7", 0)] {
            assert_eq!(decimal(unscaled(text, 38, scale).unwrap_or(1), scale), text);
        }
        assert_eq!(unscaled("NaN", 10, 2), None);
        assert_eq!(unscaled("1.234", 10, 2), None);
        assert_eq!(unscaled("100", 2, 0), None);
        assert_eq!(big_endian(&[0xff, 0x85]), Some(-123));
        assert_eq!(big_endian(&[0; 17]), None);
    }

    #[test]
    fn bytes_are_written_as_postgresql_does() {
        assert_eq!(hex(&[0, 255]), b"\\x00ff");
        assert_eq!(uuid(&[0x11; 16]), "11111111-1111-1111-1111-111111111111");
    }
}
