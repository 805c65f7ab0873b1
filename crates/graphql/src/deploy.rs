//! Metadata as a part of somebody else's transaction: of migrations, which it then stands and falls with.

use metadata::{Metadata, QualifiedName};
use serde_json::{Value, json};
use tokio_postgres::Transaction;

use crate::api::{Auto, SOURCE, no_longer_offered};
use crate::store::{self, Change};
use crate::{Error, events};

/// What a deployment has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    pub resource_version: i64,
    /// What somebody should know: tables that are no longer part of the API.
    pub warning: Option<String>,
}

/// Makes `metadata` the metadata of the database, with its triggers and schedules, in the caller's transaction.
/// Engines that run learn of it when they reload. What does not fit the database is theirs to find: it is kept, and
/// left out of the API.
///
/// # Errors
/// The metadata cannot be read, or PostgreSQL refused a statement.
pub async fn deploy(
    transaction: &Transaction<'_>,
    metadata: Value,
    stringify_numeric: bool,
) -> Result<Deployed, Error> {
    let metadata = metadata::upgrade(metadata).map_err(|why| Error::Metadata { why })?;
    let mut new: Metadata =
        serde_json::from_value(metadata).map_err(|error| Error::Metadata { why: error.to_string() })?;
    store::prepare(transaction, false).await.map_err(Error::Store)?;
    let old = store::load(transaction).await.map_err(Error::Store)?;
    // Those that are not part of exports are not in the folder, and stay.
    let kept = old.metadata.cron_triggers.iter().filter(|trigger| !trigger.include_in_metadata);
    let kept: Vec<_> = kept.filter(|old| new.cron_triggers.iter().all(|new| new.name != old.name)).cloned().collect();
    new.cron_triggers.extend(kept);
    new.sort();
    let warning =
        ended(transaction, &old.auto, &old.metadata, &new).await.map_err(|error| Error::Store(error.into()))?;
    let change = Change {
        metadata: &new,
        auto: &Auto::default(),
        resource_version: old.resource_version,
        replaced_by: (new != old.metadata).then_some("deploy"),
        damage: &old.damage,
        settles: true,
        notification: json!({"metadata": true, "remote_schemas": [], "sources": [], "data_connectors": []}),
        instance: None,
    };
    let version = store::save(transaction, &change).await.map_err(Error::Store)?;
    project::fault::hit("deploy.metadata-saved");
    let installed = events::install(transaction, Some(&old.metadata), &new, stringify_numeric).await;
    installed.map_err(|error| Error::Store(error.into()))?;
    Ok(Deployed { resource_version: version, warning })
}

/// Tables that are offered by themselves and will not be any more. Those that the same transaction has made were never
/// offered.
async fn ended(
    transaction: &Transaction<'_>,
    auto: &Auto,
    old: &Metadata,
    new: &Metadata,
) -> Result<Option<String>, tokio_postgres::Error> {
    if !auto.on {
        return Ok(None);
    }
    let statement = "SELECT relname::text FROM pg_catalog.pg_class
        WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition
          AND xmin <> pg_current_xact_id()::xid
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend
              WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
        ORDER BY relname";
    let tracks = |metadata: &Metadata, table: &QualifiedName| {
        metadata.source(SOURCE).is_some_and(|source| source.table(table).is_some())
    };
    let rows = transaction.query(statement, &[]).await?;
    let tables = rows.iter().map(|row| QualifiedName::new("public", row.get::<_, &str>(0)));
    let gone: Vec<QualifiedName> =
        tables.filter(|table| !auto.hidden.contains(table) && !tracks(old, table) && !tracks(new, table)).collect();
    Ok((!gone.is_empty()).then(|| no_longer_offered(&gone)))
}
