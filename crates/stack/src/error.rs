use project::{Diagnostic, Exit};

/// Settings that are right one by one and contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("port {port} is given twice: by {first} and by {second}")]
    PortTwice { port: u16, first: String, second: String },
    #[error("{address} is given to two services: by {first} and by {second}")]
    RouteTwice { address: String, first: String, second: String },
    #[error("two services are named {name}: by {first} and by {second}")]
    NameTwice { name: String, first: String, second: String },
    #[error("{setting} does not describe a service: {reason}")]
    Service { setting: String, reason: String },
    #[error("services depend on each other in a circle: {}", .0.join(" → "))]
    Cycle(Vec<String>),
    #[error("{setting} is no route: {reason}")]
    Route { setting: String, reason: String },
    #[error("SSL_MODE=custom needs {missing}")]
    Certificate { missing: &'static str },
    #[error("nself.toml describes the service {name}, which no setting names")]
    Unknown { name: String, known: Vec<String> },
}

/// The codes of this crate; each has a page.
pub const CODES: &[&str] = &[
    "NS-PLAN-001",
    "NS-PLAN-002",
    "NS-PLAN-003",
    "NS-PLAN-004",
    "NS-PLAN-005",
    "NS-PLAN-006",
    "NS-PLAN-007",
    "NS-PLAN-008",
];

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::PortTwice { .. } => "NS-PLAN-001",
            Self::RouteTwice { .. } => "NS-PLAN-002",
            Self::NameTwice { .. } => "NS-PLAN-003",
            Self::Service { .. } => "NS-PLAN-004",
            Self::Cycle(_) => "NS-PLAN-005",
            Self::Route { .. } => "NS-PLAN-006",
            Self::Certificate { .. } => "NS-PLAN-007",
            Self::Unknown { .. } => "NS-PLAN-008",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::PortTwice { .. } => Some("only one program can listen on a port of this machine".to_owned()),
            Self::RouteTwice { .. } => Some("a request can go to one service only".to_owned()),
            Self::NameTwice { .. } => {
                Some("a name is the service's key in status, logs, and the compose file".to_owned())
            }
            Self::Unknown { known, .. } if known.is_empty() => Some("there is no custom service".to_owned()),
            Self::Unknown { known, .. } => Some(format!("there are {}", known.join(", "))),
            _ => None,
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::PortTwice { second, .. } => format!("nself config set {second} <another port>"),
            Self::RouteTwice { second, .. } => format!("give {second} another route in .env"),
            Self::NameTwice { second, .. } => format!("give the service of {second} another name in .env"),
            Self::Service { setting, .. } => {
                format!("correct {setting} in .env; the form is name:template[:port][:route]")
            }
            Self::Cycle(_) => "take one of these dependencies away".to_owned(),
            Self::Route { setting, .. } => format!("nself config set {setting} <label or domain>"),
            Self::Certificate { missing } => format!("nself config set {missing} <file>, or SSL_MODE local"),
            Self::Unknown { name, .. } => {
                format!("add CS_1={name}:custom to .env, or correct the name of [services.{name}] in nself.toml")
            }
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
