//! What the database and the metadata together offer, before any role looks at it.
//!
//! A [`Model`] is built from a catalog and metadata and never changes. [`crate::schema::Schema`] is the model as one
//! role sees it; it derefs to the model, so that ids and positions mean the same in both. An object of the metadata
//! that does not fit is left out and listed in [`Model::inconsistencies`]; the rest works.

mod auto;
mod build;
mod computed;
mod enumeration;
mod expression;
mod follow;
mod function;
mod grant;
mod inconsistency;
mod inherit;
mod naming;
mod operator;
mod permission;
mod relationship;
mod root;
pub(crate) mod same;
mod scalar;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use metadata::QualifiedName;

pub(crate) use expression::resolve as resolve_expression;
pub use inconsistency::Inconsistency;
pub use naming::{Convention, Naming};
pub use operator::{Operator, Shape, ShapeField, ShapeType, Syntax, Takes};
pub use permission::{ColumnSet, Delete, Insert, Permissions, Preset, PresetValue, RootField, Select, Update};
pub use root::{Level, Operation, Root, RootNames, Roots};
pub(crate) use scalar::BUILT_IN;
pub use scalar::{Family, Scalar, ScalarId, sibling_type};

/// Position of a table in [`Model::tables`].
pub type TableId = usize;

/// Position of a function in [`Model::functions`].
pub type FunctionId = usize;

/// Everything there is to ask and to change.
#[derive(Debug, Default)]
pub struct Model {
    /// Shared with the model before, where nothing of a table has changed.
    pub tables: Vec<Arc<Table>>,
    pub functions: Vec<Function>,
    pub scalars: Vec<Scalar>,
    pub naming: Naming,
    /// Numbers that a double cannot hold come out as strings.
    pub stringify_numeric: bool,
    /// `HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS`.
    pub infer_function_permissions: bool,
    pub inconsistencies: Vec<Inconsistency>,
    /// Types and fields of actions and remote schemas.
    pub foreign: crate::foreign::registry::Registry,
    /// Root fields that several objects want: Hasura's whole sentences. The first object has the field.
    pub conflicts: Vec<String>,
    /// Roles whose introspection is switched off.
    pub(crate) hidden_from: BTreeSet<String>,
    pub(crate) roles: BTreeSet<Arc<str>>,
    pub(crate) tables_by_name: HashMap<String, TableId>,
    /// By schema and name in the database.
    pub(crate) tables_by_relation: HashMap<QualifiedName, TableId>,
    pub(crate) scalars_by_name: HashMap<String, ScalarId>,
    pub(crate) roots: Roots,
    /// What stands inside the source's namespace; empty without one.
    pub(crate) namespaced: Roots,
    stages: follow::Stages,
    /// What it was built from, where a model can follow it.
    origin: Option<Box<follow::Origin>>,
}

/// What a model is built from beside the catalog and the metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extras {
    /// Which tables are there although the metadata does not mention them; none for none.
    pub auto: Option<AutoTrack>,
    /// The rows of tables with `is_enum`, in order of value.
    pub enums: HashMap<QualifiedName, Vec<EnumTableValue>>,
    pub stringify_numeric: bool,
    /// Hasura's `HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS`.
    pub infer_function_permissions: bool,
    /// Hasura's `HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS`.
    pub remote_schema_permissions: bool,
    /// What each remote schema said of itself.
    pub introspections: crate::foreign::Introspections,
    /// Where the source does not say.
    pub naming_convention: Convention,
}

/// Tables that are tracked for the administrator by themselves, with relationships from their foreign keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutoTrack {
    pub schemas: Vec<String>,
    pub hidden: BTreeSet<QualifiedName>,
}

/// A table, view or foreign table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The base of its types' names: the table's own, prefixed by the schema's unless that is `public`.
    pub name: String,
    /// The metadata gives that name.
    pub given: bool,
    pub schema_name: String,
    pub table_name: String,
    /// The quoted, qualified SQL name.
    pub relation: String,
    pub comment: Option<String>,
    /// All columns; those with `visible` false have no name in GraphQL.
    pub columns: Vec<Column>,
    /// Positions in `columns`; empty when there is no primary key or GraphQL cannot name one of its columns.
    pub primary_key: Vec<usize>,
    /// The primary key, unique constraints and unique indexes that `on_conflict` can name.
    pub unique_keys: Vec<UniqueKey>,
    pub relationships: Vec<Relationship>,
    pub computed: Vec<ComputedField>,
    pub mutability: Mutability,
    /// What an enum table holds.
    pub enum_values: Option<Vec<EnumTableValue>>,
    pub root_names: RootNames,
    /// Comments of root fields that differ from the made ones, by the metadata's key; an empty one for none.
    pub(crate) root_comments: BTreeMap<&'static str, String>,
    pub(crate) permissions: HashMap<Arc<str>, Permissions>,
    /// By GraphQL name.
    pub(crate) members: HashMap<String, Member>,
    /// Something that the metadata says of it was left out.
    pub(crate) flawed: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mutability {
    pub insertable: bool,
    pub updatable: bool,
    pub deletable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueKey {
    /// The constraint's name in the database.
    pub name: String,
    /// Positions in [`Table::columns`].
    pub columns: Vec<usize>,
    pub is_primary: bool,
}

/// A row of an enum table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumTableValue {
    /// In GraphQL.
    pub name: String,
    pub value: String,
    pub comment: Option<String>,
}

