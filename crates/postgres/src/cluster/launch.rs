use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::Cluster;
use crate::User;

/// How to start a server: pure data for whoever supervises it.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// The whole environment; nothing is inherited, so that a stray `PGDATA` or `PGPORT` has no say.
    pub env: Vec<(String, String)>,
    pub directory: PathBuf,
    /// `None`: this process's own user.
    pub user: Option<User>,
    /// Ask for a stop: fast shutdown, sessions are ended and transactions rolled back.
    pub stop: Signal,
    /// For `PR_SET_PDEATHSIG`: when the supervisor dies the server ends at once, and recovers at its next start.
    pub parent_death: Signal,
}

impl Launch {
    /// The same as a [`Command`]: no input, standard output and error piped, in a process group of its own.
    ///
    /// The parent-death signal has to be set by the caller. It is sent when the *thread* that started the child ends,
    /// so start the server from one that lives as long as it should.
    pub fn to_command(&self) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(user) = &self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

impl Cluster {
    /// How to start this cluster's server. It writes its log to standard error, in the shape [`crate::log`] reads.
    pub fn command(&self) -> Launch {
        Launch {
            program: self.installation.bin.join("postgres"),
            args: vec!["-D".to_owned(), self.data_dir.display().to_string()],
            env: environment(),
            directory: self.data_dir.clone(),
            user: self.run_as.clone(),
            stop: Signal::SIGINT,
            parent_death: Signal::SIGQUIT,
        }
    }
}

/// What a program of PostgreSQL needs of the environment; messages stay in English so that they can be read by us.
pub(super) fn environment() -> Vec<(String, String)> {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    vec![("PATH".to_owned(), path), ("LC_MESSAGES".to_owned(), "C".to_owned()), ("TZ".to_owned(), "UTC".to_owned())]
}
