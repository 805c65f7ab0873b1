//! PostgreSQL's own client programs: which ones fit a server, and running them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use postgres::{Version, Wanted};

use crate::{Error, place::Place, place::PlaceError};

/// Lines of a program's words that are worth showing.
const SHOWN: usize = 12;

/// A folder of client programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// None: wherever `PATH` says.
    folder: Option<PathBuf>,
}

impl Programs {
    /// Programs that work with a server of this major version: the oldest that are not older, because a dump of newer
    /// ones may hold words that the server does not know yet.
    ///
    /// # Errors
    /// [`PlaceError::TooOld`]; [`PlaceError::Program`] when the folder of a setting holds none.
    pub fn find(wanted: &Wanted, server: u32) -> Result<Self, PlaceError> {
        let folders: Vec<Option<PathBuf>> = match &wanted.path {
            Some(_) => {
                let found = postgres::find(wanted);
                let found = found.map_err(|error| failed("pg_dump", error.to_string()))?;
                vec![Some(found.client_bin)]
            }
            None => postgres::list().into_iter().map(|found| Some(found.client_bin)).chain([None]).collect(),
        };
        let versions: Vec<(u32, Self)> = folders
            .into_iter()
            .map(|folder| Self { folder })
            .filter_map(|programs| Some((programs.version()?, programs)))
            .collect();
        let newest = versions.iter().map(|(version, _)| *version).max();
        let fitting =
            versions.into_iter().filter(|(version, _)| *version >= server).min_by_key(|(version, _)| *version);
        fitting.map(|(_, programs)| programs).ok_or(PlaceError::TooOld { program: "pg_dump", server, found: newest })
    }

    /// The major version of `pg_dump`.
    fn version(&self) -> Option<u32> {
        let output = std::process::Command::new(self.path("pg_dump")).arg("--version").output().ok()?;
        // `pg_dump (PostgreSQL) 15.18 (Debian …)`
        Version::parse(&String::from_utf8_lossy(&output.stdout)).map(|version| version.major)
    }

    pub fn path(&self, program: &str) -> PathBuf {
        match &self.folder {
            Some(folder) => folder.join(program),
            None => PathBuf::from(program),
        }
    }

    /// Runs one with a place's address and gives what it wrote. It ends with the future.
    ///
    /// # Errors
    /// [`PlaceError::Program`] with its own words.
    pub async fn run(&self, place: &Place, program: &str, arguments: &[OsString]) -> Result<Vec<u8>, Error> {
        let said = self.say(place, program, arguments, Stdio::null()).await?;
        if said.success {
            return Ok(said.stdout);
        }
        Err(failed(program, last(&said.stderr)).into())
    }

    /// The same, whatever it ends with.
    pub(crate) async fn say(
        &self,
        place: &Place,
        program: &str,
        arguments: &[OsString],
        stdin: Stdio,
    ) -> Result<Said, Error> {
        let mut command = tokio::process::Command::from(place.command(&self.path(program)));
        command.args(arguments).stdin(stdin).kill_on_drop(true);
        let output = command.output().await.map_err(|error| failed(program, error.to_string()))?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Said { success: output.status.success(), stdout: output.stdout, stderr })
    }

    /// Restores part of an archive. What the server is too old to know is passed over; any other error is one.
    ///
    /// # Errors
    /// [`PlaceError::Program`].
    pub(crate) async fn restore(&self, place: &Place, arguments: &[OsString]) -> Result<(), Error> {
        let mut all: Vec<OsString> = vec![format!("--dbname={}", place.database()).into()];
        all.extend_from_slice(arguments);
        let said = self.say(place, "pg_restore", &all, Stdio::null()).await?;
        let serious: Vec<&str> = said
            .stderr
            .lines()
            .filter(|line| line.starts_with("pg_restore: error:") && !line.contains("\"transaction_timeout\""))
            .collect();
        if serious.is_empty() && (said.success || said.stderr.contains("errors ignored on restore")) {
            return Ok(());
        }
        let words = if serious.is_empty() { last(&said.stderr) } else { first(&serious.join("\n")) };
        Err(failed("pg_restore", words).into())
    }
}

/// How a program ended.
pub(crate) struct Said {
    pub success: bool,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

pub(crate) fn failed(program: &str, why: String) -> PlaceError {
    PlaceError::Program { program: program.to_owned(), why }
}

/// The last lines, where the reason stands.
pub(crate) fn last(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}

fn first(text: &str) -> String {
    text.lines().take(SHOWN).collect::<Vec<_>>().join("\n")
}

/// `--name=path`.
pub(crate) fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(format!("--{name}="));
    option.push(value);
    option
}
