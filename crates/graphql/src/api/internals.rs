//! `dump_internal_state`: what the engine has made of catalog and metadata, for whoever looks for a mistake.
//!
//! Hasura's answer shows its own process's structures; this one has Hasura's names where there is the same thing, and
//! says of each table what came of it.

use serde_json::{Map, Value, json};

use super::SOURCE;
use super::refusal::Refusal;
use super::work::{Work, listed};
use crate::model::{Function, Model, Table};

/// Parts of the metadata that are shown as they are.
const AS_THEY_ARE: [&str; 10] = [
    "actions",
    "remote_schemas",
    "allowlist",
    "query_collections",
    "rest_endpoints",
    "cron_triggers",
    "inherited_roles",
    "api_limits",
    "metrics_config",
    "network",
];

/// Everything but values of the environment and rows.
pub async fn dump(work: &mut Work<'_>) -> Result<Value, Refusal> {
    let model = work.check().await?.clone();
    let metadata = serde_json::to_value(&*work.draft.metadata).unwrap_or_default();
    let tables: Map<String, Value> =
        model.tables.iter().map(|found| (name(&found.schema_name, &found.table_name), table(&model, found))).collect();
    let functions = model.functions.iter();
    let functions: Map<String, Value> =
        functions.map(|found| (name(&found.schema_name, &found.function_name), function(&model, found))).collect();
    let mut state = json!({
        "metadata_resource_version": work.resource_version(),
        "sources": { SOURCE: { "kind": "postgres", "tables": tables, "functions": functions } },
        "automatic_tracking": work.draft.auto.on,
        "roles": model.roles().collect::<Vec<_>>(),
        "inconsistent_objs": listed(&model.inconsistencies),
        "conflicts": model.conflicts,
    });
    for key in AS_THEY_ARE {
        state[key] = metadata.get(key).cloned().unwrap_or_default();
    }
    Ok(state)
}

fn name(schema: &str, name: &str) -> String {
    metadata::QualifiedName::new(schema, name).to_string()
}

fn table(model: &Model, table: &Table) -> Value {
    let columns = table.columns.iter().map(|column| {
        let details = json!({
            "name": column.name,
            "type": model.scalars[column.scalar].name,
            "is_nullable": !column.not_null,
            "has_default": column.has_default,
            "is_visible": column.visible,
        });
        (column.sql_name.clone(), details)
    });
    let relationships = table.relationships.iter().map(|found| {
        let target = &model.tables[found.target];
        let kind = if found.single { "object" } else { "array" };
        (found.name.clone(), json!({ "type": kind, "table": name(&target.schema_name, &target.table_name) }))
    });
    let mut roles: Vec<&str> = table.permissions.keys().map(|role| &**role).collect();
    roles.sort_unstable();
    let permissions = roles.into_iter().map(|role| {
        let found = &table.permissions[role];
        let may = json!({
            "select": found.select.is_some(),
            "insert": found.insert.is_some(),
            "update": found.update.is_some(),
            "delete": found.delete.is_some(),
        });
        (role.to_owned(), may)
    });
    json!({
        "name": table.name,
        "columns": columns.collect::<Map<_, _>>(),
        "primary_key": table.primary_key.iter().map(|&column| &table.columns[column].sql_name).collect::<Vec<_>>(),
        "relationships": relationships.collect::<Map<_, _>>(),
        "role_permissions": permissions.collect::<Map<_, _>>(),
        "is_enum": table.enum_values.is_some(),
        "insertable": table.mutability.insertable,
        "updatable": table.mutability.updatable,
        "deletable": table.mutability.deletable,
    })
}

fn function(model: &Model, function: &Function) -> Value {
    let returns = &model.tables[function.returns];
    json!({
        "name": function.name,
        "returns": name(&returns.schema_name, &returns.table_name),
        "returns_set": function.returns_set,
        "exposed_as": if function.is_mutation { "mutation" } else { "query" },
    })
}
