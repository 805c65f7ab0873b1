//! Text: made by a kind, then fitted to the column's length, case and patterns; numbered where it must be unique.

use regex::Regex;

use super::{Generate, Pcg, Row, pattern::Pattern, stream};

/// Appends one text, in any length.
pub type Make = Box<dyn Fn(&Row<'_>, &mut Pcg, &mut Vec<u8>) + Send + Sync>;

/// What the column allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// In characters.
    pub min: usize,
    pub max: usize,
    pub max_bytes: usize,
    pub lower: bool,
    pub upper: bool,
    /// What a text that is too short is filled up with.
    pub filler: &'static str,
}

impl Default for Fit {
    fn default() -> Self {
        Self { min: 0, max: usize::MAX, max_bytes: usize::MAX, lower: false, upper: false, filler: "x" }
    }
}

/// Where the number of a unique text stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// At the end, behind this.
    End(&'static str),
    /// Before the last occurrence of this character: `@` of an address, `.` of a file.
    Before(u8),
}

/// Regular expressions that the text must match, or must not.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    pub matches: Vec<(Regex, bool)>,
    pub not: Vec<String>,
}

impl Guard {
    pub fn is_empty(&self) -> bool {
        self.matches.is_empty() && self.not.is_empty()
    }

    pub fn allows(&self, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return false };
        self.matches.iter().all(|(regex, negated)| regex.is_match(text) != *negated)
            && !self.not.iter().any(|not| not == text)
    }
}

/// A generator of text.
pub struct Text {
    pub make: Make,
    pub fit: Fit,
    pub mark: Mark,
    pub guard: Guard,
    /// Meets the guard by construction; used where the kind's own text does not.
    pub fallback: Option<Pattern>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("fit", &self.fit).field("mark", &self.mark).finish_non_exhaustive()
    }
}

/// Columns up to this length get codes of letters and digits instead of numbered texts.
const SHORT: usize = 8;
/// How often a text that a check refuses is made anew before the fallback steps in.
const ATTEMPTS: usize = 16;

impl Text {
    pub fn new(mark: Mark, make: impl Fn(&Row<'_>, &mut Pcg, &mut Vec<u8>) + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), fit: Fit::default(), mark, guard: Guard::default(), fallback: None }
    }

    /// The kind's own text, fitted, whatever the checks say of it.
    pub fn plain(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        (self.make)(row, rng, out);
        self.fitted(start, out);
    }

    /// The kind's own unique text, whatever the checks say of it.
    pub fn numbered_text(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        match self.fit.max.min(self.fit.max_bytes) {
            length if length <= SHORT => code(index, length, self.fit.upper, out),
            _ => self.numbered(index, row, rng, out),
        }
    }

    /// Where the part begins that must stay when the text is cut: an address without its domain is none.
    fn tail(&self, text: &[u8]) -> usize {
        match self.mark {
            Mark::End(_) => text.len(),
            Mark::Before(byte) => text.iter().rposition(|&other| other == byte).unwrap_or(text.len()),
        }
    }

    fn fitted(&self, start: usize, out: &mut Vec<u8>) {
        let fit = &self.fit;
        if fit.lower || fit.upper {
            recase(start, fit.lower, out);
        }
        let bytes = out.len() - start;
        // A text of few bytes has few characters.
        if bytes > fit.max || bytes > fit.max_bytes {
            let tail = self.tail(&out[start..]);
            let kept: Vec<u8> = out[start + tail..].to_vec();
            let room = fit.max.saturating_sub(characters(&kept)).max(1);
            if kept.len() < fit.max && kept.len() < fit.max_bytes {
                out.truncate(start + tail);
                cut(start, room, fit.max_bytes - kept.len(), out);
                out.extend_from_slice(&kept);
            } else {
                cut(start, fit.max, fit.max_bytes, out);
            }
        }
        if bytes < fit.min.saturating_mul(4) {
            self.fill(start, out);
        }
    }

    fn fill(&self, start: usize, out: &mut Vec<u8>) {
        let missing = self.fit.min.saturating_sub(characters(&out[start..]));
        let at = start + self.tail(&out[start..]);
        let filler: Vec<u8> = self.fit.filler.bytes().cycle().take(missing).collect();
        // A space at the end would be lost to trim().
        out.splice(
            at..at,
            filler.into_iter().enumerate().map(
                |(index, byte)| {
                    if index + 1 == missing && byte == b' ' { b'.' } else { byte }
                },
            ),
        );
    }

    fn numbered(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        (self.make)(row, rng, out);
        if self.fit.lower || self.fit.upper {
            recase(start, self.fit.lower, out);
        }
        let mut number = Vec::with_capacity(24);
        super::scalar::write_decimal(index as i64, 0, &mut number);
        let tail = self.tail(&out[start..]);
        let mut kept: Vec<u8> = out[start + tail..].to_vec();
        let separator = if let Mark::End(separator) = self.mark { separator } else { "" };
        if kept.len() + number.len() + separator.len() >= self.fit.max.min(self.fit.max_bytes) {
            kept.clear();
        }
        out.truncate(start + tail);
        let room = |limit: usize| limit.saturating_sub(kept.len() + number.len() + separator.len());
        if out.len() - start > room(self.fit.max) || out.len() - start > room(self.fit.max_bytes) {
            cut(start, room(self.fit.max), room(self.fit.max_bytes), out);
        }
        // Digits of the text must not run into the number: `a1` and 2 would be `a` and 12.
        while out.len() > start && out.last().is_some_and(|byte| byte.is_ascii_digit() || *byte == b' ') {
            out.pop();
        }
        let length = characters(&out[start..]) + kept.len() + number.len() + separator.len();
        out.extend(self.fit.filler.bytes().cycle().take(self.fit.min.saturating_sub(length)));
        if out.len() > start && !separator.is_empty() && room(self.fit.max) > 0 {
            out.extend_from_slice(separator.as_bytes());
        }
        out.extend_from_slice(&number);
        out.extend_from_slice(&kept);
    }
}

impl Generate for Text {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        (self.make)(row, rng, out);
        self.fitted(start, out);
        if self.guard.is_empty() {
            return;
        }
        // Kinds that follow the row's person make the same text again, hence the digits of another attempt.
        for attempt in 0..ATTEMPTS as u64 {
            if self.guard.allows(&out[start..]) {
                return;
            }
            out.truncate(start);
            let key = stream::mix(row.key ^ attempt);
            (self.make)(&Row { index: row.index, key, cells: row.cells }, rng, out);
            self.fitted(start, out);
        }
        if let (false, Some(fallback)) = (self.guard.allows(&out[start..]), &self.fallback) {
            out.truncate(start);
            fallback.write(row, rng, out);
        }
    }

