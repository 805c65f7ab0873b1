//! Relations: tables, views and everything that hangs on one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Check, Exclusion, ForeignKey, Index, Key, TypeRef};

/// A table, view, materialised view, foreign table or partitioned table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// Differs between databases, and is left out of the JSON for that reason.
    #[serde(default, skip_serializing)]
    pub oid: u32,
    pub kind: TableKind,
    pub owner: String,
    #[serde(default)]
    pub comment: Option<String>,
    /// The extension it belongs to.
    #[serde(default)]
    pub extension: Option<String>,
    #[serde(default)]
    pub unlogged: bool,
    /// In declared order, without dropped ones.
    #[serde(default)]
    pub columns: Vec<Column>,
    #[serde(default)]
    pub primary_key: Option<Key>,
    /// UNIQUE constraints, not bare unique indexes (see [`Table::indexes`]).
    #[serde(default)]
    pub unique_keys: Vec<Key>,
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
    #[serde(default)]
    pub checks: Vec<Check>,
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// User triggers; the internal ones of foreign keys are left out.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    #[serde(default)]
    pub policies: Vec<Policy>,
    /// `ALTER TABLE … ENABLE ROW LEVEL SECURITY`.
    #[serde(default)]
    pub row_security: bool,
    /// `… FORCE ROW LEVEL SECURITY`: the owner is held to the policies too.
    #[serde(default)]
    pub force_row_security: bool,
    /// Table-level grants, the owner's own included when they were ever written down.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// How a partitioned table splits its rows.
    #[serde(default)]
    pub partitioning: Option<Partitioning>,
    /// The parent, when this is a partition.
    #[serde(default)]
    pub partition_of: Option<PartitionOf>,
    /// Parents by plain inheritance, in order.
    #[serde(default)]
    pub inherits: Vec<Name>,
    /// Storage parameters (`fillfactor`, `autovacuum_enabled`, …); for a view its options are in [`View`].
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    #[serde(default)]
    pub tablespace: Option<String>,
    /// Table access method, when not a view or foreign table.
    #[serde(default)]
    pub access_method: Option<String>,
    #[serde(default)]
    pub replica_identity: ReplicaIdentity,
    /// The query and options of a view or materialised view.
    #[serde(default)]
    pub view: Option<View>,
    /// Name of the server of a foreign table.
    #[serde(default)]
    pub server: Option<String>,
    /// `pg_class.reltuples`: the planner's estimate; none before the first ANALYZE or VACUUM.
    #[serde(default)]
    pub estimated_rows: Option<f64>,
}

impl Table {
    /// By name; a table has few enough columns that a scan wins over a hash.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// True for tables and partitioned tables, and for views and foreign tables that accept INSERT.
    pub fn is_insertable(&self) -> bool {
        self.accepts(|view| view.insertable)
    }

    pub fn is_updatable(&self) -> bool {
        self.accepts(|view| view.updatable)
    }

    pub fn is_deletable(&self) -> bool {
        self.accepts(|view| view.deletable)
    }

    fn accepts(&self, view: impl Fn(&View) -> bool) -> bool {
        match self.kind {
            TableKind::Table | TableKind::Partitioned | TableKind::Foreign => true,
            TableKind::View => self.view.as_ref().is_some_and(view),
            TableKind::MaterialisedView => false,
        }
    }

    /// True when the columns (in any order) hold at most one row each value: a primary key, UNIQUE constraint, or a
    /// unique index without predicate or expression.
    pub fn is_unique(&self, columns: &[&str]) -> bool {
        let same =
            |key: &[String]| key.len() == columns.len() && key.iter().all(|name| columns.contains(&name.as_str()));
        self.primary_key.iter().chain(&self.unique_keys).any(|key| same(&key.columns))
            || self.indexes.iter().any(|index| {
                index.unique
                    && index.valid
                    && index.predicate.is_none()
                    && index.column_names().is_some_and(|names| {
                        names.len() == columns.len() && names.iter().all(|name| columns.contains(name))
                    })
            })
    }
}

/// `pg_class.relkind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    #[serde(alias = "r")]
    Table,
    #[serde(alias = "p")]
    Partitioned,
    #[serde(alias = "v")]
    View,
    #[serde(alias = "m")]
    MaterialisedView,
    #[serde(alias = "f")]
    Foreign,
}

