//! A database, or some of its tables, in a file: `pg_dump` of the right version, written beside the file's name and put
//! there when it is whole. Only its owner can read it.

use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde::Serialize;

use crate::{
    Error,
    place::Place,
    programs::{Programs, failed, last, option},
};

/// What a dump holds.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub part: Part,
    /// None: all of them. Patterns as `pg_dump --table` reads them.
    pub tables: Vec<String>,
    pub format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    #[default]
    Everything,
    Schema,
    Data,
}

/// How a dump is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// PostgreSQL's archive: compressed, loaded in parallel.
    #[default]
    Custom,
    /// SQL.
    Plain,
    /// SQL, compressed with gzip.
    Gzip,
}

impl Format {
    /// What a file's name says: `.sql` and `.sql.gz` are SQL, everything else is an archive.
    pub fn of(file: &Path) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        match name.as_str() {
            name if name.ends_with(".sql") => Self::Plain,
            name if name.ends_with(".gz") => Self::Gzip,
            _ => Self::Custom,
        }
    }

    /// What a file's name ends with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Custom => "dump",
            Self::Plain => "sql",
            Self::Gzip => "sql.gz",
        }
    }
}

/// A dump that was written.
#[derive(Debug, Clone, Serialize)]
pub struct Dumped {
    pub file: PathBuf,
    pub format: Format,
    pub bytes: u64,
    pub duration_ms: u64,
}

impl Wanted {
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = match self.format {
            Format::Custom => vec!["--format=custom".into()],
            Format::Plain => vec!["--format=plain".into()],
            Format::Gzip => vec!["--format=plain".into(), "--compress=6".into()],
        };
        match self.part {
            Part::Everything => {}
            Part::Schema => arguments.push("--schema-only".into()),
            Part::Data => arguments.push("--data-only".into()),
        }
        arguments.extend(self.tables.iter().map(|table| format!("--table={table}").into()));
        arguments
    }
}

/// Writes a dump to `file`, whose folder is made when it is missing. A file that is there is replaced when the dump is
/// complete. `began` is told where it grows, for whoever shows progress.
///
/// # Errors
/// [`crate::place::PlaceError::Program`]; [`Error::Io`].
pub async fn write(
    place: &Place,
    programs: &Programs,
    wanted: &Wanted,
    file: &Path,
    began: impl FnOnce(&Path),
) -> Result<Dumped, Error> {
    let io = |error| Error::Io { file: file.to_owned(), source: error };
    let started = Instant::now();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    // 0600, and gone when this future is.
    let growing =
        tempfile::Builder::new().prefix(".nself-unfinished-").tempfile_in(folder).map_err(io)?.into_temp_path();
    began(&growing);
    let mut arguments = wanted.arguments();
    arguments.push(option("file", &growing));
    programs.run(place, "pg_dump", &arguments).await?;
    // pg_dump has synced it.
    let bytes = growing.metadata().map_err(io)?.len();
    project::fault::hit("dump.before-rename");
    growing.persist(file).map_err(|error| io(error.error))?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Dumped { file: file.to_owned(), format: wanted.format, bytes, duration_ms })
}

/// Writes a dump to this process's standard output.
///
/// # Errors
/// [`crate::place::PlaceError::Program`].
pub async fn print(place: &Place, programs: &Programs, wanted: &Wanted) -> Result<(), Error> {
    let mut command = tokio::process::Command::from(place.command(&programs.path("pg_dump")));
    command.args(wanted.arguments()).stdin(Stdio::null()).stdout(Stdio::inherit()).stderr(Stdio::piped());
    // `output` would take the standard output for itself.
    let child = command.kill_on_drop(true).spawn().map_err(|error| failed("pg_dump", error.to_string()))?;
    let output = child.wait_with_output().await.map_err(|error| failed("pg_dump", error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed("pg_dump", last(&String::from_utf8_lossy(&output.stderr))).into())
}
