//! One database cluster: its data directory, how its server is started, and how to reach it.

mod bootstrap;
mod identity;
mod launch;
mod postmaster;
mod prepare;
mod ready;
mod template;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use project::Secret;

pub use bootstrap::Bootstrap;
pub use launch::Launch;
pub use postmaster::Postmaster;
pub use prepare::{Origin, Prepared};
pub use template::default_folder as default_template_folder;

use crate::tune::{Machine, Overrides, Profile, Tuning, tune};
use crate::{Installation, User};

/// Everything there is to say about a cluster. Public fields are options; [`Cluster::new`] fills in what a
/// development machine wants.
///
/// The order of use: [`prepare`](Self::prepare), start what [`command`](Self::command) says,
/// [`ready`](Self::ready), [`bootstrap`](Self::bootstrap), then connect with [`config`](Self::config).
#[derive(Debug, Clone)]
pub struct Cluster {
    pub installation: Installation,
    /// The data directory itself (`PGDATA`).
    pub data_dir: PathBuf,
    /// Folder of the Unix socket; see [`crate::placement`] for one whose path is short enough.
    pub socket_dir: PathBuf,
    pub port: u16,
    /// Name of the superuser: `POSTGRES_USER`.
    pub superuser: String,
    pub password: Secret,
    /// Addresses to listen on beside the socket; none is fine.
    pub listen: Vec<IpAddr>,
    pub tuning: Tuning,
    /// The operating system's user to run as; `None` is this process's own.
    pub run_as: Option<User>,
    /// Folder of prepared data directories to copy from; `None` runs initdb every time.
    pub templates: Option<PathBuf>,
    /// Libraries to load at start, in this order; [`Cluster::load_for`] adds what extensions need.
    pub preload: Vec<String>,
    /// Further parameters of the server, written last.
    pub parameters: Vec<(String, String)>,
}

impl Cluster {
    /// A cluster on loopback at port 5432, tuned for development on this machine, with superuser `postgres`.
    pub fn new(
        installation: Installation,
        data_dir: impl Into<PathBuf>,
        socket_dir: impl Into<PathBuf>,
        password: Secret,
    ) -> Self {
        let data_dir = data_dir.into();
        let tuning = tune(&Machine::detect(&data_dir), Profile::Development, &Overrides::default());
        Self {
            installation,
            socket_dir: socket_dir.into(),
            port: 5432,
            superuser: "postgres".to_owned(),
            password,
            listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            tuning,
            run_as: None,
            templates: Some(default_template_folder()),
            preload: Vec::new(),
            parameters: Vec::new(),
            data_dir,
        }
    }

    /// Lets the server load the libraries that `wanted`'s extensions need from its start, where they are installed.
    pub fn load_for(&mut self, wanted: &Bootstrap) {
        for (extension, library) in PRELOADED {
            let asked = wanted.extensions.iter().any(|name| name == extension);
            let known = self.preload.iter().any(|name| name == library);
            if asked && !known && self.installation.has_library(library) {
                self.preload.push((*library).to_owned());
            }
        }
        if self.preload.iter().any(|library| library == "pg_cron") {
            // It lives in one database only, and that has to be known before.
            self.parameters.push(("cron.database_name".to_owned(), wanted.database.clone()));
        }
    }

    /// How to connect to `database` as the superuser over the socket. The password is there for connections that are
    /// asked for it; the user that owns the cluster is not.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.socket_dir)
            .port(self.port)
            .user(&self.superuser)
            .password(self.password.expose())
            .dbname(database)
            .application_name("nself")
            .connect_timeout(Duration::from_secs(10));
        config
    }
}

/// Extensions that do nothing, or refuse to be created, unless their library is loaded when the server starts; in the
/// order in which they want to be loaded.
const PRELOADED: &[(&str, &str)] = &[
    ("timescaledb", "timescaledb"),
    ("citus", "citus"),
    ("pg_stat_statements", "pg_stat_statements"),
    ("pg_stat_kcache", "pg_stat_kcache"),
    ("pg_qualstats", "pg_qualstats"),
    ("pg_wait_sampling", "pg_wait_sampling"),
    ("pgaudit", "pgaudit"),
    ("pg_cron", "pg_cron"),
    ("pg_net", "pg_net"),
    ("pglogical", "pglogical"),
];

/// The major version that wrote the data directory; `None` when there is no cluster in it.
pub fn data_major(data_dir: &Path) -> Option<u32> {
    std::fs::read_to_string(data_dir.join("PG_VERSION")).ok()?.trim().parse().ok()
}
