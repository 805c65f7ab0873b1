//! Why the service cannot start or read a new catalog.

use project::Diagnostic;

/// Every code of this crate; each has a page in `assets/errors`.
pub const CODES: &[&str] =
    &["NS-GQL-001", "NS-GQL-002", "NS-GQL-003", "NS-GQL-004", "NS-GQL-005", "NS-GQL-006", "NS-GQL-007"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the GraphQL engine cannot connect to PostgreSQL")]
    Connect(#[source] postgres::Error),
    #[error("the GraphQL engine cannot read the database's catalog")]
    Catalog(#[source] postgres::catalog::Error),
    #[error("the GraphQL engine cannot read or keep its metadata")]
    Store(#[source] crate::store::StoreError),
    #[error("the metadata cannot be read")]
    Metadata { why: String },
    #[error("the GraphQL schema could not be built")]
    Build,
    #[error("the GraphQL engine cannot read the system's certificates")]
    Certificates(#[source] reqwest::Error),
    #[error("the GraphQL engine cannot use {name}")]
    Setting {
        name: &'static str,
        /// Without the value, which may be a secret.
        why: String,
    },
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "NS-GQL-001",
            Self::Catalog(_) => "NS-GQL-002",
            Self::Build => "NS-GQL-003",
            Self::Certificates(_) => "NS-GQL-004",
            Self::Store(_) => "NS-GQL-005",
            Self::Setting { .. } => "NS-GQL-006",
            Self::Metadata { .. } => "NS-GQL-007",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Connect(source) => Some(source.to_string()),
            Self::Catalog(source) => Some(source.to_string()),
            Self::Certificates(source) => Some(source.to_string()),
            Self::Store(source) => Some(source.reason()),
            Self::Setting { why, .. } => Some(why.clone()),
            Self::Metadata { why } => Some(why.clone()),
            Self::Build => Some("the builder stopped with an internal error, which the log names".to_owned()),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Connect(_) => "nself status, then nself logs postgres".to_owned(),
            Self::Catalog(source) => source.fix().unwrap_or_else(|| "nself logs graphql".to_owned()),
            Self::Metadata { .. } => "mend the metadata where the message says".to_owned(),
            Self::Store(_) | Self::Build => "nself logs graphql".to_owned(),
            Self::Setting { name, .. } => format!("nself config set {name}, then nself restart hasura"),
            Self::Certificates(_) => {
                "apt-get install ca-certificates, or your system's package of that kind".to_owned()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_and_has_a_page() {
        let listed = |error: &Error| CODES.contains(&error.code());
        assert!(listed(&Error::Build));
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/errors");
        for code in CODES {
            let page = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap_or_default();
            assert!(page.starts_with(&format!("# {code}: ")), "{code} has no page");
        }
    }
}
