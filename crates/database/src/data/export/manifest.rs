use std::path::Path;

use jiff::Timestamp;
use postgres::catalog::{Catalog, Table};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::{Export, columns};
use crate::{
    Error,
    data::{DataError, Format, MANIFEST, sources::whole_name},
};

/// What a folder of exported tables holds: `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    pub format: Format,
    pub database: String,
    /// `server_version_num`.
    pub server_version: u32,
    pub begun_at: Timestamp,
    /// False while tables are missing.
    pub complete: bool,
    pub tables: Vec<Entry>,
}

/// One exported table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `schema.name`.
    pub table: String,
    pub file: String,
    pub rows: u64,
    pub bytes: u64,
    pub columns: Vec<ColumnEntry>,
    /// The moment it shows: PostgreSQL's `pg_current_snapshot()`.
    #[serde(default)]
    pub moment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    pub name: String,
    #[serde(rename = "type")]
    pub r#type: String,
}

impl Entry {
    pub(super) fn new(table: &Table, file: String) -> Self {
        let column = |column: &&postgres::catalog::Column| ColumnEntry {
            name: column.name.clone(),
            r#type: column.r#type.sql.clone(),
        };
        Self {
            table: format!("{}.{}", table.schema, table.name),
            file,
            rows: 0,
            bytes: 0,
            columns: columns(table).iter().map(column).collect(),
            moment: String::new(),
        }
    }
}

impl Entry {
    /// True when its file is whole and its table has the same columns still.
    fn is_usable(&self, folder: &Path, catalog: &Catalog) -> bool {
        let length = std::fs::metadata(folder.join(&self.file)).map(|file| file.len());
        let table = whole_name(catalog, &self.table);
        length.is_ok_and(|length| length == self.bytes)
            && table.is_some_and(|table| Self::new(table, String::new()).columns == self.columns)
    }
}

/// True when the table's rows are the very same that were exported: as many, and none that was written later than the
/// moment of that export. Reading a table so costs a fraction of exporting it.
///
/// A row's `xmin` has 32 bits; what it lacks comes from now. Where a row is older than 2^31 transactions that is wrong, and
/// the table is exported once more than it had to be.
async fn unchanged(leader: &Client, entry: &Entry, catalog: &Catalog) -> Result<bool, Error> {
    let Some(table) = whole_name(catalog, &entry.table) else { return Ok(false) };
    let sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE NOT pg_catalog.pg_visible_in_snapshot(
             (now.cycle + t.xmin::text::bigint - CASE WHEN t.xmin::text::bigint > now.id THEN 4294967296 ELSE 0 END)::text::xid8,
             $1::text::pg_snapshot))
         FROM {} t, (SELECT x >> 32 << 32 AS cycle, x & 4294967295 AS id
                     FROM pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) AS s (x8), LATERAL (SELECT x8::text::bigint) AS n (x)) now",
        super::encode::relation(table)
    );
    let row = leader.query_one(&sql, &[&entry.moment]).await?;
    let (rows, new): (i64, i64) = (row.get(0), row.get(1));
    Ok(new == 0 && u64::try_from(rows).is_ok_and(|rows| rows == entry.rows))
}

impl Manifest {
    /// Reads the one of a folder; `None` when it has none.
    pub(in crate::data) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let file = folder.join(MANIFEST);
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { file, source }),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            DataError::Content { file, format: "JSON", place: None, problem: error.to_string() }.into()
        })
    }

    /// The manifest to begin with: of an unfinished export, the tables that nobody has changed since.
    ///
    /// # Errors
    /// [`DataError::Exists`] for a folder with something else in it.
    pub(super) async fn take_up(
        folder: &Path,
        export: &Export,
        leader: &Client,
        database: &str,
        catalog: &Catalog,
    ) -> Result<Self, Error> {
        let mut fresh = Self {
            format: export.format,
            database: database.to_owned(),
            server_version: catalog.server_version,
            begun_at: Timestamp::now(),
            complete: false,
            tables: Vec::new(),
        };
        let exists = || Err(DataError::Exists { path: folder.to_owned() }.into());
        let Some(earlier) = Self::read(folder)? else {
            let taken = !crate::migrate::names(folder)?.is_empty();
            return if taken && !export.force { exists() } else { Ok(fresh) };
        };
        if earlier.complete || export.force {
            if !export.force {
                return exists();
            }
            // What is left of it must not look like part of the new one.
            earlier.remove_files(folder)?;
            return Ok(fresh);
        }
        if earlier.format == export.format && earlier.database == database {
            for entry in earlier.tables {
                if entry.is_usable(folder, catalog) && unchanged(leader, &entry, catalog).await? {
                    fresh.tables.push(entry);
                }
            }
        }
        Ok(fresh)
    }

    fn remove_files(&self, folder: &Path) -> Result<(), Error> {
        for entry in self.tables.iter().filter(|entry| !entry.file.contains('/')) {
            let file = folder.join(&entry.file);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::Io { file, source: error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.tables.retain(|other| other.file != entry.file);
        self.tables.push(entry);
        self.tables.sort_by(|left, right| left.table.cmp(&right.table));
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let file = folder.join(MANIFEST);
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        let unfinished = super::Unfinished::new(&file)?;
        let io = |source| Error::Io { file: file.clone(), source };
        std::io::Write::write_all(&mut unfinished.file(), text.as_bytes()).map_err(io)?;
        unfinished.finish().map(|_| ())
    }
}
