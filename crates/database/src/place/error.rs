use project::{Diagnostic, EnvName, Exit};

/// What can go wrong between here and other databases.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("cannot connect to {label}")]
    Connect { label: String, source: tokio_postgres::Error },
    #[error("nothing says where the database of {environment} is")]
    Nowhere { environment: EnvName },
    #[error("DATABASE_URL cannot be used")]
    Url { why: String },
    #[error("a connection with TLS cannot be made")]
    Certificates { why: String },
    #[error("there is no way through SSH to {host}")]
    Tunnel { host: String, why: String },
    /// Of PostgreSQL's own programs.
    #[error("{program} failed")]
    Program { program: String, why: String },
    #[error("there is no {program} here for a server of version {server}")]
    TooOld { program: &'static str, server: u32, found: Option<u32> },
    #[error("{label} cannot take this copy")]
    Lacks { label: String, why: String, fix: String },
    #[error("the rows of {table} could not be copied")]
    Copy { table: String, source: tokio_postgres::Error },
    #[error("{label} was not replaced")]
    Swap { label: String, why: String },
}

impl Diagnostic for PlaceError {
    fn code(&self) -> &str {
        match self {
            Self::Connect { .. } => "NS-DB-040",
            Self::Nowhere { .. } => "NS-DB-041",
            Self::Url { .. } => "NS-DB-042",
            Self::Certificates { .. } => "NS-DB-043",
            Self::Tunnel { .. } => "NS-DB-044",
            Self::Program { .. } => "NS-DB-045",
            Self::TooOld { .. } => "NS-DB-046",
            Self::Lacks { .. } => "NS-DB-047",
            Self::Copy { .. } => "NS-DB-048",
            Self::Swap { .. } => "NS-DB-049",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Connect { source, .. } | Self::Copy { source, .. } => crate::failure::describe(source),
            Self::Nowhere { .. } => {
                "its settings have no DATABASE_URL and no POSTGRES_HOST, and no server.json names a host".to_owned()
            }
            Self::TooOld { found: Some(found), program, .. } => {
                format!("the newest {program} on this machine is {found}, and it refuses newer servers")
            }
            Self::TooOld { .. } => "PostgreSQL's client programs are not on this machine".to_owned(),
            Self::Url { why }
            | Self::Certificates { why }
            | Self::Tunnel { why, .. }
            | Self::Program { why, .. }
            | Self::Lacks { why, .. }
            | Self::Swap { why, .. } => why.clone(),
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Connect { .. } => {
                "nself env status --env NAME names the files its address stands in; nself status shows the stack here"
                    .to_owned()
            }
            Self::Nowhere { environment } => format!(
                "write DATABASE_URL=postgres://… into .environments/{environment}/.env.secrets\nor the server's host, user \
                 and key into .environments/{environment}/server.json, to go through SSH"
            ),
            Self::Url { .. } => {
                "correct it: DATABASE_URL=postgres://user:password@host:5432/database?sslmode=verify-full".to_owned()
            }
            Self::Certificates { .. } => {
                "name the authority's certificate: sslrootcert=/path/ca.pem in DATABASE_URL; or another sslmode"
                    .to_owned()
            }
            Self::Tunnel { host, .. } => {
                format!(
                    "sign in once by hand, which also makes the host known: ssh {host}\nthen see server.json: user, port, key"
                )
            }
            Self::Program { .. } => {
                "mend what it names, then run the same command again; nothing was changed".to_owned()
            }
            Self::TooOld { server, .. } => format!("nself postgres install, or the package postgresql-client-{server}"),
            Self::Lacks { fix, .. } => fix.clone(),
            Self::Copy { .. } => {
                "mend what it names, then run the same command again; the target is as it was".to_owned()
            }
            Self::Swap { .. } => "run the same command again when others have let go of it".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Nowhere { .. } | Self::Url { .. } | Self::Certificates { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// One of each, in the order of their codes.
#[cfg(test)]
pub(crate) fn samples() -> Vec<PlaceError> {
    let text = String::new;
    let broken = || "no such option".parse::<tokio_postgres::Config>().expect_err("it is none");
    vec![
        PlaceError::Connect { label: text(), source: broken() },
        PlaceError::Nowhere { environment: EnvName::dev() },
        PlaceError::Url { why: text() },
        PlaceError::Certificates { why: text() },
        PlaceError::Tunnel { host: text(), why: text() },
        PlaceError::Program { program: text(), why: text() },
        PlaceError::TooOld { program: "pg_dump", server: 18, found: None },
        PlaceError::Lacks { label: text(), why: text(), fix: text() },
        PlaceError::Copy { table: text(), source: broken() },
        PlaceError::Swap { label: text(), why: text() },
    ]
}
