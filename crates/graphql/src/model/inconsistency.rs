//! Objects of the metadata that cannot be used.

use metadata::{QualifiedName, Unreadable};
use serde::Serialize;
use serde_json::{Value, json};

/// An object of the metadata that could not be used, as `get_inconsistent_metadata` tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inconsistency {
    #[serde(skip_serializing_if = "Value::is_null")]
    pub definition: Value,
    /// `Inconsistent object: …`.
    pub reason: String,
    /// `table users in source default`.
    pub name: String,
    /// `table`, `array_relation`, `select_permission`, ….
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Of an inherited role: what could not be inherited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Value>,
    /// Of endpoints that one request could mean: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<Value>>,
}

/// The only source there is.
pub(super) const SOURCE: &str = "default";

impl Inconsistency {
    pub fn new(kind: &'static str, name: String, reason: impl std::fmt::Display, definition: Value) -> Self {
        Self { definition, reason: format!("Inconsistent object: {reason}"), name, kind, entity: None, conflicts: None }
    }

    /// A part of the metadata that is kept aside.
    pub(crate) fn of_unreadable(part: &Unreadable) -> Self {
        let reason =
            format!("the metadata cannot be read there: {}; it is kept: nself hasura metadata history", part.reason);
        Self::new("unreadable", format!("metadata {}", part.path), reason, part.value.clone())
    }

    pub(super) fn of_table(table: &QualifiedName, reason: impl std::fmt::Display) -> Self {
        Self::new("table", format!("table {table} in source {SOURCE}"), reason, full(table))
    }

    pub(super) fn of_function(function: &QualifiedName, reason: impl std::fmt::Display) -> Self {
        let reason = format!("in function \"{function}\": {reason}");
        Self::new("function", format!("function {function} in source {SOURCE}"), reason, full(function))
    }

    /// Something that hangs on a table; `reason` is given whole.
    pub(super) fn on_table(
        kind: &'static str,
        name: &str,
        table: &QualifiedName,
        reason: impl std::fmt::Display,
        definition: Value,
    ) -> Self {
        Self::new(kind, format!("{kind} {name} in table {table} in source {SOURCE}"), reason, definition)
    }

    pub(super) fn of_inherited(role: &str, permission: &str, table: &QualifiedName) -> Self {
        Self {
            definition: Value::Null,
            reason: format!(
                "Could not inherit permission for the role '{role}' for the entity: '{permission} permission, \
                 table: {table}, source: '{SOURCE}''"
            ),
            name: role.to_owned(),
            kind: "inherited role permission inconsistency",
            entity: Some(json!({"permission_type": permission, "source": SOURCE, "table": short(table)})),
            conflicts: None,
        }
    }
}

pub(super) fn full(name: &QualifiedName) -> Value {
    json!({"name": name.name, "schema": name.schema})
}

/// The name alone in `public`, as Hasura writes it.
fn short(name: &QualifiedName) -> Value {
    match name.schema.as_str() {
        "public" => name.name.as_str().into(),
        _ => json!({"schema": name.schema, "name": name.name}),
    }
}
