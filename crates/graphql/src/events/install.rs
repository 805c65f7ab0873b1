//! Makes the database's triggers and schedules what the metadata says.

use std::collections::{BTreeMap, BTreeSet};

use metadata::{CronTrigger, Metadata, QualifiedName};
use tokio_postgres::GenericClient;

use super::trigger::{Column, SCHEMA, TriggerFunction, drop_function, function_name};
use super::{Op, cron};

/// The source whose tables this engine serves.
pub(super) const SOURCE: &str = "default";

/// A trigger as the database has it.
struct Installed {
    table: Option<QualifiedName>,
    body: String,
    always: bool,
}

/// Creates, replaces and drops trigger functions until they are those of the metadata, and keeps the events of cron
/// triggers in step. What is right already is left alone, so that calling it after every change of the metadata or of
/// a table is cheap. Meant for the transaction of that change: it belongs to it.
///
/// `old` is what the metadata was before, for the schedules that changed; `None` at the start.
///
/// # Errors
/// PostgreSQL refused: no right to create a trigger on somebody else's table, or the connection is gone.
pub async fn install<C: GenericClient + Sync>(
    client: &C,
    old: Option<&Metadata>,
    new: &Metadata,
    stringify: bool,
) -> Result<(), tokio_postgres::Error> {
    let wanted = wanted(client, new, stringify).await?;
    let installed = installed(client).await?;
    let mut statements = Vec::new();
    for function in &wanted {
        let found = installed.get(&function.name);
        let elsewhere = found.and_then(|found| found.table.as_ref()).is_some_and(|table| *table != function.table);
        if elsewhere {
            statements.push(drop_function(&function.name));
        }
        if elsewhere || found.is_none_or(|found| found.body != function.body) {
            statements.push(function.create_function());
        }
        let there = !elsewhere && found.is_some_and(|found| found.table.is_some());
        if !there {
            statements.push(function.create_trigger());
        }
        if function.always != (there && found.is_some_and(|found| found.always)) {
            statements.push(function.set_replication());
        }
    }
    let keep: BTreeSet<&str> = wanted.iter().map(|function| function.name.as_str()).collect();
    let known = known(new);
    let gone = installed.keys().filter(|name| !keep.contains(name.as_str()) && !known.contains(*name));
    statements.extend(gone.map(|name| drop_function(name)));
    if !statements.is_empty() {
        client.batch_execute(&statements.join(";\n")).await?;
    }
    forget(client, old, new).await?;
    schedules(client, old, new).await
}

/// Names of functions that the metadata speaks of, made or not: where a table or column is missing for a while, what is
/// installed stays.
fn known(metadata: &Metadata) -> BTreeSet<String> {
    let tables = metadata.source(SOURCE).into_iter().flat_map(|source| &source.tables);
    let triggers = tables.flat_map(|table| &table.event_triggers);
    triggers
        .flat_map(|trigger| {
            let definition = &trigger.definition;
            let named = |op: Op, there: bool| there.then(|| function_name(&trigger.name, op));
            let insert = named(Op::Insert, definition.insert.is_some());
            let update = named(Op::Update, definition.update.is_some());
            insert.into_iter().chain(update).chain(named(Op::Delete, definition.delete.is_some()))
        })
        .collect()
}

async fn wanted<C: GenericClient + Sync>(
    client: &C,
    metadata: &Metadata,
    stringify: bool,
) -> Result<Vec<TriggerFunction>, tokio_postgres::Error> {
    let tables = metadata.source(SOURCE).into_iter().flat_map(|source| &source.tables);
    let tables: Vec<_> = tables.filter(|table| !table.event_triggers.is_empty()).collect();
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let schemas: Vec<&str> = tables.iter().map(|table| table.table.schema.as_str()).collect();
    let names: Vec<&str> = tables.iter().map(|table| table.table.name.as_str()).collect();
    let rows = client
        .query(
            "SELECT wanted.position::int, attname::text, type_schema.nspname::text, typname::text
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, position)
             JOIN pg_catalog.pg_namespace ON pg_namespace.nspname = wanted.schema
             JOIN pg_catalog.pg_class ON relnamespace = pg_namespace.oid AND relname = wanted.name AND relkind IN ('r', 'p')
             JOIN pg_catalog.pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
             JOIN pg_catalog.pg_type ON pg_type.oid = atttypid
             JOIN pg_catalog.pg_namespace AS type_schema ON type_schema.oid = typnamespace
             ORDER BY wanted.position, attnum",
            &[&schemas, &names],
        )
        .await?;
    let mut columns: BTreeMap<i32, Vec<Column>> = BTreeMap::new();
    for row in &rows {
        let column = Column { name: row.get(1), type_schema: row.get(2), type_name: row.get(3) };
        columns.entry(row.get(0)).or_default().push(column);
    }
    let mut functions = Vec::new();
    for (position, table) in (1..).zip(&tables) {
        let Some(columns) = columns.get(&position) else { continue };
        for trigger in &table.event_triggers {
            functions.extend(TriggerFunction::all(trigger, &table.table, columns, stringify));
        }
    }
    Ok(functions)
}

