//! Reading JSON and NDJSON: objects one after another, in an array, or in one array for each table.

use std::io::BufRead;

use super::{
    DataError,
    json::{Object, decode},
    rows::{Batch, Reader, Target},
};
use crate::Error;

/// Cuts a file into the JSON texts of its rows without reading it whole.
pub(super) struct Texts<R> {
    input: R,
    line: u64,
    /// Of an object of arrays the one that is wanted: the name of a table.
    wanted: Option<String>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    /// Objects one after another.
    Stream,
    /// In an array; true when it is one of several.
    Array(bool),
    /// Between the arrays of an object.
    Tables,
    End,
}

impl<R: BufRead> Texts<R> {
    pub fn new(input: R, wanted: Option<String>) -> Self {
        Self { input, line: 1, wanted, state: State::Begin }
    }

    /// The next row's text and the line on which it begins.
    pub fn next(&mut self) -> Result<Option<(Vec<u8>, u64)>, String> {
        loop {
            let Some(byte) = self.peek()? else {
                return match self.state {
                    State::Begin | State::Stream | State::End => Ok(None),
                    _ => Err("it ends in the middle".to_owned()),
                };
            };
            match (self.state, byte) {
                (State::Begin, b'[') => {
                    self.input.consume(1);
                    self.state = State::Array(false);
                }
                (State::Begin, _) if self.wanted.is_some() => {
                    self.input.consume(1);
                    self.state = State::Tables;
                }
                (State::Begin, _) => self.state = State::Stream,
                (State::Stream, _) => return self.value().map(Some),
                (State::Array(_) | State::Tables, b',') => self.input.consume(1),
                (State::Array(many), b']') => {
                    self.input.consume(1);
                    self.state = if many { State::Tables } else { State::End };
                }
                (State::Array(_), _) => return self.value().map(Some),
                (State::Tables, b'}') => {
                    self.input.consume(1);
                    self.state = State::End;
                }
                (State::Tables, _) => self.table()?,
                (State::End, _) => return Err("something follows the end".to_owned()),
            }
        }
    }