/// A schema-qualified name, unquoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    pub schema: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// `pg_attribute.attnum`, from 1; has gaps where columns were dropped.
    pub position: i16,
    #[serde(rename = "type")]
    pub r#type: TypeRef,
    /// Declared NOT NULL (a primary key implies it). Never set for a view: see [`Column::origin`].
    #[serde(default)]
    pub not_null: bool,
    /// The DEFAULT expression; for a generated column its expression is in [`Column::generated`] instead.
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default)]
    pub identity: Option<Identity>,
    #[serde(default)]
    pub generated: Option<Generated>,
    /// Qualified name, when not the type's own.
    #[serde(default)]
    pub collation: Option<String>,
    #[serde(default)]
    pub comment: Option<String>,
    /// `ALTER COLUMN … SET STATISTICS`, when set.
    #[serde(default)]
    pub statistics: Option<i32>,
    /// `SET STORAGE`, when not the type's own: `plain`, `external`, `extended` or `main`.
    #[serde(default)]
    pub storage: Option<String>,
    /// `SET COMPRESSION`: `pglz` or `lz4`.
    #[serde(default)]
    pub compression: Option<String>,
    /// Defined by this table itself, not only inherited.
    #[serde(default = "yes")]
    pub local: bool,
    /// Column-level grants.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Where a view's column comes from, when it is a plain reference to another relation's column.
    #[serde(default)]
    pub origin: Option<ColumnOrigin>,
    /// Owned sequence of `serial` or an identity column.
    #[serde(default)]
    pub sequence: Option<Name>,
}

fn yes() -> bool {
    true
}

impl Column {
    /// True when an INSERT may leave it out: nullable, with a default, an identity or generated.
    pub fn has_default(&self) -> bool {
        self.default.is_some() || self.identity.is_some() || self.generated.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    #[serde(alias = "a")]
    Always,
    #[serde(alias = "d")]
    ByDefault,
}

/// `GENERATED ALWAYS AS (…)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    pub expression: String,
    /// Stored on disk; since PostgreSQL 18 the other kind, virtual, exists.
    pub stored: bool,
}

/// Where a view's column comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnOrigin {
    pub schema: String,
    pub table: String,
    pub column: String,
    /// May be null: the base column is nullable, or the reference passes through the nullable side of an outer join, a
    /// grouping set or a set operation. Errs on the side of `true`.
    pub nullable: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    pub name: String,
    pub function: Name,
    pub timing: Timing,
    pub events: Vec<TriggerEvent>,
    /// FOR EACH ROW, else FOR EACH STATEMENT.
    pub row: bool,
    /// `UPDATE OF` columns.
    #[serde(default)]
    pub columns: Vec<String>,
    /// `pg_trigger.tgenabled`.
    pub enabled: Enabled,
    #[serde(default)]
    pub constraint: bool,
    #[serde(default)]
    pub deferrable: bool,
    #[serde(default)]
    pub deferred: bool,
    /// Cloned from the partitioned parent's trigger.
    #[serde(default)]
    pub inherited: bool,
    /// As `pg_get_triggerdef` writes it.
    pub definition: String,
    #[serde(default)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    Before,
    After,
    InsteadOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerEvent {
    Insert,
    Update,
    Delete,
    Truncate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enabled {
    #[serde(alias = "O")]
    Origin,
    #[serde(alias = "D")]
    Disabled,
    #[serde(alias = "R")]
    Replica,
    #[serde(alias = "A")]
    Always,
}

/// A row-level security policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub name: String,
    /// AS PERMISSIVE, else RESTRICTIVE.
    pub permissive: bool,
    pub command: PolicyCommand,
    /// `public` stands for everybody.
    pub roles: Vec<String>,
    #[serde(default)]
    pub using: Option<String>,
    #[serde(default)]
    pub check: Option<String>,
    #[serde(default)]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyCommand {
    #[serde(alias = "*")]
    All,
    #[serde(alias = "r")]
    Select,
    #[serde(alias = "a")]
    Insert,
    #[serde(alias = "w")]
    Update,
    #[serde(alias = "d")]
    Delete,
}

/// One privilege of one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// `public` stands for everybody.
    pub role: String,
    /// `SELECT`, `INSERT`, `USAGE`, …
    pub privilege: String,
    #[serde(default)]
    pub grantable: bool,
    pub grantor: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partitioning {
    pub strategy: Strategy,
    /// As `pg_get_partkeydef` writes it: `RANGE (created_at)`.
    pub key: String,
    /// Key columns; empty entries are expressions and are left out.
    #[serde(default)]
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    #[serde(alias = "h")]
    Hash,
    #[serde(alias = "l")]
    List,
    #[serde(alias = "r")]
    Range,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartitionOf {
    pub parent: Name,
    /// `FOR VALUES …` or `DEFAULT`.
    pub bound: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaIdentity {
    #[default]
    #[serde(alias = "d")]
    Default,
    #[serde(alias = "n")]
    Nothing,
    #[serde(alias = "f")]
    Full,
    #[serde(alias = "i")]
    Index,
}

/// What makes a relation a view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The query, as `pg_get_viewdef` writes it with every name qualified.
    pub definition: String,
    #[serde(default)]
    pub security_invoker: bool,
    #[serde(default)]
    pub security_barrier: bool,
    #[serde(default)]
    pub check_option: Option<CheckOption>,
    /// Auto-updatable or with an INSTEAD OF trigger or rule.
    #[serde(default)]
    pub insertable: bool,
    #[serde(default)]
    pub updatable: bool,
    #[serde(default)]
    pub deletable: bool,
    /// Materialised views only: false for WITH NO DATA.
    #[serde(default)]
    pub populated: bool,
    /// Relations the query reads, in order of name.
    #[serde(default)]
    pub depends_on: Vec<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOption {
    Local,
    Cascaded,
}
