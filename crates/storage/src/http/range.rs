//! The header `Range` (RFC 9110, section 14).

use std::ops::Range;

/// What a request wants of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// From the first byte to before the last.
    Bytes(Range<u64>),
    /// Nothing of it is there: 416.
    Outside,
}

/// Of a body of `size` bytes. What is not a single range of bytes, or covers everything, is the whole, as with Nhost.
pub(super) fn part(header: Option<&str>, size: u64) -> Part {
    let Some(wanted) = header.and_then(|value| value.trim().strip_prefix("bytes=")) else { return Part::Whole };
    let Some((first, last)) = wanted.trim().split_once('-') else { return Part::Whole };
    let (first, last) = (number(first), number(last));
    let range = match (first, last) {
        (Ok(Some(first)), Ok(Some(last))) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(Some(first)), Ok(None)) => first..size,
        (Ok(None), Ok(Some(0))) => return Part::Outside,
        (Ok(None), Ok(Some(last))) => size.saturating_sub(last)..size,
        _ => return Part::Whole,
    };
    if range.start >= size {
        Part::Outside
    } else if range == (0..size) {
        Part::Whole
    } else {
        Part::Bytes(range)
    }
}

/// Digits only; `None`: nothing is there.
fn number(text: &str) -> Result<Option<u64>, ()> {
    match text.trim() {
        "" => Ok(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(text.parse().unwrap_or(u64::MAX))),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        for (header, expected) in [
            ("bytes=0-4", Part::Bytes(0..5)),
            ("bytes=6-10", Part::Bytes(6..11)),
            ("bytes=5-", Part::Bytes(5..13)),
            ("bytes=-3", Part::Bytes(10..13)),
            ("bytes=5-99", Part::Bytes(5..13)),
            ("bytes=0-", Part::Whole),
            ("bytes=-13", Part::Whole),
            ("bytes=-99", Part::Whole),
            ("bytes=13-", Part::Outside),
            ("bytes=99999999999999999999999-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=4-2", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(part(Some(header), 13), expected, "{header}");
        }
        assert_eq!(part(None, 13), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), 0), Part::Outside);
    }
}
