//! Metadata of before: what was replaced as a whole, and what could be read in part only.

use metadata::{QualifiedName, Unreadable};
use serde_json::Value;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Json;

use super::StoreError;
use crate::api::Auto;

/// Replaced metadata that is kept; what could not be read is kept besides, for good.
const KEPT: i64 = 20;
/// Why of metadata that could be read in part only.
const UNREADABLE: &str = "unreadable";
/// Why of metadata that another program wrote with what this one does not know.
const REWRITTEN: &str = "rewritten";

/// What is amiss with stored metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Damage {
    /// Parts of what is stored that cannot be read. The next change overwrites them.
    pub in_place: Vec<Unreadable>,
    /// Parts that could not be read before, and that only the history has.
    pub set_aside: Vec<Unreadable>,
    /// What is stored says something that is not written again.
    pub differs: bool,
}

impl Damage {
    /// All that could not be read.
    pub fn parts(&self) -> impl Iterator<Item = &Unreadable> {
        self.in_place.iter().chain(&self.set_aside)
    }

    /// The same once the metadata has been stored again.
    pub fn after_save(&self) -> Self {
        Self { in_place: Vec::new(), set_aside: self.parts().cloned().collect(), differs: false }
    }
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Past {
    pub metadata: Value,
    pub auto: Auto,
}

/// Keeps what is stored before it is overwritten, if it is replaced by the command `replaced_by` or damaged.
pub(super) async fn keep(
    client: &impl GenericClient,
    damage: &Damage,
    replaced_by: Option<&str>,
) -> Result<(), StoreError> {
    let why = match replaced_by {
        _ if !damage.in_place.is_empty() => UNREADABLE,
        Some(command) => command,
        None if damage.differs => REWRITTEN,
        None => return Ok(()),
    };
    let statement = "INSERT INTO nself.graphql_metadata_history
            (resource_version, why, auto_track, hidden, metadata, missing)
        SELECT resource_version, $1, auto_track, hidden, metadata, $2
        FROM hdb_catalog.hdb_metadata, nself.graphql WHERE hdb_metadata.id = 1";
    client.execute(statement, &[&why, &Json(&damage.in_place)]).await?;
    let statement = "DELETE FROM nself.graphql_metadata_history WHERE why <> $1 AND id <= (
            SELECT id FROM nself.graphql_metadata_history WHERE why <> $1 ORDER BY id DESC OFFSET $2 LIMIT 1)";
    client.execute(statement, &[&UNREADABLE, &KEPT]).await?;
    Ok(())
}

/// Nobody misses the unreadable parts any more.
pub(super) async fn settle(client: &impl GenericClient) -> Result<(), StoreError> {
    let statement = "UPDATE nself.graphql_metadata_history SET missing = '[]' WHERE missing <> '[]'";
    client.execute(statement, &[]).await?;
    Ok(())
}

/// Unreadable parts that were set aside and that nobody has dealt with.
pub(super) async fn missing(client: &impl GenericClient) -> Result<Vec<Unreadable>, StoreError> {
    let statement = "SELECT missing FROM nself.graphql_metadata_history WHERE missing <> '[]' ORDER BY id";
    let mut found = Vec::new();
    for row in client.query(statement, &[]).await? {
        let Json(parts): Json<Vec<Unreadable>> = row.try_get(0)?;
        found.extend(parts);
    }
    Ok(found)
}

/// Every entry without its metadata, the newest first, as JSON.
///
/// # Errors
/// PostgreSQL refused a statement.
pub async fn list(client: &impl GenericClient) -> Result<Value, StoreError> {
    let statement = "SELECT coalesce(json_agg(json_build_object(
            'id', id, 'taken_at', taken_at, 'resource_version', resource_version, 'why', why) ORDER BY id DESC), '[]')
        FROM nself.graphql_metadata_history";
    Ok(client.query_one(statement, &[]).await?.try_get(0)?)
}

/// The entry of that number.
///
/// # Errors
/// PostgreSQL refused a statement.
pub async fn find(client: &impl GenericClient, id: i64) -> Result<Option<Past>, StoreError> {
    let statement = "SELECT metadata, auto_track, hidden FROM nself.graphql_metadata_history WHERE id = $1";
    let Some(row) = client.query_opt(statement, &[&id]).await? else { return Ok(None) };
    let Json(hidden): Json<Vec<QualifiedName>> = row.try_get(2)?;
    let auto = Auto { on: row.try_get(1)?, hidden: hidden.into_iter().collect() };
    Ok(Some(Past { metadata: row.try_get(0)?, auto }))
}
