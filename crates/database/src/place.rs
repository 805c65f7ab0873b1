//! Where an environment's database is, and how to reach it: over the network with or without TLS, or through an SSH
//! tunnel. The pieces of an address come from the environment's settings; the caller brings them.
//!
//! It is not: a pool, or the server's own connection to its database.
//!
//! Key types: [`Place`] (one database of one environment), [`Tls`] (how its connections are protected).

mod address;
mod error;
mod tls;
mod tunnel;

use std::path::Path;
use std::process::Command;

use project::{EnvName, Tier};
use tokio_postgres::{Client, Config, config::Host};

pub use address::{Address, address, here, parse};
pub use error::PlaceError;
#[cfg(test)]
pub(crate) use error::samples;
pub use tls::{Cancel, Files, Mode, Tls};
pub use tunnel::{Ssh, Tunnel};

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
        let label = format!("{environment} ({})", shown(&config));
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

    /// The same place through an open tunnel.
    #[must_use]
    pub fn through(mut self, tunnel: &Tunnel) -> Self {
        self.config.host_path(tunnel.folder()).port(tunnel::PORT);
        self
    }

    /// What cancels the statement that `client`, a connection to this place, runs.
    pub fn cancel(&self, client: &Client) -> Cancel {
        Cancel::new(client.cancel_token(), self.tls.clone())
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
        self.shell(program, false, None)
    }

    /// The same for `psql` with a person at it; see [`crate::shell::command`].
    pub fn shell(&self, program: &Path, readonly: bool, options: Option<&str>) -> Command {
        let mut command = crate::shell::command(program, &self.config, readonly, options);
        self.tls.tell(&mut command);
        command
    }
}

/// `host:port/database`, or `socket/database`.
fn shown(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().unwrap_or_default();
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => format!("{host}:{port}/{database}"),
        Some(Host::Unix(folder)) => format!("{}/{database}", folder.display()),
        None => format!("localhost:{port}/{database}"),
    }
}
