//! The words of the control socket (`.nself/run/control.sock`, mode 0600): one JSON request a line, answered by one
//! JSON reply a line; after [`Request::Events`] replies keep coming until the client hangs up.

use serde::{Deserialize, Serialize};

use crate::status::StackStatus;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// One [`Reply::Status`].
    Status,
    /// A [`Reply::Status`] now and after every change.
    Events,
    /// Drains requests, stops the services, then PostgreSQL. Empty `services` means all of it, and the server ends;
    /// the connection closes when that is done.
    Stop { services: Vec<String> },
    /// Stops and starts the named services; all children when empty.
    Restart { services: Vec<String> },
    /// Starts stopped services.
    Start { services: Vec<String> },
    /// The database's schema changed: GraphQL reads it again before the reply is sent.
    ReloadSchema,
    /// A one-time sign-in link for the console.
    ConsoleLink,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    Status { status: StackStatus },
    Done,
    ConsoleLink { url: String },
    Error { code: String, message: String, why: Option<String>, fix: Option<String> },
}

/// What `nself serve` says on its stdout, one JSON object a line, until the stack is up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "announce", rename_all = "kebab-case")]
pub enum Announcement {
    /// A service changed its state.
    Service { name: String, state: crate::status::State, detail: Option<String> },
    /// Every service had its first chance: those that could are ready.
    Up { status: StackStatus },
    /// The server gives up and ends.
    Failed { code: String, message: String, why: Option<String>, fix: Option<String>, exit: u8 },
}