impl EnumTableValue {
    /// Under the name it has in the database.
    pub fn new(value: String, comment: Option<String>) -> Self {
        Self { name: value.clone(), value, comment }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name in GraphQL.
    pub name: String,
    /// The name in the database, which metadata uses.
    pub sql_name: String,
    /// The quoted SQL name.
    pub ident: String,
    pub comment: Option<String>,
    pub not_null: bool,
    /// An insert may leave it out.
    pub has_default: bool,
    pub generated: bool,
    /// `GENERATED … AS IDENTITY`; true for ALWAYS, which takes no value.
    pub identity: Option<bool>,
    pub scalar: ScalarId,
    /// The SQL type that parameters compared with it are cast to, without a modifier.
    pub cast: String,
    /// The enum table whose values it holds.
    pub enum_of: Option<TableId>,
    /// GraphQL can name it and its type.
    pub visible: bool,
}

/// A way from a table to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Relationship {
    pub name: String,
    pub comment: Option<String>,
    pub target: TableId,
    /// Pairs of quoted column names: here, there.
    pub join: Vec<(String, String)>,
    /// The same pairs as positions in the tables' columns.
    pub columns: Vec<(usize, usize)>,
    /// At most one row there for each row here.
    pub single: bool,
    /// Always a row there.
    pub not_null: bool,
    pub insertion: Insertion,
}

/// When a nested insert writes the other row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Insertion {
    /// This row refers to the other.
    #[default]
    BeforeParent,
    /// The other row refers to this.
    AfterParent,
}

/// A function over a row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputedField {
    pub name: String,
    pub comment: Option<String>,
    /// The quoted, qualified SQL name.
    pub function: String,
    /// What a client may give: all arguments but the row and the session.
    pub arguments: Vec<FunctionArgument>,
    /// Position of the row among all arguments, and its name if it has one.
    pub table_argument: ArgumentPlace,
    pub session_argument: Option<ArgumentPlace>,
    pub returns: Returned,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentPlace {
    /// From 0, among the function's input arguments.
    pub position: usize,
    /// Quoted.
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    Scalar { scalar: ScalarId, cast: String },
    Table { table: TableId, set: bool },
}

/// A tracked function.
#[derive(Debug, PartialEq)]
pub struct Function {
    /// The base of its root fields' and types' names, before any convention.
    pub name: String,
    pub schema_name: String,
    pub function_name: String,
    /// The quoted, qualified SQL name.
    pub sql: String,
    pub comment: Option<String>,
    /// What a client may give: all arguments but the session.
    pub arguments: Vec<FunctionArgument>,
    pub session_argument: Option<ArgumentPlace>,
    pub returns: TableId,
    pub returns_set: bool,
    /// A field of `mutation_root`, else of `query_root` and `subscription_root`.
    pub is_mutation: bool,
    pub root_names: FunctionRootNames,
    /// Roles that may call it by a permission of their own.
    pub(crate) permissions: BTreeSet<Arc<str>>,
}

/// The names of a function's root fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionRootNames {
    pub function: String,
    pub aggregate: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionArgument {
    /// The name in GraphQL: `arg_2` where the function gives none.
    pub name: String,
    pub place: ArgumentPlace,
    pub scalar: ScalarId,
    pub cast: String,
    /// May be left out.
    pub has_default: bool,
}

/// What a field of a table's type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Column(usize),
    Relationship(usize),
    /// Of an array relationship: `<relationship>_aggregate`.
    Aggregate(usize),
    Computed(usize),
    /// Answered by another source; position in [`crate::foreign::registry::Registry::relations`].
    Remote(usize),
}

impl Function {
    pub fn qualified(&self) -> QualifiedName {
        QualifiedName::new(&self.schema_name, &self.function_name)
    }
}

impl Table {
    /// Its name in the database; shown without the schema where that is `public`.
    pub fn qualified(&self) -> QualifiedName {
        QualifiedName::new(&self.schema_name, &self.table_name)
    }

    /// The member of that GraphQL name, whoever may see it; requests ask [`crate::schema::Schema::member`].
    pub fn any_member(&self, name: &str) -> Option<Member> {
        self.members.get(name).copied()
    }

    /// The column of that name in the database.
    pub fn column_of_sql(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.sql_name == name)
    }
}

impl Model {
    /// Every role that some permission names, and every inherited role; in order of name, without the administrator.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| &**role)
    }

    pub fn column(&self, table: TableId, column: usize) -> &Column {
        &self.tables[table].columns[column]
    }

    pub fn scalar_of(&self, table: TableId, column: usize) -> &Scalar {
        &self.scalars[self.column(table, column).scalar]
    }

    /// The table of that schema and name in the database.
    pub fn table_of_sql(&self, schema: &str, name: &str) -> Option<TableId> {
        self.tables_by_relation.get(&QualifiedName::new(schema, name)).copied()
    }
}
