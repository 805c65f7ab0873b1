//! The metadata as a whole: export, replacement, inconsistencies, state of tools.

use std::sync::Arc;

use metadata::{CronTrigger, Metadata, QualifiedName};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arguments::parse;
use super::draft::{Draft, SOURCE, refuse, success};
use super::refusal::Refusal;
use super::work::{Work, listed};
use crate::failure::{Code, Failure};
use crate::model::Inconsistency;

/// `export_metadata`: version 1 of the command gives the metadata, version 2 its resource version too. Tables that are
/// served by themselves are written out with their relationships, so that applying it elsewhere gives the same API.
pub fn export(draft: &Draft, version: u8, resource_version: i64) -> Value {
    let mut whole = draft.clone();
    for table in draft.offered() {
        whole.adopt(&table);
    }
    let mut metadata = Arc::unwrap_or_clone(whole.metadata);
    metadata.cron_triggers.retain(|trigger: &CronTrigger| trigger.include_in_metadata);
    metadata.sort();
    let exported = serde_json::to_value(&metadata).unwrap_or_default();
    if version == 2 {
        return json!({ "resource_version": resource_version, "metadata": exported });
    }
    exported
}

/// `clear_metadata`: nothing is tracked, and nothing is without being tracked.
pub async fn clear(work: &mut Work<'_>) -> Result<Value, Refusal> {
    let metadata = work.draft.edit();
    let sources = std::mem::take(&mut metadata.sources);
    *metadata = Metadata::default();
    metadata.sources = sources.into_iter().filter(|source| source.name == SOURCE).collect();
    for source in &mut metadata.sources {
        source.tables.clear();
        source.functions.clear();
        source.native_queries.clear();
        source.logical_models.clear();
        source.stored_procedures.clear();
        source.customization = metadata::SourceCustomization::default();
    }
    work.draft.auto.on = false;
    work.draft.auto.hidden.clear();
    work.replaced_whole("clear_metadata");
    work.check().await?;
    Ok(success())
}

#[derive(Deserialize)]
struct Replace {
    #[serde(default)]
    allow_inconsistent_metadata: bool,
    metadata: Value,
}

/// `replace_metadata`: the metadata itself, or an object with it under `metadata`; version 2 of the command also tells
/// what is inconsistent. Older metadata is read too.
pub async fn replace(work: &mut Work<'_>, arguments: &Value, version: u8, path: &str) -> Result<Value, Refusal> {
    let replace = if arguments.get("metadata").is_some() {
        parse::<Replace>(arguments)?
    } else {
        Replace { allow_inconsistent_metadata: false, metadata: arguments.clone() }
    };
    check_whole(&replace.metadata)?;
    let upgraded =
        metadata::upgrade(replace.metadata).map_err(|message| Failure::new(Code::ParseFailed, "$", message))?;
    let mut new: Metadata = parse(&upgraded)?;
    check_sources(&new)?;
    // Cron triggers that are not part of exports stay.
    let kept = work.draft.metadata.cron_triggers.iter().filter(|trigger| !trigger.include_in_metadata);
    let kept: Vec<CronTrigger> =
        kept.filter(|old| new.cron_triggers.iter().all(|cron| cron.name != old.name)).cloned().collect();
    new.cron_triggers.extend(kept);
    new.sort();
    let warning = ended(&work.draft, &new);
    *work.draft.edit() = new;
    work.draft.auto.on = false;
    work.draft.auto.hidden.clear();
    work.replaced_whole("replace_metadata");
    let model = work.check().await?;
    let inconsistent = listed(&model.inconsistencies);
    let is_consistent = model.inconsistencies.is_empty();
    if !is_consistent && !replace.allow_inconsistent_metadata {
        let mut failure = Failure::new(Code::Unexpected, path, "cannot continue due to inconsistent metadata");
        failure.internal = Some(Box::new(inconsistent));
        return Err(Refusal::bad_request(failure));
    }
    let mut answer = if version == 2 || replace.allow_inconsistent_metadata {
        json!({ "inconsistent_objects": inconsistent, "is_consistent": is_consistent })
    } else {
        success()
    };
    if let Some(warning) = warning {
        answer["warnings"] = json!([warning]);
    }
    Ok(answer)
}

/// Tables that were served by themselves and, since the new metadata does not name them, are not any more: a warning
/// in Hasura's shape.
fn ended(draft: &Draft, new: &Metadata) -> Option<Value> {
    let source = new.source(SOURCE);
    let mut gone = draft.offered();
    gone.retain(|table| source.is_none_or(|source| source.table(table).is_none()));
    (!gone.is_empty()).then(|| {
        json!({
            "message": no_longer_offered(&gone),
            "type": "source",
            "name": format!("source {SOURCE}"),
            "code": "automatic-tracking-ended",
        })
    })
}

