//! Tables into files: one moment of the database, several tables at a time.

mod encode;
mod manifest;
mod output;

use std::{
    collections::VecDeque,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use postgres::catalog::{Catalog, Column, Table};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_postgres::Client;

pub use manifest::{Entry, Manifest};

use super::{DataError, Format, archive, own_schema};
use crate::{Error, copy::Snapshot, order::data_tables, place::Place, seed::TableName};
use output::Unfinished;

/// What to export, and where to.
#[derive(Debug, Clone)]
pub struct Export {
    pub format: Format,
    /// These tables; when there are none, all of the schemas.
    pub tables: Vec<String>,
    /// When there are none, the project's own: all but those of nself, its services and extensions.
    pub schemas: Vec<String>,
    pub output: Output,
    /// How many tables at a time.
    pub jobs: usize,
    /// Replace what an earlier export left in the same place.
    pub force: bool,
}

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A file for each table, and `manifest.json`.
    Folder(PathBuf),
    /// One table; in JSON also several.
    File(PathBuf),
    /// What a folder would hold, in one file.
    Archive(PathBuf),
    /// As a file, to whoever reads the program's output.
    Stdout,
}

impl Output {
    /// What a path means: by its suffix an archive or a file of rows, otherwise a folder. `-` is the standard output.
    pub fn of(path: &Path) -> Self {
        let rows = super::sources::named(path).1.is_some();
        match () {
            () if path.as_os_str() == "-" => Self::Stdout,
            () if archive::packing(path).is_some() => Self::Archive(path.to_owned()),
            () if rows && !path.is_dir() => Self::File(path.to_owned()),
            () => Self::Folder(path.to_owned()),
        }
    }
}

/// What an export wrote.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// By name.
    pub tables: Vec<Entry>,
    pub rows: u64,
    pub bytes: u64,
    /// Tables that an earlier, unfinished export had written and that nobody has changed since.
    pub kept: usize,
    pub output: Option<PathBuf>,
}

/// Counts while an export runs; whoever shows progress looks at it now and then.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Rows and bytes of files so far.
    pub fn now(&self) -> (u64, u64) {
        (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Exports. `stdout` receives the rows where the output is [`Output::Stdout`].
///
/// Files appear whole or not at all. A folder says in its manifest which tables it has; the same command takes up an
/// export that was killed. What it finds there it keeps where not one row has changed since, so that all tables together
/// show one moment: that of the last run.
///
/// # Errors
/// An unknown table, a place that is taken, a disk that is full, or what PostgreSQL says.
pub async fn run(
    place: &Place,
    export: &Export,
    progress: &Arc<Progress>,
    stdout: &mut (dyn Write + Send),
) -> Result<Report, Error> {
    let mut snapshot = Snapshot::open(place, 0).await?;
    let catalog = Arc::new(Catalog::read(snapshot.leader(), &[]).await?);
    let chosen = choose(&catalog, export)?;
    match &export.output {
        Output::Folder(folder) => {
            output::make_folder(folder)?;
            let mut report = into_folder(place, &mut snapshot, &catalog, chosen, export, folder, progress).await?;
            report.output = Some(folder.clone());
            Ok(report)
        }
        Output::Archive(file) => {
            output::free(file, export.force)?;
            let folder = output::beside(file)?;
            let parts = Export { force: true, ..export.clone() };
            let mut report =
                into_folder(place, &mut snapshot, &catalog, chosen, &parts, folder.path(), progress).await?;
            let unfinished = Unfinished::new(file)?;
            let packing = archive::packing(file).unwrap_or(archive::Packing::None);
            let io = |source| Error::Io { file: file.clone(), source };
            archive::pack(folder.path(), packing, unfinished.file()).map_err(io)?;
            report.bytes = unfinished.finish()?;
            report.output = Some(file.clone());
            Ok(report)
        }
        Output::File(file) => {
            output::free(file, export.force)?;
            let mut report = into_file(snapshot.leader(), &catalog, &chosen, export, file, progress).await?;
            report.output = Some(file.clone());
            Ok(report)
        }
        // Its columns may turn out to be text in the middle; what was written by then would have left.
        Output::Stdout if export.format == Format::Parquet => Err(DataError::Format { path: "-".into() }.into()),
        Output::Stdout => {
            one_file(snapshot.leader(), &catalog, &chosen, export, Path::new("-"), stdout, progress).await
        }
    }
}

/// The tables to export, by name.
fn choose<'a>(catalog: &'a Catalog, export: &Export) -> Result<Vec<&'a Table>, Error> {
    let wanted = |schema: &str| match export.schemas.as_slice() {
        [] => own_schema(schema),
        named => named.iter().any(|name| name == schema),
    };
    if export.tables.is_empty() {
        return Ok(data_tables(catalog, &wanted));
    }
    let find = |name: &String| {
        let parsed = TableName::parse(name).unwrap_or_else(|| TableName::of_file(name));
        parsed.find(catalog).ok_or_else(|| DataError::unknown_table(name, catalog).into())
    };
    let mut chosen = export.tables.iter().map(find).collect::<Result<Vec<_>, Error>>()?;
    chosen.sort_by_key(|table| (&table.schema, &table.name));
    chosen.dedup_by_key(|table| (&table.schema, &table.name));
    Ok(chosen)
}

