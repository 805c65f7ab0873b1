use project::{Diagnostic, Exit};

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this project's stack is already running")]
    AlreadyRunning(#[source] project::Error),
    #[error("service {name} failed: {why}")]
    ServiceFailed { name: String, why: String, log: Vec<String> },
    #[error("cannot {action} {path}")]
    Io { action: &'static str, path: String, source: std::io::Error },
    #[error("port {port} of service {service} is taken")]
    PortTaken { port: u16, service: String, setting: String, owner: Option<String> },
    #[error("the server stopped because of a fault of its own")]
    Fault(String),
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    #[error(transparent)]
    Graphql(#[from] graphql::Error),
    #[error(transparent)]
    Auth(#[from] auth::Error),
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
    #[error(transparent)]
    MailSetting(#[from] mail::send::SettingError),
    #[error(transparent)]
    Gateway(#[from] gateway::Error),
    #[error(transparent)]
    Project(#[from] project::Error),
}

/// The codes of this crate; each has a page.
pub const CODES: &[&str] = &["NS-SRV-001", "NS-SRV-002", "NS-SRV-003", "NS-SRV-004", "NS-SRV-005"];

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::AlreadyRunning(_) => "NS-SRV-001",
            Self::ServiceFailed { .. } => "NS-SRV-002",
            Self::Io { .. } => "NS-SRV-003",
            Self::PortTaken { .. } => "NS-SRV-004",
            Self::Fault(_) => "NS-SRV-005",
            Self::Postgres(error) => error.code(),
            Self::Graphql(error) => error.code(),
            Self::Auth(error) => error.code(),
            Self::Storage(error) => error.code(),
            Self::Mail(error) => error.code(),
            Self::MailSetting(error) => error.code(),
            Self::Gateway(error) => error.code(),
            Self::Project(error) => error.code(),
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::AlreadyRunning(error) => Some(error.to_string()),
            Self::ServiceFailed { log, .. } if log.is_empty() => None,
            Self::ServiceFailed { log, .. } => Some(format!("its last words:\n{}", log.join("\n"))),
            Self::Io { source, .. } => Some(source.to_string()),
            Self::Fault(what) => Some(what.clone()),
            Self::PortTaken { owner, .. } => {
                Some(owner.clone().map_or_else(
                    || "another program listens there".to_owned(),
                    |owner| format!("{owner} listens there"),
                ))
            }
            Self::Postgres(error) => error.why(),
            Self::Graphql(error) => error.why(),
            Self::Auth(error) => error.why(),
            Self::Storage(error) => error.why(),
            Self::Mail(error) => error.why(),
            Self::MailSetting(error) => error.why(),
            Self::Gateway(error) => error.why(),
            Self::Project(error) => error.why(),
        }
    }

    fn fix(&self) -> Option<String> {
        match self {
            Self::AlreadyRunning(_) => Some("nself status, or nself restart to start it anew".to_owned()),
            Self::ServiceFailed { name, .. } => Some(format!("nself logs {name}")),
            Self::Io { .. } => Some("nself doctor".to_owned()),
            Self::Fault(_) => Some("nself logs server; please report it".to_owned()),
            Self::PortTaken { setting, .. } => {
                Some(format!("stop that program, or nself config set {setting} <port>, or nself start --auto-ports"))
            }
            Self::Postgres(error) => error.fix(),
            Self::Graphql(error) => error.fix(),
            Self::Auth(error) => error.fix(),
            Self::Storage(error) => error.fix(),
            Self::Mail(error) => error.fix(),
            Self::MailSetting(error) => error.fix(),
            Self::Gateway(error) => error.fix(),
            Self::Project(error) => error.fix(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::ServiceFailed { .. } => Exit::Unhealthy,
            Self::AlreadyRunning(_) | Self::Io { .. } | Self::PortTaken { .. } | Self::Fault(_) => Exit::Failed,
            Self::Postgres(error) => error.exit(),
            Self::Graphql(error) => error.exit(),
            Self::Auth(error) => error.exit(),
            Self::Storage(error) => error.exit(),
            Self::Mail(error) => error.exit(),
            Self::MailSetting(error) => error.exit(),
            Self::Gateway(error) => error.exit(),
            Self::Project(error) => error.exit(),
        }
    }
}
