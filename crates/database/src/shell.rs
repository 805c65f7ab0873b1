//! An interactive `psql` on the caller's database.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, process::Command};

use tokio_postgres::{Config, config::Host};

/// The command that opens `psql`. The password goes by environment, which only the same user can read; never by argument.
///
/// `readonly` makes transactions read-only unless the person says otherwise: it guards against slips, not against intent.
///
/// ```
/// let config: tokio_postgres::Config = "host=127.0.0.1 user=postgres dbname=shop password=secret".parse().unwrap();
/// let command = database::shell::command(std::path::Path::new("psql"), &config, true, None);
/// assert!(command.get_args().all(|argument| !argument.to_string_lossy().contains("secret")));
/// ```
pub fn command(psql: &Path, config: &Config, readonly: bool, options: Option<&str>) -> Command {
    let mut command = Command::new(psql);
    command.env("PGAPPNAME", "nself db shell");
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => drop(command.env("PGHOST", host)),
        Some(Host::Unix(directory)) => drop(command.env("PGHOST", directory)),
        _ => {}
    }
    if let Some(port) = config.get_ports().first() {
        command.env("PGPORT", port.to_string());
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(database) = config.get_dbname() {
        command.env("PGDATABASE", database);
    }
    match config.get_password() {
        Some(password) => drop(command.env("PGPASSWORD", OsStr::from_bytes(password))),
        None => drop(command.env_remove("PGPASSWORD")),
    }
    if readonly {
        // What the person set in PGOPTIONS stays in force.
        let options = options.map(|options| format!("{options} ")).unwrap_or_default();
        command.env("PGOPTIONS", format!("{options}-c default_transaction_read_only=on"));
    }
    command
}
