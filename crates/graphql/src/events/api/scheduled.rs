//! One-off events, and looking into the events and deliveries of both kinds.

use metadata::{CronRetry, Header, Metadata};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use crate::failure::{Code, Failure};

use super::super::scheduled::Kind;
use super::definitions::no_cron;
use super::{database, not_exists, parse_failed, read, success};

#[derive(Deserialize)]
struct Create {
    webhook: Value,
    schedule_at: String,
    payload: Option<Value>,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    retry_conf: CronRetry,
    comment: Option<String>,
}

/// `create_scheduled_event`: `{"message", "event_id"}`.
///
/// # Errors
/// The arguments are wrong.
pub async fn create_scheduled_event<C: GenericClient + Sync>(client: &C, args: &Value) -> Result<Value, Failure> {
    let create: Create = read(args)?;
    let time = time(&create.schedule_at)
        .ok_or_else(|| parse_failed(format!("could not parse the time {}", create.schedule_at)))?;
    if !create.webhook.is_string() {
        return Err(parse_failed("parsing WebhookConf failed: the webhook is a text"));
    }
    let (headers, retry) = (json!(create.headers), json!(create.retry_conf));
    let row = client
        .query_one(
            "INSERT INTO hdb_catalog.hdb_scheduled_events
                 (webhook_conf, scheduled_time, payload, retry_conf, header_conf, comment)
             VALUES ($1, $2::text::timestamptz, $3, $4, $5, $6) RETURNING id",
            &[&create.webhook, &time.to_string(), &create.payload, &retry, &headers, &create.comment],
        )
        .await
        .map_err(|error| database(&error))?;
    Ok(json!({"message": "success", "event_id": row.get::<_, String>(0)}))
}

