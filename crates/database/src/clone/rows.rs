//! The rows' way, and what is set when they are there: sequences and materialised views.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use postgres::Ident;
use postgres::catalog::{Catalog, Name, TableKind};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::Filling;
use super::plan::{Plan, Work};
use crate::{
    Error,
    copy::{Copied, Progress, Rewrite},
    place::{Place, PlaceError},
};

/// Copies everything that is planned, over several pairs of connections.
pub(super) async fn copy(filling: &mut Filling<'_>, to: &Place, plan: Plan) -> Result<Copied, Error> {
    let pairs = filling.options.jobs.clamp(1, plan.work.len().max(1));
    let queue = Arc::new(Mutex::new(plan.work));
    let mut workers = JoinSet::new();
    for _ in 0..pairs {
        let source = filling.snapshot.join(filling.from).await?;
        let target = to.connect().await?;
        crate::copy::settle(&target).await?;
        let worker = Worker {
            queue: Arc::clone(&queue),
            source,
            target,
            rewrite: filling.options.rewrite.clone(),
            progress: Arc::clone(&filling.options.progress),
        };
        workers.spawn(worker.run());
    }
    let mut copied = Copied::default();
    while let Some(ended) = workers.join_next().await {
        // The first error ends the others with the set.
        match ended {
            Ok(part) => copied += part?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    Ok(copied)
}

struct Worker {
    queue: Arc<Mutex<VecDeque<Work>>>,
    source: Client,
    target: Client,
    rewrite: Option<Arc<dyn Rewrite>>,
    progress: Arc<Progress>,
}

impl Worker {
    async fn run(self) -> Result<Copied, Error> {
        let mut copied = Copied::default();
        while let Some(work) = self.next() {
            copied += one(&self.source, &self.target, &work, self.rewrite.as_deref(), &self.progress).await?;
            project::fault::hit("clone.table");
        }
        Ok(copied)
    }

    fn next(&self) -> Option<Work> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Copies one piece.
async fn one(
    source: &Client,
    target: &Client,
    work: &Work,
    rewrite: Option<&dyn Rewrite>,
    progress: &Progress,
) -> Result<Copied, Error> {
    let Work { table, columns, .. } = work;
    let mut changes = match rewrite {
        Some(rewrite) => rewrite.table(&table.schema, &table.name, columns)?,
        None => None,
    };
    let changes = changes.as_deref_mut();
    let done = crate::copy::stream(source, &work.copy_out, target, &work.copy_in, changes, progress).await;
    done.map_err(|error| about(error, &format!("{}.{}", table.schema, table.name)))
}

/// An error of a server while it copied a table.
pub(super) fn about(error: Error, table: &str) -> Error {
    match error {
        Error::Database(source) => PlaceError::Copy { table: table.to_owned(), source }.into(),
        other => other,
    }
}

/// Sequences a statement asks about at once.
const BATCH: usize = 200;

/// Sets the target's sequences to where the source's are. They stand outside of snapshots: these values are at least as
/// high as any that a copied row holds.
pub(super) async fn sequences(source: &Client, target: &Client, catalog: &Catalog) -> Result<(), Error> {
    let names: Vec<String> = catalog
        .sequences
        .iter()
        .filter(|sequence| sequence.extension.is_none())
        .map(|sequence| Ident::new(sequence.schema.as_str()).dot(sequence.name.as_str()).to_string())
        .collect();
    for names in names.chunks(BATCH) {
        let one = |(at, name): (usize, &String)| format!("SELECT {at} AS at, last_value, is_called FROM {name}");
        let all: Vec<String> = names.iter().enumerate().map(one).collect();
        let rows = source.query(&format!("{} ORDER BY 1", all.join(" UNION ALL ")), &[]).await?;
        let values: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
        let called: Vec<bool> = rows.iter().map(|row| row.get(2)).collect();
        let sql =
            "SELECT pg_catalog.setval(n::regclass, v, c) FROM unnest($1::text[], $2::int8[], $3::bool[]) t(n, v, c)";
        target.query(sql, &[&names, &values, &called]).await?;
    }
    Ok(())
}

/// Fills the materialised views that are filled in the source, each after those it reads.
pub(super) async fn refresh(target: &Client, catalog: &Catalog) -> Result<(), Error> {
    let mut left: BTreeSet<Name> = catalog
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::MaterialisedView && table.extension.is_none())
        .filter(|table| table.view.as_ref().is_some_and(|view| view.populated))
        .map(|table| Name { schema: table.schema.clone(), name: table.name.clone() })
        .collect();
    while !left.is_empty() {
        let ready: Vec<Name> = left.iter().filter(|view| read_by(catalog, view).is_disjoint(&left)).cloned().collect();
        // Views cannot read each other in a circle; should the catalog say so, the server has the last word.
        let ready = if ready.is_empty() { left.iter().cloned().collect() } else { ready };
        for view in ready {
            let shown = Ident::new(view.schema.as_str()).dot(view.name.as_str());
            let done = target.batch_execute(&format!("REFRESH MATERIALIZED VIEW {shown}")).await;
            done.map_err(|error| about(error.into(), &format!("{}.{}", view.schema, view.name)))?;
            left.remove(&view);
        }
    }
    Ok(())
}

/// Every relation that a view reads, directly or through other views.
fn read_by(catalog: &Catalog, view: &Name) -> BTreeSet<Name> {
    let mut seen = BTreeSet::new();
    let mut open = vec![view.clone()];
    while let Some(name) = open.pop() {
        let view = catalog.table(&name.schema, &name.name).and_then(|table| table.view.as_ref());
        for read in view.iter().flat_map(|view| &view.depends_on) {
            if seen.insert(read.clone()) {
                open.push(read.clone());
            }
        }
    }
    seen
}
