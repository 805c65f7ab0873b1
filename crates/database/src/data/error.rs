use std::path::PathBuf;

use postgres::catalog::Catalog;
use project::{Diagnostic, Exit};
use serde::{Deserialize, Serialize};

/// What can go wrong between tables and files of rows.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("there is no table {wanted}")]
    UnknownTable { wanted: String, near: Vec<String> },
    #[error("the condition is not one condition: {condition}")]
    Condition { condition: String },
    #[error("these are more than {limit} rows")]
    TooManyRows { limit: usize },
    #[error("{}", refused(failures, *more))]
    Rows { failures: Vec<RowFailure>, more: bool },
    #[error("{} cannot be read as {format}", file.display())]
    Content { file: PathBuf, format: &'static str, place: Option<String>, problem: String },
    #[error("{table} has no column {column}, which {} has", file.display())]
    UnknownColumn { table: String, column: String, file: PathBuf, near: Option<String> },
    #[error("it is not clear which table the rows of {} belong to", file.display())]
    WhichTable { file: PathBuf },
    #[error("{} is there already", path.display())]
    Exists { path: PathBuf },
    #[error("{}: nothing says what to do with it", path.display())]
    Format { path: PathBuf },
    #[error("{table} has no key by which rows could replace others")]
    NoKey { table: String },
}

impl DataError {
    /// No table is called `wanted`; those that sound alike are named.
    pub(crate) fn unknown_table(wanted: &str, catalog: &Catalog) -> Self {
        let bare = wanted.rsplit('.').next().unwrap_or(wanted).to_lowercase();
        let alike = |name: &str| {
            let name = name.to_lowercase();
            name.contains(&bare) || bare.contains(&name) || distance(&name, &bare) <= 2
        };
        let tables = catalog.tables.iter().filter(|table| alike(&table.name));
        let near = tables.map(|table| format!("{}.{}", table.schema, table.name)).take(3).collect();
        Self::UnknownTable { wanted: wanted.to_owned(), near }
    }
}

/// How many letters have to be changed, put in or left out to make one word of the other (Levenshtein).
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (number, letter) in left.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], number + 1);
        for at in 0..right.len() {
            let changed = before + usize::from(right[at] != letter);
            before = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(before + 1);
        }
    }
    row[right.len()]
}

/// A row of a file that PostgreSQL refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFailure {
    pub file: PathBuf,
    pub table: String,
    /// Its line where the format has lines, otherwise which row it is; both counted from 1. 0 when only the table is known.
    pub line: u64,
    pub column: Option<String>,
    pub message: String,
    /// Five characters, as in PostgreSQL's appendix A.
    pub sqlstate: Option<String>,
    pub detail: Option<String>,
}

impl std::fmt::Display for RowFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            // Seen when all rows were there, of all files.
            write!(f, "{}: ", self.table)?;
        } else {
            write!(f, "{}:{}: ", self.file.display(), self.line)?;
        }
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.message)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

fn refused(failures: &[RowFailure], more: bool) -> String {
    match (failures, more) {
        ([one], false) => one.to_string(),
        (several, false) => format!("{} rows do not fit their tables", several.len()),
        (several, true) => format!("more than {} rows do not fit their tables", several.len()),
    }
}

/// How many refused rows an error shows; the rest is a number.
const SHOWN: usize = 20;

/// The codes of this error.
pub const CODES: &[&str] = &[
    "NS-DB-060",
    "NS-DB-061",
    "NS-DB-062",
    "NS-DB-063",
    "NS-DB-064",
    "NS-DB-065",
    "NS-DB-066",
    "NS-DB-067",
    "NS-DB-068",
    "NS-DB-069",
];