    /// The names of the tables in an object of arrays; none when the file is something else.
    pub fn tables(mut self) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        if self.peek()? != Some(b'{') {
            return Ok(names);
        }
        self.input.consume(1);
        while self.peek()? == Some(b'"') {
            let name = self.name()?;
            if self.peek()? != Some(b'[') {
                return Ok(Vec::new());
            }
            names.push(name);
            self.value()?;
            if self.peek()? == Some(b',') {
                self.input.consume(1);
            }
        }
        Ok(names)
    }

    /// Reads a table's name and goes into its array when it is the wanted one, past it otherwise.
    fn table(&mut self) -> Result<(), String> {
        let name = self.name()?;
        if self.peek()? != Some(b'[') {
            return Err(format!("\"{name}\" is not an array of rows"));
        }
        if self.wanted.as_ref() == Some(&name) {
            self.input.consume(1);
            self.state = State::Array(true);
        } else {
            self.value()?;
        }
        Ok(())
    }

    fn name(&mut self) -> Result<String, String> {
        let (name, _) = self.value()?;
        let name = serde_json::from_slice(&name).map_err(|error| error.to_string())?;
        match self.peek()? {
            Some(b':') => self.input.consume(1),
            _ => return Err("a colon is missing".to_owned()),
        }
        Ok(name)
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Result<Option<u8>, String> {
        loop {
            let available = self.input.fill_buf().map_err(|error| error.to_string())?;
            let Some(&byte) = available.first() else { return Ok(None) };
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | 0xef | 0xbb | 0xbf => {}
                _ => return Ok(Some(byte)),
            }
            self.input.consume(1);
        }
    }

    /// A value as it stands there: up to the brace that closes it, or up to what cannot belong to it.
    fn value(&mut self) -> Result<(Vec<u8>, u64), String> {
        let begun = self.line;
        let (mut text, mut depth, mut in_string, mut escaped) = (Vec::new(), 0_usize, false, false);
        loop {
            let available = self.input.fill_buf().map_err(|error| error.to_string())?;
            if available.is_empty() {
                let open = depth > 0 || in_string;
                return if open { Err("it ends in the middle of a value".to_owned()) } else { Ok((text, begun)) };
            }
            let mut end = None;
            for (at, byte) in available.iter().enumerate() {
                self.line += u64::from(*byte == b'\n');
                if in_string {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => {
                            in_string = false;
                            if depth == 0 {
                                end = Some(at + 1);
                                break;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth > 0 => {
                        depth -= 1;
                        if depth == 0 {
                            end = Some(at + 1);
                            break;
                        }
                    }
                    b'}' | b']' | b',' | b':' | b'\n' | b' ' | b'\r' | b'\t' if depth == 0 => {
                        self.line -= u64::from(*byte == b'\n');
                        end = Some(at);
                        break;
                    }
                    _ => {}
                }
            }
            let taken = end.unwrap_or(available.len());
            text.extend_from_slice(&available[..taken]);
            self.input.consume(taken);
            if end.is_some() {
                // Something that is no value at all must not be read for ever.
                if text.is_empty() {
                    self.input.consume(1);
                    return Err(format!("line {begun}: a value is missing"));
                }
                return Ok((text, begun));
            }
        }
    }
}

pub(super) struct Objects<R> {
    texts: Texts<R>,
    target: Target,
    format: &'static str,
    /// The row that did not belong to the last batch.
    left: Option<(Vec<u8>, u64)>,
    /// The names of the last row's fields and what they mean: the next row's are the same, as a rule.
    names: Vec<(String, Option<usize>)>,
}

impl<R: BufRead> Objects<R> {
    pub fn new(input: R, target: Target, wanted: Option<String>, format: &'static str) -> Self {
        Self { texts: Texts::new(input, wanted), target, format, left: None, names: Vec::new() }
    }

    fn content(&self, problem: String) -> Error {
        let place = Some(format!("line {}", self.texts.line));
        DataError::Content { file: self.target.file.clone(), format: self.format, place, problem }.into()
    }

    /// Adds a row to the batch; false when its columns are others.
    fn add(&mut self, batch: &mut Batch, text: &[u8], line: u64) -> Result<bool, Error> {
        let object: Result<Object<'_>, _> = match std::str::from_utf8(text) {
            Ok(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let fields = match object {
            Ok(Object(fields)) => fields,
            Err(problem) => {
                batch.wrong.push((line, problem));
                return Ok(true);
            }
        };
        let mut values = vec![None; self.target.columns.len()];
        for (place, (name, value)) in fields.into_iter().enumerate() {
            if self.names.get(place).is_none_or(|(known, _)| *known != name) {
                let meant = self.target.find(&name)?;
                self.names.truncate(place);
                self.names.push((name, meant));
            }
            if let Some(at) = self.names[place].1 {
                values[at] = Some(value.get());
            }
        }
        let columns = self.columns(&values);
        if batch.rows.is_empty() {
            batch.columns = columns;
        } else if batch.columns != columns {
            return Ok(false);
        }
        batch.row(line);
        for at in batch.columns.clone() {
            let column = &self.target.columns[at];
            match decode(values[at].unwrap_or("null"), &column.shape) {
                Ok(value) => batch.field(value.as_ref().map(String::as_bytes)),
                Err(problem) => {
                    batch.abandon(format!("{}: {problem}", column.name));
                    return Ok(true);
                }
            }
        }
        batch.end();
        Ok(true)
    }

    /// The columns that a row fills. One that it does not name takes its default, and where that is NULL, the row may as
    /// well say so: then rows that leave out different columns can go together.
    fn columns(&self, values: &[Option<&str>]) -> Vec<usize> {
        let filled = |at: &usize| {
            let column = &self.target.columns[*at];
            values[*at].is_some() || !(column.default || column.generated)
        };
        (0..values.len()).filter(filled).collect()
    }
}

impl<R: BufRead + Send> Reader for Objects<R> {
    fn batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut batch = Batch::default();
        while !batch.is_full() {
            let next = match self.left.take() {
                Some(row) => Some(row),
                None => self.texts.next().map_err(|problem| self.content(problem))?,
            };
            let Some((text, line)) = next else { break };
            if !self.add(&mut batch, &text, line)? {
                self.left = Some((text, line));
                break;
            }
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn texts(json: &str, wanted: Option<&str>) -> Vec<(String, u64)> {
        let input = std::io::BufReader::with_capacity(3, json.as_bytes());
        let mut texts = Texts::new(input, wanted.map(str::to_owned));
        let mut all = Vec::new();
        while let Some((text, line)) = texts.next().unwrap() {
            all.push((String::from_utf8(text).unwrap(), line));
        }
        all
    }

    #[test]
    fn rows_are_found_in_every_layout() {
        let expected = [("{\"a\": \"}\\\"\"}".to_owned(), 2), ("{}".to_owned(), 3)];
        assert_eq!(texts("[\n{\"a\": \"}\\\"\"},\n{}]", None), expected);
        assert_eq!(texts("\n{\"a\": \"}\\\"\"}\n{}", None), expected);
        let tables = "{\"x\": [{}, [1]], \"t\": [\n{\"a\": \"}\\\"\"},\n{}\n], \"z\": []}";
        assert_eq!(texts(tables, Some("t")), expected);
        let names = |json: &str| Texts::new(json.as_bytes(), None).tables().unwrap();
        assert_eq!(names(tables), ["x", "t", "z"]);
        assert!(names("[{}]").is_empty());
        assert!(names("{\"a\": 1}\n{\"a\": 2}").is_empty());
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let end = |json: &str| {
            let mut texts = Texts::new(json.as_bytes(), None);
            loop {
                match texts.next() {
                    Ok(Some(_)) => continue,
                    Ok(None) => return true,
                    Err(_) => return false,
                }
            }
        };
        assert!(end("[]") && end(" ") && end("{}{}"));
        assert!(!end("[{}") && !end("[{\"a\": ") && !end("[] {}") && !end("{\"a"));
    }
}
