//! A cluster of one test in a temporary folder, and its server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::{Cluster, User};
use project::Secret;
use tempfile::TempDir;

pub const LIMIT: Duration = Duration::from_secs(60);

/// A temporary folder that PostgreSQL's user can enter, in memory where there is a file system for that.
pub fn folder() -> TempDir {
    let mut builder = tempfile::Builder::new();
    let memory = Path::new("/dev/shm");
    let folder =
        builder.prefix("nself-pg-").tempdir_in(if memory.is_dir() { memory } else { Path::new("/tmp") }).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A cluster in `folder`, copied from this user's template.
pub fn cluster(folder: &Path) -> Cluster {
    let password = Secret::new("first-password".to_owned());
    let mut cluster = Cluster::new(testkit::installation(), folder.join("data"), folder.join("run"), password);
    cluster.run_as = User::for_server().unwrap();
    cluster.port = testkit::free_port();
    cluster
}

/// A running server; killed with the value.
pub struct Server {
    child: Child,
    pub log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts what the cluster says, and waits until it answers.
    pub async fn start(cluster: &Cluster) -> Self {
        let server = Self::spawn(cluster);
        cluster.ready(LIMIT).await.unwrap_or_else(|error| panic!("{error}: {:?}", server.log.lock().unwrap()));
        server
    }

    pub fn spawn(cluster: &Cluster) -> Self {
        let mut child = cluster.command().to_command().spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Self { child, log }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Sends `signal` and waits for the end; the exit code comes back.
    pub fn end(&mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < LIMIT, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGQUIT);
        let _ = self.child.wait();
    }
}

/// Connects to `database` as the cluster's superuser.
pub async fn connect(cluster: &Cluster, database: &str) -> tokio_postgres::Client {
    let (client, connection) = cluster.config(database).connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Connects over loopback with `password`, as a program that knows nothing but the URL does.
pub async fn log_in(cluster: &Cluster, user: &str, password: &str) -> Result<(), String> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(cluster.port).user(user).password(password).dbname("postgres");
    let connected = config.connect(tokio_postgres::NoTls).await;
    connected
        .map(|_| ())
        .map_err(|error| error.as_db_error().map_or(error.to_string(), |said| said.message().to_owned()))
}

/// The first column of the first row, as text.
pub async fn value(client: &tokio_postgres::Client, sql: &str) -> String {
    let messages = client.simple_query(sql).await.unwrap();
    let row = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    row.unwrap_or_default()
}
