//! `nself build`: from a plan to the files that a runtime reads.
//!
//! The embedded runtime needs one: the plan itself, `.nself/build/plan.json`. Everything else is made by whoever owns
//! it when the stack starts (PostgreSQL's configuration, certificates), so that it is never older than the settings.
//!
//! What to write is a value ([`Pending`]): it can be shown, as a [`Report`] or a diff, and then applied. Only what
//! differs is written, each file whole or not at all. A manifest remembers what earlier builds wrote, so that files
//! which are no longer wanted go away; it names a file before the file exists, so that a build that was killed leaves
//! nothing behind that the next one does not know.

mod pending;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use project::Project;
use serde::Serialize;
use stack::Plan;

use crate::Error;

pub use pending::Pending;

/// One file of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Relative to the project's root.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub mode: u32,
}

/// What a build did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By path.
    pub files: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Relative to the project's root.
    pub path: PathBuf,
    pub action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Created,
    Changed,
    /// Written again though nothing had changed: `--force`.
    Rewritten,
    Removed,
    Unchanged,
}

impl Report {
    pub fn count(&self, action: Action) -> usize {
        self.files.iter().filter(|file| file.action == action).count()
    }

    /// True when the build had nothing to do.
    pub fn is_unchanged(&self) -> bool {
        self.files.iter().all(|file| file.action == Action::Unchanged)
    }
}

/// The files that the embedded runtime needs for this plan.
pub fn artefacts(plan: &Plan) -> Vec<Artefact> {
    vec![Artefact {
        path: PathBuf::from(".nself/build/plan.json"),
        bytes: plan.to_json().into_bytes(),
        // It holds no secret; it does say where everything listens.
        mode: 0o600,
    }]
}

/// Brings the files of the embedded runtime up to date.
///
/// # Errors
/// When a file cannot be read or written; what was written until then is whole, and the next build goes on from there.
pub fn apply(project: &Project, plan: &Plan) -> Result<Report, Error> {
    Pending::new(project, artefacts(plan))?.apply()
}
