use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use tempfile::TempDir;

/// Variables that would let the person's own environment choose a project's settings.
const CONFUSING: [&str; 6] = ["ENV", "NSELF_ENV", "TARGET_ENV", "NSELF_FAULT", "BASE_DOMAIN", "PROJECT_NAME"];

/// A port of loopback that nobody listened on a moment ago, never given out twice by this process.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("the port's number").port();
        if given.insert(port) {
            return port;
        }
    }
}

/// The built program: `$NSELF_BIN`, else the one beside this test's own target folder.
pub fn nself_path() -> PathBuf {
    if let Some(path) = std::env::var_os("NSELF_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("the test's own path");
    // <target>/<profile>/deps/<test> stands beside <target>/<profile>/nself.
    let folder = test.parent().and_then(Path::parent).expect("the test is in a target folder");
    let path = folder.join("nself");
    assert!(path.is_file(), "{} is not there: cargo build -p nself", path.display());
    path
}

/// The built program as a command, without colour and without the person's environment for projects.
pub fn nself() -> Command {
    let mut command = Command::new(nself_path());
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    for variable in CONFUSING {
        command.env_remove(variable);
    }
    command
}

/// A project in a temporary folder with free ports and generated passwords. Dropping it stops what runs in it and
/// removes its data, wherever that is.
#[derive(Debug)]
pub struct TempProject {
    folder: TempDir,
    name: String,
    postgres_port: u16,
    gateway_port: u16,
    gateway_ssl_port: u16,
}

impl TempProject {
    /// A project with an `.env` and nothing else.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("nself-project-").tempdir().expect("a temporary folder");
        let name = format!("test-{}-{}", std::process::id(), free_port());
        let project =
            Self { name, folder, postgres_port: free_port(), gateway_port: free_port(), gateway_ssl_port: free_port() };
        project.write(".env", &project.env());
        fs::set_permissions(project.path(".env"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a private .env");
        project
    }

    fn env(&self) -> String {
        let secret = |seed: &str| format!("{seed}-{}-0123456789abcdefghijklmnopqrstuvwxyz", self.name);
        [
            ("PROJECT_NAME", self.name.clone()),
            ("ENV", "dev".to_owned()),
            ("BASE_DOMAIN", "localhost".to_owned()),
            ("POSTGRES_PORT", self.postgres_port.to_string()),
            ("POSTGRES_DB", "app".to_owned()),
            ("POSTGRES_PASSWORD", secret("postgres")),
            ("HASURA_GRAPHQL_ADMIN_SECRET", secret("admin")),
            ("HASURA_JWT_KEY", secret("jwt")),
            ("GATEWAY_PORT", self.gateway_port.to_string()),
            ("GATEWAY_SSL_PORT", self.gateway_ssl_port.to_string()),
        ]
        .map(|(name, value)| format!("{name}={value}\n"))
        .concat()
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn postgres_port(&self) -> u16 {
        self.postgres_port
    }

    pub fn gateway_port(&self) -> u16 {
        self.gateway_port
    }

    pub fn gateway_ssl_port(&self) -> u16 {
        self.gateway_ssl_port
    }

    /// A path in the project.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root().join(relative)
    }

    /// Writes a file of the project, with the folders above it.
    pub fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a file in the project")).expect("a folder in the project");
        fs::write(path, text).expect("a file in the project");
    }

    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// The built program, run in the project's folder.
    pub fn nself(&self, args: &[&str]) -> Command {
        let mut command = nself();
        command.args(args).current_dir(self.root());
        command
    }
}

impl Default for TempProject {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempProject {
    fn drop(&mut self) {
        if self.path(".nself/run/control.sock").exists() {
            let _ = self.nself(&["stop"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        // As root the data is elsewhere, and the project's link says where.
        let data = self.path(".nself/data");
        if let Ok(target) = data.canonicalize()
            && data.is_symlink()
            && target.join("project.json").is_file()
        {
            let _ = fs::remove_dir_all(target);
        }
    }
}