/// Names named in a message; the others are counted.
const NAMED: usize = 10;

/// In words.
pub fn no_longer_offered(tables: &[QualifiedName]) -> String {
    let mut named: Vec<String> = tables.iter().take(NAMED).map(ToString::to_string).collect();
    if tables.len() > NAMED {
        named.push(format!("{} more", tables.len() - NAMED));
    }
    format!(
        "no longer part of the API, because this metadata does not name them: {} (tables are offered by themselves only \
         until metadata is applied)",
        named.join(", ")
    )
}

/// What replaces everything must say everything: a body of another shape would take all metadata away.
fn check_whole(metadata: &Value) -> Result<(), Failure> {
    let old = metadata.get("sources").is_none() && matches!(metadata["version"].as_u64(), None | Some(1 | 2));
    let key = if old { "tables" } else { "sources" };
    match metadata.get(key) {
        Some(Value::Array(_)) => Ok(()),
        Some(_) => Err(Failure::new(Code::ParseFailed, format!("$.args.{key}"), "expected a list")),
        None => Err(Failure::new(Code::ParseFailed, "$.args", format!("key \"{key}\" not found"))),
    }
}

fn check_sources(metadata: &Metadata) -> Result<(), Failure> {
    let other = metadata.sources.iter().find(|source| source.name != SOURCE || source.kind != "postgres");
    match other {
        None if metadata.sources.len() <= 1 => Ok(()),
        None => Err(refuse(Code::NotSupported, "there are two sources of one name")),
        Some(source) => {
            let (name, kind) = (&source.name, &source.kind);
            let message = format!("only the postgres source \"{SOURCE}\" is served, not \"{name}\" of kind \"{kind}\"");
            Err(refuse(Code::NotSupported, message))
        }
    }
}

#[derive(Default, Deserialize)]
struct Reload {
    #[serde(default)]
    reload_remote_schemas: Option<Names>,
}

/// All, none, or some.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    All(bool),
    Some(Vec<String>),
}

/// `reload_metadata`: the catalog, enum tables and, unless the arguments say otherwise, remote schemas are read again.
pub async fn reload(work: &mut Work<'_>, arguments: &Value) -> Result<Value, Refusal> {
    let reload: Reload = if arguments.is_object() { parse(arguments)? } else { Reload::default() };
    let schemas = work.draft.metadata.remote_schemas.iter().map(|schema| schema.name.clone());
    let schemas = match reload.reload_remote_schemas {
        Some(Names::All(false)) => Vec::new(),
        Some(Names::Some(names)) => names,
        Some(Names::All(true)) | None => schemas.collect(),
    };
    work.check().await?;
    work.remotes_again.extend(schemas);
    again(work).await
}

/// Reads everything again but remote schemas.
pub async fn again(work: &mut Work<'_>) -> Result<Value, Refusal> {
    work.check().await?;
    work.draft.catalog = work.read_catalog().await?;
    work.reloaded = true;
    work.allow_all();
    work.replaced();
    let model = work.check().await?;
    let mut answer = Map::new();
    answer.insert("is_consistent".to_owned(), model.inconsistencies.is_empty().into());
    answer.insert("message".to_owned(), "success".into());
    if !model.inconsistencies.is_empty() {
        answer.insert("inconsistent_objects".to_owned(), listed(&model.inconsistencies));
    }
    Ok(Value::Object(answer))
}

/// `get_inconsistent_metadata`.
pub async fn inconsistencies(work: &mut Work<'_>) -> Result<Value, Refusal> {
    let model = work.check().await?;
    let inconsistent = &model.inconsistencies;
    Ok(json!({ "is_consistent": inconsistent.is_empty(), "inconsistent_objects": listed(inconsistent) }))
}

/// `drop_inconsistent_metadata`: whatever is inconsistent is taken out.
pub async fn drop_inconsistencies(work: &mut Work<'_>) -> Result<Value, Refusal> {
    let model = work.check().await?.clone();
    for inconsistency in &model.inconsistencies {
        remove(work.draft.edit(), inconsistency);
    }
    work.replaced_whole("drop_inconsistent_metadata");
    work.check().await?;
    Ok(success())
}

