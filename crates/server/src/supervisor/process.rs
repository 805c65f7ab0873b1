//! One child process: its own process group, dies with us, killed as a group.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// What to start, with everything decided; never through a shell.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub directory: PathBuf,
    /// The child's whole environment besides `PATH`, `HOME`, `LANG` and `TZ`. Values may be secret: never logged.
    pub environment: Vec<(String, String)>,
    /// User and group to become, when we run as root and it must not.
    pub owner: Option<(u32, u32)>,
    /// Asks for an orderly end.
    pub stop_signal: Signal,
    /// What the kernel sends should we die first.
    pub death_signal: Signal,
}

const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// The variable that marks every process of a stack, so that a later start can find orphans of this one.
pub const STACK_MARK: &str = "NSELF_STACK";

impl Launch {
    /// Starts the program with piped output. Must run on a thread that lives as long as the runtime (a worker, never
    /// the blocking pool): `PR_SET_PDEATHSIG` fires when the *thread* that forked ends.
    pub fn spawn(&self) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(false);
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        die_with_parent(&mut command, self.death_signal);
        command.spawn()
    }
}

#[expect(unsafe_code, reason = "pre_exec is the only place where PR_SET_PDEATHSIG can be set for a child")]
fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec the closure makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(signal).map_err(std::io::Error::from)?;
            if nix::unistd::getppid() == parent {
                Ok(())
            } else {
                Err(std::io::Error::from_raw_os_error(nix::libc::ESRCH))
            }
        });
    }
}

/// Sends `signal` to the whole group of `pid`; a group that is gone already is fine.
pub fn signal_group(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = killpg(Pid::from_raw(pid), signal);
    }
}

/// Ends a child: asks with its stop signal, then kills its group after `grace`. Returns when it has been reaped.
pub async fn stop(child: &mut Child, launch: &Launch, grace: Duration) {
    let Some(pid) = child.id() else { return };
    // PostgreSQL's postmaster passes a shutdown on to its own children; others get it as a group.
    if launch.stop_signal == Signal::SIGINT {
        let _ = nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT);
    } else {
        signal_group(pid, launch.stop_signal);
    }
    if tokio::time::timeout(grace, child.wait()).await.is_err() {
        tracing::warn!(pid, "did not stop within {} s; killing it", grace.as_secs());
        signal_group(pid, Signal::SIGKILL);
        let _ = child.wait().await;
    }
    // Grandchildren that outlived their parent.
    signal_group(pid, Signal::SIGKILL);
}

/// Resident bytes of a process, from `/proc/<pid>/statm`.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
