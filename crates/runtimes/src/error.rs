use project::{Diagnostic, Exit};

/// Why a runtime could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this project's stack is not running")]
    NotRunning,
    #[error("the server ended while it was starting")]
    Died { log: Vec<String> },
    #[error("not ready after {seconds} s: {}", .services.join(", "))]
    NotReady { seconds: u64, services: Vec<String> },
    #[error("the server (process {pid}) did not stop within {seconds} s")]
    DidNotStop { pid: u32, seconds: u64 },
    #[error("cannot {action} {path}")]
    Io { action: &'static str, path: String, source: std::io::Error },
    #[error("there is no service named {name}")]
    UnknownService { name: String, known: Vec<String> },
    /// An error that the server told us about, with its own code.
    #[error("{message}")]
    Remote { code: String, message: String, why: Option<String>, fix: Option<String>, exit: u8 },
}

/// The codes of this crate; each has a page.
pub const CODES: &[&str] = &["NS-RUN-001", "NS-RUN-002", "NS-RUN-003", "NS-RUN-004", "NS-RUN-005", "NS-RUN-006"];

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::NotRunning => "NS-RUN-001",
            Self::Died { .. } => "NS-RUN-002",
            Self::NotReady { .. } => "NS-RUN-003",
            Self::DidNotStop { .. } => "NS-RUN-004",
            Self::Io { .. } => "NS-RUN-005",
            Self::UnknownService { .. } => "NS-RUN-006",
            Self::Remote { code, .. } => code,
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Died { log } if !log.is_empty() => Some(format!("the end of its log:\n{}", log.join("\n"))),
            Self::Io { source, .. } => Some(source.to_string()),
            Self::UnknownService { known, .. } => Some(format!("the plan has: {}", known.join(", "))),
            Self::Remote { why, .. } => why.clone(),
            _ => None,
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::NotRunning => "nself start".to_owned(),
            Self::Died { .. } => "nself logs server, then nself doctor".to_owned(),
            Self::NotReady { services, .. } => {
                let first = services.first().and_then(|service| service.split(' ').next()).unwrap_or_default();
                format!("nself logs {first}; the stack keeps running and trying")
            }
            Self::DidNotStop { pid, .. } => {
                format!("look at nself logs server; as a last resort kill -9 {pid}: nself start cleans up")
            }
            Self::Io { .. } => "nself doctor".to_owned(),
            Self::UnknownService { .. } => "nself status".to_owned(),
            Self::Remote { fix, .. } => return fix.clone(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotReady { .. } => Exit::Unhealthy,
            Self::UnknownService { .. } => Exit::Usage,
            Self::Remote { exit: 2, .. } => Exit::Usage,
            Self::Remote { exit: 3, .. } => Exit::Refused,
            Self::Remote { exit: 5, .. } => Exit::Unhealthy,
            _ => Exit::Failed,
        }
    }
}