/// Takes one object out, found by the name that inconsistencies have.
fn remove(metadata: &mut Metadata, found: &Inconsistency) {
    let named = |what: &str| found.name == what;
    let of_rest = |kind: &str, name: &str| named(&format!("{kind} {name}"));
    metadata.remote_schemas.retain(|schema| !of_rest("remote_schema", &schema.name));
    metadata.actions.retain(|action| !of_rest("action", &action.name));
    metadata.cron_triggers.retain(|trigger| !of_rest("cron_trigger", &trigger.name));
    metadata.rest_endpoints.retain(|endpoint| !of_rest("rest_endpoint", &endpoint.name));
    metadata.inherited_roles.retain(|role| !of_rest("inherited_role inherited role", &role.role_name));
    for collection in &mut metadata.query_collections {
        let of = |query: &str| format!("query_collections {query} in {}", collection.name);
        collection.definition.queries.retain(|query| !named(&of(&query.name)));
    }
    if named("custom_types custom_types") {
        metadata.custom_types = metadata::CustomTypes::default();
    }
    for schema in &mut metadata.remote_schemas {
        let of = |role: &str| format!("remote_schema_permission {role} permission in remote schema {}", schema.name);
        schema.permissions.retain(|permission| !named(&of(&permission.role)));
    }
    for action in &mut metadata.actions {
        let of = |role: &str| format!("action_permission {role} permission in {}", action.name);
        action.permissions.retain(|permission| !named(&of(&permission.role)));
    }
    let Some(source) = metadata.source_mut(SOURCE) else { return };
    source.tables.retain(|table| !named(&format!("table {} in source {SOURCE}", table.table)));
    source.functions.retain(|function| !named(&format!("function {} in source {SOURCE}", function.function)));
    for function in &mut source.functions {
        let (name, kind) = (&function.function, "function_permission");
        let of = |role: &str| format!("{kind} {role} permission for function {name} in source {SOURCE}");
        function.permissions.retain(|permission| !named(&of(&permission.role)));
    }
    for table in &mut source.tables {
        let suffix = format!(" in table {} in source {SOURCE}", table.table);
        if let Some((kind, part)) = found.name.strip_suffix(&suffix).and_then(|start| start.split_once(' ')) {
            remove_part(Arc::make_mut(table), kind, part);
        }
    }
}

fn remove_part(table: &mut metadata::Table, kind: &str, part: &str) {
    match kind {
        "object_relation" => table.object_relationships.retain(|found| found.name != part),
        "array_relation" => table.array_relationships.retain(|found| found.name != part),
        "computed_field" => table.computed_fields.retain(|found| found.name != part),
        "remote_relationship" => table.remote_relationships.retain(|found| found.name != part),
        "insert_permission" => table.insert_permissions.retain(|found| found.role != part),
        "select_permission" => table.select_permissions.retain(|found| found.role != part),
        "update_permission" => table.update_permissions.retain(|found| found.role != part),
        "delete_permission" => table.delete_permissions.retain(|found| found.role != part),
        "event_trigger" => table.event_triggers.retain(|found| found.name != part),
        _ => {}
    }
}

/// `get_cron_triggers`.
pub fn cron_triggers(draft: &Draft) -> Value {
    json!({ "cron_triggers": draft.metadata.cron_triggers })
}

/// `get_catalog_state`: what the command line and the console keep in the database.
pub async fn catalog_state(work: &mut Work<'_>) -> Result<Value, Failure> {
    let statement = "SELECT hasura_uuid::text, cli_state, console_state FROM hdb_catalog.hdb_version";
    let client = work.client().await?;
    let row = client.query_one(statement, &[]).await.map_err(|error| unreadable(&error))?;
    let (id, cli, console): (String, Value, Value) = (row.get(0), row.get(1), row.get(2));
    Ok(json!({ "id": id, "cli_state": cli, "console_state": console }))
}

#[derive(Deserialize)]
struct SetState {
    #[serde(rename = "type")]
    kind: String,
    state: Value,
}

/// `set_catalog_state`.
pub async fn set_catalog_state(work: &mut Work<'_>, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<SetState>(arguments)?;
    let statement = match set.kind.as_str() {
        "cli" => "UPDATE hdb_catalog.hdb_version SET cli_state = $1",
        "console" => "UPDATE hdb_catalog.hdb_version SET console_state = $1",
        _ => return Err(Failure::new(Code::ParseFailed, "$.type", "unknown catalog state type")),
    };
    let client = work.client().await?;
    client.execute(statement, &[&set.state]).await.map_err(|error| unreadable(&error))?;
    Ok(success())
}

fn unreadable(error: &tokio_postgres::Error) -> Failure {
    tracing::warn!(%error, "hdb_catalog.hdb_version could not be read or written");
    refuse(Code::Unexpected, "the catalog's state could not be read or written")
}
