//! A statement that PostgreSQL refused, told with its place in the file.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::sql::{Position, Statement, byte_of_character};

/// The longest piece of a source line that is shown, in characters.
const EXCERPT: usize = 160;

/// PostgreSQL's complaint about one statement of a script.
#[derive(Debug, Clone, Serialize)]
pub struct StatementFailure {
    /// The script's file; none for a query typed on the command line.
    pub file: Option<PathBuf>,
    /// The exact place when PostgreSQL names one, otherwise the statement's beginning.
    pub position: Position,
    /// The line of the script at that place.
    pub source_line: String,
    /// The statement, as far as it is worth showing.
    pub statement: String,
    pub message: String,
    /// Five characters, as in PostgreSQL's appendix A.
    pub sqlstate: Option<String>,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Inside which function it happened.
    pub context: Option<String>,
    /// What was done about the statements before it.
    pub outcome: &'static str,
}

/// A script as read from a file: where statements came from when one fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub file: Option<&'a Path>,
    pub text: &'a str,
}

impl StatementFailure {
    pub(crate) fn new(
        source: Source<'_>,
        statement: &Statement,
        error: &tokio_postgres::Error,
        outcome: &'static str,
    ) -> Self {
        let sql = &source.text[statement.range.clone()];
        let refusal = error.as_db_error();
        let character = match refusal.and_then(|refusal| refusal.position()) {
            Some(tokio_postgres::error::ErrorPosition::Original(at)) => Some(*at as usize),
            _ => None,
        };
        let byte = statement.range.start + character.map_or(0, |at| byte_of_character(sql, at));
        let position = Position::of_byte(source.text, byte);
        let text = |value: Option<&str>| value.map(str::to_owned);
        Self {
            file: source.file.map(Path::to_owned),
            position,
            source_line: source.text.lines().nth(position.line - 1).unwrap_or_default().to_owned(),
            statement: shorten(sql, 1000),
            message: refusal.map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned()),
            sqlstate: refusal.map(|refusal| refusal.code().code().to_owned()),
            detail: text(refusal.and_then(|refusal| refusal.detail())),
            hint: text(refusal.and_then(|refusal| refusal.hint())),
            context: text(refusal.and_then(|refusal| refusal.where_())),
            outcome,
        }
    }

    /// Source line with a mark under it, and what else PostgreSQL said.
    pub(crate) fn why(&self) -> String {
        let mut lines = Vec::new();
        // A long line (generated data) is shown around the place only.
        let from = self.position.column.saturating_sub(EXCERPT / 2).saturating_sub(1);
        let shown: String =
            self.source_line.chars().skip(from).take(EXCERPT).map(|c| if c == '\t' { ' ' } else { c }).collect();
        lines.push(format!("  {}", shown.trim_end()));
        lines.push(format!("  {}^", " ".repeat(self.position.column - 1 - from)));
        let said = [("detail", &self.detail), ("hint", &self.hint), ("context", &self.context)];
        lines.extend(said.into_iter().filter_map(|(what, text)| Some(format!("{what}: {}", text.as_deref()?))));
        lines.push(self.outcome.to_owned());
        lines.join("\n")
    }

    pub(crate) fn fix(&self) -> Option<String> {
        match self.sqlstate.as_deref() {
            Some("25001") => {
                Some("let the file run outside a transaction: begin it with `-- nself: no-transaction`".to_owned())
            }
            Some("55P03") => Some(
                "another session holds a lock on the table; try again, or wait longer with --lock-timeout".to_owned(),
            ),
            Some("25006") => Some("run it without --readonly".to_owned()),
            Some("57014") => Some("run the same command again".to_owned()),
            Some("55P04") => Some("put the statement that uses the new value into the next migration".to_owned()),
            _ => self.file.as_ref().map(|file| format!("correct {}, then run the same command again", file.display())),
        }
    }

    fn place(&self) -> String {
        let file = self.file.as_ref().map_or("query".into(), |file| file.to_string_lossy());
        format!("{file}:{}:{}", self.position.line, self.position.column)
    }
}

impl std::fmt::Display for StatementFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}

/// What PostgreSQL or the connection said, in one line.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refusal) => format!("{} ({})", refusal.message(), refusal.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// The row that COPY complains about, counted from 1, and its text where it is told: from `COPY users, line 3, column age:
/// "abc"` or `COPY users, line 3: "1\tabc"`.
pub(crate) fn copied_line(context: &str) -> Option<(usize, Option<String>)> {
    let line = context.lines().find(|line| line.starts_with("COPY "))?;
    let rest = line.rsplit_once(", line ")?.1;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let text = rest[digits..].strip_prefix(": \"").and_then(|text| text.strip_suffix('"'));
    Some((rest[..digits].parse().ok()?, text.map(str::to_owned)))
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((byte, _)) => format!("{}…", &text[..byte]),
        None => text.to_owned(),
    }
}
