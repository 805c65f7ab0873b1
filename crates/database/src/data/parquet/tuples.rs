//! The binary format of `COPY`. Source: PostgreSQL's documentation of COPY, "File Formats, Binary Format".

use bytes::{Buf, Bytes, BytesMut};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Cuts the bytes of a `COPY … (FORMAT binary)` into rows, whatever chunks they come in.
#[derive(Default)]
pub(in crate::data) struct Tuples {
    buffer: BytesMut,
    begun: bool,
}

impl Tuples {
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Appends the fields of the next row to `fields`; false when it has not come whole yet, or there is none.
    pub fn next(&mut self, fields: &mut Vec<Option<Bytes>>) -> bool {
        fields.clear();
        if !self.begun {
            // The signature, flags, and the length of an extension that no version uses.
            let header = SIGNATURE.len() + 8;
            if self.buffer.len() < header {
                return false;
            }
            self.buffer.advance(header);
            self.begun = true;
        }
        let Some(end) = self.end() else { return false };
        let mut row = self.buffer.split_to(end).freeze();
        let count = row.get_i16();
        for _ in 0..count {
            let length = row.get_i32();
            fields.push(usize::try_from(length).ok().map(|length| row.split_to(length)));
        }
        count >= 0
    }

    /// Where the next row ends.
    fn end(&self) -> Option<usize> {
        let bytes: &[u8] = &self.buffer;
        let count = i16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
        let mut at = 2;
        for _ in 0..count {
            let length = i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
            at += 4 + usize::try_from(length).unwrap_or(0);
        }
        (at <= bytes.len()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_whole_whatever_the_chunks() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff\0\x02\0\0\0\0\0\0\0\x02bc\xff\xff");
        for size in 1..bytes.len() {
            let (mut tuples, mut fields, mut rows) = (Tuples::default(), Vec::new(), Vec::new());
            for chunk in bytes.chunks(size) {
                tuples.push(chunk);
                while tuples.next(&mut fields) {
                    rows.push(fields.clone());
                }
            }
            let bytes = |text: &'static [u8]| Some(Bytes::from_static(text));
            assert_eq!(rows, [vec![bytes(b"a"), None], vec![bytes(b""), bytes(b"bc")]]);
        }
    }
}
