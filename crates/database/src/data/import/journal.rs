//! Imports that were committed and have not been told to anybody yet: `nself.imports`. A row stands there from the commit
//! until the end of the command, a moment later. It lets the same command, run again after a kill in that moment, see that
//! there is nothing left to do.

use std::{os::unix::fs::MetadataExt, path::Path};

use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use super::{Import, Report};
use crate::{
    Error,
    migrate::{exists, names},
};

/// What makes a command the same: its files as they are now, and how they are imported.
pub(super) fn key(import: &Import) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for path in &import.paths {
        add(&mut hash, path)?;
        if path.is_dir() {
            for name in names(path)? {
                add(&mut hash, &path.join(name))?;
            }
        }
    }
    hash.update(format!("{:?} {:?} {:?}", import.format, import.table, import.options));
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add(hash: &mut Sha256, path: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { file: path.to_owned(), source };
    let path = path.canonicalize().map_err(io)?;
    let file = std::fs::metadata(&path).map_err(io)?;
    hash.update(format!("{}\0{} {} {}\0", path.display(), file.len(), file.mtime(), file.mtime_nsec()));
    Ok(())
}

/// What an import of that key did, once: when it is asked for again, it is meant to be done again.
pub(super) async fn take_up(client: &Client, key: &str) -> Result<Option<Report>, Error> {
    if !exists(client, "nself.imports").await? {
        return Ok(None);
    }
    let row = client.query_opt("DELETE FROM nself.imports WHERE key = $1 RETURNING report", &[&key]).await?;
    let report = row.and_then(|row| serde_json::from_str(row.get(0)).ok());
    Ok(report.map(|report| Report { taken_up: true, ..report }))
}

/// In the import's transaction.
pub(super) async fn note(client: &Client, key: &str, report: &Report) -> Result<(), Error> {
    if !exists(client, "nself.imports").await? {
        client.batch_execute(include_str!("journal.sql")).await?;
    }
    // What was refused may hold people's data; its number is enough.
    let told = Report { refused: Vec::new(), ..report.clone() };
    let report = serde_json::to_string(&told).unwrap_or_default();
    client.execute("INSERT INTO nself.imports (key, report) VALUES ($1, $2)", &[&key, &report]).await?;
    Ok(())
}

pub(super) async fn forget(client: &Client, key: &str) -> Result<(), Error> {
    client.execute("DELETE FROM nself.imports WHERE key = $1", &[&key]).await?;
    Ok(())
}
