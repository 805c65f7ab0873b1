//! One PostgreSQL for a whole test run.
//!
//! nextest runs every test in a process of its own, so a server for each process would cost a third of a second a test.
//! The first process that asks starts a server for the *runner* (the cargo that started it); a small shell script ends
//! the server, and removes its folder, within a second of the runner's end, whichever way it ended.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Pid, getpid, getppid};
use postgres::{Cluster, Installation, Postmaster, Source, User, Wanted};
use project::Secret;

/// The server of this test run.
#[derive(Debug)]
pub struct Postgres {
    cluster: Cluster,
}

impl Postgres {
    /// The run's server, started by whoever asks first. It keeps nothing on disk and gives no durability.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        // A thread of its own, because the caller's may be inside a runtime already.
        SHARED.get_or_init(|| std::thread::spawn(start).join().expect("the test server starts"))
    }

    /// The cluster, for tests that need its folders, version or superuser.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// How to connect to `database` as the superuser over the socket.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        self.cluster.config(database)
    }

    /// A URL for programs that connect over loopback.
    pub fn url(&self, database: &str) -> String {
        let Cluster { superuser, password, port, .. } = &self.cluster;
        format!("postgres://{superuser}:{}@127.0.0.1:{port}/{database}", password.expose())
    }
}

/// A server of one test's own, for what takes several of them; it ends with the value.
#[derive(Debug)]
pub struct OwnPostgres {
    postgres: Postgres,
    folder: PathBuf,
}

impl OwnPostgres {
    /// Starts an empty server, as the run's server is started.
    pub fn start() -> Self {
        let installation = installation();
        let mut random = random();
        random.truncate(8);
        let folder = servers().join(format!("own-{}-{random}", getpid()));
        let mut cluster = cluster(installation, &folder);
        let server = folder.clone();
        // A thread of its own, because the caller's may be inside a runtime already.
        let started = std::thread::spawn(move || {
            run(&mut cluster, getpid(), &server);
            Postgres { cluster }
        });
        Self { postgres: started.join().expect("the test's own server starts"), folder }
    }
}

impl std::ops::Deref for OwnPostgres {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.postgres
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        if let Some(found) = Postmaster::find(&self.postgres.cluster.data_dir) {
            let _ = nix::sys::signal::kill(Pid::from_raw(found.pid), nix::sys::signal::Signal::SIGQUIT);
        }
        // What the server writes while it ends is removed by the script.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The PostgreSQL that tests run on: the system's, or with `NSELF_TEST_POSTGRES=portable` the portable one, or with
/// another value whatever `postgres::Wanted` reads from it.
pub fn installation() -> Installation {
    match std::env::var("NSELF_TEST_POSTGRES").as_deref() {
        Ok("portable") => postgres::list()
            .into_iter()
            .find(|found| found.source == Source::Portable)
            .expect("NSELF_TEST_POSTGRES=portable needs: nself postgres install"),
        Ok(wanted) => postgres::find(&Wanted::parse(wanted)).expect("the wanted PostgreSQL"),
        Err(_) => postgres::find(&Wanted::default()).expect("tests need a PostgreSQL: apt-get install -y postgresql"),
    }
}

/// The folder of all test servers of this user.
fn servers() -> PathBuf {
    let parent = base().join(format!("nself-testkit-{}", nix::unistd::Uid::effective()));
    fs::create_dir_all(&parent).expect("a folder for test servers");
    parent
}

fn start() -> Postgres {
    let installation = installation();
    let runner = runner();
    let parent = servers();
    let name = format!("{runner}-{}-{:?}", installation.version, installation.source);
    let folder = parent.join(name);
    let lock = File::create(parent.join(format!("{}.lock", folder.file_name().unwrap_or_default().display())));
    let held = Flock::lock(lock.expect("a lock file"), FlockArg::LockExclusive).map_err(|(_, errno)| errno);
    let _held = held.expect("the lock on the test server");
    let mut cluster = cluster(installation, &folder);
    let note = folder.join("password");
    if let Some(port) = Postmaster::find(&cluster.data_dir).and_then(|found| found.port)
        && let Ok(password) = fs::read_to_string(&note)
    {
        cluster.port = port;
        cluster.password = Secret::new(password);
        return Postgres { cluster };
    }
    let _ = fs::remove_dir_all(&folder);
    run(&mut cluster, runner, &folder);
    write_private(&note, cluster.password.expose());
    Postgres { cluster }
}

/// Makes the cluster in an empty folder and starts it, with the script that ends it.
fn run(cluster: &mut Cluster, runner: Pid, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for the test server");
    cluster.password = Secret::new(random());
    watch(runner, &cluster.data_dir, folder);
    cluster.prepare().expect("the test server's data directory");
    launch(cluster, folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let started = cluster.ready(Duration::from_secs(60)).await;
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        started.unwrap_or_else(|error| panic!("the test server does not start: {error}\n{}", log()));
        let bootstrap = postgres::Bootstrap { database: "postgres".into(), schemas: vec![], extensions: vec![] };
        cluster.bootstrap(&bootstrap).await.expect("the superuser's password");
    });
}

fn cluster(installation: Installation, folder: &Path) -> Cluster {
    let mut cluster = Cluster::new(installation, folder.join("data"), folder.join("run"), Secret::new(String::new()));
    cluster.run_as = User::for_server().expect("a user for the test server");
    cluster.port = crate::free_port();
    cluster.tuning.max_connections = 300;
    cluster.parameters = [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        // Without fsync a commit waits for nothing, and who follows the log hears of it at once.
        ("synchronous_commit", "on"),
        ("max_wal_senders", "60"),
        ("max_replication_slots", "60"),
        ("autovacuum", "off"),
        ("max_wal_size", "256MB"),
        ("max_prepared_transactions", "10"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    cluster
}

fn launch(cluster: &Cluster, folder: &Path) {
    let log = File::create(folder.join("log")).expect("the test server's log");
    let errors = log.try_clone().expect("the test server's log");
    leave(cluster.command().to_command().stdout(log).stderr(errors));
}

/// Starts the script that ends the server; before the server, so that there is never one without it.
fn watch(runner: Pid, data_dir: &Path, folder: &Path) {
    leave(
        Command::new("sh")
            .args(["-c", include_str!("../assets/watch.sh"), "nself-testkit-watch", &runner.to_string()])
            .args([data_dir, folder])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0),
    );
}

/// Starts a process that outlives this one.
#[expect(clippy::zombie_processes, reason = "it ends after this process, whose end hands it to init")]
fn leave(command: &mut Command) {
    command.spawn().expect("a process for the test server");
}

/// The process that stands for the whole run: the cargo above this process, else this process.
fn runner() -> Pid {
    let parent = getppid();
    let name = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
    if name.starts_with("cargo") || std::env::var_os("NEXTEST_RUN_ID").is_some() { parent } else { getpid() }
}

/// Memory where there is a file system for it.
fn base() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).expect("a note beside the test server");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a private note");
}

fn random() -> String {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).expect("random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
