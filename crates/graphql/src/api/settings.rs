//! Switches of the whole engine.

use metadata::{ApiLimits, GraphqlIntrospection, MetricsConfig};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arguments::{default_source, parse};
use super::draft::{Draft, refuse, success};
use crate::failure::{Code, Failure};

/// `set_api_limits`.
pub fn set_limits(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    draft.edit().api_limits = parse::<ApiLimits>(arguments)?;
    Ok(success())
}

/// `remove_api_limits`.
pub fn remove_limits(draft: &mut Draft, _: &Value) -> Result<Value, Failure> {
    draft.edit().api_limits = ApiLimits::default();
    Ok(success())
}

/// `set_metrics_config`.
pub fn set_metrics(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    draft.edit().metrics_config = parse::<MetricsConfig>(arguments)?;
    Ok(success())
}

/// `remove_metrics_config`.
pub fn remove_metrics(draft: &mut Draft, _: &Value) -> Result<Value, Failure> {
    draft.edit().metrics_config = MetricsConfig::default();
    Ok(success())
}

/// `set_graphql_schema_introspection_options`.
pub fn set_introspection(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    draft.edit().graphql_schema_introspection = parse::<GraphqlIntrospection>(arguments)?;
    Ok(success())
}

#[derive(Deserialize)]
struct Host {
    host: String,
    #[serde(default)]
    suffix: Option<String>,
    #[serde(default)]
    permissions: Option<Value>,
}

fn same_host(entry: &Value, host: &Host) -> bool {
    entry["host"] == *host.host && entry.get("suffix").and_then(Value::as_str) == host.suffix.as_deref()
}

/// `add_host_to_tls_allowlist`.
pub fn allow_host(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Host>(arguments)?;
    if new.host.is_empty() {
        return Err(refuse(Code::BadRequest, "key \"host\" cannot be empty"));
    }
    let list = draft.edit().network.entry("tls_allowlist".to_owned()).or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return Err(refuse(Code::Unexpected, "tls_allowlist is not a list")) };
    if list.iter().any(|entry| same_host(entry, &new)) {
        let message = format!("the host \"{}\" already exists in the allowlist", new.host);
        return Err(refuse(Code::AlreadyExists, message));
    }
    let mut entry = Map::new();
    entry.insert("host".to_owned(), new.host.into());
    entry.extend(new.suffix.map(|suffix| ("suffix".to_owned(), suffix.into())));
    entry.extend(new.permissions.map(|permissions| ("permissions".to_owned(), permissions)));
    list.push(Value::Object(entry));
    Ok(success())
}

/// `drop_host_from_tls_allowlist`.
pub fn drop_host(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Host>(arguments)?;
    let missing = || refuse(Code::NotExists, format!("the host \"{}\" isn't present in the allowlist", gone.host));
    let network = &mut draft.edit().network;
    let list = network.get_mut("tls_allowlist").and_then(Value::as_array_mut).ok_or_else(missing)?;
    let before = list.len();
    list.retain(|entry| !same_host(entry, &gone));
    let (after, empty) = (list.len(), list.is_empty());
    if after == before {
        return Err(missing());
    }
    if empty {
        network.remove("tls_allowlist");
    }
    Ok(success())
}

/// `set_opentelemetry_config`: kept.
pub fn set_telemetry(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    draft.edit().opentelemetry = parse(arguments)?;
    Ok(success())
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

/// `set_opentelemetry_status`: kept.
pub fn set_telemetry_status(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let status = parse::<Status>(arguments)?.status;
    draft.edit().opentelemetry.insert("status".to_owned(), status.into());
    Ok(success())
}

#[derive(Deserialize)]
struct Tags {
    #[serde(alias = "source", default = "default_source")]
    source_name: String,
    #[serde(flatten)]
    tags: Map<String, Value>,
}

/// `set_query_tags`: kept.
pub fn set_tags(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Tags>(arguments)?;
    draft.source_mut(&set.source_name)?.query_tags = Some(Value::Object(set.tags));
    Ok(success())
}
