//! From settings to an address.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use project::environments::{self, Server};
use project::{Project, Settings};
use tokio_postgres::Config;

use super::tls::{Files, Mode, Tls};
use super::{Place, PlaceError, Ssh};
use crate::Error;

/// How long opening a connection may take where the settings say nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Parameters of other programs' URLs that say nothing about the way to the server.
const FOREIGN: [&str; 6] = ["schema", "pgbouncer", "connection_limit", "pool_timeout", "gssencmode", "sslcompression"];

/// Where an environment's settings say that its database is.
#[derive(Debug)]
pub enum Address {
    /// It can be connected to from here.
    Direct(Box<Place>),
    /// Through SSH, to `port` of that server's loopback; the place has no host yet.
    Tunnel { ssh: Ssh, port: u16, place: Box<Place> },
    /// Nothing but the stack on this machine: `POSTGRES_PORT` of loopback.
    Here(Box<Place>),
}

/// What the settings of an environment say: `DATABASE_URL`, else `POSTGRES_HOST`, else the host of its `server.json`, else
/// this machine. Only what is written for this environment counts: a `DATABASE_URL` in the `.env` that all environments
/// share is not production's. `server` is the environment's `server.json`.
///
/// # Errors
/// [`PlaceError::Url`], [`PlaceError::Certificates`].
pub fn address(project: &Project, settings: &Settings, server: Option<&Server>) -> Result<Address, Error> {
    let own = |name: &str| environments::is_own(project, settings, name).then(|| settings.text(name)).flatten();
    let place = |config, tls| Box::new(Place::new(settings.environment().clone(), settings.tier(), config, tls));
    if let Some(url) = own("DATABASE_URL").filter(|url| !names_container(url)) {
        let (config, tls) = parse(url)?;
        return Ok(Address::Direct(place(config, tls)));
    }
    let mut config = credentials(settings);
    if let Some(host) = own("POSTGRES_HOST").filter(|host| *host != "postgres") {
        let mode = settings.text("POSTGRES_SSL_MODE").and_then(Mode::parse).unwrap_or(Mode::Disable);
        config.host(host).port(settings.port("POSTGRES_PORT").unwrap_or(5432));
        return Ok(Address::Direct(place(config, Tls::new(mode, Files::default())?)));
    }
    let port = settings.port("POSTGRES_PORT").unwrap_or(5432);
    if let Some(server) = server.filter(|server| !server.host.is_empty()) {
        let ssh = ssh(project, settings, server);
        let mut place = place(config, Tls::disabled());
        place.label = format!("{} ({} by ssh {}:{port})", place.environment, place.database(), server.host);
        return Ok(Address::Tunnel { ssh, port, place });
    }
    config.host("127.0.0.1").port(port);
    Ok(Address::Here(place(config, Tls::disabled())))
}

/// The stack on this machine, whatever else the settings say.
pub fn here(settings: &Settings) -> Place {
    let mut config = credentials(settings);
    config.host("127.0.0.1").port(settings.port("POSTGRES_PORT").unwrap_or(5432));
    Place::new(settings.environment().clone(), settings.tier(), config, Tls::disabled())
}

fn credentials(settings: &Settings) -> Config {
    let mut config = Config::new();
    config
        .dbname(settings.text("POSTGRES_DB").unwrap_or("nhost"))
        .user(settings.text("POSTGRES_USER").unwrap_or("postgres"))
        .application_name("nself")
        .connect_timeout(PATIENCE);
    if let Some(password) = settings.secret("POSTGRES_PASSWORD") {
        config.password(password.expose());
    }
    config
}

fn ssh(project: &Project, settings: &Settings, server: &Server) -> Ssh {
    let path = |text: &str| {
        let home = || std::env::var_os("HOME").map(PathBuf::from);
        match text.strip_prefix("~/").and_then(|rest| Some(home()?.join(rest))) {
            Some(path) => path,
            None => project.root().join(text),
        }
    };
    let given = |text: &str| (!text.is_empty()).then(|| path(text));
    Ssh {
        host: server.host.clone(),
        port: server.port,
        user: server.user.clone(),
        key: given(&server.key),
        config: settings.text("NSELF_SSH_CONFIG").and_then(given),
    }
}

/// The URL that the Bash tool computed: `postgres` is a name inside its container network.
fn names_container(url: &str) -> bool {
    url.contains("@postgres:") || url.contains("@postgres/")
}

/// A URL as `libpq` reads it. What the driver leaves to its caller (TLS) is taken out here.
///
/// # Errors
/// [`PlaceError::Url`], which never shows the URL: it holds a password.
pub fn parse(url: &str) -> Result<(Config, Tls), Error> {
    let wrong = |why: String| PlaceError::Url { why };
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut mode = Mode::Prefer;
    let mut files = Files::default();
    let mut kept: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| wrong(format!("{name} is not UTF-8 text")))?;
        match name {
            "sslmode" => {
                mode = Mode::parse(&value)
                    .ok_or_else(|| wrong("sslmode is disable, prefer, require, verify-ca or verify-full".to_owned()))?;
            }
            "sslrootcert" => files.root = Some(PathBuf::from(&*value)),
            "sslcert" => files.certificate = Some(PathBuf::from(&*value)),
            "sslkey" => files.key = Some(PathBuf::from(&*value)),
            name if FOREIGN.contains(&name) => {}
            _ => kept.push(pair),
        }
    }
    let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong("it does not begin with postgres://".to_owned()).into());
    }
    let mut config = Config::from_str(&url).map_err(|error| wrong(crate::failure::describe(&error)))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(wrong("it names no host".to_owned()).into());
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("nself");
    }
    if config.get_user().is_none() {
        config.user("postgres");
    }
    if config.get_dbname().is_none() {
        let user = config.get_user().unwrap_or("postgres").to_owned();
        config.dbname(user);
    }
    Ok((config, Tls::new(mode, files)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio_postgres::config::Host;

    use super::*;

    #[test]
    fn a_url_says_how_to_connect() {
        let (config, tls) =
            parse("postgres://me:p%40ss@db.example.com:6543/shop?sslmode=require&schema=public").unwrap();
        assert_eq!(config.get_hosts(), [Host::Tcp("db.example.com".to_owned())]);
        assert_eq!((config.get_ports(), config.get_dbname()), ([6543].as_slice(), Some("shop")));
        assert_eq!(config.get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(tls.mode(), Mode::Require);
        let (config, tls) = parse("postgresql://me@/shop?host=/var/run/postgresql").unwrap();
        assert_eq!(config.get_hosts(), [Host::Unix("/var/run/postgresql".into())]);
        assert_eq!(tls.mode(), Mode::Prefer);
        let (config, _) = parse("postgres://me@h").unwrap();
        assert_eq!(config.get_dbname(), Some("me"));
    }

    #[test]
    fn a_wrong_url_is_told_without_its_password() {
        for url in [
            "mysql://me:hunter2@h/d",
            "postgres://me:hunter2@/d",
            "postgres://me:hunter2@h/d?sslmode=maybe",
            "postgres://me:hunter2@h/d?nonsense=1",
            "postgres://me:hunter2@h:x/d",
        ] {
            let error = parse(url).unwrap_err();
            let text = format!("{error} {:?}", project::Diagnostic::why(&error));
            assert!(!text.contains("hunter2"), "{text}");
        }
        assert!(names_container("postgres://postgres:x@postgres:5432/nhost"));
    }
}