/// What an export writes of a table: all but generated columns, which cannot be written back.
fn columns(table: &Table) -> Vec<&Column> {
    table.columns.iter().filter(|column| column.generated.is_none()).collect()
}

/// As [`one_file`], into a file that appears when it is whole.
async fn into_file(
    client: &Client,
    catalog: &Catalog,
    tables: &[&Table],
    export: &Export,
    file: &Path,
    progress: &Progress,
) -> Result<Report, Error> {
    let unfinished = Unfinished::new(file)?;
    let mut report = if let ([table], Format::Parquet) = (tables, export.format) {
        let name = file.to_string_lossy().into_owned();
        let entry = encode::parquet(client, catalog, table, name, &unfinished, progress).await?;
        Report { rows: entry.rows, tables: vec![entry], ..Report::default() }
    } else {
        let mut out = std::io::BufWriter::with_capacity(256 * 1024, unfinished.file());
        one_file(client, catalog, tables, export, file, &mut out, progress).await?
    };
    project::fault::hit("export.before-rename");
    report.bytes = unfinished.finish()?;
    Ok(report)
}

/// One table, or in JSON several, one after another.
async fn one_file(
    client: &Client,
    catalog: &Catalog,
    tables: &[&Table],
    export: &Export,
    file: &Path,
    mut out: &mut (dyn Write + Send),
    progress: &Progress,
) -> Result<Report, Error> {
    let io = |source| Error::Io { file: file.to_owned(), source };
    let mut report = Report::default();
    let several = tables.len() != 1;
    if several && export.format != Format::Json {
        return Err(DataError::WhichTable { file: file.to_owned() }.into());
    }
    if several {
        out.write_all(b"{").map_err(io)?;
    }
    for (number, table) in tables.iter().enumerate() {
        if several {
            let name = serde_json::Value::from(format!("{}.{}", table.schema, table.name));
            write!(out, "{}\n{name}: ", if number > 0 { "," } else { "" }).map_err(io)?;
        }
        let name = file.to_string_lossy().into_owned();
        let entry = encode::table(client, catalog, table, export.format, name, &mut out, progress).await?;
        report.rows += entry.rows;
        report.bytes += entry.bytes;
        report.tables.push(entry);
    }
    if several {
        out.write_all(b"\n}\n").map_err(io)?;
    }
    out.flush().map_err(io)?;
    Ok(report)
}

