//! A dump back into a database. A dump of a whole database goes into a new one that then takes the old one's place, so that
//! it can be loaded in parallel and the old one is as it was until the end. What adds to a database (rows alone, tables
//! that are not there yet) is loaded into it in one transaction.
//!
//! Which of the two it is follows from what the dump holds and what the database has: see [`Plan`].

mod file;
mod scan;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use postgres::Ident;
use postgres::catalog::{Catalog, TableKind};
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio_postgres::Client;

pub use file::{Dump, Kind};
use scan::Contents;

use crate::{
    Error,
    clone::unreadable,
    place::{Place, PlaceError},
    programs::{Programs, failed, last},
    scratch::Scratch,
};

/// What a person says about the way to load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// Follows from what is there.
    #[default]
    Fitting,
    /// Whatever is there goes.
    Replace,
    /// Everything that is there stays.
    Add,
}

/// How a dump will be loaded.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Into a new database that takes the old one's place; otherwise into it as it is, in one transaction.
    pub replaces: bool,
    /// Tables the dump makes.
    pub tables: Vec<String>,
    /// Tables of the database that are gone afterwards, because the dump does not have them.
    pub lost: Vec<String>,
    #[serde(skip)]
    roles: Vec<String>,
}

/// What was loaded.
#[derive(Debug, Clone, Serialize)]
pub struct Loaded {
    pub replaced: bool,
    pub tables: usize,
    pub roles_made: Vec<String>,
    pub duration_ms: u64,
}

/// Reads the dump's contents and the database's, and says what [`load`] would do. Changes nothing.
///
/// # Errors
/// [`PlaceError::Lacks`]: something would be lost and nobody said that it may be. [`PlaceError::Program`]: the file is no
/// dump.
pub async fn plan(place: &Place, programs: &Programs, dump: &Dump, way: Way) -> Result<Plan, Error> {
    let contents = scan::read(place, programs, dump).await?;
    let Ok(client) = place.connect().await else {
        return missing_database(place, contents).await;
    };
    let catalog = Catalog::read(&client, &[]).await.map_err(|error| unreadable(place, &error))?;
    let existing: BTreeSet<String> = catalog
        .tables
        .iter()
        .filter(|table| table.extension.is_none() && matches!(table.kind, TableKind::Table | TableKind::Partitioned))
        .map(|table| Ident::new(table.schema.as_str()).dot(table.name.as_str()).to_string())
        .collect();
    let lost: Vec<String> = existing.difference(&contents.tables).cloned().collect();
    let emptied: Vec<String> = match contents.rows {
        true => Vec::new(),
        false => with_rows(&client, existing.intersection(&contents.tables)).await?,
    };
    let bare = existing.is_empty() && bare(&catalog);
    let replaces = match way {
        Way::Replace => true,
        Way::Add => false,
        Way::Fitting if contents.tables.is_empty() || contents.tables.is_disjoint(&existing) => {
            bare && !contents.tables.is_empty()
        }
        Way::Fitting => {
            refuse(place, "the dump does not have tables that are there", &lost)?;
            refuse(place, "the dump has no rows, and these tables have some", &emptied)?;
            true
        }
    };
    let lost = if replaces { lost } else { Vec::new() };
    Ok(Plan {
        replaces,
        tables: contents.tables.into_iter().collect(),
        lost,
        roles: contents.roles.into_iter().collect(),
    })
}

/// A database that is not there loses nothing.
async fn missing_database(place: &Place, contents: Contents) -> Result<Plan, Error> {
    // A server that cannot be reached says so here.
    drop(place.sibling("postgres").connect().await?);
    let tables = contents.tables.into_iter().collect();
    Ok(Plan { replaces: true, tables, lost: Vec::new(), roles: contents.roles.into_iter().collect() })
}

/// Nothing but what every new database has, and extensions.
fn bare(catalog: &Catalog) -> bool {
    catalog.functions.is_empty()
        && catalog.types.iter().all(|found| found.extension.is_some())
        && catalog.tables.iter().all(|table| table.extension.is_some())
}

async fn with_rows(client: &Client, tables: impl Iterator<Item = &String>) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for table in tables {
        if client.query_opt(&format!("SELECT FROM {table} LIMIT 1"), &[]).await?.is_some() {
            found.push(table.clone());
        }
    }
    Ok(found)
}

