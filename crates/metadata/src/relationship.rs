//! Relationships between tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::QualifiedName;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relationship<Using> {
    pub name: String,
    pub using: Using,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What an object relationship follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectUsing {
    #[serde(rename = "foreign_key_constraint_on")]
    ForeignKey(ForeignKeyOn),
    #[serde(rename = "manual_configuration")]
    Manual(ManualConfiguration),
}

/// What an array relationship follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArrayUsing {
    #[serde(rename = "foreign_key_constraint_on")]
    ForeignKey(RemoteColumns),
    #[serde(rename = "manual_configuration")]
    Manual(ManualConfiguration),
}

/// Columns of this table that have the foreign key, or columns of another table whose key comes here (one to one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ForeignKeyOn {
    Own(#[serde(with = "one_or_many")] Vec<String>),
    Remote(RemoteColumns),
}

/// Columns of another table that have a foreign key to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteColumns {
    pub table: QualifiedName,
    pub columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct RemoteColumnsForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Columns>,
    table: QualifiedName,
}

/// Several columns, or one that stands alone.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Columns(#[serde(with = "one_or_many")] Vec<String>);

impl Serialize for RemoteColumns {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let (column, columns) = match self.columns.as_slice() {
            [column] => (Some(column.clone()), None),
            columns => (None, Some(Columns(columns.to_vec()))),
        };
        RemoteColumnsForm { column, columns, table: self.table.clone() }.serialize(output)
    }
}

impl<'de> Deserialize<'de> for RemoteColumns {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let form = RemoteColumnsForm::deserialize(input)?;
        let columns = match (form.columns, form.column) {
            (Some(Columns(columns)), _) => columns,
            (None, Some(column)) => vec![column],
            (None, None) => return Err(serde::de::Error::missing_field("column")),
        };
        Ok(Self { table: form.table, columns })
    }
}

/// A join that no foreign key says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualConfiguration {
    /// This table's column to the other's.
    pub column_mapping: BTreeMap<String, String>,
    #[serde(default)]
    pub insertion_order: Option<Insertion>,
    pub remote_table: QualifiedName,
}

/// Which row a nested insert makes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Insertion {
    BeforeParent,
    AfterParent,
}

/// One name, or a list of them.
mod one_or_many {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(columns: &[String], output: S) -> Result<S::Ok, S::Error> {
        match columns {
            [column] => column.serialize(output),
            columns => columns.serialize(output),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            One(String),
            Many(Vec<String>),
        }
        Ok(match Form::deserialize(input)? {
            Form::One(column) => vec![column],
            Form::Many(columns) => columns,
        })
    }
}
