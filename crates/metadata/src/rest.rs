//! Named queries, the list of those that are allowed, and endpoints made of them.

use serde::{Deserialize, Serialize};

use crate::serial::or_default;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryCollection {
    pub name: String,
    pub definition: CollectionDefinition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionDefinition {
    pub queries: Vec<CollectionQuery>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionQuery {
    pub name: String,
    pub query: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowlistEntry {
    pub collection: String,
    #[serde(default, deserialize_with = "or_default")]
    pub scope: AllowlistScope,
}

/// `{"global": true}` or `{"global": false, "roles": […]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowlistScope {
    pub global: bool,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

impl Default for AllowlistScope {
    fn default() -> Self {
        Self { global: true, roles: Vec::new() }
    }
}

/// A query served under an address of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestEndpoint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub definition: EndpointDefinition,
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub methods: Vec<String>,
    pub name: String,
    /// Below `/api/rest/`; a part that begins with `:` is a variable.
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointDefinition {
    pub query: EndpointQuery,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointQuery {
    pub collection_name: String,
    pub query_name: String,
}