/// RFC 3339, or without an offset, which means UTC.
fn time(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    let with_offset = text.parse().ok();
    with_offset.or_else(|| {
        let time: jiff::civil::DateTime = text.parse().ok()?;
        Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

#[derive(Deserialize)]
struct Delete {
    #[serde(rename = "type")]
    kind: Kind,
    event_id: String,
}

/// `delete_scheduled_event`.
///
/// # Errors
/// There is no such event.
pub async fn delete_scheduled_event<C: GenericClient + Sync>(client: &C, args: &Value) -> Result<Value, Failure> {
    let Delete { kind, event_id } = read(args)?;
    let statement = format!("DELETE FROM {} WHERE id = $1", kind.table());
    match client.execute(&statement, &[&event_id]).await {
        Ok(0) => Err(not_exists("event not found")),
        Ok(_) => Ok(success()),
        Err(error) => Err(database(&error)),
    }
}

#[derive(Deserialize)]
struct Get {
    #[serde(rename = "type")]
    kind: Kind,
    trigger_name: Option<String>,
    event_id: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    offset: Option<i64>,
    #[serde(default)]
    status: Vec<String>,
    #[serde(default)]
    get_rows_count: bool,
}

impl Get {
    /// # Errors
    /// A cron trigger's events are asked for, and there is no such trigger.
    fn check(&self, metadata: &Metadata) -> Result<(), Failure> {
        match (self.kind, &self.trigger_name) {
            (Kind::OneOff, _) => Ok(()),
            (Kind::Cron, None) => Err(parse_failed("key \"trigger_name\" not found")),
            (Kind::Cron, Some(name)) => {
                let known = metadata.cron_triggers.iter().any(|trigger| trigger.name == *name);
                if known { Ok(()) } else { Err(no_cron(name)) }
            }
        }
    }
}

const ZULU: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";

fn event_object(kind: Kind) -> String {
    let own = match kind {
        Kind::Cron => "'trigger_name', trigger_name".to_owned(),
        Kind::OneOff => "'webhook_conf', webhook_conf, 'retry_conf', retry_conf, 'payload', payload, \
                         'header_conf', header_conf, 'comment', comment"
            .to_owned(),
    };
    format!(
        "json_build_object('id', id, {own}, 'scheduled_time', to_char(scheduled_time AT TIME ZONE 'UTC', {ZULU}),
         'status', status, 'tries', tries, 'created_at', to_char(created_at AT TIME ZONE 'UTC', {ZULU}),
         'next_retry_at', to_char(next_retry_at AT TIME ZONE 'UTC', {ZULU}))"
    )
}

/// `get_scheduled_events`: `{"events", "count"?}`, by the time they are due.
///
/// # Errors
/// The arguments are wrong, or there is no such cron trigger.
pub async fn get_scheduled_events<C: GenericClient + Sync>(
    client: &C,
    metadata: &Metadata,
    args: &Value,
) -> Result<Box<RawValue>, Failure> {
    let get: Get = read(args)?;
    get.check(metadata)?;
    let (table, object) = (get.kind.table(), event_object(get.kind));
    let by_trigger = if get.kind == Kind::Cron { "trigger_name = $1" } else { "$1::text IS NULL" };
    let name = get.trigger_name.as_deref().filter(|_| get.kind == Kind::Cron);
    let rows =
        format!("FROM {table} AS event WHERE {by_trigger} AND (cardinality($2::text[]) = 0 OR status = ANY($2))");
    let order = "ORDER BY scheduled_time";
    let parameters: [&(dyn ToSql + Sync); 2] = [&name, &get.status];
    page(client, &Page { key: "events", object: &object, rows: &rows, order }, &parameters, &get).await
}

/// `get_scheduled_event_invocations`: `{"invocations", "count"?}`, latest first.
///
/// # Errors
/// The arguments are wrong, or there is no such cron trigger.
pub async fn get_scheduled_event_invocations<C: GenericClient + Sync>(
    client: &C,
    metadata: &Metadata,
    args: &Value,
) -> Result<Box<RawValue>, Failure> {
    let get: Get = read(args)?;
    if get.event_id.is_none() {
        get.check(metadata)?;
    }
    let (table, log) = (get.kind.table(), get.kind.log());
    let name = get.trigger_name.as_deref().filter(|_| get.kind == Kind::Cron && get.event_id.is_none());
    let by_trigger = if get.kind == Kind::Cron { "event.trigger_name = $2" } else { "false" };
    let rows = format!(
        "FROM {log} AS log JOIN {table} AS event ON event.id = log.event_id
         WHERE ($1::text IS NULL OR log.event_id = $1) AND ($2::text IS NULL OR {by_trigger})"
    );
    let object = format!(
        "json_build_object('id', log.id, 'event_id', log.event_id, 'status', log.status, 'request', log.request,
         'response', log.response, 'created_at', to_char(log.created_at AT TIME ZONE 'UTC', {ZULU}))"
    );
    let order = "ORDER BY log.created_at DESC";
    let parameters: [&(dyn ToSql + Sync); 2] = [&get.event_id, &name];
    page(client, &Page { key: "invocations", object: &object, rows: &rows, order }, &parameters, &get).await
}

struct Page<'a> {
    key: &'a str,
    object: &'a str,
    /// `FROM … WHERE …`
    rows: &'a str,
    order: &'a str,
}

async fn page<C: GenericClient + Sync>(
    client: &C,
    page: &Page<'_>,
    parameters: &[&(dyn ToSql + Sync)],
    get: &Get,
) -> Result<Box<RawValue>, Failure> {
    let Page { key, object, rows, order } = page;
    let count = if get.get_rows_count { format!("(SELECT count(*) {rows})") } else { "NULL::bigint".to_owned() };
    let statement = format!(
        "SELECT coalesce(json_agg(item), '[]')::text, {count} FROM (
             SELECT {object} AS item {rows} {order} LIMIT $3 OFFSET coalesce($4::bigint, 0)
         ) AS page"
    );
    let mut all = parameters.to_vec();
    let paging: [&(dyn ToSql + Sync); 2] = [&get.limit, &get.offset];
    all.extend(paging);
    let row = client.query_one(&statement, &all).await.map_err(|error| database(&error))?;
    let (items, count): (&str, Option<i64>) = (row.get(0), row.get(1));
    let count = count.map(|count| format!("\"count\":{count},")).unwrap_or_default();
    RawValue::from_string(format!("{{{count}\"{key}\":{items}}}"))
        .map_err(|error| Failure::new(Code::Unexpected, "$", error.to_string()))
}
