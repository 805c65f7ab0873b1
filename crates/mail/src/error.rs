//! Why the service cannot start, or a mail cannot leave.

use std::net::SocketAddr;
use std::time::Duration;

use project::{Diagnostic, Exit};

use crate::store::StoreError;

/// Every code of this crate; each has a page in `assets/errors`.
pub const CODES: &[&str] = &[
    "NS-MAIL-001",
    "NS-MAIL-002",
    "NS-MAIL-003",
    "NS-MAIL-004",
    "NS-MAIL-005",
    "NS-MAIL-006",
    "NS-MAIL-007",
    "NS-MAIL-008",
];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("mail cannot connect to PostgreSQL")]
    Connect(#[source] postgres::Error),
    #[error("mail cannot make its tables")]
    Migrate(#[source] tokio_postgres::Error),
    #[error("mail cannot listen on {address}")]
    Listen { address: SocketAddr, setting: &'static str, source: std::io::Error },
    #[error("{setting} would let other machines in ({address})")]
    NotLoopback { address: SocketAddr, setting: &'static str },
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "NS-MAIL-001",
            Self::Migrate(_) => "NS-MAIL-002",
            Self::Listen { .. } => "NS-MAIL-003",
            Self::NotLoopback { .. } => "NS-MAIL-004",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Connect(source) => Some(source.to_string()),
            Self::Migrate(source) => {
                Some(source.as_db_error().map_or_else(|| source.to_string(), |error| error.message().to_owned()))
            }
            Self::Listen { source, .. } => Some(source.to_string()),
            Self::NotLoopback { .. } => {
                Some("the catcher takes any mail from anybody, so it may only be reached from this machine".to_owned())
            }
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Connect(_) => "nself status, then nself logs postgres".to_owned(),
            Self::Migrate(_) => "nself logs postgres".to_owned(),
            Self::Listen { setting, .. } => {
                format!("stop the program that listens there, or nself config set {setting} with a free port")
            }
            Self::NotLoopback { setting, .. } => format!("give {setting} an address of this machine"),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotLoopback { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// A mail that was waited for did not come.
#[derive(Debug, thiserror::Error)]
#[error("no such mail came within {} s", limit.as_secs_f64())]
pub struct NothingCame {
    pub limit: Duration,
}

impl Diagnostic for NothingCame {
    fn code(&self) -> &'static str {
        "NS-MAIL-007"
    }

    fn fix(&self) -> Option<String> {
        Some("nself email inbox, to see what there is".to_owned())
    }
}

impl Diagnostic for StoreError {
    fn code(&self) -> &'static str {
        "NS-MAIL-008"
    }

    fn why(&self) -> Option<String> {
        Some(self.reason())
    }

    fn fix(&self) -> Option<String> {
        Some("nself status, then nself logs postgres".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/errors");
        for code in CODES {
            let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
            assert!(page.starts_with(&format!("# {code}: ")), "{code} has no page");
        }
    }
}
