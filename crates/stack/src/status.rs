//! What a running stack says about itself: the answer behind `nself status`, `/status` and the console.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Group, Kind};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackStatus {
    pub timestamp: Timestamp,
    pub project: String,
    pub environment: String,
    pub server: ServerStatus,
    /// In start order.
    pub services: Vec<ServiceStatus>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    pub pid: u32,
    pub version: String,
    pub started_at: Timestamp,
    /// Where the front door answers.
    pub url: String,
    pub https_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    pub name: String,
    pub kind: Kind,
    pub group: Group,
    pub state: State,
    /// Why it is in this state, when that is not obvious.
    pub detail: Option<String>,
    /// `None` for a service inside the server's own process.
    pub pid: Option<u32>,
    /// When it entered this state.
    pub since: Timestamp,
    /// Restarts by the supervisor since the stack started.
    pub restarts: u32,
    /// Resident bytes of the process (not of its children).
    pub memory_bytes: Option<u64>,
    pub ports: Vec<u16>,
    pub url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for the services it depends on.
    Pending,
    Starting,
    /// Its probe is green.
    Ready,
    /// It runs and its probe is red.
    Unhealthy,
    /// It ended unexpectedly and waits for its next try.
    Restarting,
    Stopping,
    Stopped,
    /// It will not be tried again without a person.
    Failed,
    /// Somebody else runs it.
    External,
}

impl StackStatus {
    /// True when every service that we run is ready.
    pub fn healthy(&self) -> bool {
        self.services.iter().all(|service| matches!(service.state, State::Ready | State::External))
    }
}
