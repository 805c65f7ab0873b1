//! Looking into the outbox of event triggers and their deliveries; manual events; sending again.

use metadata::Metadata;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;

use crate::failure::{Code, Failure};
use crate::session::Session;

use super::super::trace_context;
use super::definitions::owner;
use super::{database, not_exists, read, success};

/// Rows of a page unless asked otherwise.
fn hundred() -> i64 {
    100
}

fn default_source() -> String {
    super::super::install::SOURCE.to_owned()
}

#[derive(Deserialize)]
struct Invoke {
    name: String,
    #[serde(default = "default_source")]
    source: String,
    payload: Value,
}

/// `pg_invoke_event_trigger`: `{"event_id"}`.
///
/// # Errors
/// There is no such trigger, or it may not be invoked by hand.
pub async fn invoke_event_trigger<C: GenericClient + Sync>(
    client: &C,
    metadata: &Metadata,
    session: &Session,
    args: &Value,
) -> Result<Value, Failure> {
    let Invoke { name, source, payload } = read(args)?;
    let table = owner(metadata, &source, &name).ok_or_else(|| no_trigger(&name))?;
    let triggers = metadata.source(&source).and_then(|source| source.table(table)).map(|table| &table.event_triggers);
    let trigger = triggers.and_then(|triggers| triggers.iter().find(|trigger| trigger.name == name));
    if !trigger.is_some_and(|trigger| trigger.definition.enable_manual) {
        return Err(Failure::new(Code::NotSupported, "$", "manual mode is not enabled for event trigger"));
    }
    let data = json!({"old": null, "new": payload});
    let (user, trace) = (session.to_json().to_string(), trace_context(&session.headers));
    let row = client
        .query_one(
            "WITH context AS MATERIALIZED (
                 SELECT set_config('hasura.user', $5, true), set_config('hasura.tracecontext', $6, true)
             )
             SELECT hdb_catalog.insert_event_log($1, $2, $3, 'MANUAL', $4) FROM context
             WHERE context IS NOT NULL",
            &[&table.schema, &table.name, &name, &data, &user, &trace],
        )
        .await
        .map_err(|error| database(&error))?;
    Ok(json!({"event_id": row.get::<_, String>(0)}))
}

fn no_trigger(name: &str) -> Failure {
    not_exists(format!("event trigger \"{name}\" does not exist"))
}

#[derive(Deserialize)]
struct Redeliver {
    event_id: String,
}

/// `pg_redeliver_event`.
///
/// # Errors
/// There is no such event, or it is being delivered.
pub async fn redeliver_event<C: GenericClient + Sync>(client: &C, args: &Value) -> Result<Value, Failure> {
    let Redeliver { event_id } = read(args)?;
    let row = client
        .query_opt(
            "SELECT locked IS NOT NULL AND locked >= now() - interval '30 minutes'
             FROM hdb_catalog.event_log WHERE id = $1 FOR UPDATE",
            &[&event_id],
        )
        .await
        .map_err(|error| database(&error))?;
    match row.map(|row| row.get::<_, bool>(0)) {
        None => return Err(not_exists("event not found")),
        Some(true) => return Err(Failure::new(Code::Busy, "$", "event is already being processed")),
        Some(false) => {}
    }
    client
        .execute(
            "WITH again AS (
                 UPDATE hdb_catalog.event_log SET delivered = false, error = false, tries = 0, next_retry_at = NULL
                 WHERE id = $1 RETURNING id
             )
             SELECT pg_notify('nself_events', '') FROM again",
            &[&event_id],
        )
        .await
        .map_err(|error| database(&error))?;
    Ok(success())
}

