//! The text format of `COPY`: one row a line, fields parted by tabs, `\N` for NULL, backslash escapes.
//!
//! It is not: CSV, or knowledge of types. A field is the text that PostgreSQL's input function of its type reads. The
//! server escapes tabs, line ends and backslashes, so a row never holds a bare one of them.
//!
//! ```
//! use database::text::{Row, fields};
//!
//! let mut line = Vec::new();
//! let mut row = Row::new(&mut line);
//! row.value(b"a\tb");
//! row.null();
//! assert_eq!(line, b"a\\tb\t\\N");
//! let read: Vec<_> = fields(&line).map(|field| field.text()).collect();
//! assert_eq!(read[0].as_deref(), Some(b"a\tb".as_slice()));
//! assert_eq!(read[1], None);
//! ```
//!
//! Source: PostgreSQL's documentation of COPY, "File Formats, Text Format".

use std::borrow::Cow;

/// How NULL stands in a row.
pub const NULL: &[u8] = b"\\N";

/// A field of a row as it stands there, escapes and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a>(&'a [u8]);

impl<'a> Field<'a> {
    pub fn is_null(self) -> bool {
        self.0 == NULL
    }

    /// With its escapes, as [`Row::raw`] takes it.
    pub fn raw(self) -> &'a [u8] {
        self.0
    }

    /// The value's text; `None` is NULL.
    pub fn text(self) -> Option<Cow<'a, [u8]>> {
        (!self.is_null()).then(|| unescape(self.0))
    }
}

/// The fields of a row. A line end at its end does not belong to it.
///
/// A row of a table without columns is an empty line and gives one empty field.
pub fn fields(line: &[u8]) -> Fields<'_> {
    Fields { rest: Some(without_line_end(line)) }
}

/// `line` without the line feed it may end with.
pub fn without_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// What [`fields`] gives.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let rest = self.rest?;
        let Some(tab) = rest.iter().position(|byte| *byte == b'\t') else {
            self.rest = None;
            return Some(Field(rest));
        };
        self.rest = Some(&rest[tab + 1..]);
        Some(Field(&rest[..tab]))
    }
}

/// Takes the escapes out of a field that is not NULL.
///
/// An escape that ends too early stands for itself, as a lone backslash does.
pub fn unescape(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = field.iter().position(|byte| *byte == b'\\') else { return Cow::Borrowed(field) };
    let mut text = Vec::with_capacity(field.len());
    text.extend_from_slice(&field[..first]);
    let mut rest = &field[first..];
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte != b'\\' {
            text.push(*byte);
            continue;
        }
        let [escaped, tail @ ..] = rest else {
            text.push(b'\\');
            break;
        };
        rest = tail;
        match *escaped {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'v' => text.push(11),
            b'0'..=b'7' => {
                let (value, used) = number(escaped - b'0', tail, 8, 2);
                text.push(value);
                rest = &tail[used..];
            }
            b'x' if tail.first().is_some_and(u8::is_ascii_hexdigit) => {
                let (value, used) = number(0, tail, 16, 2);
                text.push(value);
                rest = &tail[used..];
            }
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// At most `most` more digits behind the ones that make `value`; how many there were. Eight bits count, as in the server.
fn number(value: u8, text: &[u8], base: u32, most: usize) -> (u8, usize) {
    let digits = text.iter().take(most).map_while(|byte| char::from(*byte).to_digit(base));
    let mut used = 0;
    let mut value = u32::from(value);
    for digit in digits {
        value = value * base + digit;
        used += 1;
    }
    (value.to_le_bytes()[0], used)
}

/// Appends a value's text to `out`, escaped.
pub fn escape(value: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    for (at, byte) in value.iter().enumerate() {
        let letter = match *byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            11 => b'v',
            12 => b'f',
            _ => continue,
        };
        out.extend_from_slice(&value[from..at]);
        out.extend_from_slice(&[b'\\', letter]);
        from = at + 1;
    }
    out.extend_from_slice(&value[from..]);
}

/// Writes one row, field after field, at the end of a buffer. It writes no line end.
#[derive(Debug)]
pub struct Row<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Row<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    /// A value's text, which is escaped here.
    pub fn value(&mut self, text: &[u8]) {
        self.part();
        escape(text, self.out);
    }

    pub fn null(&mut self) {
        self.raw(NULL);
    }

    /// A field that is escaped already: [`Field::raw`] of another row.
    pub fn raw(&mut self, field: &[u8]) {
        self.part();
        self.out.extend_from_slice(field);
    }

    fn part(&mut self) {
        if !self.first {
            self.out.push(b'\t');
        }
        self.first = false;
    }
}

/// Cuts a stream of chunks, which end anywhere, into rows.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `each` for every row that is complete now, without its line end.
    ///
    /// # Errors
    /// The first one of `each`; rows behind it are lost.
    pub fn push<E>(&mut self, mut chunk: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            if self.begun.is_empty() {
                each(line)?;
            } else {
                self.begun.extend_from_slice(line);
                let line = std::mem::take(&mut self.begun);
                each(&line)?;
                self.begun = line;
                self.begun.clear();
            }
            chunk = rest;
        }
        self.begun.extend_from_slice(chunk);
        Ok(())
    }

    /// What came after the last line end: a row whose line end is missing, or nothing.
    pub fn rest(&self) -> &[u8] {
        &self.begun
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &[u8]) -> Vec<Option<Vec<u8>>> {
        fields(line).map(|field| field.text().map(Cow::into_owned)).collect()
    }

    #[test]
    fn escapes_of_the_documentation_are_read() {
        let all = unescape(br"\b\f\n\r\t\v\\\101\x41\x4z\q\.");
        assert_eq!(&*all, b"\x08\x0c\n\r\t\x0b\\AA\x04zq.");
        assert_eq!(&*unescape(b"a\\"), b"a\\");
        assert!(matches!(unescape(b"plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn null_and_text_that_looks_like_it_differ() {
        let mut line = Vec::new();
        let mut row = Row::new(&mut line);
        row.null();
        row.value(b"\\N");
        row.value(b"");
        assert_eq!(line, b"\\N\t\\\\N\t");
        assert_eq!(read(&line), [None, Some(b"\\N".to_vec()), Some(Vec::new())]);
        assert_eq!(read(b"a\n"), [Some(b"a".to_vec())]);
    }

    #[test]
    fn rows_come_whole_whatever_the_chunks() {
        let text = b"one\ntwo\n\nfour";
        for size in 1..text.len() {
            let mut lines = Lines::new();
            let mut seen = Vec::new();
            for chunk in text.chunks(size) {
                lines
                    .push(chunk, |line| {
                        seen.push(String::from_utf8_lossy(line).into_owned());
                        Ok::<(), ()>(())
                    })
                    .expect("nothing fails");
            }
            assert_eq!(seen, ["one", "two", ""]);
            assert_eq!(lines.rest(), b"four");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(row in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..20)), 1..8)) {
            let mut line = Vec::new();
            let mut writer = Row::new(&mut line);
            for value in &row {
                match value {
                    Some(text) => writer.value(text),
                    None => writer.null(),
                }
            }
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(read(&line), row);
        }
    }
}
