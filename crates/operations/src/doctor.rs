//! `nself doctor`: what is wrong with this machine and this project, and the command that mends it.

mod machine;
mod mend;
mod project_files;
mod services;

use jiff::Timestamp;
use project::{Inspection, Project};
use serde::Serialize;
use stack::Plan;

pub use machine::Machine;
pub use mend::mend;
pub use services::Certificate;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable: `postgresql`, `memory`, `port 5432`.
    pub name: String,
    pub status: Status,
    /// What was found.
    pub found: String,
    pub fix: Option<Fix>,
}

/// How to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// As a person types it.
    pub command: String,
    /// What `doctor --fix` may run after asking.
    #[serde(skip)]
    pub action: Option<Action>,
}

/// Something `doctor --fix` can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Installs packages.
    Install(postgres::InstallCommand),
    /// `nself` with these arguments.
    Nself(Vec<String>),
    /// Takes others' permissions from files that hold secrets, relative to the project's root.
    Private(Vec<std::path::PathBuf>),
}

impl Check {
    pub(crate) fn new(name: impl Into<String>, status: Status, found: impl Into<String>) -> Self {
        Self { name: name.into(), status, found: found.into(), fix: None }
    }

    pub(crate) fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, found)
    }

    /// A step for the person alone.
    pub(crate) fn advise(mut self, command: impl Into<String>) -> Self {
        self.fix = Some(Fix { command: command.into(), action: None });
        self
    }

    /// A step that `--fix` can take as well.
    pub(crate) fn mendable(mut self, command: impl Into<String>, action: Action) -> Self {
        self.fix = Some(Fix { command: command.into(), action: Some(action) });
        self
    }
}

/// A project and what is known about it.
#[derive(Debug)]
pub struct Subject<'a> {
    pub project: &'a Project,
    pub inspection: &'a Inspection,
    /// `None` when the settings are too wrong for one.
    pub plan: Option<&'a Plan>,
    /// The stack answers, so its ports are its own.
    pub running: bool,
    pub certificate: Certificate,
}

/// What doctor found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub status: Status,
    pub checks: Vec<Check>,
}

impl Report {
    fn new(checks: Vec<Check>) -> Self {
        Self { status: checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok), checks }
    }
}

/// Looks at everything. Without a project, only at the machine.
pub fn examine(machine: &Machine, subject: Option<&Subject<'_>>, now: Timestamp) -> Report {
    let mut checks = vec![services::postgresql(subject.map(|subject| (subject.project, &subject.inspection.settings)))];
    checks.extend(machine.checks());
    match subject {
        None => checks.push(
            Check::new("project", Status::Warn, "there is none in this folder or above it")
                .advise("nself init --demo, or cd into a project"),
        ),
        Some(subject) => {
            checks.extend(project_files::settings(subject.inspection));
            checks.extend(services::ports(subject));
            checks.push(services::certificate(&subject.certificate, now));
            checks.extend(project_files::data(subject));
            checks.extend(project_files::leaks(subject.project));
            checks.extend(project_files::leftovers(subject));
            checks.push(project_files::clock(subject.project, now));
        }
    }
    Report::new(checks)
}