    fn distinct(&self) -> Option<u64> {
        if let Some(fallback) = &self.fallback {
            return fallback.distinct();
        }
        match self.fit.max.min(self.fit.max_bytes) {
            0 => Some(1),
            length if length <= SHORT => 36u64.checked_pow(length as u32),
            length if length < 20 => 10u64.checked_pow(length as u32 - 1),
            _ => None,
        }
    }

    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        if let Some(fallback) = &self.fallback {
            return fallback.nth(index, row, rng, out);
        }
        self.numbered_text(index, row, rng, out);
    }
}

/// `index` in 36 digits and letters, `length` long.
fn code(index: u64, length: usize, upper: bool, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let start = out.len();
    let mut rest = index;
    for _ in 0..length {
        out.push(DIGITS[(rest % 36) as usize]);
        rest /= 36;
    }
    out[start..].reverse();
    if upper {
        out[start..].make_ascii_uppercase();
    }
}

/// Characters of UTF-8 text: bytes that do not continue one.
pub fn characters(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// Leaves at most so many characters and bytes, and no white space at the end.
fn cut(start: usize, max: usize, max_bytes: usize, out: &mut Vec<u8>) {
    let text = &out[start..];
    let starts = text.iter().enumerate().filter(|(_, byte)| *byte & 0xc0 != 0x80).map(|(at, _)| at);
    let mut end = starts.clone().nth(max).unwrap_or(text.len());
    if end > max_bytes {
        end = starts.take_while(|&at| at <= max_bytes).last().unwrap_or(0);
    }
    out.truncate(start + end);
    while out.len() > start + 1 && out.last().is_some_and(|byte| b" .,-_".contains(byte)) {
        out.pop();
    }
}

fn recase(start: usize, lower: bool, out: &mut Vec<u8>) {
    let text = &mut out[start..];
    if text.is_ascii() {
        if lower {
            text.make_ascii_lowercase()
        } else {
            text.make_ascii_uppercase()
        }
        return;
    }
    let text = String::from_utf8_lossy(text);
    let changed = if lower { text.to_lowercase() } else { text.to_uppercase() };
    out.truncate(start);
    out.extend_from_slice(changed.as_bytes());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn row(index: u64) -> Row<'static> {
        Row { index, key: stream::mix(index), cells: &[] }
    }

    fn text(mark: Mark, content: &'static str, fit: Fit) -> Text {
        Text { fit, ..Text::new(mark, move |_, _, out| out.extend_from_slice(content.as_bytes())) }
    }

    fn written(text: &Text) -> String {
        let mut out = b"earlier".to_vec();
        text.write(&row(1), &mut stream::shared(1, 1), &mut out);
        String::from_utf8(out[7..].to_vec()).unwrap()
    }

    #[test]
    fn lengths_are_kept() {
        let fit = |min, max| Fit { min, max, ..Fit::default() };
        assert_eq!(written(&text(Mark::End(" "), "Größe über alles", fit(0, 5))), "Größe");
        assert_eq!(written(&text(Mark::End(" "), "one two", fit(0, 4))), "one");
        assert_eq!(written(&text(Mark::Before(b'@'), "somebody@example.com", fit(0, 15))), "som@example.com");
        assert_eq!(written(&text(Mark::Before(b'@'), "a@b.co", fit(10, 20))), "axxxx@b.co");
        let bytes = Fit { max_bytes: 4, ..Fit::default() };
        assert_eq!(written(&text(Mark::End(""), "äöü", bytes)), "äö");
        let upper = Fit { upper: true, ..Fit::default() };
        assert_eq!(written(&text(Mark::End(""), "süß", upper)), "SÜSS");
    }

    #[test]
    fn numbered_texts_differ() {
        for (mark, content) in
            [(Mark::End(" "), "lorem 1"), (Mark::End(""), "77"), (Mark::Before(b'@'), "joe1@example.com")]
        {
            for max in [3, 8, 9, 12, 16, 17, 18, 30, usize::MAX] {
                let text = text(mark, content, Fit { max, ..Fit::default() });
                let count = text.distinct().unwrap_or(5_000).min(5_000);
                let mut seen = HashSet::new();
                for index in (0..count).chain([text.distinct().unwrap_or(1 << 62) - 1]) {
                    let mut out = Vec::new();
                    text.nth(index, &row(index), &mut stream::shared(index, 1), &mut out);
                    assert!(characters(&out) <= max, "{max}: {}", String::from_utf8_lossy(&out));
                    seen.insert(out.to_ascii_lowercase());
                }
                assert!(seen.len() as u64 >= count, "{mark:?} {max}");
            }
        }
    }
}
