//! The GraphQL schema of a database, in Hasura's naming, held as tables and scalars instead of as types.
//!
//! A table stands for some twenty-five GraphQL types (`users`, `users_bool_exp`, `users_aggregate_fields`, …). None of
//! them is stored: a [`TypeId`] names one, [`Schema::type_named`] finds it, and [`Schema::describe`] writes it down
//! when introspection asks. That keeps a schema of thousands of tables small and quick to build.

mod aggregate;
mod build;
mod describe;
mod describe_input;
mod introspected;
mod relationship;
mod scalar;
mod sdl;
mod type_id;

use std::collections::HashMap;

pub use aggregate::AggregateOp;
pub use describe::{EnumValue, FieldDef, InputDef, Kind, TypeDef, TypeRef};
pub use introspected::{DirectiveDef, Meta};
pub use scalar::{Family, Operand, Operator, Scalar, ScalarId};
pub use type_id::{BoolFold, TypeId};

/// Position of a table in [`Schema::tables`].
pub type TableId = usize;

/// Everything a role can ask.
#[derive(Debug, Default)]
pub struct Schema {
    pub tables: Vec<Table>,
    pub scalars: Vec<Scalar>,
    tables_by_name: HashMap<String, TableId>,
    scalars_by_name: HashMap<String, ScalarId>,
    roots: HashMap<String, Root>,
    /// Numbers that a double cannot hold come out as strings.
    pub stringify_numeric: bool,
}

/// A table, view or foreign table as GraphQL sees it.
#[derive(Debug)]
pub struct Table {
    /// The GraphQL name: the table's own, prefixed by the schema's unless that is `public`.
    pub name: String,
    /// The quoted, qualified SQL name.
    pub relation: String,
    pub comment: Option<String>,
    pub columns: Vec<Column>,
    /// Positions in `columns`; empty when there is no primary key or GraphQL cannot name one of its columns.
    pub primary_key: Vec<usize>,
    pub relationships: Vec<Relationship>,
    members: HashMap<String, Member>,
}

#[derive(Debug)]
pub struct Column {
    pub name: String,
    /// The quoted SQL name.
    pub ident: String,
    pub comment: Option<String>,
    pub not_null: bool,
    pub scalar: ScalarId,
    /// The SQL type that parameters compared with it are cast to, without a modifier.
    pub cast: String,
}

/// A way from a table to another along a foreign key, in either direction.
#[derive(Debug)]
pub struct Relationship {
    pub name: String,
    pub target: TableId,
    /// Pairs of quoted column names: here, there.
    pub join: Vec<(String, String)>,
    /// At most one row there for each row here.
    pub single: bool,
    /// Always a row there.
    pub not_null: bool,
}

/// What a field of a table's type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    Column(usize),
    Relationship(usize),
    /// `<relationship>_aggregate`.
    Aggregate(usize),
}

/// What a field of `query_root` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Rows(TableId),
    ByPrimaryKey(TableId),
    Aggregate(TableId),
}

impl Root {
    pub fn table(self) -> TableId {
        match self {
            Self::Rows(table) | Self::ByPrimaryKey(table) | Self::Aggregate(table) => table,
        }
    }
}

impl Table {
    pub fn member(&self, name: &str) -> Option<Member> {
        self.members.get(name).copied()
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        match self.member(name)? {
            Member::Column(index) => Some(index),
            Member::Relationship(_) | Member::Aggregate(_) => None,
        }
    }
}

impl Schema {
    pub fn root(&self, name: &str) -> Option<Root> {
        self.roots.get(name).copied()
    }

    pub fn column(&self, table: TableId, column: usize) -> &Column {
        &self.tables[table].columns[column]
    }

    pub fn scalar_of(&self, table: TableId, column: usize) -> &Scalar {
        &self.scalars[self.column(table, column).scalar]
    }

    /// True when the role may ask for nothing at all.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}
