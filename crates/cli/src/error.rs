use project::{Diagnostic, Exit};
use tokio_postgres::error::SqlState;

/// Failures of the command line itself; everything else comes from the crates below.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{message}")]
    Usage { message: String, fix: String },
    #[error("cannot tell the current folder")]
    CurrentFolder { source: std::io::Error },
    #[error("cannot start the asynchronous runtime")]
    Runtime { source: std::io::Error },
    #[error("cannot connect to PostgreSQL on {host}:{port}")]
    Connect { host: String, port: u16, source: tokio_postgres::Error },
    #[error("cannot run {program}")]
    Program { program: String, source: std::io::Error },
}

/// The codes of this crate; each has a page.
pub const CODES: &[&str] = &["NS-CLI-001", "NS-CLI-002", "NS-CLI-003", "NS-CLI-004", "NS-CLI-005"];

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::Usage { .. } => "NS-CLI-001",
            Self::CurrentFolder { .. } => "NS-CLI-002",
            Self::Runtime { .. } => "NS-CLI-003",
            Self::Connect { .. } => "NS-CLI-004",
            Self::Program { .. } => "NS-CLI-005",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Usage { .. } => None,
            Self::CurrentFolder { source } | Self::Runtime { source } | Self::Program { source, .. } => {
                Some(source.to_string())
            }
            Self::Connect { source, .. } => {
                Some(std::error::Error::source(source).map_or_else(|| source.to_string(), ToString::to_string))
            }
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Usage { fix, .. } => fix.clone(),
            Self::CurrentFolder { .. } => "cd into a folder that exists".to_owned(),
            Self::Runtime { .. } => "nself doctor".to_owned(),
            Self::Connect { source, .. } => match source.code() {
                Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                    "nself restart, which gives PostgreSQL the name and the password of the settings".to_owned()
                }
                Some(&SqlState::INVALID_CATALOG_NAME) => {
                    "nself restart, which makes the database of the settings".to_owned()
                }
                _ => "nself start, or nself status to see what PostgreSQL is doing".to_owned(),
            },
            Self::Program { .. } => "nself doctor --fix".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}
