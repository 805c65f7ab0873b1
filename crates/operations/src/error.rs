use std::path::{Path, PathBuf};

use project::{Diagnostic, Exit};

/// What can go wrong while a project is looked after.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} {}", .path.display())]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the archive {} is damaged", .path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{}", missing(.wanted.as_deref()))]
    NoArchive { wanted: Option<String>, known: Vec<String> },
    #[error("PostgreSQL (process {pid}) still runs on this project's data")]
    StillRunning { pid: i32 },
    #[error("{what} needs a yes")]
    Unconfirmed { what: String },
    #[error("the release feed {url} gives no answer")]
    Feed { url: String, reason: String },
    #[error("there is no error code {code}")]
    UnknownCode { code: String, suggestion: Option<String> },
    #[error("`{command}` did not work")]
    Mend { command: String, reason: String },
    #[error("the archive {} was written by a newer nself", .path.display())]
    Newer { path: PathBuf, format: u32 },
    #[error(transparent)]
    Project(#[from] project::Error),
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
}

/// The codes of this crate; each has a page.
pub const CODES: &[&str] = &[
    "NS-OPS-001",
    "NS-OPS-002",
    "NS-OPS-003",
    "NS-OPS-004",
    "NS-OPS-005",
    "NS-OPS-006",
    "NS-OPS-007",
    "NS-OPS-008",
    "NS-OPS-009",
];

fn missing(wanted: Option<&str>) -> String {
    match wanted {
        Some(name) => format!("there is no archive named {name}"),
        None => "there is no archive to restore".to_owned(),
    }
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::Io { .. } => "NS-OPS-001",
            Self::Damaged { .. } => "NS-OPS-002",
            Self::NoArchive { .. } => "NS-OPS-003",
            Self::StillRunning { .. } => "NS-OPS-004",
            Self::Unconfirmed { .. } => "NS-OPS-005",
            Self::Feed { .. } => "NS-OPS-006",
            Self::UnknownCode { .. } => "NS-OPS-007",
            Self::Mend { .. } => "NS-OPS-008",
            Self::Newer { .. } => "NS-OPS-009",
            Self::Project(error) => error.code(),
            Self::Postgres(error) => error.code(),
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => Some(source.to_string()),
            Self::Damaged { reason, .. } | Self::Feed { reason, .. } | Self::Mend { reason, .. } => {
                Some(reason.clone())
            }
            Self::NoArchive { known, .. } if known.is_empty() => Some("_backup/ holds none".to_owned()),
            Self::NoArchive { known, .. } => Some(format!("there are: {}", known.join(", "))),
            Self::StillRunning { .. } => Some("its files change while it runs".to_owned()),
            Self::Unconfirmed { .. } => {
                Some("it was not given, and there is nobody to ask or the answer was no".to_owned())
            }
            Self::Newer { format, .. } => Some(format!("it has format {format}, this nself knows 1")),
            Self::UnknownCode { .. } => None,
            Self::Project(error) => error.why(),
            Self::Postgres(error) => error.why(),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } | Self::Mend { .. } => "nself doctor".to_owned(),
            Self::Damaged { .. } | Self::NoArchive { .. } => "nself restore --list".to_owned(),
            Self::StillRunning { pid } => format!("nself stop; if it stays, kill -INT {pid} asks it to end at once"),
            Self::Unconfirmed { .. } => "the same command with --yes".to_owned(),
            Self::Feed { .. } => "check NSELF_UPDATE_URL; it takes http:// and file:// addresses".to_owned(),
            Self::UnknownCode { suggestion: Some(code), .. } => format!("nself explain {code}"),
            Self::UnknownCode { .. } => "nself explain, which lists all codes".to_owned(),
            Self::Newer { .. } => "nself update --check".to_owned(),
            Self::Project(error) => return error.fix(),
            Self::Postgres(error) => return error.fix(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoArchive { .. } | Self::UnknownCode { .. } => Exit::Usage,
            Self::Unconfirmed { .. } | Self::StillRunning { .. } => Exit::Refused,
            Self::Project(error) => error.exit(),
            Self::Postgres(error) => error.exit(),
            _ => Exit::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_exactly_the_codes_of_the_variants() {
        let path = || PathBuf::from("x");
        let samples = [
            Error::Io { doing: "read", path: path(), source: std::io::Error::other("x") },
            Error::damaged(&path(), "x"),
            Error::NoArchive { wanted: None, known: Vec::new() },
            Error::StillRunning { pid: 1 },
            Error::Unconfirmed { what: "x".to_owned() },
            Error::Feed { url: "x".to_owned(), reason: "x".to_owned() },
            Error::UnknownCode { code: "x".to_owned(), suggestion: None },
            Error::Mend { command: "x".to_owned(), reason: "x".to_owned() },
            Error::Newer { path: path(), format: 2 },
        ];
        let codes: Vec<&str> = samples.iter().map(Diagnostic::code).collect();
        assert_eq!(codes, CODES);
        assert!(samples.iter().all(|error| error.fix().is_some()));
        assert!(CODES.iter().all(|code| crate::explain::find(code).is_ok()), "each code has a page");
    }
}