/// A file for each table, several at a time, and the manifest after each.
async fn into_folder(
    place: &Place,
    snapshot: &mut Snapshot,
    catalog: &Arc<Catalog>,
    tables: Vec<&Table>,
    export: &Export,
    folder: &Path,
    progress: &Arc<Progress>,
) -> Result<Report, Error> {
    let moment: String = snapshot.leader().query_one("SELECT pg_current_snapshot()::text", &[]).await?.get(0);
    let manifest = Manifest::take_up(folder, export, snapshot.leader(), place.database(), catalog).await?;
    let kept = manifest.tables.len();
    let mut open: Vec<Job> = tables.iter().map(|table| Job::new(table, export.format)).collect();
    open.retain(|job| !manifest.tables.iter().any(|entry| entry.file == job.file));
    // The largest first: the last one running alone should be a small one.
    open.sort_by(|left, right| right.size.total_cmp(&left.size));
    let workers = export.jobs.clamp(1, open.len().max(1));
    let shared = Arc::new(Shared {
        catalog: catalog.clone(),
        format: export.format,
        folder: folder.to_owned(),
        moment,
        jobs: Mutex::new(open.into()),
        manifest: Mutex::new(manifest),
        progress: progress.clone(),
    });
    shared.manifest(|_| {})?;
    project::fault::hit("export.begun");
    let mut running = JoinSet::new();
    for _ in 0..workers {
        let client = snapshot.join(place).await?;
        running.spawn(work(client, shared.clone()));
    }
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(result) => result?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    let manifest = shared.manifest(|manifest| manifest.complete = true)?;
    Ok(Report {
        rows: manifest.tables.iter().map(|entry| entry.rows).sum(),
        bytes: manifest.tables.iter().map(|entry| entry.bytes).sum(),
        tables: manifest.tables,
        kept,
        output: None,
    })
}

/// What the workers of an export have in common.
struct Shared {
    catalog: Arc<Catalog>,
    format: Format,
    folder: PathBuf,
    moment: String,
    jobs: Mutex<VecDeque<Job>>,
    manifest: Mutex<Manifest>,
    progress: Arc<Progress>,
}

struct Job {
    schema: String,
    table: String,
    file: String,
    /// The planner's estimate, for the order only.
    size: f64,
}

/// The format that can hold a table: Parquet counts rows by their values, and in a table without columns there are none.
fn held(table: &Table, format: Format) -> Format {
    if format == Format::Parquet && table.columns.is_empty() { Format::Ndjson } else { format }
}

impl Job {
    fn new(table: &Table, format: Format) -> Self {
        let safe = |name: &str| name.replace('%', "%25").replace('/', "%2F");
        Self {
            schema: table.schema.clone(),
            table: table.name.clone(),
            file: format!("{}.{}.{}", safe(&table.schema), safe(&table.name), held(table, format).as_str()),
            size: table.estimated_rows.unwrap_or(0.0),
        }
    }
}

impl Shared {
    /// Changes the manifest and writes it.
    fn manifest(&self, change: impl FnOnce(&mut Manifest)) -> Result<Manifest, Error> {
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut manifest);
        manifest.write(&self.folder)?;
        Ok(manifest.clone())
    }
}

/// Exports tables until there are none left.
async fn work(client: Client, shared: Arc<Shared>) -> Result<(), Error> {
    loop {
        let job = shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = job else { return Ok(()) };
        let Some(table) = shared.catalog.table(&job.schema, &job.table) else { continue };
        let path = shared.folder.join(&job.file);
        let unfinished = Unfinished::new(&path)?;
        let format = held(table, shared.format);
        let mut entry = if format == Format::Parquet {
            encode::parquet(&client, &shared.catalog, table, job.file, &unfinished, &shared.progress).await?
        } else {
            let mut out = std::io::BufWriter::with_capacity(256 * 1024, unfinished.file());
            let (catalog, progress) = (&shared.catalog, &shared.progress);
            let entry = encode::table(&client, catalog, table, format, job.file, &mut out, progress).await?;
            out.flush().map_err(|source| Error::Io { file: path.clone(), source })?;
            entry
        };
        project::fault::hit("export.before-rename");
        entry.bytes = unfinished.finish()?;
        entry.moment.clone_from(&shared.moment);
        project::fault::hit("export.table");
        shared.manifest(|manifest| manifest.add(entry))?;
    }
}
