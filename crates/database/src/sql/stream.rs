//! Reading a script that need not fit into memory: statement by statement, and the rows after `COPY … FROM STDIN` in
//! pieces.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

use sha2::{Digest, Sha256};

use super::{Kind, Lexer, Statement, split};

/// How much of a script is looked at together, in bytes. A longer statement is gathered whole all the same.
const PIECE: usize = 256 * 1024;

/// How many bytes of rows are handed on together.
const ROWS: usize = 64 * 1024;

/// A script, read from its beginning to its end once.
pub(crate) struct Stream<R> {
    input: R,
    /// What was read and is not done yet.
    text: String,
    /// Lines of the script before `text`.
    lines: usize,
    /// How far in `text` lines have been counted, and how many there were.
    counted: (usize, usize),
    /// The complete statements of `text`.
    statements: VecDeque<Statement>,
    /// Where in `text` the statement that was handed out last ends.
    done: usize,
    /// Read already, to be read again: what follows a `COPY … FROM STDIN`.
    pending: String,
    /// While rows are read: how many lines of them, and whether that was all.
    rows_read: Option<usize>,
    rows_ended: bool,
    ended: bool,
    begun: bool,
    hash: Sha256,
}

impl<R: BufRead> Stream<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            text: String::new(),
            lines: 0,
            counted: (0, 0),
            statements: VecDeque::new(),
            done: 0,
            pending: String::new(),
            rows_read: None,
            rows_ended: false,
            ended: false,
            begun: false,
            hash: Sha256::new(),
        }
    }

    /// The next statement; its ranges lie in [`Stream::text`]. When it reads rows ([`Statement::data`] is there),
    /// [`Stream::rows`] has to be called until there are none before the next statement can be had.
    pub(crate) fn next(&mut self) -> io::Result<Option<Statement>> {
        if let Some(rows) = self.rows_read.take() {
            self.lines += self.text.matches('\n').count() + rows;
            self.text.clear();
            self.counted = (0, 0);
            self.done = 0;
        }
        loop {
            if let Some(mut statement) = self.statements.pop_front() {
                self.done = statement.range.end;
                let (from, lines) = self.counted;
                let start = statement.range.start;
                self.counted = (start, lines + self.text[from..start].matches('\n').count());
                if let Some(data) = &mut statement.data {
                    let rest = self.text.split_off(data.start);
                    self.pending.insert_str(0, &rest);
                    *data = self.text.len()..self.text.len();
                    self.statements.clear();
                    self.rows_read = Some(0);
                    self.rows_ended = false;
                }
                return Ok(Some(statement));
            }
            if self.ended && self.pending.is_empty() {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// What the statement's range lies in.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The line, counted from 1, on which the statement handed out last begins.
    pub(crate) fn line(&self) -> usize {
        self.lines + self.counted.1 + 1
    }

    /// Lines of the script before [`Stream::text`].
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// The next rows of a `COPY … FROM STDIN`, whole lines; empty at their end.
    pub(crate) fn rows(&mut self) -> io::Result<String> {
        let mut rows = String::new();
        while rows.len() < ROWS && !self.rows_ended {
            let at = rows.len();
            if !self.read_line(&mut rows)? {
                self.rows_ended = true;
                break;
            }
            self.rows_read = Some(self.rows_read.unwrap_or(0) + 1);
            if rows[at..].trim_end() == "\\." {
                rows.truncate(at);
                self.rows_ended = true;
            }
        }
        Ok(rows)
    }

    /// SHA-256 in hex of what was read, by the rules of `migrate::checksum`: all of the script at its end.
    pub(crate) fn checksum(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Drops what is done and reads on until a statement is complete.
    fn fill(&mut self) -> io::Result<()> {
        self.lines += self.text[..self.done].matches('\n').count();
        self.text.drain(..self.done);
        self.counted = (0, 0);
        self.done = 0;
        let mut enough = self.text.len() + PIECE;
        loop {
            let at = self.text.len();
            let mut text = std::mem::take(&mut self.text);
            let more = self.read_line(&mut text);
            self.text = text;
            let more = more?;
            let rows_may_follow = || self.text[at..].to_ascii_lowercase().contains("stdin");
            if more && self.text.len() < enough && !rows_may_follow() {
                continue;
            }
            self.statements = split(&self.text).into();
            if more && !self.last_is_complete() {
                self.statements.pop_back();
            }
            // Statements behind rows that have not been read are none.
            if let Some(copy) = self.statements.iter().position(|statement| statement.data.is_some()) {
                self.statements.truncate(copy + 1);
            }
            if !more || !self.statements.is_empty() {
                self.ended = !more;
                if !more && self.statements.is_empty() {
                    self.done = self.text.len();
                }
                return Ok(());
            }
            enough = self.text.len() * 2;
        }
    }

    /// True when a semicolon follows the last statement: without one, the next line may belong to it.
    fn last_is_complete(&self) -> bool {
        let Some(last) = self.statements.back() else { return true };
        let rest = &self.text[last.range.end..];
        let next = Lexer::new(rest).find(|token| !matches!(token.kind, Kind::Whitespace | Kind::Comment));
        next.is_some_and(|token| token.kind == Kind::Semicolon)
    }

    /// Appends a line with its end; false at the end of the script.
    fn read_line(&mut self, into: &mut String) -> io::Result<bool> {
        if !self.pending.is_empty() {
            let end = self.pending.find('\n').map_or(self.pending.len(), |at| at + 1);
            into.extend(self.pending.drain(..end));
            return Ok(true);
        }
        let at = into.len();
        if self.input.read_line(into)? == 0 {
            return Ok(false);
        }
        if !std::mem::replace(&mut self.begun, true) && into[at..].starts_with('\u{feff}') {
            into.replace_range(at..at + '\u{feff}'.len_utf8(), "");
        }
        match into[at..].strip_suffix("\r\n") {
            Some(line) => {
                self.hash.update(line.as_bytes());
                self.hash.update(b"\n");
            }
            None => self.hash.update(&into.as_bytes()[at..]),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::migrate;

    /// Each statement with the line it stands on, and its rows.
    fn read(script: &str, piece: usize) -> (Vec<(usize, String, String)>, String) {
        let mut stream = Stream::new(io::BufReader::with_capacity(piece, script.as_bytes()));
        let mut read = Vec::new();
        while let Some(statement) = stream.next().unwrap() {
            let line = stream.line();
            let sql = stream.text()[statement.range.clone()].to_owned();
            let mut rows = String::new();
            while statement.data.is_some() {
                let more = stream.rows().unwrap();
                if more.is_empty() {
                    break;
                }
                rows.push_str(&more);
            }
            read.push((line, sql, rows));
        }
        (read, stream.checksum())
    }

    fn whole(script: &str) -> Vec<(usize, String, String)> {
        let statement = |statement: Statement| {
            let line = script[..statement.range.start].matches('\n').count() + 1;
            let rows = statement.data.map(|data| script[data].to_owned()).unwrap_or_default();
            (line, script[statement.range].to_owned(), rows)
        };
        split(script).into_iter().map(statement).collect()
    }

    #[test]
    fn rows_are_told_from_statements() {
        let script = "SELECT 1;\nCOPY t\n(a) FROM stdin;\nit's; stdin\n2\n\\.\n\nSELECT\n2; COPY u FROM STDIN\n;\n3\n\\.\nSELECT 3";
        let (read, checksum) = read(script, 7);
        assert_eq!(read, whole(script));
        assert_eq!(read[1].2, "it's; stdin\n2\n");
        assert_eq!(read.last().unwrap().0, 13);
        assert_eq!(checksum, migrate::checksum(script));
    }

    #[test]
    fn a_script_longer_than_a_piece_is_read_in_pieces() {
        let mut script = String::from("\u{feff}-- many\r\n");
        for number in 0..1500 {
            script.push_str(&format!("INSERT INTO t VALUES ({number}, '{};\r\nb');\r\n", "a".repeat(400)));
        }
        let (read, checksum) = read(&script, 4096);
        let text = script.trim_start_matches('\u{feff}');
        assert_eq!(read, whole(text));
        assert_eq!(checksum, migrate::checksum(text));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(script in r#"(SELECT 1;|copy t from stdin;\n|1\n|\\\.\n|'|\$\$|/\*|\*/|--|;|\n| stdin|é){0,40}"#) {
            prop_assert_eq!(read(&script, 3).0, whole(&script));
        }
    }
}
