//! Why the service cannot start.

use project::Diagnostic;

/// Every code of this crate; each has a page in `assets/errors`.
pub const CODES: &[&str] = &["NS-STO-001", "NS-STO-002", "NS-STO-003"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("storage cannot connect to PostgreSQL")]
    Connect(#[source] postgres::Error),
    #[error("storage cannot make or read its tables")]
    Schema(#[source] tokio_postgres::Error),
    #[error("storage cannot use its object store")]
    Store {
        /// Without credentials.
        why: String,
    },
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "NS-STO-001",
            Self::Schema(_) => "NS-STO-002",
            Self::Store { .. } => "NS-STO-003",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Connect(source) => source.to_string(),
            Self::Schema(source) => {
                source.as_db_error().map_or_else(|| source.to_string(), |found| found.message().to_owned())
            }
            Self::Store { why } => why.clone(),
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Connect(_) => "nself status, then nself logs postgres".to_owned(),
            Self::Schema(_) => "nself logs postgres".to_owned(),
            Self::Store { .. } => "nself storage test".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_and_has_a_page() {
        assert!(CODES.contains(&Error::Store { why: String::new() }.code()));
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/errors");
        for code in CODES {
            let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
            assert!(page.starts_with(&format!("# {code}: ")), "{code} has no page");
        }
    }
}
