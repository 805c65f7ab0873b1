//! Whether a server already runs on a data directory, by its lock file.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::{Error, User, files};

/// A pid that no process can have, for lock files whose process is gone.
const NOBODY: i32 = i32::MAX;

/// What `postmaster.pid` says about a running server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postmaster {
    pub pid: i32,
    pub port: Option<u16>,
    /// Folder of its Unix socket.
    pub socket_dir: Option<PathBuf>,
    /// `starting`, `stopping`, `ready` or `standby`.
    pub status: Option<String>,
}

impl Postmaster {
    /// The live server on `data_dir`. `None` when there is no lock file, or its process is gone, or its number belongs
    /// to another program by now.
    pub fn find(data_dir: &Path) -> Option<Self> {
        let found = Self::read(data_dir)?;
        alive(found.pid, data_dir).then_some(found)
    }

    fn read(data_dir: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
        let line = |number: usize| text.lines().nth(number).map(str::trim).filter(|line| !line.is_empty());
        Some(Self {
            pid: line(0)?.parse().ok().filter(|pid| *pid > 1)?,
            port: line(3).and_then(|port| port.parse().ok()),
            socket_dir: line(4).map(PathBuf::from),
            status: line(7).map(str::to_owned),
        })
    }
}

/// A server makes its data directory its working directory, which tells it from a program that inherited its number.
fn alive(pid: i32, data_dir: &Path) -> bool {
    if kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
        return false;
    }
    match std::fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(directory) => data_dir.canonicalize().is_ok_and(|ours| ours == directory),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && Path::new("/proc/self").exists() => false,
        // Another user's process, or a system without /proc: by name, and by doubt in favour of the data.
        Err(_) => {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).map_or(true, |name| name.starts_with("postgres"))
        }
    }
}

/// Refuses when a live server owns `data_dir`; otherwise makes what a dead one left harmless.
pub(super) fn claim(data_dir: &Path, run_as: Option<&User>) -> Result<(), Error> {
    if let Some(found) = Postmaster::find(data_dir) {
        return Err(Error::AlreadyRunning { directory: data_dir.to_owned(), pid: found.pid });
    }
    release(&data_dir.join("postmaster.pid"), run_as)
}

/// Makes a socket's lock file harmless when no PostgreSQL stands behind it.
pub(super) fn release_socket(socket_dir: &Path, port: u16, run_as: Option<&User>) -> Result<(), Error> {
    let lock = socket_dir.join(format!(".s.PGSQL.{port}.lock"));
    let text = std::fs::read_to_string(&lock).unwrap_or_default();
    let mut lines = text.lines();
    let (pid, data) = (lines.next().and_then(|pid| pid.trim().parse().ok()), lines.next().map(Path::new));
    match (pid, data) {
        (Some(pid), Some(data)) if !alive(pid, data) => release(&lock, run_as),
        _ => Ok(()),
    }
}

/// PostgreSQL refuses to start while the pid of a lock file is alive, whatever program has it now. The file is kept,
/// because it also names the shared memory by which the server notices surviving backends; only its pid goes.
fn release(lock: &Path, run_as: Option<&User>) -> Result<(), Error> {
    let Ok(text) = std::fs::read_to_string(lock) else { return Ok(()) };
    let Some((first, rest)) = text.split_once('\n') else {
        // Written by a process that was killed within the write; it says nothing, and the server would refuse it.
        return std::fs::remove_file(lock).map_err(Error::io("remove the stale lock file", lock));
    };
    let harmless = first.trim().parse::<i32>().is_ok_and(|pid| pid == NOBODY);
    let gone = first.trim().parse().is_ok_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH));
    if harmless || gone {
        return Ok(());
    }
    files::replace(lock, format!("{NOBODY}\n{rest}").as_bytes(), run_as)
}
