//! A tracked table or view.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::serial::{is_default, or_default};
use crate::{
    ArrayUsing, DeletePermission, EventTrigger, InsertPermission, ObjectUsing, Permission, QualifiedName, Relationship,
    RemoteRelationship, SelectPermission, UpdatePermission,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub table: QualifiedName,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub is_enum: bool,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub configuration: TableConfig,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub object_relationships: Vec<Relationship<ObjectUsing>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub array_relationships: Vec<Relationship<ArrayUsing>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub computed_fields: Vec<ComputedField>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub remote_relationships: Vec<RemoteRelationship>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub insert_permissions: Vec<Permission<InsertPermission>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub select_permissions: Vec<Permission<SelectPermission>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub update_permissions: Vec<Permission<UpdatePermission>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub delete_permissions: Vec<Permission<DeletePermission>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub event_triggers: Vec<EventTrigger>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apollo_federation_config: Option<Value>,
}

impl Table {
    /// A tracked table and nothing more.
    pub fn new(table: QualifiedName) -> Self {
        Self {
            table,
            is_enum: false,
            configuration: TableConfig::default(),
            object_relationships: Vec::new(),
            array_relationships: Vec::new(),
            computed_fields: Vec::new(),
            remote_relationships: Vec::new(),
            insert_permissions: Vec::new(),
            select_permissions: Vec::new(),
            update_permissions: Vec::new(),
            delete_permissions: Vec::new(),
            event_triggers: Vec::new(),
            apollo_federation_config: None,
        }
    }
}

/// Names and comments that differ from the database's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TableConfigForm", into = "TableConfigForm")]
pub struct TableConfig {
    /// Key: the column's name in the database.
    pub column_config: BTreeMap<String, ColumnConfig>,
    /// `None`: the table's own comment; an empty text: no comment.
    pub comment: Option<String>,
    pub custom_name: Option<String>,
    pub custom_root_fields: CustomRootFields,
}

/// As it is written: the columns' names are there twice, for older readers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct TableConfigForm {
    #[serde(default, deserialize_with = "or_default")]
    column_config: BTreeMap<String, ColumnConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    custom_column_names: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    custom_root_fields: CustomRootFields,
}

impl From<TableConfigForm> for TableConfig {
    fn from(form: TableConfigForm) -> Self {
        let mut column_config = form.column_config;
        for (column, name) in form.custom_column_names {
            column_config.entry(column).or_default().custom_name.get_or_insert(name);
        }
        column_config.retain(|_, config| *config != ColumnConfig::default());
        Self {
            column_config,
            comment: form.comment,
            custom_name: form.custom_name,
            custom_root_fields: form.custom_root_fields,
        }
    }
}

impl From<TableConfig> for TableConfigForm {
    fn from(config: TableConfig) -> Self {
        let named = config.column_config.iter();
        let named = named.filter_map(|(column, config)| Some((column.clone(), config.custom_name.clone()?)));
        Self {
            custom_column_names: named.collect(),
            column_config: config.column_config,
            comment: config.comment,
            custom_name: config.custom_name,
            custom_root_fields: config.custom_root_fields,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnConfig {
    /// As in [`TableConfig::comment`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_name: Option<String>,
}

/// A table's root fields where they differ from what its name gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRootFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_by_pk: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insert: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insert_one: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select_aggregate: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select_by_pk: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select_stream: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_by_pk: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_many: Option<RootField>,
}

/// A root field's name, its comment, or both. Written as the name alone where there is no comment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RootFieldForm", into = "RootFieldForm")]
pub struct RootField {
    pub name: Option<String>,
    /// As in [`TableConfig::comment`].
    pub comment: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RootFieldForm {
    Name(String),
    Full {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

impl From<RootFieldForm> for RootField {
    fn from(form: RootFieldForm) -> Self {
        match form {
            RootFieldForm::Name(name) => Self { name: Some(name), comment: None },
            RootFieldForm::Full { comment, name } => Self { name, comment },
        }
    }
}

impl From<RootField> for RootFieldForm {
    fn from(field: RootField) -> Self {
        match field {
            RootField { name: Some(name), comment: None } => Self::Name(name),
            RootField { name, comment } => Self::Full { comment, name },
        }
    }
}

/// A field whose value a function of the row computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputedField {
    pub name: String,
    pub definition: ComputedFieldDefinition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputedFieldDefinition {
    pub function: QualifiedName,
    /// The argument that takes the session's variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_argument: Option<String>,
    /// The argument that takes the row; the first one when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_argument: Option<String>,
}
