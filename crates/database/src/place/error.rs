use project::{Diagnostic, EnvName, Exit};

/// What can go wrong between here and an environment's database.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("cannot connect to {label}")]
    Connect { label: String, source: tokio_postgres::Error },
    #[error("nothing says where the database of {environment} is")]
    Nowhere { environment: EnvName },
}

/// The codes of this error.
pub const CODES: &[&str] = &["NS-DB-040", "NS-DB-041"];

impl Diagnostic for PlaceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "NS-DB-040",
            Self::Nowhere { .. } => "NS-DB-041",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Connect { source, .. } => Some(crate::failure::describe(source)),
            Self::Nowhere { .. } => Some(
                "its settings have no DATABASE_URL and no POSTGRES_HOST, and no server.json names a host".to_owned(),
            ),
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Connect { .. } => "nself env status shows the address and where it stands".to_owned(),
            Self::Nowhere { environment } => format!(
                "write DATABASE_URL=postgres://… into .environments/{environment}/.env.secrets\nor the server's name, user \
                 and key into .environments/{environment}/server.json, to go through SSH"
            ),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Nowhere { .. } => Exit::Usage,
            Self::Connect { .. } => Exit::Failed,
        }
    }
}
