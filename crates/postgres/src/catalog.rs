//! The whole schema of a database as one typed value, read in one round trip.
//!
//! It is not: a diff, a dump, or SQL. It holds what the catalog says, with every expression as PostgreSQL prints it
//! and every name outside `pg_catalog` qualified, in an order that depends on names alone.
//!
//! ```
//! use postgres::catalog::Catalog;
//!
//! async fn primary_key(client: &tokio_postgres::Client) -> Result<Vec<String>, postgres::catalog::Error> {
//!     let catalog = Catalog::read(client, &["public"]).await?;
//!     let users = catalog.table("public", "users");
//!     Ok(users.and_then(|table| table.primary_key.as_ref()).map(|key| key.columns.clone()).unwrap_or_default())
//! }
//! ```

mod function;
mod key;
mod lookup;
mod node_tree;
mod origin;
mod read;
mod table;
mod types;

use serde::{Deserialize, Serialize};

pub use function::{Argument, ArgumentMode, Function, FunctionKind, Parallel, Volatility};
pub use key::{Action, Check, Exclusion, ForeignKey, Index, IndexKey, Key};
pub use read::Error;
pub use table::{
    CheckOption, Column, ColumnOrigin, Enabled, Generated, Grant, Identity, Name, PartitionOf, Partitioning, Policy,
    PolicyCommand, ReplicaIdentity, Strategy, Table, TableKind, Timing, Trigger, TriggerEvent, View,
};
pub use types::{Field, Type, TypeDefinition, TypeKind, TypeRef};

use lookup::Lookup;

/// Everything a database's catalog says about some of its schemas.
///
/// All lists are sorted by schema and name. [`Catalog::types`] covers every user schema, asked for or not, because
/// columns use types across schemas.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Lists")]
pub struct Catalog {
    #[serde(flatten)]
    lists: Lists,
    #[serde(skip)]
    lookup: Lookup,
}

/// The lists of a [`Catalog`]; reached through it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lists {
    /// `server_version_num`: 150006 for 15.6.
    pub server_version: u32,
    pub schemas: Vec<Schema>,
    pub tables: Vec<Table>,
    pub types: Vec<Type>,
    pub functions: Vec<Function>,
    pub sequences: Vec<Sequence>,
    pub extensions: Vec<Extension>,
    pub publications: Vec<Publication>,
    pub event_triggers: Vec<EventTrigger>,
    pub statistics: Vec<Statistics>,
    pub default_privileges: Vec<DefaultPrivilege>,
}

impl From<Lists> for Catalog {
    fn from(lists: Lists) -> Self {
        Self { lookup: Lookup::new(&lists), lists }
    }
}

impl std::ops::Deref for Catalog {
    type Target = Lists;

    fn deref(&self) -> &Lists {
        &self.lists
    }
}

impl Catalog {
    /// The table, view or other relation of that name, in constant time.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.lookup.table(schema, name).map(|index| &self.lists.tables[index])
    }

    pub fn table_by_oid(&self, oid: u32) -> Option<&Table> {
        self.lookup.table_oid(oid).map(|index| &self.lists.tables[index])
    }

    /// The enum, domain, composite, range or extension type of that name.
    pub fn type_named(&self, schema: &str, name: &str) -> Option<&Type> {
        self.lookup.type_named(schema, name).map(|index| &self.lists.types[index])
    }

    /// All overloads of that name, in order of signature.
    pub fn functions_named(&self, schema: &str, name: &str) -> &[Function] {
        self.lookup.functions(schema, name).map_or(&[], |range| &self.lists.functions[range])
    }

    pub fn sequence(&self, schema: &str, name: &str) -> Option<&Sequence> {
        self.lookup.sequence(schema, name).map(|index| &self.lists.sequences[index])
    }

    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.lists.schemas.iter().find(|schema| schema.name == name)
    }

    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.lists.extensions.iter().find(|extension| extension.name == name)
    }

    /// The foreign keys of other tables (and of itself) that reference this one, with the table that holds each.
    pub fn referencing<'a>(&'a self, table: &Table) -> impl Iterator<Item = (&'a Table, &'a ForeignKey)> {
        self.lookup.referencing(&table.schema, &table.name).iter().map(|&(owner, key)| {
            let owner = &self.lists.tables[owner];
            (owner, &owner.foreign_keys[key])
        })
    }
}

impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        self.lists == other.lists
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub name: String,
    pub owner: String,
    #[serde(default)]
    pub comment: Option<String>,
    /// The extension it belongs to.
    #[serde(default)]
    pub extension: Option<String>,
    #[serde(default)]
    pub grants: Vec<Grant>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    #[serde(default, skip_serializing)]
    pub oid: u32,
    pub owner: String,
    /// `smallint`, `integer` or `bigint`.
    pub data_type: String,
    pub start: i64,
    pub increment: i64,
    pub minimum: i64,
    pub maximum: i64,
    pub cache: i64,
    pub cycle: bool,
    /// The column it serves, by OWNED BY or as its identity.
    #[serde(default)]
    pub owned_by: Option<SequenceOwner>,
    #[serde(default)]
    pub comment: Option<String>,
    #[serde(default)]
    pub extension: Option<String>,
    #[serde(default)]
    pub grants: Vec<Grant>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SequenceOwner {
    pub schema: String,
    pub table: String,
    pub column: String,
    /// Belongs to an identity column and is not created by itself.
    #[serde(default)]
    pub identity: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    pub name: String,
    pub version: String,
    pub schema: String,
    #[serde(default)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    pub name: String,
    pub owner: String,
    pub all_tables: bool,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
    /// `publish_via_partition_root`.
    pub via_root: bool,
    #[serde(default)]
    pub tables: Vec<PublishedTable>,
    /// `FOR TABLES IN SCHEMA` (PostgreSQL 15).
    #[serde(default)]
    pub schemas: Vec<String>,
    #[serde(default)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedTable {
    pub schema: String,
    pub name: String,
    /// The column list, when given (PostgreSQL 15).
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// The row filter, when given (PostgreSQL 15).
    #[serde(default)]
    pub filter: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventTrigger {
    pub name: String,
    pub owner: String,
    pub event: String,
    #[serde(default)]
    pub tags: Vec<String>,
    pub function: Name,
    pub enabled: Enabled,
    #[serde(default)]
    pub comment: Option<String>,
    #[serde(default)]
    pub extension: Option<String>,
}

/// `CREATE STATISTICS`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    pub schema: String,
    pub name: String,
    pub table: Name,
    /// As `pg_get_statisticsobjdef` writes it.
    pub definition: String,
    #[serde(default)]
    pub comment: Option<String>,
}

/// `ALTER DEFAULT PRIVILEGES`: what `owner`'s future objects grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefaultPrivilege {
    pub owner: String,
    /// None where it holds in every schema.
    #[serde(default)]
    pub schema: Option<String>,
    /// `table`, `sequence`, `function`, `type`, `schema` or `large_object`.
    pub object: String,
    pub grants: Vec<Grant>,
}
