//! How long an answer may be kept, from its `cache-control` and `expires` headers.

use std::time::Duration;

use jiff::Timestamp;

/// What a server says about keeping its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing was said, or nothing that can be read.
    Unsaid,
    For(Duration),
}

/// `cache-control` first, then `expires`.
pub fn keep(cache_control: Option<&str>, expires: Option<&str>, now: Timestamp) -> Keep {
    if let Some(keep) = cache_control.and_then(directives) {
        return Keep::For(keep);
    }
    match expires.and_then(date) {
        Some(until) => Keep::For(until.duration_since(now).try_into().unwrap_or(Duration::ZERO)),
        None => Keep::Unsaid,
    }
}

/// `s-maxage` before `max-age`; not at all when it must not be kept.
fn directives(header: &str) -> Option<Duration> {
    let (mut age, mut shared, mut never, mut revalidate) = (None, None, false, false);
    for directive in header.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let seconds = || value.trim().trim_matches('"').parse::<u32>().ok();
        match name.trim().to_ascii_lowercase().as_str() {
            "max-age" => age = seconds(),
            "s-maxage" => shared = seconds(),
            "no-cache" | "no-store" => never = true,
            "must-revalidate" => revalidate = true,
            _ => {}
        }
    }
    let age = shared.or(age).map(|seconds| Duration::from_secs(seconds.into()));
    match (age, never, revalidate) {
        (Some(age), _, true) => Some(age),
        (None, _, true) | (_, true, false) => Some(Duration::ZERO),
        (age, false, false) => age,
    }
}

/// `Wed, 21 Oct 2015 07:28:00 GMT`.
fn date(header: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(header.trim()).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn headers_say_how_long() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let seconds = |count| Keep::For(Duration::from_secs(count));
        for (control, expires, expected) in [
            (None, None, Keep::Unsaid),
            (Some("max-age=60"), None, seconds(60)),
            (Some("public, S-MaxAge=10, max-age=60"), None, seconds(10)),
            (Some("no-store, max-age=60"), None, seconds(0)),
            (Some("must-revalidate, max-age=60"), None, seconds(60)),
            (Some("must-revalidate"), None, seconds(0)),
            (Some("no-cache"), Some("Fri, 02 Jan 2026 03:05:05 GMT"), seconds(0)),
            (Some("public"), Some("Fri, 02 Jan 2026 03:05:05 GMT"), seconds(60)),
            (Some("max-age=x"), Some("Fri, 02 Jan 2026 03:00:00 GMT"), seconds(0)),
            (None, Some("soon"), Keep::Unsaid),
        ] {
            assert_eq!(keep(control, expires, now), expected, "{control:?} {expires:?}");
        }
    }
}
