//! A database.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::serial::{is_default, or_default, shared};
use crate::{Function, QualifiedName, Table};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    #[serde(default = "postgres")]
    pub kind: String,
    /// Shared with the metadata of before and after a change: the same [`Arc`] is an unchanged table.
    #[serde(default, with = "shared")]
    pub tables: Vec<Arc<Table>>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
    /// Kept, not served.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub native_queries: Vec<Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub stored_procedures: Vec<Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub logical_models: Vec<Value>,
    /// The connection and its pool. Kept as it is; the engine's own settings say where the database is.
    #[serde(default)]
    pub configuration: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_tags: Option<Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub customization: SourceCustomization,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<Value>,
}

fn postgres() -> String {
    "postgres".to_owned()
}

impl Source {
    /// A PostgreSQL source, connected as Hasura's own default source is.
    pub fn new(name: impl Into<String>) -> Self {
        let configuration = serde_json::json!({"connection_info": {
            "database_url": {"from_env": "HASURA_GRAPHQL_DATABASE_URL"},
            "isolation_level": "read-committed",
            "use_prepared_statements": true,
        }});
        Self {
            name: name.into(),
            kind: postgres(),
            tables: Vec::new(),
            functions: Vec::new(),
            native_queries: Vec::new(),
            stored_procedures: Vec::new(),
            logical_models: Vec::new(),
            configuration,
            query_tags: None,
            customization: SourceCustomization::default(),
            health_check: None,
        }
    }

    pub fn table(&self, name: &QualifiedName) -> Option<&Table> {
        self.tables.iter().map(|table| &**table).find(|table| table.table == *name)
    }

    /// The table becomes one of its own where it is shared.
    pub fn table_mut(&mut self, name: &QualifiedName) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.table == *name).map(Arc::make_mut)
    }

    pub fn function(&self, name: &QualifiedName) -> Option<&Function> {
        self.functions.iter().find(|function| function.function == *name)
    }

    pub fn function_mut(&mut self, name: &QualifiedName) -> Option<&mut Function> {
        self.functions.iter_mut().find(|function| function.function == *name)
    }
}

/// How a source's names are changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCustomization {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming_convention: Option<NamingConvention>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_fields: Option<RootFieldsCustomization>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_names: Option<TypeNamesCustomization>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamingConvention {
    HasuraDefault,
    GraphqlDefault,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFieldsCustomization {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeNamesCustomization {
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}