/// An event as JSON, in Hasura's order.
const EVENT: &str = "json_build_object(
    'id', id, 'schema_name', schema_name, 'table_name', table_name, 'trigger_name', trigger_name, 'payload', payload,
    'delivered', delivered, 'error', error, 'tries', tries,
    'created_at', to_char(created_at::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
    'locked', to_char(locked AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
    'next_retry_at', to_char(next_retry_at::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
    'archived', archived)";

const INVOCATION: &str = "json_build_object(
    'id', id, 'trigger_name', trigger_name, 'event_id', event_id, 'http_status', status, 'request', request,
    'response', response,
    'created_at', to_char(created_at::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))";

#[derive(Deserialize)]
struct Logs {
    name: String,
    #[serde(default = "default_source")]
    source: String,
    #[serde(default)]
    status: Status,
    #[serde(default = "hundred")]
    limit: i64,
    #[serde(default)]
    offset: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Pending,
    Processed,
    #[default]
    All,
}

/// `pg_get_event_logs`: a list, latest first.
///
/// # Errors
/// There is no such trigger.
pub async fn get_event_logs<C: GenericClient + Sync>(
    client: &C,
    metadata: &Metadata,
    args: &Value,
) -> Result<Box<RawValue>, Failure> {
    let logs: Logs = read(args)?;
    owner(metadata, &logs.source, &logs.name).ok_or_else(|| no_trigger(&logs.name))?;
    let condition = match logs.status {
        Status::Pending => " AND NOT delivered AND NOT error AND NOT archived",
        Status::Processed => " AND (delivered OR error) AND NOT archived",
        Status::All => "",
    };
    let from = format!("FROM hdb_catalog.event_log WHERE trigger_name = $1{condition}");
    page(client, EVENT, &from, &logs.name, logs.limit, logs.offset).await
}

/// `pg_get_event_invocation_logs`: a list, latest first.
///
/// # Errors
/// There is no such trigger.
pub async fn get_event_invocation_logs<C: GenericClient + Sync>(
    client: &C,
    metadata: &Metadata,
    args: &Value,
) -> Result<Box<RawValue>, Failure> {
    let logs: Logs = read(args)?;
    owner(metadata, &logs.source, &logs.name).ok_or_else(|| no_trigger(&logs.name))?;
    let from = "FROM hdb_catalog.event_invocation_logs WHERE trigger_name = $1";
    page(client, INVOCATION, from, &logs.name, logs.limit, logs.offset).await
}

#[derive(Deserialize)]
struct ById {
    event_id: String,
    #[serde(default = "hundred")]
    invocation_log_limit: i64,
    #[serde(default)]
    invocation_log_offset: i64,
}

/// `pg_get_event_by_id`: `{"event", "invocations"}`.
///
/// # Errors
/// There is no such event.
pub async fn get_event_by_id<C: GenericClient + Sync>(client: &C, args: &Value) -> Result<Box<RawValue>, Failure> {
    let ById { event_id, invocation_log_limit, invocation_log_offset } = read(args)?;
    let event = client
        .query_opt(&format!("SELECT {EVENT}::text FROM hdb_catalog.event_log WHERE id = $1"), &[&event_id])
        .await
        .map_err(|error| database(&error))?;
    let Some(event) = event else { return Err(not_exists(format!("event id {event_id} does not exist"))) };
    let from = "FROM hdb_catalog.event_invocation_logs WHERE event_id = $1";
    let logs = page(client, INVOCATION, from, &event_id, invocation_log_limit, invocation_log_offset).await?;
    raw(format!("{{\"event\":{},\"invocations\":{logs}}}", event.get::<_, &str>(0)))
}

/// A list of JSON objects, latest first.
async fn page<C: GenericClient + Sync>(
    client: &C,
    object: &str,
    from: &str,
    key: &str,
    limit: i64,
    offset: i64,
) -> Result<Box<RawValue>, Failure> {
    let statement = format!(
        "SELECT coalesce(json_agg(item), '[]')::text FROM (
             SELECT {object} AS item {from} ORDER BY created_at DESC LIMIT $2 OFFSET $3
         ) AS page"
    );
    let row = client.query_one(&statement, &[&key, &limit, &offset]).await.map_err(|error| database(&error))?;
    raw(row.get(0))
}

fn raw(text: String) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(text).map_err(|error| Failure::new(Code::Unexpected, "$", error.to_string()))
}
