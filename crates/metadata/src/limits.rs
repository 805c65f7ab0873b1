//! Limits of requests, and other switches of the whole engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::serial::{is_default, or_default};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiLimits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_limit: Option<Limit<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth_limit: Option<Limit<u32>>,
    #[serde(default, deserialize_with = "or_default")]
    pub disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_limit: Option<Limit<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Limit<RateLimit>>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<Limit<f64>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Limit<T> {
    pub global: T,
    #[serde(default = "BTreeMap::new")]
    pub per_role: BTreeMap<String, T>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateLimit {
    pub max_reqs_per_min: u32,
    /// What tells clients apart; `None`: only their role.
    #[serde(default)]
    pub unique_params: Option<UniqueParams>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UniqueParams {
    /// `IP`.
    Address(String),
    SessionVariables(Vec<String>),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub analyze_query_variables: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub analyze_response_body: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphqlIntrospection {
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub disabled_for_roles: Vec<String>,
}
