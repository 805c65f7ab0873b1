//! Where an environment's database is, and how to reach it: over the network with or without TLS, or through an SSH
//! tunnel. The pieces of an address come from the environment's settings; the caller brings them.
//!
//! It is not: a pool, or the server's own connection to its database.
//!
//! Key types: [`Place`] (one database of one environment), [`Tls`] (how its connections are protected).

mod error;
mod tls;

use std::path::Path;
use std::process::Command;

use project::{EnvName, Tier};
use tokio_postgres::{Client, Config, config::Host};

pub use error::{CODES, PlaceError};
pub use tls::{Mode, Tls};

use crate::Error;

/// One database of one environment.
#[derive(Debug, Clone)]
pub struct Place {
    pub environment: EnvName,
    pub tier: Tier,
    pub config: Config,
    /// For people: `staging (db.example.com:5432/shop)`. Never a password.
    pub label: String,
    tls: Tls,
}

impl Place {
    /// The label is made from the address.
    pub fn new(environment: EnvName, tier: Tier, config: Config, tls: Tls) -> Self {
        let label = format!("{environment} ({})", address(&config));
        Self { environment, tier, config, label, tls }
    }

    /// A new connection, driven by the runtime this is called in. It ends when the client is dropped.
    ///
    /// # Errors
    /// [`PlaceError::Connect`], with the place and what the server or the network said.
    pub async fn connect(&self) -> Result<Client, Error> {
        let connected = self.tls.connect(&self.config).await;
        Ok(connected.map_err(|source| PlaceError::Connect { label: self.label.clone(), source })?)
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        self.config.get_dbname().or_else(|| self.config.get_user()).unwrap_or("postgres")
    }

    /// Another database of the same server, with the same name and password.
    #[must_use]
    pub fn sibling(&self, database: &str) -> Self {
        let mut config = self.config.clone();
        config.dbname(database);
        Self { config, ..self.clone() }
    }

    /// `psql`, `pg_dump` or another client program of PostgreSQL, told where this database is. The password goes by
    /// environment, which only the same user can read; never by argument.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = crate::shell::command(program, &self.config, false, None);
        self.tls.tell(&mut command);
        command
    }
}

/// `host:port/database`, or `socket/database`.
fn address(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().unwrap_or_default();
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => format!("{host}:{port}/{database}"),
        Some(Host::Unix(folder)) => format!("{}/{database}", folder.display()),
        None => format!("localhost:{port}/{database}"),
    }
}
