//! Why the service cannot start.

use std::borrow::Cow;

use project::Diagnostic;

/// Every code of this crate; each has a page in `assets/errors`.
pub const CODES: &[&str] = &["NS-AUTH-001", "NS-AUTH-002", "NS-AUTH-003", "NS-AUTH-004", "NS-AUTH-005"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("auth cannot connect to PostgreSQL")]
    Connect(#[source] postgres::Error),
    #[error("auth cannot bring its tables up to date ({migration})")]
    Migrate {
        migration: &'static str,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("auth cannot use the key of the tokens: {0}")]
    Keys(String),
    #[error("auth cannot use {name}")]
    Setting {
        name: Cow<'static, str>,
        /// Without the value, which may be a secret.
        why: String,
    },
    #[error("auth cannot read its tables")]
    Read(#[source] tokio_postgres::Error),
}

impl Error {
    pub(crate) fn setting(name: impl Into<Cow<'static, str>>, why: impl Into<String>) -> Self {
        Self::Setting { name: name.into(), why: why.into() }
    }
}

/// PostgreSQL's message without its detail, which quotes values.
pub(crate) fn reason(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(found) => format!("{} ({})", found.message(), found.code().code()),
        None => error.to_string(),
    }
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "NS-AUTH-001",
            Self::Migrate { .. } => "NS-AUTH-002",
            Self::Keys(_) => "NS-AUTH-003",
            Self::Setting { .. } => "NS-AUTH-004",
            Self::Read(_) => "NS-AUTH-005",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Connect(source) => Some(source.to_string()),
            Self::Migrate { source, .. } | Self::Read(source) => Some(reason(source)),
            Self::Keys(why) | Self::Setting { why, .. } => Some(why.clone()),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Connect(_) => "nself status, then nself logs postgres".to_owned(),
            Self::Migrate { .. } | Self::Read(_) => "nself logs auth".to_owned(),
            Self::Keys(_) => "nself config set HASURA_GRAPHQL_JWT_SECRET, then nself restart auth".to_owned(),
            Self::Setting { name, .. } => format!("nself config set {name}, then nself restart auth"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_and_has_a_page() {
        assert!(CODES.contains(&Error::Keys(String::new()).code()));
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/errors");
        for code in CODES {
            let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
            assert!(page.starts_with(&format!("# {code}: ")), "{code} has no page");
        }
    }
}
