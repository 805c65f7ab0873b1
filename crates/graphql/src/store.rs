//! Where metadata is kept: `hdb_catalog`, laid out as Hasura v2 lays it out, and `nself.graphql` for what Hasura has
//! no place for.

pub mod history;

use std::collections::BTreeSet;

use metadata::{Fingerprint, Metadata, QualifiedName};
use postgres::Ident;
use postgres::catalog::Catalog;
use serde_json::Value;
use tokio_postgres::types::Json;
use tokio_postgres::{Client, GenericClient};

use crate::api::{Auto, SOURCE};
use crate::model::EnumTableValue;
pub use history::Damage;

/// The tables of each part of the engine, in the order in which they are made.
const CATALOG: &[&str] = &[
    crate::events::CATALOG_SQL,
    crate::action::CATALOG_SQL,
    include_str!("../../../assets/sql/hdb_catalog/metadata.sql"),
];

/// Two engines that start at once must not make the tables at once. Any number that nobody else uses.
const LOCK: i64 = 0x6e73_656c_6667_716c;

/// Why metadata could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("PostgreSQL refused it")]
    Postgres(#[from] tokio_postgres::Error),
    /// Somebody else has changed it since it was read.
    #[error("the metadata has version {0} by now")]
    Conflict(i64),
}

impl StoreError {
    /// In PostgreSQL's own words, where they are known.
    pub fn reason(&self) -> String {
        match self {
            Self::Postgres(source) => {
                source.as_db_error().map_or_else(|| source.to_string(), |found| found.message().to_owned())
            }
            Self::Conflict(_) => self.to_string(),
        }
    }
}

/// What is kept.
#[derive(Debug, Clone)]
pub struct Stored {
    pub metadata: Metadata,
    /// Raised by every change.
    pub resource_version: i64,
    pub auto: Auto,
    pub damage: Damage,
}

/// Metadata to keep.
#[derive(Debug)]
pub struct Change<'a> {
    pub metadata: &'a Metadata,
    pub auto: &'a Auto,
    /// That of the metadata it was made from.
    pub resource_version: i64,
    /// The command that puts it in place of what was there, whatever that was.
    pub replaced_by: Option<&'static str>,
    /// Of what was there.
    pub damage: &'a Damage,
    /// Parts that could not be read are no longer missed.
    pub settles: bool,
    /// What other engines on the database are told has changed.
    pub notification: Value,
    /// Which engine has changed it; `None`: one that is no engine and needs to be told nothing.
    pub instance: Option<&'a str>,
}

/// Makes what is missing, in one transaction.
///
/// # Errors
/// PostgreSQL refused a statement.
pub async fn open(client: &mut Client, auto_track: bool) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    prepare(&transaction, auto_track).await?;
    Ok(transaction.commit().await?)
}

/// Makes what is missing, in the caller's transaction.
///
/// # Errors
/// PostgreSQL refused a statement.
pub async fn prepare(transaction: &tokio_postgres::Transaction<'_>, auto_track: bool) -> Result<(), StoreError> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    for script in CATALOG {
        transaction.batch_execute(script).await?;
    }
    let first = Json(Metadata::empty());
    let statement = "INSERT INTO hdb_catalog.hdb_metadata (id, metadata) VALUES (1, $1) ON CONFLICT DO NOTHING";
    let is_new = transaction.execute(statement, &[&first]).await? == 1;
    let statement = "INSERT INTO nself.graphql (auto_track) VALUES ($1) ON CONFLICT DO NOTHING";
    // What Hasura has served before stays as it was.
    transaction.execute(statement, &[&(auto_track && is_new)]).await?;
    Ok(())
}

/// Reads what is there. Parts of the metadata that cannot be read are left out, with a line in the log each; the
/// next [`save`] sets the whole aside before it overwrites it.
///
/// # Errors
/// PostgreSQL refused a statement, as it does before [`open`].
pub async fn load(client: &impl GenericClient) -> Result<Stored, StoreError> {
    let statement = "SELECT metadata::text, resource_version::int8, auto_track, hidden
        FROM hdb_catalog.hdb_metadata, nself.graphql WHERE hdb_metadata.id = 1";
    let row = client.query_one(statement, &[]).await?;
    let (text, Json(hidden)): (&str, Json<Value>) = (row.try_get(0)?, row.try_get(3)?);
    let (mut metadata, in_place) = metadata::read_text(text);
    for part in &in_place {
        tracing::warn!(
            path = part.path,
            reason = part.reason,
            "a part of the metadata cannot be read and is left out; the next change sets the whole aside: \
             nself hasura metadata history"
        );
    }
    let print = |text: &str| serde_json::from_str::<Fingerprint>(text).ok();
    let differs = serde_json::to_string(&metadata).is_ok_and(|written| print(&written) != print(text));
    let damage = Damage { in_place, set_aside: history::missing(client).await?, differs };
    if metadata.source(SOURCE).is_none() {
        metadata.sources.push(metadata::Source::new(SOURCE));
    }
    let hidden: BTreeSet<QualifiedName> = serde_json::from_value(hidden).unwrap_or_default();
    let auto = Auto { on: row.try_get(2)?, hidden };
    Ok(Stored { metadata, resource_version: row.try_get(1)?, auto, damage })
}

