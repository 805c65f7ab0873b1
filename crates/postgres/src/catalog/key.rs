//! Constraints and indexes of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Name;

fn yes() -> bool {
    true
}

/// A primary key or UNIQUE constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub name: String,
    /// In key order.
    pub columns: Vec<String>,
    /// INCLUDE columns.
    #[serde(default)]
    pub include: Vec<String>,
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// PostgreSQL 18: the last column is `WITHOUT OVERLAPS`.
    #[serde(default)]
    pub period: bool,
    #[serde(default)]
    pub deferrable: bool,
    #[serde(default)]
    pub deferred: bool,
    #[serde(default)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub references: Name,
    /// Same order as [`ForeignKey::columns`].
    pub referenced_columns: Vec<String>,
    pub on_update: Action,
    pub on_delete: Action,
    /// `ON DELETE SET NULL (columns)`, when only some are set.
    #[serde(default)]
    pub on_delete_columns: Vec<String>,
    #[serde(default)]
    pub match_full: bool,
    #[serde(default)]
    pub deferrable: bool,
    #[serde(default)]
    pub deferred: bool,
    /// False for `NOT VALID`.
    pub validated: bool,
    /// PostgreSQL 18: false for `NOT ENFORCED`.
    #[serde(default = "yes")]
    pub enforced: bool,
    #[serde(default)]
    pub comment: Option<String>,
    /// Copied from the partitioned parent's key.
    #[serde(default)]
    pub inherited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    #[serde(alias = "a")]
    NoAction,
    #[serde(alias = "r")]
    Restrict,
    #[serde(alias = "c")]
    Cascade,
    #[serde(alias = "n")]
    SetNull,
    #[serde(alias = "d")]
    SetDefault,
}

/// A CHECK constraint of a table or a domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub expression: String,
    /// Columns it reads; empty for a domain.
    #[serde(default)]
    pub columns: Vec<String>,
    #[serde(default = "yes")]
    pub validated: bool,
    #[serde(default = "yes")]
    pub enforced: bool,
    #[serde(default)]
    pub no_inherit: bool,
    /// Only inherited from a parent, not declared here.
    #[serde(default)]
    pub inherited: bool,
    #[serde(default)]
    pub comment: Option<String>,
}

/// An EXCLUDE constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    pub name: String,
    /// As `pg_get_constraintdef` writes it.
    pub definition: String,
    #[serde(default)]
    pub deferrable: bool,
    #[serde(default)]
    pub deferred: bool,
    #[serde(default)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    /// `btree`, `hash`, `gin`, `gist`, `spgist`, `brin`, or an extension's.
    pub method: String,
    pub keys: Vec<IndexKey>,
    #[serde(default)]
    pub include: Vec<String>,
    #[serde(default)]
    pub predicate: Option<String>,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub primary: bool,
    #[serde(default)]
    pub nulls_not_distinct: bool,
    /// False after a failed CREATE INDEX CONCURRENTLY.
    pub valid: bool,
    /// The constraint it implements.
    #[serde(default)]
    pub constraint: Option<String>,
    /// CLUSTER uses it.
    #[serde(default)]
    pub clustered: bool,
    #[serde(default)]
    pub replica_identity: bool,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    #[serde(default)]
    pub tablespace: Option<String>,
    /// Copied from an index of the partitioned parent.
    #[serde(default)]
    pub inherited: bool,
    /// As `pg_get_indexdef` writes it.
    pub definition: String,
    #[serde(default)]
    pub comment: Option<String>,
}

impl Index {
    /// The key columns in order; none when a key is an expression.
    pub fn column_names(&self) -> Option<Vec<&str>> {
        self.keys.iter().map(|key| key.column.as_deref()).collect()
    }
}

/// One key of an index: a column or an expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexKey {
    #[serde(default)]
    pub column: Option<String>,
    #[serde(default)]
    pub expression: Option<String>,
    /// Qualified, when not the default of type and method.
    #[serde(default)]
    pub opclass: Option<String>,
    #[serde(default)]
    pub collation: Option<String>,
    #[serde(default)]
    pub descending: bool,
    #[serde(default)]
    pub nulls_first: bool,
}
