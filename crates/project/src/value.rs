//! Reading single values. Everything here is pure and total: wrong text gives `None` or `false`, never a panic.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A number of requests in a time, as the Bash tool wrote them for nginx: `10r/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub requests: u32,
    pub per_seconds: u32,
}

/// `true`/`false`, `yes`/`no`, `on`/`off`, `1`/`0`, in any case.
pub fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

pub fn integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// 1 to 65535.
pub fn port(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|port| *port != 0)
}

/// `52428800`, `100M`, `256MB`, `4Gi`, `2g`. Units are powers of 1024, as in Docker and PostgreSQL.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "ki" | "kib" => 10,
        "m" | "mb" | "mi" | "mib" => 20,
        "g" | "gb" | "gi" | "gib" => 30,
        "t" | "tb" | "ti" | "tib" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// `900` is seconds; otherwise numbers with `ms`, `s`, `m`, `h`, `d`, `w`, one after the other: `1h30m`.
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let milliseconds: u64 = match after[..letters].to_ascii_lowercase().as_str() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
        rest = &after[letters..];
    }
    (!text.is_empty()).then_some(total)
}

/// Thousandths of a core from `0.25`, `2` or `250m`.
pub fn millicores(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Some(number) = text.strip_suffix('m') {
        return number.parse().ok();
    }
    let cores: f64 = text.parse().ok()?;
    (cores.is_finite() && (0.0..=4096.0).contains(&cores)).then_some((cores * 1000.0).round() as u32)
}

/// `10r/s`, `100r/m`, `5r/h`, and without the `r`.
pub fn rate(text: &str) -> Option<Rate> {
    let (requests, per) = text.trim().split_once('/')?;
    let requests = requests.trim().trim_end_matches(['r', 'R']).parse().ok().filter(|count| *count > 0)?;
    let per_seconds = match per.trim() {
        "s" | "sec" | "second" => 1,
        "m" | "min" | "minute" => 60,
        "h" | "hour" => 3600,
        "d" | "day" => 86400,
        _ => return None,
    };
    Some(Rate { requests, per_seconds })
}

/// Entries between commas, without surrounding blanks; empty entries are left out.
pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

pub fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

pub fn is_domain(text: &str) -> bool {
    text.len() <= 253 && !text.is_empty() && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// A label, a dotted domain, and `*.` in front of one.
pub fn is_route(text: &str) -> bool {
    is_domain(text.strip_prefix("*.").unwrap_or(text))
}

pub fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !rest.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

pub fn is_email(text: &str) -> bool {
    let address = match (text.find('<'), text.strip_suffix('>')) {
        (Some(start), Some(inner)) => &inner[start + 1..],
        _ => text,
    };
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && !local.contains(|c: char| c.is_whitespace() || c.is_control()) && is_domain(domain)
        }
        None => false,
    }
}

/// A five-field schedule (numbers, `*`, ranges, steps, lists, names of months and days) or a preset.
pub fn is_cron(text: &str) -> bool {
    const PRESETS: [&str; 6] = ["hourly", "daily", "weekly", "monthly", "yearly", "annually"];
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    const BOUNDS: [(u32, u32, &[&str]); 5] =
        [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, &MONTHS), (0, 7, &DAYS)];
    let text = text.trim();
    if PRESETS.contains(&text.strip_prefix('@').unwrap_or(text)) {
        return true;
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == 5
        && fields.iter().zip(BOUNDS).all(|(field, bounds)| field.split(',').all(|part| is_cron_part(part, bounds)))
}

fn is_cron_part(part: &str, (low, high, names): (u32, u32, &[&str])) -> bool {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
        return false;
    }
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|index| index as u32 + low);
        named.or_else(|| text.parse().ok()).filter(|number| (low..=high).contains(number))
    };
    match range.split_once('-') {
        _ if range == "*" => true,
        Some((from, to)) => matches!((number(from), number(to)), (Some(from), Some(to)) if from <= to),
        None => number(range).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(bytes("1024"), Some(1024));
        assert_eq!(bytes("100M"), Some(100 << 20));
        assert_eq!(bytes("256MB"), Some(256 << 20));
        assert_eq!(bytes("4Gi"), Some(4 << 30));
        assert_eq!(bytes("2g"), Some(2 << 30));
        for wrong in ["", "M", "1.5G", "-1", "10X", "99999999999999T"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_add_up() {
        assert_eq!(duration("900"), Some(Duration::from_secs(900)));
        assert_eq!(duration("15m"), Some(Duration::from_secs(900)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "m", "1.5h", "10 minutes", "-1", "999999999999999999w"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn cores_come_in_two_spellings() {
        assert_eq!(millicores("0.25"), Some(250));
        assert_eq!(millicores("2000m"), Some(2000));
        assert_eq!(millicores("2"), Some(2000));
        for wrong in ["", "NaN", "-1", "inf", "half", "1e9"] {
            assert_eq!(millicores(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rates_keep_their_unit() {
        assert_eq!(rate("10r/s"), Some(Rate { requests: 10, per_seconds: 1 }));
        assert_eq!(rate("100r/m"), Some(Rate { requests: 100, per_seconds: 60 }));
        for wrong in ["10", "r/s", "0r/s", "10r/y", ""] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn schedules_have_five_right_fields() {
        for right in ["0 2 * * *", "*/5 * * * *", "0 9-17 * * mon-fri", "0 0 1,15 jan 7", "@daily", "weekly"] {
            assert!(is_cron(right), "{right}");
        }
        for wrong in ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "often"] {
            assert!(!is_cron(wrong), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_recognised() {
        assert!(is_email("noreply@example.com") && is_email("Shop <shop@example.com>"));
        assert!(!is_email("example.com") && !is_email("@example.com") && !is_email("a b@example.com"));
        assert!(is_url("https://example.com:8443/x?y=z") && is_url("postgres://a:b@localhost/db"));
        assert!(!is_url("example.com") && !is_url("https://") && !is_url("http://a b"));
        assert!(is_domain("localhost") && is_domain("api.local.nself.org"));
        assert!(!is_domain("") && !is_domain("https://x.org") && !is_domain("a..b") && !is_domain("-a.org"));
    }
}
