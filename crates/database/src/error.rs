use std::path::PathBuf;

use project::{Diagnostic, Exit};

use crate::StatementFailure;

/// What can go wrong with migrations, seeds and queries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database did not do what was asked")]
    Database(#[from] tokio_postgres::Error),
    #[error("{0}")]
    Statement(Box<StatementFailure>),
    #[error("migration {id} was edited after it ran")]
    Edited { id: String, file: PathBuf },
    #[error("two migrations have the version {version}")]
    Duplicate { version: String, first: PathBuf, second: PathBuf },
    #[error("{file} is not named like a migration")]
    FileName { file: PathBuf },
    #[error("the sections of {file} are not clear: {problem}")]
    Sections { file: PathBuf, problem: &'static str },
    #[error("migration {id} has no statement to run")]
    Empty { id: String, file: PathBuf },
    #[error("migration {id} cannot be rolled back: it does not say how")]
    NoDown { id: String, file: PathBuf },
    #[error("migration {id} was interrupted half-way")]
    HalfWay { id: String },
    #[error("another process is changing this database")]
    Locked { holder: Option<i32> },
    #[error("there is no migration {wanted}")]
    UnknownMigration { wanted: String },
    #[error("the file of migration {id} is missing")]
    FileMissing { id: String },
    #[error("{file}:{line} opens or ends a transaction of its own")]
    TransactionControl { file: PathBuf, line: usize },
    #[error("{}: {source}", file.display())]
    Io { file: PathBuf, source: std::io::Error },
    #[error("`{name}` cannot be the name of a file")]
    Name { name: String },
    #[error("there is no seed {wanted}")]
    UnknownSeed { wanted: String, known: Vec<String> },
    #[error("there is nothing to run: no statement was given")]
    Nothing,
    #[error("nothing needs repair in migration {id}: it is {state}")]
    NoRepair { id: String, state: &'static str },
    /// Migrations have more errors of their own, NS-DB-030 to 039.
    #[error(transparent)]
    Migration(#[from] crate::migrate::MigrationError),
    /// The ways to other databases have errors of their own, NS-DB-040 to 049.
    #[error(transparent)]
    Place(#[from] crate::place::PlaceError),
    /// The schema could not be read, NS-PG-090 and 091.
    #[error(transparent)]
    Catalog(#[from] postgres::catalog::Error),
    /// Anonymising has errors of its own, NS-DB-070 to 079.
    #[error(transparent)]
    Mask(#[from] crate::mask::MaskError),
    /// Mock data has errors of its own, NS-DB-050 to 059.
    #[error(transparent)]
    Mock(#[from] crate::mock::MockError),
    /// Between tables and files of rows, NS-DB-060 to 069.
    #[error(transparent)]
    Data(#[from] crate::data::DataError),
}

/// Every code of this crate; each has a page in `assets/errors/`.
pub const CODES: &[&str] = &[
    "NS-DB-001",
    "NS-DB-002",
    "NS-DB-003",
    "NS-DB-004",
    "NS-DB-005",
    "NS-DB-006",
    "NS-DB-007",
    "NS-DB-008",
    "NS-DB-009",
    "NS-DB-010",
    "NS-DB-011",
    "NS-DB-012",
    "NS-DB-013",
    "NS-DB-014",
    "NS-DB-015",
    "NS-DB-016",
    "NS-DB-017",
    "NS-DB-018",
    "NS-DB-030",
    "NS-DB-031",
    "NS-DB-032",
    "NS-DB-033",
    "NS-DB-034",
    "NS-DB-035",
    "NS-DB-036",
    "NS-DB-037",
    "NS-DB-040",
    "NS-DB-041",
    "NS-DB-042",
    "NS-DB-043",
    "NS-DB-044",
    "NS-DB-045",
    "NS-DB-046",
    "NS-DB-047",
    "NS-DB-048",
    "NS-DB-049",
];

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::Database(_) => "NS-DB-001",
            Self::Statement(_) => "NS-DB-002",
            Self::Edited { .. } => "NS-DB-003",
            Self::Duplicate { .. } => "NS-DB-004",
            Self::FileName { .. } => "NS-DB-005",
            Self::Sections { .. } => "NS-DB-006",
            Self::Empty { .. } => "NS-DB-007",
            Self::NoDown { .. } => "NS-DB-008",
            Self::HalfWay { .. } => "NS-DB-009",
            Self::Locked { .. } => "NS-DB-010",
            Self::UnknownMigration { .. } => "NS-DB-011",
            Self::FileMissing { .. } => "NS-DB-012",
            Self::TransactionControl { .. } => "NS-DB-013",
            Self::Io { .. } => "NS-DB-014",
            Self::Name { .. } => "NS-DB-015",
            Self::UnknownSeed { .. } => "NS-DB-016",
            Self::Nothing => "NS-DB-017",
            Self::NoRepair { .. } => "NS-DB-018",
            Self::Migration(error) => error.code(),
            Self::Place(error) => error.code(),
            Self::Mask(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Mock(error) => error.code(),
            Self::Data(error) => error.code(),
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Migration(error) => return error.why(),
            Self::Place(error) => return error.why(),
            Self::Mask(error) => return error.why(),
            Self::Catalog(error) => return error.why(),
            Self::Mock(error) => return error.why(),
            Self::Data(error) => return error.why(),
            Self::Database(error) => crate::failure::describe(error),
            Self::Statement(failure) => failure.why(),
            Self::Edited { file, .. } => {
                format!("the checksum of {} differs from the one recorded when it was applied", file.display())
            }
            Self::Duplicate { first, second, .. } => format!("{} and {}", first.display(), second.display()),
            Self::FileName { .. } => "a migration's file name begins with its version: digits, then `_`".to_owned(),
            Self::Empty { file, .. } => format!("{} holds only comments and white space", file.display()),
            Self::NoDown { file, .. } => format!("{} has no down part, or nothing stands in it", file.display()),
            Self::HalfWay { .. } => {
                "it runs outside a transaction, and the process ended between two statements".to_owned()
            }
            Self::Locked { holder } => match holder {
                Some(pid) => {
                    format!("the database session with process id {pid} holds the lock for migrations and seeds")
                }
                None => "a session holds the lock for migrations and seeds".to_owned(),
            },
            Self::TransactionControl { .. } => {
                "nself runs the file and its record in one transaction; a COMMIT inside would tear them apart"
                    .to_owned()
            }
            Self::Name { .. } => {
                "a name is letters, digits, `_`, `-` or spaces, and begins with a letter or digit".to_owned()
            }
            Self::UnknownSeed { known, .. } if !known.is_empty() => format!("the seeds are {}", known.join(", ")),
            _ => return None,
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Migration(error) => return error.fix(),
            Self::Place(error) => return error.fix(),
            Self::Mask(error) => return error.fix(),
            Self::Catalog(error) => return error.fix(),
            Self::Mock(error) => return error.fix(),
            Self::Data(error) => return error.fix(),
            Self::Statement(failure) => return failure.fix(),
            Self::Database(_) => "nself status shows whether PostgreSQL runs".to_owned(),
            Self::Edited { id, .. } => format!(
                "undo the edit and put the change into a new migration, or accept it: nself db migrate:repair {id} --accept"
            ),
            Self::Duplicate { second, .. } => format!("give {} a version of its own", second.display()),
            Self::FileName { .. } => {
                "rename it, for example 004_20260120_add_coupons.sql, or let nself name it: nself db migrate:create <name>"
                    .to_owned()
            }
            Self::Sections { .. } => "write one line `-- UP`, then at most one line `-- DOWN`".to_owned(),
            Self::Empty { file, .. } => format!("write its SQL below `-- UP` in {}, or delete the file", file.display()),
            Self::NoDown { .. } => {
                "write how to undo it below a line `-- DOWN`; when there is nothing to undo, write `SELECT 1;` there".to_owned()
            }
            Self::HalfWay { id } => format!(
                "finish it by hand, then: nself db migrate:repair {id} --applied\nor undo what it did, then: nself db \
                 migrate:repair {id} --pending"
            ),
            Self::Locked { .. } => "wait for it to end and try again".to_owned(),
            Self::UnknownMigration { .. } | Self::NoRepair { .. } => "nself db migrate:status lists them all".to_owned(),
            Self::FileMissing { id } => format!(
                "bring the file back (git log --diff-filter=D -- '*{id}*'), or forget it: nself db migrate:repair {id} \
                 --pending"
            ),
            Self::TransactionControl { .. } => {
                "remove that statement, or let the whole file run outside a transaction: begin it with the line `-- nself: \
                 no-transaction`"
                    .to_owned()
            }
            Self::UnknownSeed { .. } => "nself seed list".to_owned(),
            Self::Nothing => "nself db query \"SELECT now()\"".to_owned(),
            Self::Io { .. } | Self::Name { .. } => return None,
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Migration(error) => error.exit(),
            Self::Place(error) => error.exit(),
            Self::Mask(error) => error.exit(),
            Self::Catalog(error) => error.exit(),
            Self::Mock(error) => error.exit(),
            Self::Data(error) => error.exit(),
            Self::Name { .. } | Self::UnknownMigration { .. } | Self::UnknownSeed { .. } | Self::Nothing => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sql::Position;

    fn samples() -> Vec<Error> {
        let name = || "001_a".to_owned();
        let path = || PathBuf::from("001_a.sql");
        let failure = StatementFailure {
            file: Some(path()),
            position: Position { line: 2, column: 3 },
            source_line: "a b c".to_owned(),
            statement: "a b c".to_owned(),
            message: "no".to_owned(),
            sqlstate: Some("42601".to_owned()),
            detail: None,
            hint: Some("look".to_owned()),
            context: None,
            outcome: "nothing was changed",
        };
        let mut all = vec![
            Error::Database("no such option".parse::<tokio_postgres::Config>().unwrap_err()),
            Error::Statement(Box::new(failure)),
            Error::Edited { id: name(), file: path() },
            Error::Duplicate { version: "1".to_owned(), first: path(), second: path() },
            Error::FileName { file: path() },
            Error::Sections { file: path(), problem: "no" },
            Error::Empty { id: name(), file: path() },
            Error::NoDown { id: name(), file: path() },
            Error::HalfWay { id: name() },
            Error::Locked { holder: None },
            Error::UnknownMigration { wanted: name() },
            Error::FileMissing { id: name() },
            Error::TransactionControl { file: path(), line: 1 },
            Error::Io { file: path(), source: std::io::ErrorKind::NotFound.into() },
            Error::Name { name: name() },
            Error::UnknownSeed { wanted: name(), known: vec![] },
            Error::Nothing,
            Error::NoRepair { id: name(), state: "applied" },
        ];
        all.extend(crate::migrate::samples().into_iter().map(Error::Migration));
        all.extend(crate::place::samples().into_iter().map(Error::Place));
        all
    }

    #[test]
    fn codes_list_and_pages_hold_together() {
        let samples = samples();
        let mut codes: Vec<&str> = samples.iter().map(Diagnostic::code).collect();
        codes.sort_unstable();
        assert_eq!(codes, CODES);
        for error in &samples {
            let page = format!("{}/../../assets/errors/{}.md", env!("CARGO_MANIFEST_DIR"), error.code());
            let page = std::fs::read_to_string(page).unwrap();
            assert!(page.starts_with(&format!("# {}: ", error.code())));
            assert!(!error.to_string().ends_with('.'));
        }
    }

    #[test]
    fn the_place_is_marked() {
        let shown = samples()[1].why().unwrap();
        assert_eq!(shown, "  a b c\n    ^\nhint: look\nnothing was changed");
    }
}
