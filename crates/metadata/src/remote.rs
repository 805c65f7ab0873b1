//! Other GraphQL services, and relationships to them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Header;
use crate::serial::{is_default, or_default};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteSchema {
    pub name: String,
    pub definition: RemoteSchemaDefinition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<RemoteSchemaPermission>,
    /// `{"type_name", "relationships": [{"name", "definition"}]}` each.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub remote_relationships: Vec<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteSchemaDefinition {
    /// May hold `{{NAME}}` of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_from_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customization: Option<Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub forward_client_headers: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteSchemaPermission {
    pub role: String,
    /// `{"schema": "type Query {…}"}`.
    pub definition: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// From a table's row to a remote schema or another source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoteRelationship {
    /// `{"to_source": …}`, `{"to_remote_schema": …}`, or the older form with `hasura_fields`.
    pub definition: Value,
    pub name: String,
}
