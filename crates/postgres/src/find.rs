//! Finding PostgreSQL: a setting, the system's own installations, and portable ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::{Error, Version, install, portable};

/// One PostgreSQL on this machine: a folder with `postgres` and `initdb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installation {
    pub version: Version,
    /// The folder of the server's programs.
    pub bin: PathBuf,
    /// The folder of `psql`, `pg_dump` and the other client programs; not always the server's.
    pub client_bin: PathBuf,
    pub source: Source,
    /// What the programs say about themselves, for example `15.18 (Debian 15.18-0+deb12u1)`.
    pub full_version: String,
}

impl Installation {
    /// Whether a loadable library is where packages put it, beside the folder of the programs. A server that is told to
    /// load one that is missing does not start.
    pub(crate) fn has_library(&self, name: &str) -> bool {
        let folders = ["../lib", "../lib/postgresql", "../lib64", "../lib64/postgresql"];
        folders.iter().any(|folder| {
            let folder = self.bin.join(folder);
            folder.join(format!("{name}.so")).is_file() || folder.join(format!("{name}.dylib")).is_file()
        })
    }
}

/// Where an installation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The user's setting names its folder.
    Setting,
    /// The system's package manager, or `PATH`.
    System,
    /// `nself postgres install`.
    Portable,
}

/// Which PostgreSQL is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Binding: this folder (or the folder whose `bin` it is), or an error.
    pub path: Option<PathBuf>,
    /// The major version of an existing data directory: binding where one is found, because no other can open it.
    pub data: Option<u32>,
    /// Preferred major version; another is used, with a warning, when there is none of it.
    pub major: Option<u32>,
}

impl Wanted {
    /// What a project's settings want: `POSTGRES_BIN` binds, `POSTGRES_VERSION` prefers when the user wrote it (its
    /// default is an image tag for other runtimes).
    pub fn from_settings(settings: &project::Settings) -> Self {
        let bin = settings.text("POSTGRES_BIN").filter(|path| !path.is_empty());
        if let Some(path) = bin {
            return Self { path: Some(PathBuf::from(path)), ..Self::default() };
        }
        let version = settings.text("POSTGRES_VERSION").filter(|_| settings.is_set("POSTGRES_VERSION"));
        version.map(Self::parse).unwrap_or_default()
    }

    /// Reads a setting: a path (anything with a `/`) is binding, a version or an image tag of the Bash tool
    /// (`16-alpine`) is a preference, anything else (`latest`) is no wish.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.contains('/') {
            return Self { path: Some(PathBuf::from(text)), ..Self::default() };
        }
        Self { major: Version::parse(text).map(|version| version.major), ..Self::default() }
    }

    /// Adds what `data_dir` asks for, if a cluster is there already.
    #[must_use]
    pub fn for_data(mut self, data_dir: &Path) -> Self {
        self.data = crate::cluster::data_major(data_dir);
        self
    }

    /// What to tell the user when `found` is not the preferred version; `None` when all is well.
    pub fn warning(&self, found: &Installation) -> Option<String> {
        let major = self.major.filter(|major| *major != found.version.major && self.path.is_none())?;
        Some(if self.data == Some(found.version.major) {
            format!("PostgreSQL {major} is asked for, but the data was written by {}, which is used", found.version)
        } else {
            format!("PostgreSQL {major} is not on this machine, {} is used", found.version)
        })
    }
}

/// Finds the PostgreSQL to use: the wanted one, else the newest of the system's, else the newest portable one.
///
/// # Errors
/// [`Error::BadInstallation`] when a binding path is not a usable PostgreSQL; [`Error::NotFound`] with the one command
/// that installs it here.
pub fn find(wanted: &Wanted) -> Result<Installation, Error> {
    if let Some(path) = &wanted.path {
        let bin = if path.join("bin/postgres").is_file() { path.join("bin") } else { path.clone() };
        return inspect(&bin, Source::Setting).map(|mut found| {
            adopt_clients(std::slice::from_mut(&mut found));
            found
        });
    }
    let mut all = list();
    for major in [wanted.data, wanted.major].into_iter().flatten() {
        if let Some(place) = all.iter().position(|found| found.version.major == major) {
            return Ok(all.swap_remove(place));
        }
    }
    all.into_iter().next().ok_or_else(|| Error::NotFound { install: install::command().to_string() })
}

