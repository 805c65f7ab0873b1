//! Starting `nself serve` in the background and waiting until it is up.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use project::Project;
use stack::control::{Announcement, Reply, Request};
use stack::status::{StackStatus, State};

use super::client::{Control, reach};
use crate::Error;

/// How to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The environment, as given by `--env`.
    pub environment: Option<String>,
    /// How long to wait for readiness; the stack goes on afterwards.
    pub limit: Duration,
    /// Only these services, with what they depend on; all when empty.
    pub services: Vec<String>,
    /// Wait for the required services only.
    pub quick: bool,
    /// Return as soon as the server answers.
    pub skip_health_checks: bool,
}

/// Starts the server, or finds it running, and waits until every service is ready. `progress` hears of each change.
///
/// Two starts at once are fine: one starts, the other waits and finds it running.
pub fn start(
    project: &Project,
    options: &Start,
    mut progress: impl FnMut(&str, State, Option<&str>),
) -> Result<StackStatus, Error> {
    let began = Instant::now();
    let _starting = loop {
        match project.lock("start") {
            Ok(lock) => break lock,
            Err(_) if began.elapsed() < options.limit => std::thread::sleep(Duration::from_millis(20)),
            Err(_) => {
                return Err(Error::NotReady { seconds: options.limit.as_secs(), services: vec!["server".to_owned()] });
            }
        }
    };
    if let Some(mut control) = reach(project, options.limit)? {
        control.ask(&Request::Start { services: options.services.clone() })?;
        return wait_running(control, options, began);
    }
    let mut child = spawn(project, options)?;
    let announcements = child.stdout.take().expect("stdout is piped");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(announcements).lines().map_while(Result::ok) {
            if let Ok(announcement) = serde_json::from_str::<Announcement>(&line)
                && sender.send(announcement).is_err()
            {
                break;
            }
        }
    });
    loop {
        let left = options.limit.saturating_sub(began.elapsed());
        match receiver.recv_timeout(left) {
            Ok(Announcement::Service { name, state, detail }) => {
                progress(&name, state, detail.as_deref());
                if options.skip_health_checks {
                    return super::status(project);
                }
                if options.quick && state == State::Ready {
                    let status = super::status(project)?;
                    if required_ready(&status) {
                        return Ok(status);
                    }
                }
            }
            Ok(Announcement::Up { status }) => return finish(status, options, began),
            Ok(Announcement::Failed { code, message, why, fix, exit }) => {
                let _ = child.wait();
                return Err(Error::Remote { code, message, why, fix, exit });
            }
            Err(RecvTimeoutError::Timeout) => return finish(super::status(project)?, options, began),
            Err(RecvTimeoutError::Disconnected) => {
                let _ = child.wait();
                return Err(Error::Died { log: last_words(project) });
            }
        }
    }
}

/// A stack that was running before: waits on its events.
fn wait_running(mut control: Control, options: &Start, began: Instant) -> Result<StackStatus, Error> {
    let mut reply = control.ask(&Request::Events)?;
    loop {
        if let Reply::Status { status } = reply {
            let settled = |state| !matches!(state, State::Pending | State::Starting);
            let settled = status.services.iter().all(|service| settled(service.state));
            if settled
                || (options.quick && required_ready(&status))
                || options.skip_health_checks
                || began.elapsed() > options.limit
            {
                return finish(status, options, began);
            }
        }
        reply = control.next_reply()?;
    }
}

fn required_ready(status: &StackStatus) -> bool {
    let mut required = status.services.iter().filter(|service| service.group == stack::Group::Required);
    required.all(|service| service.state == State::Ready)
}

fn finish(status: StackStatus, options: &Start, began: Instant) -> Result<StackStatus, Error> {
    let red = |service: &&stack::status::ServiceStatus| {
        !matches!(service.state, State::Ready | State::External | State::Stopped)
    };
    let services: Vec<String> = status
        .services
        .iter()
        .filter(red)
        .map(|service| match &service.detail {
            Some(detail) => format!("{} ({detail})", service.name),
            None => service.name.clone(),
        })
        .collect();
    if services.is_empty() || options.skip_health_checks || (options.quick && required_ready(&status)) {
        Ok(status)
    } else {
        Err(Error::NotReady { seconds: began.elapsed().as_secs(), services })
    }
}

fn spawn(project: &Project, options: &Start) -> Result<Child, Error> {
    let io = |action, path: &std::path::Path| {
        let path = path.display().to_string();
        move |source| Error::Io { action, path, source }
    };
    let program = std::env::current_exe().map_err(io("find", std::path::Path::new("this program")))?;
    let logs = project.logs_dir();
    std::fs::create_dir_all(&logs).map_err(io("create", &logs))?;
    let path = logs.join("server.stderr");
    // Truncated: only what a server says before it has a log of its own, or while it dies, comes here.
    let stderr = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(io("write", &path))?;
    let mut command = Command::new(&program);
    command.arg("serve").arg("--announce").arg("--project").arg(project.root());
    if let Some(environment) = &options.environment {
        command.arg("--env").arg(environment);
    }
    if !options.services.is_empty() {
        command.arg("--only").arg(options.services.join(","));
    }
    command.current_dir(project.root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    // A process group of its own: Ctrl-C in this terminal is not for the server.
    command.process_group(0);
    command.spawn().map_err(io("start", &program))
}

fn last_words(project: &Project) -> Vec<String> {
    let text = std::fs::read_to_string(project.logs_dir().join("server.stderr")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].iter().map(|&line| line.to_owned()).collect()
}
