use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::PlaceError;

/// The name `libpq` and the driver look for in a folder they are given as host.
const SOCKET: &str = ".s.PGSQL.5432";
/// The port that the socket's name stands for.
pub const PORT: u16 = 5432;
/// How long signing in may take: longer than `ConnectTimeout`, so that ssh's own words come first.
const LIMIT: Duration = Duration::from_secs(25);

/// How to sign in to a server: what `server.json` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ssh {
    pub host: String,
    pub port: u16,
    /// Empty: whoever ssh's own configuration says.
    pub user: String,
    pub key: Option<PathBuf>,
    /// An `ssh_config` to use instead of the person's own: jump hosts, other files of known hosts.
    pub config: Option<PathBuf>,
}

/// A way to a server's own PostgreSQL through SSH: a socket in a folder that only this user can enter. It ends with the
/// value.
#[derive(Debug)]
pub struct Tunnel {
    child: Child,
    folder: tempfile::TempDir,
    host: String,
}

impl Tunnel {
    /// Signs in without asking anything (keys and agents only; the host must be known already) and leads a socket to
    /// `port` of the server's loopback. Blocks until the way is open.
    ///
    /// # Errors
    /// [`PlaceError::Tunnel`] with what ssh said.
    pub fn open(ssh: &Ssh, port: u16) -> Result<Self, PlaceError> {
        let failed = |why: String| PlaceError::Tunnel { host: ssh.host.clone(), why };
        // Sockets' paths are short: 104 bytes on some systems. The project's folder may be long.
        let folder = tempfile::Builder::new()
            .prefix("nself-ssh-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(|error| failed(format!("no temporary folder: {error}")))?;
        let said = std::fs::File::create(folder.path().join("said")).map_err(|error| failed(error.to_string()))?;
        let child = Command::new("ssh")
            .args(arguments(ssh, &folder.path().join(SOCKET), port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            // Ctrl-C is for the command that uses the tunnel, which needs it to tell the server.
            .process_group(0)
            .spawn()
            .map_err(|error| failed(format!("ssh cannot be run: {error}")))?;
        let mut tunnel = Self { child, folder, host: ssh.host.clone() };
        tunnel.wait()?;
        Ok(tunnel)
    }

    /// ssh makes the socket when it has signed in.
    fn wait(&mut self) -> Result<(), PlaceError> {
        let began = Instant::now();
        let socket = self.folder.path().join(SOCKET);
        loop {
            if socket.exists() {
                return Ok(());
            }
            let ended = self.child.try_wait().map_err(|error| self.failed(error.to_string()))?;
            if ended.is_some() {
                return Err(self.failed(self.said()));
            }
            if began.elapsed() > LIMIT {
                return Err(self.failed(format!("no answer within {} s\n{}", LIMIT.as_secs(), self.said())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The folder to connect to as a host, at [`PORT`].
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What ssh has said until now: that the server's own port refuses, for example.
    pub fn said(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
        text.trim().replace('\r', "")
    }

    fn failed(&self, why: String) -> PlaceError {
        PlaceError::Tunnel { host: self.host.clone(), why }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn arguments(ssh: &Ssh, socket: &Path, port: u16) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["-N", "-T", "-x", "-a"].map(OsString::from).to_vec();
    let options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ExitOnForwardFailure=yes",
        "StreamLocalBindMask=0177",
        "ConnectTimeout=15",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
        "ControlMaster=no",
        "ControlPath=none",
        "PermitLocalCommand=no",
    ];
    for option in options {
        arguments.extend(["-o".into(), option.into()]);
    }
    if let Some(config) = &ssh.config {
        arguments.extend(["-F".into(), config.into()]);
    }
    arguments.extend(["-p".into(), ssh.port.to_string().into()]);
    if let Some(key) = &ssh.key {
        arguments.extend(["-o".into(), "IdentitiesOnly=yes".into(), "-i".into(), key.into()]);
    }
    if !ssh.user.is_empty() {
        arguments.extend(["-l".into(), OsString::from(&ssh.user)]);
    }
    let mut forward = socket.as_os_str().to_owned();
    forward.push(format!(":127.0.0.1:{port}"));
    arguments.extend(["-L".into(), forward, "--".into(), OsString::from(&ssh.host)]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_never_an_option_and_nothing_is_asked() {
        let ssh =
            Ssh { host: "-oProxyCommand=evil".to_owned(), port: 2222, user: "deploy".to_owned(), ..Ssh::default() };
        let arguments = arguments(&ssh, Path::new("/tmp/x/.s.PGSQL.5432"), 5433);
        let text: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        assert_eq!(text[text.len() - 2..], ["--", "-oProxyCommand=evil"]);
        assert!(text.iter().any(|argument| argument == "/tmp/x/.s.PGSQL.5432:127.0.0.1:5433"));
        assert!(text.iter().any(|argument| argument == "BatchMode=yes"));
        assert!(text.iter().any(|argument| argument == "StrictHostKeyChecking=yes"));
    }
}
