//! What is sent to webhooks: on a change of a row, or by the clock.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Columns;
use crate::serial::or_default;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventTrigger {
    pub name: String,
    pub definition: TriggerDefinition,
    #[serde(default, deserialize_with = "or_default")]
    pub retry_conf: RetryConf,
    /// May hold `{{NAME}}` of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_from_env: Option<String>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_transform: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_transform: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_on_replication: Option<bool>,
}

/// Which changes of which columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TriggerDefinition {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<Operation>,
    #[serde(default, deserialize_with = "or_default")]
    pub enable_manual: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insert: Option<Operation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Operation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// For an update: which columns' changes count.
    pub columns: Columns,
    /// Which columns are sent; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Columns>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryConf {
    #[serde(default = "ten")]
    pub interval_sec: u64,
    #[serde(default)]
    pub num_retries: u64,
    #[serde(default = "sixty")]
    pub timeout_sec: Option<u64>,
}

impl Default for RetryConf {
    fn default() -> Self {
        Self { interval_sec: ten(), num_retries: 0, timeout_sec: sixty() }
    }
}

fn ten() -> u64 {
    10
}

fn sixty() -> Option<u64> {
    Some(60)
}

/// A header of a webhook's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from_env: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CronTrigger {
    pub name: String,
    pub webhook: String,
    /// A cron expression, in UTC.
    pub schedule: String,
    pub include_in_metadata: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "crate::serial::is_default")]
    pub retry_conf: CronRetry,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_transform: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_transform: Option<Value>,
}

/// Seconds, except the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CronRetry {
    pub num_retries: u64,
    pub retry_interval_seconds: u64,
    pub timeout_seconds: u64,
    pub tolerance_seconds: u64,
}

impl Default for CronRetry {
    fn default() -> Self {
        Self { num_retries: 0, retry_interval_seconds: 10, timeout_seconds: 60, tolerance_seconds: 21600 }
    }
}