async fn installed<C: GenericClient + Sync>(client: &C) -> Result<BTreeMap<String, Installed>, tokio_postgres::Error> {
    let rows = client
        .query(
            "SELECT proname::text, prosrc, nspname::text, relname::text, tgenabled = 'A'
             FROM pg_catalog.pg_proc
             LEFT JOIN pg_catalog.pg_trigger ON tgfoid = pg_proc.oid AND NOT tgisinternal AND tgparentid = 0
             LEFT JOIN pg_catalog.pg_class ON pg_class.oid = tgrelid
             LEFT JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
             WHERE pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
               AND proname LIKE 'notify\\_hasura\\_%' AND prorettype = 'pg_catalog.trigger'::regtype",
            &[&SCHEMA],
        )
        .await?;
    let installed = rows.iter().map(|row| {
        let (schema, name): (Option<String>, Option<String>) = (row.get(2), row.get(3));
        let table = schema.zip(name).map(|(schema, name)| QualifiedName { schema, name });
        let always: Option<bool> = row.get(4);
        (row.get(0), Installed { table, body: row.get(1), always: always == Some(true) })
    });
    Ok(installed.collect())
}

/// Events of triggers that are no more are not delivered any more.
async fn forget<C: GenericClient + Sync>(
    client: &C,
    old: Option<&Metadata>,
    new: &Metadata,
) -> Result<(), tokio_postgres::Error> {
    let names = |metadata: &Metadata| -> BTreeSet<String> {
        let tables = metadata.source(SOURCE).into_iter().flat_map(|source| &source.tables);
        tables.flat_map(|table| &table.event_triggers).map(|trigger| trigger.name.clone()).collect()
    };
    let Some(old) = old else { return Ok(()) };
    let new = names(new);
    let gone: Vec<String> = names(old).into_iter().filter(|name| !new.contains(name)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    client
        .execute(
            "UPDATE hdb_catalog.event_log SET archived = true WHERE trigger_name = ANY($1) AND NOT archived",
            &[&gone],
        )
        .await?;
    client
        .execute(
            "DELETE FROM hdb_catalog.hdb_event_log_cleanups WHERE status = 'scheduled' AND trigger_name = ANY($1)",
            &[&gone],
        )
        .await?;
    Ok(())
}

/// Future events of cron triggers whose schedule changed go; those that now have none get their first hundred.
async fn schedules<C: GenericClient + Sync>(
    client: &C,
    old: Option<&Metadata>,
    new: &Metadata,
) -> Result<(), tokio_postgres::Error> {
    let before: &[CronTrigger] = old.map_or(&[], |old| &old.cron_triggers);
    let same = |trigger: &&CronTrigger| {
        new.cron_triggers.iter().any(|other| other.name == trigger.name && other.schedule == trigger.schedule)
    };
    let changed: Vec<&str> =
        before.iter().filter(|trigger| !same(trigger)).map(|trigger| trigger.name.as_str()).collect();
    if !changed.is_empty() {
        client
            .execute(
                "DELETE FROM hdb_catalog.hdb_cron_events
                 WHERE trigger_name = ANY($1) AND scheduled_time > now() AND tries = 0",
                &[&changed],
            )
            .await?;
    }
    let fresh = |trigger: &&CronTrigger| {
        !before.iter().any(|other| other.name == trigger.name && other.schedule == trigger.schedule)
    };
    let fresh: Vec<&CronTrigger> = new.cron_triggers.iter().filter(fresh).collect();
    cron::hydrate(client, &fresh).await
}
