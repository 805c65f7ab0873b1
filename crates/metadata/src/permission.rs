//! What a role may do with a table's rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::serial::{is_default, or_default};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permission<P> {
    pub role: String,
    pub permission: P,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// `"*"` or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ColumnsForm", into = "ColumnsForm")]
pub enum Columns {
    All,
    Some(Vec<String>),
}

impl Default for Columns {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ColumnsForm {
    All(Star),
    Some(Vec<String>),
}

#[derive(Serialize, Deserialize)]
enum Star {
    #[serde(rename = "*")]
    Star,
}

impl From<ColumnsForm> for Columns {
    fn from(form: ColumnsForm) -> Self {
        match form {
            ColumnsForm::All(_) => Self::All,
            ColumnsForm::Some(columns) => Self::Some(columns),
        }
    }
}

impl From<Columns> for ColumnsForm {
    fn from(columns: Columns) -> Self {
        match columns {
            Columns::All => Self::All(Star::Star),
            Columns::Some(columns) => Self::Some(columns),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InsertPermission {
    /// A boolean expression that a new row must meet.
    pub check: Value,
    /// Column presets: a session variable's name or a value.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub backend_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_input: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectPermission {
    pub columns: Columns,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub computed_fields: Vec<String>,
    pub filter: Value,
    /// Rows of one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub allow_aggregations: bool,
    /// `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_root_fields: Option<Vec<QueryRootField>>,
    /// `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_root_fields: Option<Vec<SubscriptionRootField>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryRootField {
    Select,
    SelectByPk,
    SelectAggregate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionRootField {
    Select,
    SelectByPk,
    SelectAggregate,
    SelectStream,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpdatePermission {
    pub columns: Columns,
    /// Which rows.
    pub filter: Value,
    /// What a row must meet afterwards; `None`: nothing.
    #[serde(default)]
    pub check: Option<Value>,
    /// As [`InsertPermission::set`].
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub backend_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_input: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletePermission {
    pub filter: Value,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub backend_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_input: Option<Value>,
}
