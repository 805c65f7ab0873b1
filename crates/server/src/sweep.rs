//! Orphans: processes of this stack that outlived a server that was killed. Found by what they are, never by a number
//! written down earlier, because the kernel gives numbers out again.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use project::process::is_alive;

use crate::supervisor::process::STACK_MARK;

/// How long an orphan may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(15);

/// Ends what an earlier server of the project at `root` left running: processes that carry its mark in their
/// environment, and a PostgreSQL that works in `data`. Returns how many there were, when all of them are gone.
pub fn orphans(root: &Path, data: &Path) -> usize {
    let data = data.canonicalize().ok();
    let found = find(root, data.as_deref());
    for (pid, signal) in &found {
        let _ = kill(*pid, *signal);
    }
    let limit = Instant::now() + GRACE;
    let mut killed = false;
    while found.iter().any(|(pid, _)| is_alive(pid.as_raw().cast_unsigned())) {
        if Instant::now() > limit && !killed {
            killed = true;
            for (pid, _) in found.iter().filter(|(pid, _)| is_alive(pid.as_raw().cast_unsigned())) {
                let _ = kill(*pid, Signal::SIGKILL);
            }
        }
        if Instant::now() > limit + GRACE {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    found.len()
}

fn find(root: &Path, data: Option<&Path>) -> Vec<(Pid, Signal)> {
    let mut mark = format!("{STACK_MARK}=").into_bytes();
    mark.extend_from_slice(root.as_os_str().as_bytes());
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter_map(|pid| {
            let folder = format!("/proc/{pid}");
            let marked = std::fs::read(format!("{folder}/environ"))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|variable| variable == mark));
            let signal = if is_postmaster(&folder, data) {
                // Immediate shutdown: what a power cut would do, and what its own recovery is made for.
                Signal::SIGQUIT
            } else if marked {
                Signal::SIGTERM
            } else {
                return None;
            };
            Some((Pid::from_raw(pid.cast_signed()), signal))
        })
        .collect()
}

/// A process whose program is `postgres` and which works in the data directory.
fn is_postmaster(folder: &str, data: Option<&Path>) -> bool {
    let name = std::fs::read_to_string(format!("{folder}/comm")).unwrap_or_default();
    data.is_some_and(|data| {
        name.trim_end() == "postgres" && std::fs::read_link(format!("{folder}/cwd")).is_ok_and(|cwd| cwd == data)
    })
}
