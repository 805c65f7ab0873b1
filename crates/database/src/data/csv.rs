//! Reading CSV: RFC 4180 with PostgreSQL's reading of NULL (nothing between two commas; `""` is the empty text). Commas may
//! be semicolons, tabs or bars; the header tells.

use std::io::BufRead;

use super::{
    DataError,
    rows::{Batch, Reader, Target},
};
use crate::Error;

pub(super) struct Csv<R> {
    input: R,
    delimiter: u8,
    target: Target,
    /// For each column of the file the target's, when it has one.
    columns: Vec<Option<usize>>,
    /// The line on which the next record begins.
    line: u64,
    record: Record,
}

/// One record: the text of all fields, and for each its end and whether it was in quotes.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    fields: Vec<(usize, bool)>,
}

impl Record {
    fn fields(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let begins = std::iter::once(0).chain(self.fields.iter().map(|(end, _)| *end));
        begins
            .zip(&self.fields)
            .map(|(begin, (end, quoted))| (*quoted || begin < *end).then(|| &self.text[begin..*end]))
    }
}

impl<R: BufRead> Csv<R> {
    /// Reads the header.
    pub fn new(mut input: R, target: Target) -> Result<Self, Error> {
        let problem = |problem: &str| content(&target, None, problem.to_owned());
        let beginning = input.fill_buf().map_err(|error| problem(&error.to_string()))?;
        if beginning.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
        }
        let delimiter = input.fill_buf().map(delimiter).map_err(|error| problem(&error.to_string()))?;
        let mut csv = Self { input, delimiter, target, columns: Vec::new(), line: 1, record: Record::default() };
        if !csv.read()? {
            return Err(content(&csv.target, None, "it is empty: not even a header line is there".to_owned()));
        }
        let names: Vec<String> =
            csv.record.fields().map(|field| String::from_utf8_lossy(field.unwrap_or_default()).into_owned()).collect();
        let columns = names.iter().map(|name| csv.target.find(name));
        csv.columns = columns.collect::<Result<_, _>>()?;
        let mut known: Vec<usize> = csv.columns.iter().flatten().copied().collect();
        known.sort_unstable();
        if let Some(twice) = known.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = &csv.target.columns[twice[0]].name;
            return Err(content(&csv.target, Some("line 1".to_owned()), format!("two columns are called {name}")));
        }
        Ok(csv)
    }

    /// Reads the next record; false at the end.
    fn read(&mut self) -> Result<bool, Error> {
        let Self { input, delimiter, record, line, target, columns } = self;
        record.text.clear();
        record.fields.clear();
        let begun = *line;
        let (mut quoted, mut in_quotes, mut after_quote, mut anything) = (false, false, false, false);
        loop {
            let available =
                input.fill_buf().map_err(|error| content(target, Some(format!("line {begun}")), error.to_string()))?;
            let Some(&byte) = available.first() else {
                if in_quotes && !after_quote {
                    let problem = "a quote is opened and never closed".to_owned();
                    return Err(content(target, Some(format!("line {begun}")), problem));
                }
                if anything {
                    record.fields.push((record.text.len(), quoted));
                }
                return Ok(anything);
            };
            if in_quotes && !after_quote {
                // Inside quotes everything up to the next one belongs to the field.
                let end = available.iter().position(|byte| *byte == b'"').unwrap_or(available.len());
                *line += available[..end].iter().filter(|byte| **byte == b'\n').count() as u64;
                record.text.extend_from_slice(&available[..end]);
                let found = end < available.len();
                input.consume(end + usize::from(found));
                after_quote = found;
                continue;
            }
            if after_quote {
                after_quote = false;
                if byte == b'"' {
                    record.text.push(b'"');
                    input.consume(1);
                    continue;
                }
                in_quotes = false;
            }
            match byte {
                b'\n' => {
                    input.consume(1);
                    *line += 1;
                    // In a table without columns every line is a row.
                    if !anything && target.columns.is_empty() {
                        return Ok(true);
                    }
                    // In a table with one column an empty line is a row: NULL.
                    if !anything && columns.len() != 1 {
                        continue;
                    }
                    if !quoted && record.text.last() == Some(&b'\r') {
                        record.text.pop();
                    }
                    record.fields.push((record.text.len(), quoted));
                    return Ok(true);
                }
                // The line end of a record whose last field was in quotes.
                b'\r' if quoted => input.consume(1),
                byte if byte == *delimiter => {
                    anything = true;
                    record.fields.push((record.text.len(), quoted));
                    quoted = false;
                    input.consume(1);
                }
                b'"' if record.text.len() == record.fields.last().map_or(0, |(end, _)| *end) && !quoted => {
                    anything = true;
                    (quoted, in_quotes) = (true, true);
                    input.consume(1);
                }
                _ => {
                    let plain = |byte: &u8| *byte == b'\n' || *byte == *delimiter || *byte == b'"';
                    let end = available.iter().position(plain).unwrap_or(available.len()).max(1);
                    anything |= available[..end] != *b"\r";
                    record.text.extend_from_slice(&available[..end]);
                    input.consume(end);
                }
            }
        }
    }
}