impl Diagnostic for DataError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownTable { .. } => "NS-DB-060",
            Self::Condition { .. } => "NS-DB-061",
            Self::TooManyRows { .. } => "NS-DB-062",
            Self::Rows { .. } => "NS-DB-063",
            Self::Content { .. } => "NS-DB-064",
            Self::UnknownColumn { .. } => "NS-DB-065",
            Self::WhichTable { .. } => "NS-DB-066",
            Self::Exists { .. } => "NS-DB-067",
            Self::Format { .. } => "NS-DB-068",
            Self::NoKey { .. } => "NS-DB-069",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::UnknownTable { near, .. } if !near.is_empty() => format!("did you mean {}?", near.join(" or ")),
            Self::Condition { .. } => "a semicolon or a comment ends the statement that it is part of".to_owned(),
            Self::TooManyRows { .. } => {
                "a seed of that size is slow to read and to run; the rows it points to count too".to_owned()
            }
            Self::Rows { failures, .. } => {
                let mut lines: Vec<String> = failures.iter().take(SHOWN).map(ToString::to_string).collect();
                if failures.len() > SHOWN {
                    lines.push(format!("and {} more", failures.len() - SHOWN));
                }
                lines.push("nothing was imported".to_owned());
                lines.join("\n")
            }
            Self::Content { place, problem, .. } => match place {
                Some(place) => format!("{place}: {problem}"),
                None => problem.clone(),
            },
            Self::UnknownColumn { near: Some(near), .. } => format!("did you mean {near}?"),
            Self::Format { .. } => {
                "a file's suffix tells its format: json, ndjson, csv or parquet; tar for several tables".to_owned()
            }
            Self::NoKey { .. } => "it has no primary key, or the file lacks a column of it".to_owned(),
            _ => return None,
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::UnknownTable { .. } => "nself db query \"SELECT schemaname, tablename FROM pg_tables\"".to_owned(),
            Self::Condition { .. } => "write it as it stands behind WHERE: --where \"role = 'admin'\"".to_owned(),
            Self::TooManyRows { .. } => {
                "choose fewer rows with --where, allow more with --limit, or: nself data export".to_owned()
            }
            Self::Rows { .. } => {
                "correct the file and run the same command again, or leave these rows out: --keep-going".to_owned()
            }
            Self::UnknownColumn { column, .. } => {
                format!("say where it goes with --map {column}=<column>, or leave it out with --map {column}=")
            }
            Self::WhichTable { .. } => "say it: --table <table>".to_owned(),
            Self::Exists { .. } => "name another place with -o, or replace it with --force".to_owned(),
            Self::Format { .. } => "say it: --format json, ndjson, csv or parquet".to_owned(),
            Self::NoKey { .. } => "import without --upsert, or give the table a primary key".to_owned(),
            Self::Content { .. } => return None,
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Rows { .. } | Self::Content { .. } => Exit::Failed,
            _ => Exit::Usage,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn samples() -> Vec<DataError> {
        let (name, path) = (|| "users".to_owned(), || PathBuf::from("users.csv"));
        let failure = RowFailure {
            file: path(),
            table: name(),
            line: 3,
            column: Some("age".to_owned()),
            message: "no".to_owned(),
            sqlstate: None,
            detail: Some("why".to_owned()),
        };
        vec![
            DataError::UnknownTable { wanted: name(), near: vec![] },
            DataError::Condition { condition: name() },
            DataError::TooManyRows { limit: 1 },
            DataError::Rows { failures: vec![failure], more: false },
            DataError::Content { file: path(), format: "CSV", place: None, problem: "no".to_owned() },
            DataError::UnknownColumn { table: name(), column: name(), file: path(), near: None },
            DataError::WhichTable { file: path() },
            DataError::Exists { path: path() },
            DataError::Format { path: path() },
            DataError::NoKey { table: name() },
        ]
    }

    #[test]
    fn codes_and_pages_hold_together() {
        let samples = samples();
        let codes: Vec<&str> = samples.iter().map(DataError::code).collect();
        assert_eq!(codes, CODES);
        for error in &samples {
            let page = format!("{}/../../assets/errors/{}.md", env!("CARGO_MANIFEST_DIR"), error.code());
            let page = std::fs::read_to_string(page).unwrap();
            assert!(page.starts_with(&format!("# {}: ", error.code())));
            assert!(!error.to_string().ends_with('.'));
        }
    }

    #[test]
    fn a_refused_row_is_told_with_its_place() {
        assert_eq!(samples()[3].to_string(), "users.csv:3: age: no (why)");
    }
}