/// Every usable PostgreSQL of this machine, best first: the system's before portable ones, newest first.
pub fn list() -> Vec<Installation> {
    let system = system_folders().into_iter().map(|bin| (bin, Source::System));
    let portable = portable::folders().into_iter().map(|bin| (bin, Source::Portable));
    let mut found: Vec<Installation> = Vec::new();
    for (bin, source) in system.chain(portable) {
        let Ok(installation) = inspect(&bin, source) else { continue };
        if found.iter().all(|known| known.bin != installation.bin) {
            found.push(installation);
        }
    }
    found.sort_by_key(|one| (one.source == Source::Portable, std::cmp::Reverse(one.version)));
    adopt_clients(&mut found);
    found
}

/// A server without client programs of its own (the portable one) is given the newest there are; a newer client works
/// with an older server, not the other way round.
fn adopt_clients(found: &mut [Installation]) {
    let portable = portable::client_folder();
    for one in found {
        if !one.client_bin.join("psql").is_file()
            && let Some(folder) = &portable
        {
            one.client_bin.clone_from(folder);
        }
    }
}

/// Asks the server's program in `bin` for its version.
fn inspect(bin: &Path, source: Source) -> Result<Installation, Error> {
    let bad = |reason: String| Error::BadInstallation { path: bin.to_owned(), reason };
    for program in ["postgres", "initdb"] {
        if !bin.join(program).is_file() {
            return Err(bad(format!("it has no program {program}")));
        }
    }
    let output = Command::new(bin.join("postgres"))
        .arg("--version")
        .output()
        .map_err(|error| bad(format!("postgres --version: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = Version::parse(&said).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bad(format!("postgres --version said: {}{}", said.trim(), complaint.trim()))
    })?;
    if !version.supported() {
        return Err(bad(format!("it is version {version}; nself works with 14 to 18")));
    }
    let full_version = said.trim().trim_start_matches("postgres (PostgreSQL) ").to_owned();
    // A folder of links (Homebrew, PATH) is one installation with what it links to.
    let bin = bin.join("postgres").canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
    let bin = bin.ok_or_else(|| bad_folder(source))?;
    Ok(Installation { version, client_bin: bin.clone(), bin, source, full_version })
}

/// A portable installation, whose client programs stand apart from the server's.
pub(crate) fn inspect_portable(bin: &Path, client_bin: &Path) -> Result<Installation, Error> {
    inspect(bin, Source::Portable).map(|found| Installation { client_bin: client_bin.to_owned(), ..found })
}

fn bad_folder(source: Source) -> Error {
    Error::BadInstallation {
        path: PathBuf::new(),
        reason: format!("its folder ({source:?}) vanished while it was read"),
    }
}

/// Folders where packages put PostgreSQL: Debian and Ubuntu, Red Hat's PGDG, Alpine, Arch and BSD, Homebrew, then `PATH`.
fn system_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/libexec", "postgresql", ""),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(prefix) {
                let folder = entry.path();
                folders.push(if suffix.is_empty() { folder } else { folder.join(suffix) });
            }
        }
    }
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders
        .retain(|folder| folder.is_absolute() && folder.join("postgres").is_file() && folder.join("initdb").is_file());
    folders
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_path_binds_a_version_prefers() {
        assert_eq!(Wanted::parse("/opt/pg/bin").path, Some(PathBuf::from("/opt/pg/bin")));
        assert_eq!(Wanted::parse("16-alpine"), Wanted { major: Some(16), ..Wanted::default() });
        assert_eq!(Wanted::parse("latest"), Wanted::default());
    }

    #[test]
    fn a_binding_path_without_postgres_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted { path: Some(folder.path().to_owned()), ..Wanted::default() };
        let error = find(&wanted).unwrap_err();
        assert!(matches!(error, Error::BadInstallation { .. }), "{error}");
    }

    #[test]
    fn another_major_is_worth_a_warning() {
        let found = Installation {
            version: Version { major: 15, minor: 18 },
            bin: PathBuf::from("/b"),
            client_bin: PathBuf::from("/b"),
            source: Source::System,
            full_version: "15.18".to_owned(),
        };
        assert_eq!(Wanted::parse("15").warning(&found), None);
        assert!(Wanted::parse("16-alpine").warning(&found).unwrap().contains("16 is not on this machine"));
        let wanted = Wanted { data: Some(15), ..Wanted::parse("16") };
        assert!(wanted.warning(&found).unwrap().contains("written by 15.18"));
    }
}
