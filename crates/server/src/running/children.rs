//! The services that are processes of their own: PostgreSQL, and commands of the project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use stack::Service;
use stack::status::State;

use super::{Running, lock};
use crate::logs::parse_any;
use crate::supervisor::process::{Launch, STACK_MARK};
use crate::supervisor::{Spec, Supervised};
use crate::{Error, postmaster, probe};

/// Pause between tries of a starting service's probe.
const RETRY: Duration = Duration::from_millis(50);
/// Pause between probes of a ready service.
const WATCH: Duration = Duration::from_secs(5);

impl Running {
    pub(super) async fn start_postgres(&self, service: &Service) -> Result<(), Error> {
        if self.resumed(&service.name).await {
            return Ok(());
        }
        self.board.set(&service.name, State::Starting, None);
        let (failures, name) = (self.failures.clone(), service.name.clone());
        let failed = move |error| {
            lock(&failures).insert(name.clone(), error);
        };
        let (cluster, spec) = postmaster::prepare(&self.placement, &self.settings(), service, failed).await?;
        let _ = self.cluster.set(cluster);
        self.supervise(spec);
        Ok(())
    }

    /// With the settings as they are now: a process from before has its own, and is let go of.
    pub(super) async fn start_command(
        &self,
        service: &Service,
        argv: &[String],
        directory: &Path,
    ) -> Result<(), Error> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(Error::ServiceFailed {
                name: service.name.clone(),
                why: "its command is empty".to_owned(),
                log: Vec::new(),
            });
        };
        let before = lock(&self.children).remove(&service.name);
        if let Some(before) = before {
            before.stop().await;
        }
        let settings = self.settings();
        let mut environment = service.resolve_environment(&settings);
        environment.push((STACK_MARK.to_owned(), self.project.root().display().to_string()));
        let spec = Spec {
            name: service.name.clone(),
            launch: Launch {
                program: PathBuf::from(program),
                arguments: arguments.to_vec(),
                directory: self.project.root().join(directory),
                environment,
                owner: None,
                stop_signal: Signal::SIGTERM,
                death_signal: Signal::SIGTERM,
            },
            check: probe::of(service),
            retry: RETRY,
            watch: WATCH,
            grace: settings.duration("NSELF_STOP_TIMEOUT").unwrap_or(Duration::from_secs(30)),
            fail_fast: false,
            parse: parse_any,
        };
        self.supervise(spec);
        Ok(())
    }

    fn supervise(&self, spec: Spec) {
        let name = spec.name.clone();
        let child = Supervised::start(spec, self.board.clone(), self.logs.clone());
        lock(&self.children).insert(name, child);
    }

    /// Starts a child that had been stopped; false when there is none.
    pub(super) async fn resumed(&self, name: &str) -> bool {
        let child = lock(&self.children).get(name).cloned();
        match child {
            Some(child) => {
                child.resume().await;
                true
            }
            None => false,
        }
    }
}
