//! A database copied whole, from server to server: the schema by `pg_dump` and `pg_restore`, the rows by parallel `COPY`
//! out of one snapshot, everything into a scratch database that takes the target's place at the end. Rows can be chosen
//! and changed on their way; nothing but the chosen and changed ones reaches the target.
//!
//! It is not: a backup (nothing is written to a file but the schema), or a way to copy a server's roles.
//!
//! Key types: [`Options`], [`Course`] (who chooses rows and checks the copy), [`Report`].

mod plan;
mod rows;
mod schema;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use postgres::catalog::{Catalog, Name};
use serde::Serialize;
use tokio_postgres::Client;

pub use tables::run as tables;

use crate::{
    Error,
    copy::{Copied, Progress, Rewrite, Snapshot},
    place::{Place, PlaceError},
    programs::Programs,
    scratch::Scratch,
};

/// How to copy.
#[derive(Clone)]
pub struct Options {
    /// Which PostgreSQL's programs to use.
    pub wanted: postgres::Wanted,
    /// Connections to either server that carry rows.
    pub jobs: usize,
    /// The source and the target are the same database.
    pub in_place: bool,
    /// Changes rows on their way.
    pub rewrite: Option<Arc<dyn Rewrite>>,
    /// Counts rows while they pass.
    pub progress: Arc<Progress>,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            wanted: postgres::Wanted::default(),
            jobs: cores.clamp(2, 8),
            in_place: false,
            rewrite: None,
            progress: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("jobs", &self.jobs)
            .field("in_place", &self.in_place)
            .field("rewrites", &self.rewrite.is_some())
            .finish_non_exhaustive()
    }
}

/// For each table, the conditions by which its rows are chosen: each is one query, `WHERE <condition>`, and a table with
/// none gives no rows. Tables that are not named are copied whole. Names of partitioned tables mean nothing here, those of
/// their partitions do.
pub type Selection = BTreeMap<Name, Vec<String>>;

/// Takes part in a copy.
pub trait Course: Send + Sync {
    /// Chooses rows. `snapshot` sees the moment that is copied, and `catalog` is its schema.
    fn choose<'a>(&'a self, _snapshot: &'a Client, _catalog: &'a Catalog) -> BoxFuture<'a, Result<Selection, Error>> {
        Box::pin(async { Ok(Selection::new()) })
    }

    /// Looks at the finished copy before it takes the target's place. An error discards the copy.
    fn check<'a>(&'a self, _scratch: &'a Client) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// A part of the work begins, in words for a person.
    fn begins(&self, _part: &str) {}
}

/// Everything, as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whole;

impl Course for Whole {}

/// What was copied.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub tables: usize,
    pub rows: u64,
    /// Of rows in COPY's text form.
    pub bytes: u64,
    pub duration_ms: u64,
    /// Roles that the schema mentions and the target's server did not have: they were made, unable to sign in.
    pub roles_made: Vec<String>,
    /// Large objects of the source, which are not copied.
    pub large_objects: u64,
}

/// Copies `from` over `to`. Until the copy is complete, `to` is as it was; then it is the copy.
///
/// # Errors
/// [`PlaceError`] mostly; those of `course` and of the rewriting. The target is then as it was.
pub async fn run(from: &Place, to: &Place, options: &Options, course: &dyn Course) -> Result<Report, Error> {
    let began = Instant::now();
    let mut snapshot = Snapshot::open(from, 0).await?;
    if !options.in_place {
        distinct(snapshot.leader(), from, to).await?;
    }
    let catalog = Catalog::read(snapshot.leader(), &[]).await.map_err(|error| unreadable(from, &error))?;
    let programs = Programs::find(&options.wanted, catalog.server_version / 10_000)?;
    let encoding: String = snapshot.leader().query_one("SHOW server_encoding", &[]).await?.get(0);
    let scratch = Scratch::create(to, Some(&encoding)).await?;
    let mut filling =
        Filling { from, options, course, catalog: &catalog, snapshot: &mut snapshot, programs: &programs };
    match filling.fill(&scratch).await {
        Ok(mut report) => {
            scratch.swap().await?;
            report.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            Ok(report)
        }
        Err(error) => {
            // The first error is the one worth telling; a leftover goes at the next copy.
            let _ = scratch.discard().await;
            Err(error)
        }
    }
}

struct Filling<'a> {
    from: &'a Place,
    options: &'a Options,
    course: &'a dyn Course,
    catalog: &'a Catalog,
    snapshot: &'a mut Snapshot,
    programs: &'a Programs,
}

impl Filling<'_> {
    async fn fill(&mut self, scratch: &Scratch) -> Result<Report, Error> {
        let mut report = Report::default();
        let to = scratch.place();
        let target = to.connect().await?;
        crate::copy::settle(&target).await?;
        self.course.begins("schema");
        let restore = schema::Restore::prepare(self, to, &target).await?;
        report.roles_made.clone_from(&restore.roles_made);
        restore.section(self.programs, to, "pre-data", 1).await?;
        project::fault::hit("clone.schema");
        let chosen = self.course.choose(self.snapshot.leader(), self.catalog).await?;
        let plan = plan::Plan::new(self, &chosen).await?;
        report.tables = plan.tables;
        self.course.begins("rows");
        let Copied { rows, bytes } = rows::copy(self, to, plan).await?;
        (report.rows, report.bytes) = (rows, bytes);
        project::fault::hit("clone.rows");
        self.course.begins("indexes and constraints");
        rows::sequences(self.snapshot.leader(), &target, self.catalog).await?;
        restore.section(self.programs, to, "post-data", self.options.jobs).await?;
        rows::refresh(&target, self.catalog).await?;
        target.batch_execute("ANALYZE").await?;
        report.large_objects = large_objects(self.snapshot.leader()).await?;
        self.course.check(&target).await?;
        Ok(report)
    }
}

/// Refuses to copy a database over itself, by whatever names it was reached.
async fn distinct(snapshot: &Client, from: &Place, to: &Place) -> Result<(), Error> {
    let Ok(target) = to.connect().await else {
        // It may not exist yet; a server that cannot be reached says so soon.
        return Ok(());
    };
    if identity(snapshot).await? == identity(&target).await? {
        return Err(PlaceError::Lacks {
            label: to.label.clone(),
            why: format!("it and {} are one and the same database", from.label),
            fix: "name two environments with databases of their own: nself env list".to_owned(),
        }
        .into());
    }
    Ok(())
}

/// What no two databases have in common, copies of the whole disk aside: those differ in the moment their server started.
async fn identity(client: &Client) -> Result<(String, u32, String), Error> {
    let sql =
        "SELECT (pg_control_system()).system_identifier::text, d.oid, pg_postmaster_start_time()::timestamptz(3)::text
               FROM pg_database d WHERE d.datname = current_database()";
    let row = client.query_one(sql, &[]).await?;
    Ok((row.get(0), row.get(1), row.get(2)))
}

async fn large_objects(client: &Client) -> Result<u64, Error> {
    let number: i64 = client.query_one("SELECT count(*) FROM pg_catalog.pg_largeobject_metadata", &[]).await?.get(0);
    Ok(number.unsigned_abs())
}

pub(crate) fn unreadable(place: &Place, error: &postgres::catalog::Error) -> Error {
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    PlaceError::Lacks { label: place.label.clone(), why, fix: "nself update --check".to_owned() }.into()
}
