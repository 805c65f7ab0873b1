//! Saving the database before a migration takes data away.

use std::{
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Stdio,
};

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Client;

use super::MigrationError;
use crate::{Error, place::Place, programs::Programs};

/// Where to save what a run may lose, and with which program.
#[derive(Debug, Clone)]
pub struct Backup {
    /// Whose `pg_dump`.
    pub wanted: postgres::Wanted,
    pub place: Place,
    /// Made when it is missing, readable for its owner only.
    pub folder: PathBuf,
    /// How many of these files to keep, the newest; at least one.
    pub keep: usize,
}

/// A file that `nself db load` brings back.
#[derive(Debug, Clone, Serialize)]
pub struct Saved {
    pub file: PathBuf,
    pub bytes: u64,
}

const ENDING: &str = ".dump";

impl Backup {
    /// Writes the whole database to a new file in PostgreSQL's custom format: complete under its name, or not there. Older
    /// ones beyond [`Backup::keep`] are removed. None when the database has no table that could lose anything.
    ///
    /// # Errors
    /// [`MigrationError::Backup`] with what `pg_dump` said.
    pub async fn save(&self, client: &Client, before: &str, now: Timestamp) -> Result<Option<Saved>, Error> {
        if !has_tables(client).await? {
            return Ok(None);
        }
        let io = |source: std::io::Error| failed(format!("{}: {source}", self.folder.display()));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(io)?;
        let database: String =
            self.place.database().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let stamp = now.strftime("%Y%m%dT%H%M%SZ");
        let name = format!("migrate_{stamp}_{database}_before_{before}{ENDING}");
        let unfinished = self.folder.join(format!(".{name}.{}", std::process::id()));
        let file = self.folder.join(name);
        let result = self.dump(client, &unfinished, &file).await;
        if result.is_err() {
            // It is of no use to anybody; that it cannot be removed is not the error to tell.
            let _ = std::fs::remove_file(&unfinished);
        }
        let bytes = result?;
        self.thin_out().map_err(io)?;
        Ok(Some(Saved { file, bytes }))
    }

    async fn dump(&self, client: &Client, unfinished: &Path, file: &Path) -> Result<u64, Error> {
        let io = |source: std::io::Error| failed(format!("{}: {source}", unfinished.display()));
        let handle = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(unfinished);
        let handle = handle.map_err(io)?;
        let program = self.pg_dump(client).await?;
        let mut command = self.place.command(&program);
        command
            .args(["--format=custom", "--no-password"])
            .stdin(Stdio::null())
            .stdout(handle.try_clone().map_err(io)?)
            .stderr(Stdio::piped());
        // Not `output()`, which would take standard output for itself.
        let told = |source: std::io::Error| failed(format!("{}: {source}", program.display()));
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(told)?;
        let output = child.wait_with_output().await.map_err(told)?;
        if !output.status.success() {
            return Err(failed(format!("pg_dump: {}", String::from_utf8_lossy(&output.stderr).trim())));
        }
        let bytes = handle.metadata().map_err(io)?.len();
        if bytes == 0 {
            return Err(failed("pg_dump wrote nothing".to_owned()));
        }
        handle.sync_all().map_err(io)?;
        project::fault::hit("backup.before-rename");
        std::fs::rename(unfinished, file).map_err(io)?;
        std::fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(bytes)
    }

    /// The `pg_dump` that fits the server.
    pub(super) async fn pg_dump(&self, client: &Client) -> Result<PathBuf, Error> {
        let row = client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await?;
        let server = u32::try_from(row.get::<_, i32>(0)).unwrap_or_default();
        Ok(Programs::find(&self.wanted, server)?.path("pg_dump"))
    }

    /// The names begin with the time, so their order is the order in which they were written.
    fn thin_out(&self) -> std::io::Result<()> {
        let mut names: Vec<std::ffi::OsString> = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some(text) = name.to_str() else { continue };
            if text.starts_with(".migrate_") {
                // What a killed run left; only one run at a time saves a database.
                std::fs::remove_file(self.folder.join(text))?;
            } else if text.starts_with("migrate_") && text.ends_with(ENDING) {
                names.push(name);
            }
        }
        names.sort();
        let surplus = names.len().saturating_sub(self.keep.max(1));
        names[..surplus].iter().try_for_each(|name| std::fs::remove_file(self.folder.join(name)))
    }
}

fn failed(problem: String) -> Error {
    MigrationError::Backup { problem }.into()
}

async fn has_tables(client: &Client) -> Result<bool, Error> {
    let row = client
        .query_one(
            "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'nself')
                 AND n.nspname NOT LIKE 'pg\\_%')",
            &[],
        )
        .await?;
    Ok(row.get(0))
}
