//! Dates and times as PostgreSQL reads them, from counts of days and microseconds since 1970.
//!
//! The calendar is the proleptic Gregorian one, after Howard Hinnant's `chrono-Compatible Low-Level Date Algorithms`.

/// Microseconds of a second and of a day.
pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;
/// 0001-01-01 and 9999-12-31, in days: no value is written outside.
pub const FIRST_DAY: i64 = -719_162;
pub const LAST_DAY: i64 = 2_932_896;

/// Year, month, day.
pub fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970 of a date; months and days are not checked.
pub fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from(month);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

/// 0 for Monday to 6 for Sunday.
pub fn weekday(days: i64) -> usize {
    (days + 3).rem_euclid(7) as usize
}

#[inline]
fn two(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// `2026-01-31`.
#[inline]
pub fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(days.clamp(FIRST_DAY, LAST_DAY));
    two(out, year / 100);
    two(out, year);
    out.push(b'-');
    two(out, i64::from(month));
    out.push(b'-');
    two(out, i64::from(day));
}

/// `14:30:00`, with microseconds when there are any.
#[inline]
pub fn write_time(micros: i64, out: &mut Vec<u8>) {
    let seconds = micros / SECOND;
    two(out, seconds / 3_600);
    out.push(b':');
    two(out, seconds / 60 % 60);
    out.push(b':');
    two(out, seconds % 60);
    let mut fraction = micros % SECOND;
    if fraction > 0 {
        out.push(b'.');
        let mut unit = SECOND / 10;
        while fraction > 0 {
            out.push(b'0' + (fraction / unit) as u8);
            fraction %= unit;
            unit /= 10;
        }
    }
}

/// `2026-01-31 14:30:00`, with `separator` in its middle.
#[inline]
pub fn write_timestamp(micros: i64, separator: u8, out: &mut Vec<u8>) {
    write_date(micros.div_euclid(DAY), out);
    out.push(separator);
    write_time(micros.rem_euclid(DAY), out);
}

/// `49:05:00`: hours do not roll over into days, which a daylight saving change would make longer.
pub fn write_interval(micros: i64, out: &mut Vec<u8>) {
    if micros < 0 {
        out.push(b'-');
    }
    let micros = micros.saturating_abs();
    let hours = micros / (3_600 * SECOND);
    if hours < 100 {
        write_time(micros, out);
    } else {
        super::scalar::write_decimal(hours, 0, out);
        out.push(b':');
        let mut rest = Vec::new();
        write_time(micros % (3_600 * SECOND), &mut rest);
        out.extend_from_slice(&rest[3..]);
    }
}

/// Reads a date as days, and what follows it.
fn read_date(text: &str) -> Option<(i64, &str)> {
    let (year, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let end = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    let (year, month, day): (i64, u32, u32) = (year.parse().ok()?, month.parse().ok()?, rest[..end].parse().ok()?);
    let valid = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then(|| (days(year, month, day), &rest[end..]))
}

/// Reads `14:30[:00[.5]]` and an offset from UTC, as microseconds; a value without offset counts as UTC.
pub fn read_time(text: &str) -> Option<i64> {
    let zone = text.find(['+', '-', 'Z']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(zone);
    let mut parts = clock.trim().split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds = parts.next().unwrap_or("0");
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let mut micros = (hours * 3_600 + minutes * 60 + whole.parse::<i64>().ok()?) * SECOND;
    let mut unit = SECOND / 10;
    for digit in fraction.bytes().take(6) {
        micros += i64::from(digit.checked_sub(b'0').filter(|&digit| digit < 10)?) * unit;
        unit /= 10;
    }
    let zone = zone.trim_start_matches('Z');
    if !zone.is_empty() {
        let (sign, digits) = zone.split_at(1);
        let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
        let offset = (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60 * SECOND;
        micros += if sign == "-" { offset } else { -offset };
    }
    Some(micros)
}

/// Reads a date, with or without a time, as microseconds.
pub fn read_timestamp(text: &str) -> Option<i64> {
    let (days, rest) = read_date(text.trim())?;
    let rest = rest.trim_start_matches(['T', ' ']);
    let time = if rest.is_empty() { 0 } else { read_time(rest)? };
    Some(days * DAY + time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_agrees_with_jiff() {
        for offset in (FIRST_DAY..LAST_DAY).step_by(997) {
            let (year, month, day) = civil(offset);
            let date = jiff::civil::date(year as i16, month as i8, day as i8);
            assert_eq!(jiff::civil::date(1970, 1, 1).until(date).unwrap().get_days(), offset as i32);
            assert_eq!(days(year, month, day), offset);
            assert_eq!(weekday(offset), date.weekday().to_monday_zero_offset() as usize);
        }
        assert_eq!((civil(FIRST_DAY), civil(LAST_DAY)), ((1, 1, 1), (9999, 12, 31)));
    }

    #[test]
    fn what_is_written_is_read() {
        for micros in [0, 1, -1, 1_700_000_000_123_456, 951_782_400_000_000, -2_208_988_800_000_000] {
            let mut out = Vec::new();
            write_timestamp(micros, b' ', &mut out);
            assert_eq!(read_timestamp(std::str::from_utf8(&out).unwrap()), Some(micros));
        }
        assert_eq!(read_timestamp("2026-01-01"), Some(1_767_225_600_000_000));
        assert_eq!(read_timestamp("2026-01-01 01:00:00+01"), Some(1_767_225_600_000_000));
        assert_eq!(read_timestamp("2026-01-01T00:00:00.5Z"), Some(1_767_225_600_500_000));
        assert_eq!(read_timestamp("infinity"), None);
        let mut out = Vec::new();
        write_interval(123 * 3_600 * SECOND + 4 * 60 * SECOND + 5 * SECOND, &mut out);
        assert_eq!(out, b"123:04:05");
    }
}