/// The most frequent of the usual delimiters in the first line.
fn delimiter(beginning: &[u8]) -> u8 {
    let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| {
        let mut in_quotes = false;
        line.iter()
            .filter(|byte| {
                in_quotes ^= **byte == b'"';
                !in_quotes && **byte == delimiter
            })
            .count()
    };
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn content(target: &Target, place: Option<String>, problem: String) -> Error {
    DataError::Content { file: target.file.clone(), format: "CSV", place, problem }.into()
}

impl<R: BufRead + Send> Reader for Csv<R> {
    fn batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut batch = Batch { columns: self.columns.iter().flatten().copied().collect(), ..Batch::default() };
        while !batch.is_full() {
            let line = self.line;
            if !self.read()? {
                break;
            }
            batch.row(line);
            if self.record.fields.len() != self.columns.len() {
                let (fields, wanted) = (self.record.fields.len(), self.columns.len());
                batch.abandon(format!("the header has {wanted} columns, this row {fields}"));
                continue;
            }
            for (field, column) in self.record.fields().zip(&self.columns) {
                if column.is_some() {
                    batch.field(field);
                }
            }
            batch.end();
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::data::{Shape, rows::TargetColumn};

    fn target() -> Target {
        let column = |name: &str| TargetColumn {
            name: name.to_owned(),
            shape: Shape::Text,
            bytea: false,
            generated: false,
            default: false,
        };
        Target {
            table: "t".to_owned(),
            file: "t.csv".into(),
            columns: ["a", "b", "c"].map(column).to_vec(),
            map: [("x".to_owned(), Some("c".to_owned())), ("y".to_owned(), None)].into(),
        }
    }

    /// The rows in COPY's text form, and the lines they stand on.
    fn read(text: &str, piece: usize) -> (String, Vec<u64>, usize) {
        let mut csv = Csv::new(std::io::BufReader::with_capacity(piece, text.as_bytes()), target()).unwrap();
        let mut all = (String::new(), Vec::new(), 0);
        while let Some(batch) = csv.batch().unwrap() {
            all.0.push_str(std::str::from_utf8(&batch.bytes).unwrap());
            all.1.extend(batch.rows.iter().map(|(_, line)| *line));
            all.2 += batch.wrong.len();
        }
        all
    }

    #[test]
    fn quotes_line_ends_and_nulls() {
        let text = "b,a,y,x\r\n1,,z,\"\"\r\n\"a\"\"b\",\"x\r\ny\",,\" , \"\n\n2,3\nlast,\"q\",4,5";
        for piece in [1, 3, 64 * 1024] {
            let (rows, lines, wrong) = read(text, piece.max(8));
            assert_eq!(rows, "1\t\\N\t\na\"b\tx\\r\\ny\t , \nlast\tq\t5\n");
            assert_eq!(lines, [2, 3, 7]);
            assert_eq!(wrong, 1);
        }
    }

    #[test]
    fn other_delimiters_are_seen_in_the_header() {
        assert_eq!(read("a;\"b\"\n1,5;2\n", 64).0, "1,5\t2\n");
        assert_eq!(read("a\tb\n1\t2\n", 64).0, "1\t2\n");
        assert!(Csv::new("nope\n".as_bytes(), target()).is_err());
        assert!(Csv::new("".as_bytes(), target()).is_err());
    }
}