/// Keeps changed metadata if nobody else has changed it; the new version.
///
/// # Errors
/// Somebody has, or PostgreSQL refused a statement.
pub async fn save(client: &impl GenericClient, change: &Change<'_>) -> Result<i64, StoreError> {
    history::keep(client, change.damage, change.replaced_by).await?;
    if change.settles {
        history::settle(client).await?;
    }
    let statement = "UPDATE hdb_catalog.hdb_metadata SET metadata = $1, resource_version = resource_version + 1
        WHERE id = 1 AND resource_version = $2::int8 RETURNING resource_version::int8";
    let saved = client.query_opt(statement, &[&Json(change.metadata), &change.resource_version]).await?;
    let Some(row) = saved else {
        let statement = "SELECT resource_version::int8 FROM hdb_catalog.hdb_metadata WHERE id = 1";
        return Err(StoreError::Conflict(client.query_one(statement, &[]).await?.try_get(0)?));
    };
    let version: i64 = row.try_get(0)?;
    let statement = "INSERT INTO hdb_catalog.hdb_schema_notifications
            (id, notification, resource_version, instance_id, updated_at)
        VALUES (1, $1, $2::int8, coalesce($3::text::uuid, gen_random_uuid()), now())
        ON CONFLICT (id) DO UPDATE SET notification = excluded.notification, updated_at = excluded.updated_at,
            resource_version = excluded.resource_version, instance_id = excluded.instance_id";
    client.execute(statement, &[&Json(&change.notification), &version, &change.instance]).await?;
    let hidden: Vec<&QualifiedName> = change.auto.hidden.iter().collect();
    let statement = "UPDATE nself.graphql SET auto_track = $1, hidden = $2 WHERE auto_track <> $1 OR hidden <> $2";
    client.execute(statement, &[&change.auto.on, &Json(hidden)]).await?;
    Ok(version)
}

/// The rows of the tables that the metadata calls enums, in the order of their values.
pub type Enums = std::collections::HashMap<QualifiedName, Vec<EnumTableValue>>;

/// Reads the enum tables. One that has another shape than an enum's is left out; the model says why.
///
/// # Errors
/// PostgreSQL refused a statement.
pub async fn enums(client: &impl GenericClient, catalog: &Catalog, metadata: &Metadata) -> Result<Enums, StoreError> {
    let mut found = Enums::new();
    let tables = metadata.source(SOURCE).into_iter().flat_map(|source| &source.tables);
    for table in tables.filter(|table| table.is_enum) {
        let name = &table.table;
        let Some((value, comment)) = catalog.table(&name.schema, &name.name).and_then(enum_columns) else { continue };
        let comment = comment.map_or_else(|| "NULL::text".to_owned(), |column| Ident::new(column).to_string());
        let relation = Ident::new(&name.schema).dot(&name.name);
        let value = Ident::new(value);
        let statement =
            format!("SELECT {value}::text, {comment}::text FROM {relation} ORDER BY {value}::text COLLATE \"C\"");
        let rows = client.query(&statement, &[]).await?;
        let values = rows.iter().map(|row| Ok(EnumTableValue::new(row.try_get(0)?, row.try_get(1)?)));
        found.insert(name.clone(), values.collect::<Result<_, tokio_postgres::Error>>()?);
    }
    Ok(found)
}

/// The column of the values, and the one of their comments.
fn enum_columns(table: &postgres::catalog::Table) -> Option<(&str, Option<&str>)> {
    let [value] = table.primary_key.as_ref()?.columns.as_slice() else { return None };
    let mut others = table.columns.iter().filter(|column| column.name != *value);
    let comment = others.next().map(|column| column.name.as_str());
    others.next().is_none().then_some((value, comment))
}
