//! Settings, data, secrets, leftovers and the clock.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use project::leaks::{self, Leak};
use project::{Inspection, Problem, Project};

use super::{Action, Check, Status, Subject};
use crate::layout::{Layout, names};
use crate::restore;

fn nself(arguments: &[&str]) -> (String, Action) {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    (format!("nself {}", arguments.join(" ")), Action::Nself(arguments))
}

pub(super) fn settings(inspection: &Inspection) -> Vec<Check> {
    if inspection.problems.is_empty() {
        let settings = &inspection.settings;
        return vec![Check::ok("settings", format!("environment {}", settings.environment()))];
    }
    let check = |problem: &Problem| {
        let status = if problem.is_error() { Status::Fail } else { Status::Warn };
        Check::new("settings", status, problem.to_string()).advise("nself config validate")
    };
    inspection.problems.iter().map(check).collect()
}

/// The data directory belongs to the user that will open it, and to nobody else.
pub(super) fn data(subject: &Subject<'_>) -> Vec<Check> {
    let layout = Layout::new(subject.project, "");
    let Some(cluster) = layout.data.map(|folder| folder.join("postgres")) else {
        return vec![Check::ok("data", "made at the first start")];
    };
    let Ok(metadata) = cluster.metadata() else { return vec![Check::ok("data", "made at the first start")] };
    let Some(major) = postgres::data_major(&cluster) else {
        return vec![
            Check::new("data", Status::Fail, format!("{} is not a PostgreSQL data directory", cluster.display()))
                .advise("move it elsewhere, then: nself start"),
        ];
    };
    let me = nix::unistd::Uid::effective();
    let owner = metadata.uid();
    if !me.is_root() && owner != me.as_raw() {
        return vec![
            Check::new("data", Status::Fail, format!("{} belongs to another user (id {owner})", cluster.display()))
                .advise(format!("run nself as that user, or: sudo chown -R {me} {}", cluster.display())),
        ];
    }
    if me.is_root() && owner == 0 {
        return vec![
            Check::new(
                "data",
                Status::Fail,
                format!("{} belongs to root, which may not run PostgreSQL", cluster.display()),
            )
            .advise(format!("chown -R postgres {}", cluster.display())),
        ];
    }
    if metadata.mode() & 0o027 != 0 {
        return vec![
            Check::new(
                "data",
                Status::Fail,
                format!("others can reach {} (mode {:04o})", cluster.display(), metadata.mode() & 0o777),
            )
            .advise(format!("chmod 700 {}", cluster.display())),
        ];
    }
    vec![Check::ok("data", format!("of PostgreSQL {major} in {}", cluster.display()))]
}

/// Secrets that others can see.
pub(super) fn leaks(project: &Project) -> Vec<Check> {
    let found = match leaks::check(project.root()) {
        Ok(found) if found.is_empty() => {
            return vec![Check::ok("secrets", "none tracked by git, none readable by others")];
        }
        Ok(found) => found,
        Err(error) => return vec![Check::new("secrets", Status::Warn, error.to_string())],
    };
    let check = |leak: &Leak| {
        let check = Check::new("secrets", Status::Warn, leak.problem().to_string());
        match leak {
            Leak::Readable { file, .. } => {
                let file: PathBuf = file.clone();
                check.mendable(format!("chmod 600 {}", file.display()), Action::Private(vec![file]))
            }
            Leak::TrackedFile { file } => check.advise(format!("git rm --cached {}", file.display())),
            Leak::Value { .. } => check.advise("take the value out of the file, then nself config secrets rotate"),
            Leak::NotIgnored { file } => check.advise(format!("echo {} >> .gitignore", file.display())),
        }
    };
    found.iter().map(check).collect()
}

/// What runs that were cut short left behind.
pub(super) fn leftovers(subject: &Subject<'_>) -> Vec<Check> {
    let layout = Layout::new(subject.project, "");
    if layout.state.join(restore::JOURNAL).exists() {
        let check = Check::new("leftovers", Status::Fail, "a restore was cut short before it was finished");
        return vec![check.advise("nself restore, which finishes it first")];
    }
    let folders = layout.trash_folders().into_iter().chain(layout.staging_folders());
    let mut left: Vec<String> = folders.filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    left.extend(crate::archive::partials(&layout).iter().map(|path| path.display().to_string()));
    if !subject.running {
        let run = layout.state.join("run");
        let stale = names(&run).into_iter().filter(|name| name.ends_with(".sock") || name.ends_with(".pid"));
        left.extend(stale.map(|name| run.join(name).display().to_string()));
        if let Err(error) = layout.check_stopped() {
            // Its supervisor is gone: the next start takes care of it.
            let check = Check::new("leftovers", Status::Warn, format!("{error}, and no nself looks after it"));
            return vec![check.advise("nself start, which ends it first")];
        }
    }
    if left.is_empty() {
        return vec![Check::ok("leftovers", "none")];
    }
    let (command, action) = nself(&["clean"]);
    let found = format!("from runs that were cut short: {}", left.join(", "));
    vec![Check::new("leftovers", Status::Warn, found).mendable(command, action)]
}

/// A clock that stands before this program was written, or before the project's own files, breaks certificates and
/// tokens.
pub(super) fn clock(project: &Project, now: Timestamp) -> Check {
    let written: Timestamp = WRITTEN.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let logs = project.logs_dir();
    let newest = names(&logs)
        .iter()
        .filter_map(|name| std::fs::metadata(logs.join(name)).ok()?.modified().ok())
        .filter_map(|time| Timestamp::try_from(time).ok())
        .max();
    let ahead = newest.map(|newest| newest.duration_since(now)).filter(|ahead| *ahead > SignedDuration::from_mins(5));
    let wrong = if now < written {
        Some(format!("it says {now}, and this program is newer than that"))
    } else {
        ahead.map(|ahead| format!("the project's logs are {} minutes ahead of it", ahead.as_mins()))
    };
    match wrong {
        Some(found) => Check::new("clock", Status::Warn, found).advise("sudo timedatectl set-ntp true"),
        None => Check::ok("clock", "plausible"),
    }
}

/// No correct clock shows less.
const WRITTEN: &str = "2025-01-01T00:00:00Z";
