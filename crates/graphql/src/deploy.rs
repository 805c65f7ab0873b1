//! Metadata as a part of somebody else's transaction: of migrations, which it then stands and falls with.

use metadata::Metadata;
use serde_json::{Value, json};
use tokio_postgres::Transaction;

use crate::api::Auto;
use crate::store::{self, Change};
use crate::{Error, events};

/// Makes `metadata` the metadata of the database, with its triggers and schedules, in the caller's transaction; the
/// new resource version. Engines that run learn of it when they reload. What does not fit the database is theirs to
/// find: it is kept, and left out of the API.
///
/// # Errors
/// The metadata cannot be read, or PostgreSQL refused a statement.
pub async fn deploy(transaction: &Transaction<'_>, metadata: Value, stringify_numeric: bool) -> Result<i64, Error> {
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
    Ok(version)
}