fn refuse(place: &Place, what: &str, tables: &[String]) -> Result<(), Error> {
    const SHOWN: usize = 8;
    if tables.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = tables.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("and {} more", tables.len().saturating_sub(SHOWN));
    if tables.len() > SHOWN {
        names.push(&more);
    }
    Err(PlaceError::Lacks {
        label: place.label.clone(),
        why: format!("{what}: {}", names.join(", ")),
        fix: "--replace if they may go; --add to load beside what is there, in one transaction".to_owned(),
    }
    .into())
}

/// Loads a dump as planned; `jobs` connections where it replaces.
///
/// # Errors
/// [`PlaceError::Program`] with the words of `pg_restore` or `psql`. The database is then as it was.
pub async fn load(place: &Place, programs: &Programs, dump: &Dump, plan: &Plan, jobs: usize) -> Result<Loaded, Error> {
    let began = Instant::now();
    let mut loaded =
        Loaded { replaced: plan.replaces, tables: plan.tables.len(), roles_made: Vec::new(), duration_ms: 0 };
    if plan.replaces {
        let scratch = Scratch::create(place, None).await?;
        match fill(scratch.place(), programs, dump, plan, jobs).await {
            Ok(made) => loaded.roles_made = made,
            Err(error) => {
                // The first error is the one worth telling; a leftover goes at the next load.
                let _ = scratch.discard().await;
                return Err(error);
            }
        }
        project::fault::hit("load.restored");
        scratch.swap().await?;
    } else {
        let client = place.connect().await?;
        loaded.roles_made = roles(&client, plan).await?;
        restore(place, programs, dump, true, 1).await?;
    }
    loaded.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(loaded)
}

async fn fill(
    scratch: &Place,
    programs: &Programs,
    dump: &Dump,
    plan: &Plan,
    jobs: usize,
) -> Result<Vec<String>, Error> {
    let client = scratch.connect().await?;
    let made = roles(&client, plan).await?;
    restore(scratch, programs, dump, false, jobs).await?;
    client.batch_execute("ANALYZE").await?;
    Ok(made)
}

/// Makes the roles that the dump names and the server does not have; those that cannot be made are the server's to name.
async fn roles(client: &Client, plan: &Plan) -> Result<Vec<String>, Error> {
    let sql = "SELECT r FROM unnest($1::text[]) r WHERE r NOT IN (SELECT rolname::text FROM pg_roles) ORDER BY 1";
    let mut made = Vec::new();
    for row in client.query(sql, &[&plan.roles]).await? {
        let role: String = row.get(0);
        if client.batch_execute(&format!("CREATE ROLE {} NOLOGIN", Ident::new(role.as_str()))).await.is_ok() {
            made.push(role);
        }
    }
    Ok(made)
}

async fn restore(place: &Place, programs: &Programs, dump: &Dump, together: bool, jobs: usize) -> Result<(), Error> {
    match dump.kind {
        Kind::Archive => {
            let mut arguments: Vec<OsString> = vec!["--no-tablespaces".into()];
            if together {
                arguments.extend(["--single-transaction".into(), "--exit-on-error".into()]);
            } else if jobs > 1 && dump.parallel {
                arguments.push(format!("--jobs={jobs}").into());
            }
            arguments.push(dump.path.clone().into());
            programs.restore(place, &arguments).await
        }
        Kind::Plain | Kind::Gzip | Kind::Zstd => script(place, programs, dump).await,
    }
}

/// SQL through `psql`, which knows what dumps hold beside SQL.
async fn script(place: &Place, programs: &Programs, dump: &Dump) -> Result<(), Error> {
    let broken = |error: std::io::Error| Error::from(failed("psql", error.to_string()));
    let mut command = tokio::process::Command::from(place.command(&programs.path("psql")));
    command
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-o", "/dev/null", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(broken)?;
    let stdin = child.stdin.take();
    let mut stderr = child.stderr.take();
    let feed = file::feed(&dump.path, dump.kind, stdin);
    let listen = async {
        let mut said = Vec::new();
        if let Some(stderr) = &mut stderr {
            let _ = stderr.read_to_end(&mut said).await;
        }
        said
    };
    let (fed, said) = futures::join!(feed, listen);
    let status = child.wait().await.map_err(broken)?;
    if !status.success() {
        return Err(failed("psql", last(&String::from_utf8_lossy(&said))).into());
    }
    // It ended well and did not want all of it: the file was cut off inside.
    fed.map_err(|error| Error::Io { file: Path::new(&dump.path).to_owned(), source: error })
}
