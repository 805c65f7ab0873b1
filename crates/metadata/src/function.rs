//! A tracked function.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::serial::{is_default, or_default};
use crate::{QualifiedName, RootField};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub function: QualifiedName,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub configuration: FunctionConfig,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<FunctionPermission>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Function {
    pub fn new(function: QualifiedName) -> Self {
        Self { function, configuration: FunctionConfig::default(), permissions: Vec::new(), comment: None }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_name: Option<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub custom_root_fields: FunctionRootFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_as: Option<ExposedAs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// The argument that takes the session's variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_argument: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRootFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<RootField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_aggregate: Option<RootField>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExposedAs {
    Query,
    Mutation,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionPermission {
    pub role: String,
}
