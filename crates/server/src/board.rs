//! The board: what every service is doing right now, in one place that all can watch.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use stack::Plan;
use stack::status::{ServerStatus, ServiceStatus, StackStatus, State};
use tokio::sync::watch;

use crate::supervisor::process::resident_bytes;

/// The live state of a stack. Writers are the supervisor and the services; readers the control socket, the gateway's
/// `/status` and the console.
#[derive(Debug)]
pub struct Board {
    project: String,
    environment: String,
    server: ServerStatus,
    order: Vec<String>,
    services: Mutex<BTreeMap<String, ServiceStatus>>,
    changes: watch::Sender<u64>,
}

impl Board {
    pub fn new(plan: &Plan, server: ServerStatus) -> Self {
        let now = Timestamp::now();
        let urls: BTreeMap<String, String> = plan.urls().into_iter().map(|url| (url.service, url.http)).rev().collect();
        let services = plan.services.iter().map(|service| {
            let external = matches!(service.run, stack::Run::External);
            let status = ServiceStatus {
                name: service.name.clone(),
                kind: service.kind,
                group: service.group,
                state: if external { State::External } else { State::Pending },
                detail: None,
                pid: None,
                since: now,
                restarts: 0,
                memory_bytes: None,
                ports: service.ports.iter().map(|port| port.number).collect(),
                url: urls.get(&service.name).cloned(),
            };
            (service.name.clone(), status)
        });
        Self {
            project: plan.project.clone(),
            environment: plan.environment.clone(),
            server,
            order: plan.services.iter().map(|service| service.name.clone()).collect(),
            services: Mutex::new(services.collect()),
            changes: watch::channel(0).0,
        }
    }

    /// Notes a new state. Waking readers happens only when something really changed.
    pub fn set(&self, name: &str, state: State, detail: Option<String>) {
        self.change(name, |service| {
            if service.state == state && service.detail == detail {
                return false;
            }
            if service.state != state {
                service.since = Timestamp::now();
            }
            service.state = state;
            service.detail = detail;
            true
        });
    }

    pub fn set_process(&self, name: &str, pid: Option<u32>) {
        self.change(name, |service| {
            service.pid = pid;
            true
        });
    }

    pub fn count_restart(&self, name: &str) {
        self.change(name, |service| {
            service.restarts += 1;
            true
        });
    }

    pub fn state(&self, name: &str) -> Option<State> {
        self.lock().get(name).map(|service| service.state)
    }

    /// A counter that moves with every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub fn status(&self) -> StackStatus {
        let services = self.lock();
        let services = self
            .order
            .iter()
            .filter_map(|name| services.get(name).cloned())
            .map(|mut service| {
                service.memory_bytes = service.pid.and_then(resident_bytes);
                service
            })
            .collect();
        StackStatus {
            timestamp: Timestamp::now(),
            project: self.project.clone(),
            environment: self.environment.clone(),
            server: self.server.clone(),
            services,
        }
    }

    fn change(&self, name: &str, edit: impl FnOnce(&mut ServiceStatus) -> bool) {
        let changed = self.lock().get_mut(name).is_some_and(edit);
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ServiceStatus>> {
        // A panic while holding the lock leaves whole values behind; the board stays readable.
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl gateway::StatusSource for Board {
    fn status(&self) -> StackStatus {
        Board::status(self)
    }
}
