//! One command after the other.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::command::Command;
use super::draft::{refuse, success};
use super::many::{self, Many};
use super::refusal::Refusal;
use super::work::Work;
use super::{Endpoint, commands, history, internals, remote, run_sql, sources, told, whole};
use crate::events::api as events;
use crate::failure::{Code, Failure};
use crate::foreign;

/// What a command answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply {
    Value(Value),
    /// As PostgreSQL wrote it: no number is read and written again.
    Raw(Box<RawValue>),
    List(Vec<Reply>),
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Box<RawValue>> for Reply {
    fn from(raw: Box<RawValue>) -> Self {
        Self::Raw(raw)
    }
}

/// Runs a command; what it answers.
///
/// # Errors
/// The command refuses; the whole request is undone.
pub async fn step(work: &mut Work<'_>, command: &Command, path: &str, endpoint: Endpoint) -> Result<Reply, Refusal> {
    match command.kind.as_str() {
        "concurrent_bulk" if command.writes() => {
            let message = "Only read-only queries are allowed in a concurrent_bulk";
            Err(Failure::new(Code::Unexpected, "$", message).into())
        }
        "bulk" | "bulk_atomic" | "concurrent_bulk" => {
            let mut answers = Vec::with_capacity(command.steps.len());
            for (index, command) in command.steps.iter().enumerate() {
                let path = format!("{path}[{index}].args");
                answers.push(Box::pin(step(work, command, &path, endpoint)).await?);
            }
            if command.kind == "bulk_atomic" {
                return Ok(success().into());
            }
            Ok(Reply::List(answers))
        }
        "bulk_keep_going" => keep_going(work, command, path, endpoint).await,
        _ if command.is_rows() => rows(work, command, path).await,
        _ => single(work, command, path, endpoint).await,
    }
}

/// Each step by itself: one that refuses is undone and answered by its error.
async fn keep_going(work: &mut Work<'_>, bulk: &Command, path: &str, endpoint: Endpoint) -> Result<Reply, Refusal> {
    let mut answers = Vec::with_capacity(bulk.steps.len());
    for (index, command) in bulk.steps.iter().enumerate() {
        let path = format!("{path}[{index}].args");
        work.check().await?;
        let saved = work.save().await?;
        let answer = Box::pin(step(work, command, &path, endpoint)).await;
        let checked = match answer {
            Ok(answer) => work.check().await.map(|_| answer),
            Err(refusal) => Err(refusal),
        };
        match checked {
            Ok(answer) => answers.push(answer),
            Err(refusal) => {
                work.restore(saved).await?;
                let open = work.session.is_admin() || work.handle.options().dev_mode;
                answers.push(told(&refusal.failure, open).into());
            }
        }
    }
    Ok(Reply::List(answers))
}

/// The older API's way to read and write rows. Triggers and functions read the session.
async fn rows(work: &mut Work<'_>, command: &Command, path: &str) -> Result<Reply, Refusal> {
    let schema = work.schema().await?;
    let session = work.session;
    // Changes of the metadata wait for it, so that not everybody may take any time.
    let limit = work.handle.options().statement_timeout.filter(|_| !session.is_admin());
    let limit = limit.map(|limit| limit.as_millis().to_string());
    let client = work.client().await?;
    let user = session.to_json().to_string();
    let set = client.execute("SELECT set_config('hasura.user', $1, true)", &[&user]).await;
    let set = match limit.as_ref().filter(|_| set.is_ok()) {
        Some(limit) => client.execute("SELECT set_config('statement_timeout', $1, true)", &[limit]).await,
        None => set,
    };
    set.map_err(|error| super::pathed(run_sql::failed(&error, "SELECT set_config"), path))?;
    let answer = crate::legacy::run(client, &schema, session, &command.kind, &command.arguments).await;
    let answer = answer.map_err(|mut failure| {
        if let Some(rest) = failure.path.strip_prefix("$.args") {
            failure.path = format!("{path}{rest}");
        }
        failure
    })?;
    let text = String::from_utf8(answer.to_vec()).unwrap_or_default();
    let raw = RawValue::from_string(text).map_err(|_| refuse(Code::Unexpected, "internal error"))?;
    Ok(Reply::Raw(raw))
}

