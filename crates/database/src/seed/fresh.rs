//! Clearing what seeds fill and running them again, as one transaction.

use std::collections::BTreeSet;

use postgres::{
    Ident,
    catalog::{Catalog, Table},
};
use project::guard::{Allowed, Destructive};
use serde::Serialize;
use tokio_postgres::Client;

use super::{Ran, Report, Seed, Seeds, Selection, record, run};
use crate::{Error, Options, migrate::finish, order::data_tables, session};

/// What `seed run --fresh` is going to do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fresh {
    /// The tables that lose their rows: those the seeds write.
    pub cleared: Vec<String>,
    /// Tables that point to those and lose their rows with them, though no seed fills them.
    pub with_them: Vec<String>,
    /// The seeds that run then, by path.
    pub seeds: Vec<String>,
}

/// Looks at files and database. Changes nothing.
///
/// # Errors
/// A file cannot be read, or no seed has the name.
pub async fn plan_fresh(client: &Client, seeds: &Seeds, selection: &Selection) -> Result<Fresh, Error> {
    let files = super::load(client, seeds).await?;
    let chosen = run::select(&files, selection)?;
    let catalog = Catalog::read(client, &[]).await?;
    Ok(plan(&catalog, &chosen).0)
}

/// The plan, and all tables to clear.
fn plan<'a>(catalog: &'a Catalog, chosen: &[&Seed]) -> (Fresh, Vec<&'a Table>) {
    let known = data_tables(catalog, &|_| true);
    let written: BTreeSet<usize> = chosen
        .iter()
        .flat_map(|seed| &seed.tables)
        .filter_map(|name| root(catalog, name.find(catalog)?))
        .filter_map(|table| known.iter().position(|known| std::ptr::eq(*known, table)))
        .collect();
    let mut cleared = written.clone();
    loop {
        let points_to_cleared = |table: &Table| {
            table.foreign_keys.iter().any(|key| {
                cleared
                    .iter()
                    .any(|&at| known[at].schema == key.references.schema && known[at].name == key.references.name)
            })
        };
        let more: Vec<usize> =
            (0..known.len()).filter(|at| !cleared.contains(at) && points_to_cleared(known[*at])).collect();
        if more.is_empty() {
            break;
        }
        cleared.extend(more);
    }
    let name = |at: &usize| format!("{}.{}", known[*at].schema, known[*at].name);
    let fresh = Fresh {
        cleared: written.iter().map(name).collect(),
        with_them: cleared.difference(&written).map(name).collect(),
        seeds: chosen.iter().map(|seed| seed.path.clone()).collect(),
    };
    (fresh, cleared.iter().map(|&at| known[at]).collect())
}

/// The table that a partition's rows belong to.
fn root<'a>(catalog: &'a Catalog, mut table: &'a Table) -> Option<&'a Table> {
    while let Some(partition) = &table.partition_of {
        table = catalog.table(&partition.parent.schema, &partition.parent.name)?;
    }
    Some(table)
}

/// Empties the tables of [`plan_fresh`], sequences back to their start, and runs the selected seeds: all of it or nothing.
///
/// # Errors
/// A seed that fails leaves the database as it was.
pub async fn fresh(
    client: &mut Client,
    seeds: &Seeds,
    selection: &Selection,
    options: &Options,
    _allowed: &Allowed<Destructive>,
    progress: &mut (dyn FnMut(&Ran) + Send),
) -> Result<Report, Error> {
    let files = super::load(client, seeds).await?;
    let chosen = run::select(&files, selection)?;
    for seed in &chosen {
        seed.check()?;
    }
    session::lock(client, options).await?;
    let result = locked(client, seeds, &files, &chosen, options, progress).await;
    finish(client, result).await
}

async fn locked(
    client: &mut Client,
    seeds: &Seeds,
    files: &[Seed],
    chosen: &[&Seed],
    options: &Options,
    progress: &mut (dyn FnMut(&Ran) + Send),
) -> Result<Report, Error> {
    record::prepare(client, files, seeds.environment()).await?;
    session::set_lock_timeout(client, options.lock_timeout).await?;
    let transaction = client.transaction().await?;
    let catalog = Catalog::read(transaction.client(), &[]).await?;
    clear(transaction.client(), &plan(&catalog, chosen).1).await?;
    project::fault::hit("seed.fresh.cleared");
    let mut report = Report::default();
    for seed in chosen.iter().filter(|seed| !seed.is_empty()) {
        // Each seed ends with the session's settings as they were at its beginning.
        session::set_lock_timeout(transaction.client(), options.lock_timeout).await?;
        let ran = run::one(transaction.client(), seed, seeds, "nothing was cleared, no seed was kept").await?;
        progress(&ran);
        report.ran.push(ran);
    }
    project::fault::hit("seed.fresh.before-commit");
    transaction.commit().await?;
    Ok(report)
}

/// Empties tables together, which is what lets them point to each other.
pub(crate) async fn clear(client: &Client, tables: &[&Table]) -> Result<(), Error> {
    if tables.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        tables.iter().map(|table| Ident::new(&table.schema).dot(&table.name).to_string()).collect();
    client.batch_execute(&format!("TRUNCATE TABLE {} RESTART IDENTITY", names.join(", "))).await?;
    Ok(())
}
