//! Conditional requests (RFC 9110, section 13).

use http::{HeaderMap, HeaderName, StatusCode, header};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What identifies the content that would be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// With its double quotes.
    pub etag: &'a str,
    pub modified: Timestamp,
}

impl Validators<'_> {
    /// 304 or 412 instead of the content; `None`: the content is wanted. In the RFC's order (section 13.2.2).
    pub fn check(self, headers: &HeaderMap) -> Option<StatusCode> {
        if let Some(list) = text(headers, header::IF_MATCH) {
            if !self.strongly(&list) {
                return Some(StatusCode::PRECONDITION_FAILED);
            }
        } else if let Some(since) = date(headers, header::IF_UNMODIFIED_SINCE)
            && self.modified.as_second() > since.as_second()
        {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
        if let Some(list) = text(headers, header::IF_NONE_MATCH) {
            return self.weakly(&list).then_some(StatusCode::NOT_MODIFIED);
        }
        let since = date(headers, header::IF_MODIFIED_SINCE)?;
        (self.modified.as_second() <= since.as_second()).then_some(StatusCode::NOT_MODIFIED)
    }

    /// Whether a range is still of the content that the client has a part of (`If-Range`).
    pub fn allows_range(self, headers: &HeaderMap) -> bool {
        let Some(value) = text(headers, header::IF_RANGE) else { return true };
        if value.starts_with('"') || value.starts_with("W/") {
            return value == self.etag;
        }
        date(headers, header::IF_RANGE).is_some_and(|date| date.as_second() == self.modified.as_second())
    }

    fn strongly(self, list: &str) -> bool {
        list == "*" || list.split(',').any(|tag| tag.trim() == self.etag)
    }

    fn weakly(self, list: &str) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        list == "*" || list.split(',').any(|tag| opaque(tag) == opaque(self.etag))
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(",").trim().to_owned())
}

/// A date that cannot be read counts as not sent.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let value = text(headers, name)?;
    jiff::fmt::rfc2822::parse(&value).ok().map(|zoned| zoned.timestamp())
}

/// `Mon, 21 Jul 2025 13:24:53 GMT`
pub(super) fn http_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ETAG: &str = "\"abc\"";

    fn check(pairs: &[(HeaderName, &str)]) -> Option<u16> {
        let modified = "2025-07-21T13:24:53.586273Z".parse().unwrap();
        let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Validators { etag: ETAG, modified }.check(&headers).map(|status| status.as_u16())
    }

    #[test]
    fn conditions_are_checked_in_order() {
        let (before, at, after) =
            ("Mon, 21 Jul 2025 13:24:52 GMT", "Mon, 21 Jul 2025 13:24:53 GMT", "Mon, 21 Jul 2025 13:24:54 GMT");
        assert_eq!(http_date("2025-07-21T13:24:53.586273Z".parse().unwrap()), at);
        for (pairs, expected) in [
            (vec![], None),
            (vec![(header::IF_MATCH, "\"abc\"")], None),
            (vec![(header::IF_MATCH, "*")], None),
            (vec![(header::IF_MATCH, "\"x\", \"abc\"")], None),
            (vec![(header::IF_MATCH, "\"nope\"")], Some(412)),
            (vec![(header::IF_MATCH, "W/\"abc\"")], Some(412)),
            (vec![(header::IF_NONE_MATCH, "\"abc\"")], Some(304)),
            (vec![(header::IF_NONE_MATCH, "W/\"abc\"")], Some(304)),
            (vec![(header::IF_NONE_MATCH, "\"x\"")], None),
            (vec![(header::IF_NONE_MATCH, "*")], Some(304)),
            (vec![(header::IF_MODIFIED_SINCE, before)], None),
            (vec![(header::IF_MODIFIED_SINCE, at)], Some(304)),
            (vec![(header::IF_MODIFIED_SINCE, after)], Some(304)),
            (vec![(header::IF_MODIFIED_SINCE, "yesterday")], None),
            (vec![(header::IF_UNMODIFIED_SINCE, before)], Some(412)),
            (vec![(header::IF_UNMODIFIED_SINCE, at)], None),
            (vec![(header::IF_NONE_MATCH, "\"x\""), (header::IF_MODIFIED_SINCE, after)], None),
            (vec![(header::IF_MATCH, "\"abc\""), (header::IF_UNMODIFIED_SINCE, before)], None),
        ] {
            assert_eq!(check(&pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_range_is_of_the_same_content() {
        let modified = "2025-07-21T13:24:53Z".parse().unwrap();
        let validators = Validators { etag: ETAG, modified };
        let of = |value: &str| HeaderMap::from_iter([(header::IF_RANGE, value.parse().unwrap())]);
        assert!(validators.allows_range(&HeaderMap::new()));
        assert!(validators.allows_range(&of("\"abc\"")));
        assert!(!validators.allows_range(&of("W/\"abc\"")));
        assert!(!validators.allows_range(&of("\"x\"")));
        assert!(validators.allows_range(&of("Mon, 21 Jul 2025 13:24:53 GMT")));
        assert!(!validators.allows_range(&of("Mon, 21 Jul 2025 13:24:52 GMT")));
    }
}
