//! The whole of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::serial::{is_default, or_default};
use crate::{
    Action, AllowlistEntry, ApiLimits, CronTrigger, CustomTypes, GraphqlIntrospection, MetricsConfig, QueryCollection,
    RemoteSchema, RestEndpoint, Source,
};

/// Metadata, version 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Always 3.
    #[serde(default = "three")]
    pub version: u8,
    #[serde(default, deserialize_with = "or_default")]
    pub sources: Vec<Source>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub remote_schemas: Vec<RemoteSchema>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub query_collections: Vec<QueryCollection>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub allowlist: Vec<AllowlistEntry>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub custom_types: CustomTypes,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub cron_triggers: Vec<CronTrigger>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub rest_endpoints: Vec<RestEndpoint>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub api_limits: ApiLimits,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub metrics_config: MetricsConfig,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub inherited_roles: Vec<InheritedRole>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub graphql_schema_introspection: GraphqlIntrospection,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub network: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub backend_configs: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub opentelemetry: BTreeMap<String, Value>,
}

fn three() -> u8 {
    3
}

impl Default for Metadata {
    /// No source at all.
    fn default() -> Self {
        Self {
            version: 3,
            sources: Vec::new(),
            remote_schemas: Vec::new(),
            query_collections: Vec::new(),
            allowlist: Vec::new(),
            actions: Vec::new(),
            custom_types: CustomTypes::default(),
            cron_triggers: Vec::new(),
            rest_endpoints: Vec::new(),
            api_limits: ApiLimits::default(),
            metrics_config: MetricsConfig::default(),
            inherited_roles: Vec::new(),
            graphql_schema_introspection: GraphqlIntrospection::default(),
            network: BTreeMap::new(),
            backend_configs: BTreeMap::new(),
            opentelemetry: BTreeMap::new(),
        }
    }
}

impl Metadata {
    /// The source `default` with nothing tracked.
    pub fn empty() -> Self {
        Self { sources: vec![Source::new("default")], ..Self::default() }
    }

    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    pub fn source_mut(&mut self, name: &str) -> Option<&mut Source> {
        self.sources.iter_mut().find(|source| source.name == name)
    }
}

/// A role that may what any of several others may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InheritedRole {
    pub role_name: String,
    pub role_set: Vec<String>,
}