async fn single(work: &mut Work<'_>, command: &Command, path: &str, endpoint: Endpoint) -> Result<Reply, Refusal> {
    let arguments = &command.arguments;
    if command.kind == "run_sql" && endpoint != Endpoint::Metadata {
        return Ok(run_sql::run(work, arguments, path).await?.into());
    }
    if endpoint == Endpoint::QueryV2 {
        return Err(unknown(&command.kind, endpoint).into());
    }
    let answer = match command.kind.as_str() {
        "export_metadata" => whole::export(&work.draft, command.version, work.resource_version()),
        "clear_metadata" => whole::clear(work).await?,
        "replace_metadata" => whole::replace(work, arguments, command.version, path).await?,
        "reload_metadata" => whole::reload(work, arguments).await?,
        "get_inconsistent_metadata" => whole::inconsistencies(work).await?,
        "drop_inconsistent_metadata" => whole::drop_inconsistencies(work).await?,
        "get_cron_triggers" => whole::cron_triggers(&work.draft),
        "get_catalog_state" => whole::catalog_state(work).await?,
        "set_catalog_state" => whole::set_catalog_state(work, arguments).await?,
        "dump_internal_state" => internals::dump(work).await?,
        "nself_metadata_history" => history::list(work, arguments).await?,
        "nself_restore_metadata" => history::restore(work, arguments).await?,
        "list_source_kinds" => sources::kinds(),
        "get_source_tables" => sources::tables(&work.draft, arguments)?,
        "get_table_info" => sources::table_info(&work.draft, arguments)?,
        "get_source_trackables" => sources::trackables(&work.draft, arguments)?,
        "suggest_relationships" => sources::suggest(&work.draft, arguments)?,
        "reload_remote_schema" => {
            remote::named(&mut work.draft, arguments)?;
            work.remotes_again.extend(remote_name(arguments));
            whole::again(work).await?
        }
        "introspect_remote_schema" => {
            let name = remote_name(arguments).unwrap_or_default();
            let schema = work.draft.metadata.remote_schemas.iter().find(|found| found.name == name);
            let Some(schema) = schema else {
                return Err(refuse(Code::NotExists, format!("remote schema with name \"{name}\" is not found")).into());
            };
            foreign::introspect_remote_schema(work.handle.client(), &work.draft.environment, schema).await?
        }
        "test_webhook_transform" => {
            crate::transform::test_webhook_transform(arguments.clone(), &work.draft.environment)?
        }
        "add_remote_schema_permissions" => {
            check_role_schema(work, arguments)?;
            return applied(work, command, path, endpoint).await;
        }
        "track_tables" | "untrack_tables" => {
            let many = if command.kind == "track_tables" { Many::Track } else { Many::Untrack };
            many::run(work, many, arguments, path).await?
        }
        _ => {
            if let Some(answer) = of_events(work, &command.kind, arguments).await? {
                return Ok(answer);
            }
            return applied(work, command, path, endpoint).await;
        }
    };
    Ok(answer.into())
}

fn remote_name(arguments: &Value) -> Option<String> {
    arguments.get("name").and_then(Value::as_str).map(str::to_owned)
}

/// A role's part of a remote schema must be one.
fn check_role_schema(work: &Work<'_>, arguments: &Value) -> Result<(), Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (schema, sdl) = (text(&arguments["remote_schema"]), text(&arguments["definition"]["schema"]));
    if let Ok(document) = foreign::known(work.introspections(), &schema) {
        foreign::permission::check(&sdl, document).map_err(|message| refuse(Code::ValidationFailed, message))?;
    }
    Ok(())
}

/// Commands about events that have happened or are to happen.
pub const EVENTS: &[&str] = &[
    "invoke_event_trigger",
    "redeliver_event",
    "cleanup_event_trigger_logs",
    "get_event_logs",
    "get_event_invocation_logs",
    "get_event_by_id",
    "create_scheduled_event",
    "delete_scheduled_event",
    "get_scheduled_events",
    "get_event_invocations",
    "get_scheduled_event_invocations",
];

/// Runs one of them.
async fn of_events(work: &mut Work<'_>, kind: &str, arguments: &Value) -> Result<Option<Reply>, Refusal> {
    if !EVENTS.contains(&kind) {
        return Ok(None);
    }
    let (metadata, session) = (work.draft.metadata.clone(), work.session);
    let client: &tokio_postgres::Client = work.client().await?;
    Ok(Some(match kind {
        "invoke_event_trigger" => events::invoke_event_trigger(client, &metadata, session, arguments).await?.into(),
        "redeliver_event" => events::redeliver_event(client, arguments).await?.into(),
        "cleanup_event_trigger_logs" => events::cleanup_event_trigger_logs(client, &metadata, arguments).await?.into(),
        "get_event_logs" => events::get_event_logs(client, &metadata, arguments).await?.into(),
        "get_event_invocation_logs" => events::get_event_invocation_logs(client, &metadata, arguments).await?.into(),
        "get_event_by_id" => events::get_event_by_id(client, arguments).await?.into(),
        "create_scheduled_event" => events::create_scheduled_event(client, arguments).await?.into(),
        "delete_scheduled_event" => events::delete_scheduled_event(client, arguments).await?.into(),
        "get_scheduled_events" => events::get_scheduled_events(client, &metadata, arguments).await?.into(),
        _ => events::get_scheduled_event_invocations(client, &metadata, arguments).await?.into(),
    }))
}

/// A command on the metadata alone.
async fn applied(work: &mut Work<'_>, command: &Command, path: &str, endpoint: Endpoint) -> Result<Reply, Refusal> {
    let Some(apply) = commands::find(&command.kind) else { return Err(unknown(&command.kind, endpoint).into()) };
    // A table that somebody else has just made.
    if let Some(table) = named_table(&command.arguments)
        && work.draft.catalog.table(&table.schema, &table.name).is_none()
    {
        work.check().await?;
        work.draft.catalog = work.read_catalog().await?;
    }
    Ok(work.apply(&command.kind, apply, command.arguments.clone(), path)?.into())
}

fn named_table(arguments: &Value) -> Option<metadata::QualifiedName> {
    let named = arguments.get("table").unwrap_or(arguments);
    serde_json::from_value(named.clone()).ok()
}

fn unknown(kind: &str, endpoint: Endpoint) -> Failure {
    let message = match endpoint {
        Endpoint::Metadata => format!("unknown metadata command \"{kind}\" for backend postgres"),
        Endpoint::QueryV1 | Endpoint::QueryV2 => format!("unknown query type \"{kind}\""),
    };
    Failure::new(Code::ParseFailed, "$", message)
}
