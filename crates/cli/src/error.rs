use std::path::PathBuf;

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
    #[error("the stack on this machine is not {wanted}'s")]
    OtherStack { running: String, wanted: String },
    #[error("cannot run {program}")]
    Program { program: String, source: std::io::Error },
    #[error("the GraphQL engine at {url} does not answer")]
    Engine { url: String, why: String },
    /// In the engine's own words.
    #[error("the GraphQL engine refused: {message}")]
    Refused { message: String, code: String, path: String, reasons: Vec<String> },
    #[error("the storage at {url} does not answer")]
    Storage { url: String, why: String },
    /// In the service's own words.
    #[error("storage refused: {message}")]
    StorageRefused { message: String, status: u16 },
    #[error("{0}")]
    Users(auth::admin::AdminError),
    #[error("interrupted")]
    Interrupted { state: String },
    #[error("cannot {action} {}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
}

/// The codes of this crate; each has a page.
pub const CODES: &[&str] = &[
    "NS-CLI-001",
    "NS-CLI-002",
    "NS-CLI-003",
    "NS-CLI-004",
    "NS-CLI-005",
    "NS-CLI-006",
    "NS-CLI-007",
    "NS-CLI-008",
    "NS-CLI-009",
    "NS-CLI-011",
    "NS-CLI-012",
    "NS-CLI-013",
    "NS-CLI-014",
];

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::Usage { .. } => "NS-CLI-001",
            Self::CurrentFolder { .. } => "NS-CLI-002",
            Self::Runtime { .. } => "NS-CLI-003",
            Self::Connect { .. } => "NS-CLI-004",
            Self::Program { .. } => "NS-CLI-005",
            Self::Engine { .. } => "NS-CLI-006",
            Self::Refused { .. } => "NS-CLI-007",
            Self::File { .. } => "NS-CLI-008",
            Self::OtherStack { .. } => "NS-CLI-009",
            Self::Users(_) => "NS-CLI-013",
            Self::Interrupted { .. } => "NS-CLI-014",
            Self::Storage { .. } => "NS-CLI-011",
            Self::StorageRefused { .. } => "NS-CLI-012",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Usage { .. } => None,
            Self::Interrupted { state } => Some(state.clone()),
            Self::OtherStack { running, .. } => Some(format!("it runs with the environment {running}")),
            Self::Users(error) => std::error::Error::source(error).map(ToString::to_string),
            Self::CurrentFolder { source }
            | Self::Runtime { source }
            | Self::Program { source, .. }
            | Self::File { source, .. } => Some(source.to_string()),
            Self::Engine { why, .. } | Self::Storage { why, .. } => Some(why.clone()),
            Self::StorageRefused { status, .. } => Some(format!("it answered {status}")),
            Self::Refused { code, path, reasons, .. } => {
                let place = format!("{code} at {path}");
                Some(if reasons.is_empty() { place } else { format!("{place}\n{}", reasons.join("\n")) })
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
            Self::OtherStack { running, wanted } => {
                format!(
                    "--env {running}; or write into .environments/{wanted}/.env.secrets where its database is: DATABASE_URL"
                )
            }
            Self::Program { .. } => "nself doctor --fix".to_owned(),
            Self::Interrupted { .. } => "run the command again: it begins anew".to_owned(),
            Self::Engine { .. } => {
                "nself status, then nself logs hasura; or another address with --endpoint".to_owned()
            }
            Self::Refused { code, .. } if code == "access-denied" => {
                "set HASURA_GRAPHQL_ADMIN_SECRET to the engine's admin secret".to_owned()
            }
            Self::Storage { .. } => {
                "nself status, then nself logs storage; or another address with --endpoint".to_owned()
            }
            Self::StorageRefused { status: 401 | 403, .. } => {
                "set HASURA_GRAPHQL_ADMIN_SECRET to the project's admin secret".to_owned()
            }
            Self::StorageRefused { status: 404, .. } => "nself storage list, which shows what there is".to_owned(),
            Self::StorageRefused { status: 500.., .. } => "nself logs storage".to_owned(),
            Self::StorageRefused { .. } => "mend what it names, then run the command again".to_owned(),
            Self::Refused { .. } => "mend what it names, then run the command again".to_owned(),
            Self::Users(auth::admin::AdminError::NoUser(_)) => "nself auth users list".to_owned(),
            Self::Users(auth::admin::AdminError::NoClient(_)) => "nself auth oauth-clients list".to_owned(),
            Self::Users(auth::admin::AdminError::Connect(_) | auth::admin::AdminError::Postgres(_)) => {
                "nself status, then nself auth setup".to_owned()
            }
            Self::Users(_) => "nself auth users --help".to_owned(),
            Self::File { path, .. } => format!("check who owns {} and that the disk has room", path.display()),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::OtherStack { .. } => Exit::Usage,
            Self::Interrupted { .. } => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}
