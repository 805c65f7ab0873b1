//! Events of event triggers: taken from the outbox, sent, and put back or ticked off.

use std::sync::Arc;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio_postgres::{Client, Row};

use crate::outbound;

use super::definition::{Trigger, Triggers};
use super::session::TAKEN;
use super::trace::TraceContext;
use super::webhook::{Delivery, Invocation, Outcome};

/// Takes free events that are due, oldest first, for this server alone: the lock of each is there before anybody sees that
/// it is taken. An event that has been taken for half an hour
/// belongs to a server that is gone.
const CLAIM: &str = "
    UPDATE hdb_catalog.event_log SET locked = now()
    WHERE id IN (
        SELECT id FROM hdb_catalog.event_log
        WHERE NOT delivered AND NOT error AND NOT archived
          AND (locked IS NULL OR locked < now() - interval '30 minutes')
          AND (next_retry_at IS NULL OR next_retry_at <= now())
          AND trigger_name = ANY($2)
        ORDER BY locked NULLS FIRST, next_retry_at NULLS FIRST, created_at
        LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, trigger_name, payload::text, tries,
        to_char(created_at::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), created_at,
        pg_advisory_lock_shared($3, hashtext(id))";

/// One statement, hence one transaction: a log without its consequence, or the reverse, cannot be.
const RECORD: &str = "
    WITH sent AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::bool[], $7::bool[], $8::float8[])
            AS sent (id, trigger_name, status, request, response, delivered, failed, pause)
    ), logged AS (
        INSERT INTO hdb_catalog.event_invocation_logs (event_id, trigger_name, status, request, response)
        SELECT id, trigger_name, status, request::json, response::json FROM sent
    )
    UPDATE hdb_catalog.event_log SET tries = tries + 1, delivered = sent.delivered, error = sent.failed,
        next_retry_at = now() + make_interval(secs => sent.pause), locked = NULL
    FROM sent WHERE event_log.id = sent.id
    RETURNING pg_advisory_unlock_shared($9, hashtext(event_log.id))";

const RELEASE: &str = "
    UPDATE hdb_catalog.event_log SET locked = NULL WHERE id = ANY($1) AND locked IS NOT NULL";

/// An event that this server has taken.
#[derive(Debug)]
pub(super) struct Event {
    pub id: String,
    pub trigger_name: String,
    pub trigger: Arc<Trigger>,
    pub tries: i32,
    /// RFC 3339, UTC.
    created_at: String,
    payload: Box<RawValue>,
}

/// The body of the request, with its keys in Hasura's order.
#[derive(Serialize)]
struct Payload<'a> {
    created_at: &'a str,
    delivery_info: DeliveryInfo,
    event: &'a RawValue,
    id: &'a str,
    table: &'a metadata::QualifiedName,
    trigger: TriggerName<'a>,
}

#[derive(Serialize)]
struct DeliveryInfo {
    current_retry: i32,
    max_retries: u64,
}

#[derive(Serialize)]
struct TriggerName<'a> {
    name: &'a str,
}

/// What of an event's payload the request needs.
#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    session_variables: Value,
    trace_context: Option<TraceContext>,
}

/// Takes at most `limit` events of the triggers.
pub(super) async fn claim(
    client: &Client,
    triggers: &Triggers,
    limit: i64,
) -> Result<Vec<Event>, tokio_postgres::Error> {
    if triggers.events.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = triggers.events.keys().map(String::as_str).collect();
    let mut rows = client.query(CLAIM, &[&limit, &names, &TAKEN]).await?;
    // RETURNING has no order.
    rows.sort_by_key(|row| row.get::<_, Option<std::time::SystemTime>>(5));
    Ok(rows.iter().filter_map(|row| event(row, triggers)).collect())
}

fn event(row: &Row, triggers: &Triggers) -> Option<Event> {
    let trigger_name: String = row.get(1);
    let payload: String = row.get(2);
    Some(Event {
        id: row.get(0),
        trigger: Arc::clone(triggers.events.get(&trigger_name)?),
        trigger_name,
        tries: row.get(3),
        created_at: row.get::<_, Option<String>>(4).unwrap_or_default(),
        payload: RawValue::from_string(payload).ok()?,
    })
}

impl Event {
    pub async fn deliver(&self, client: &outbound::Client) -> Invocation {
        let payload = Payload {
            created_at: &self.created_at,
            delivery_info: DeliveryInfo { current_retry: self.tries, max_retries: self.trigger.retry.count },
            event: &self.payload,
            id: &self.id,
            table: &self.trigger.table,
            trigger: TriggerName { name: &self.trigger_name },
        };
        let context: Context = serde_json::from_str(self.payload.get()).unwrap_or_default();
        let delivery = Delivery {
            webhook: &self.trigger.webhook,
            retry: self.trigger.retry,
            tries: self.tries,
            payload: to_raw_value(&payload).expect("strings, numbers and JSON serialise"),
            version: "2",
            trace: context.trace_context.map_or_else(HeaderMap::new, |trace| trace.headers()),
            session: context.session_variables,
        };
        delivery.send(client).await
    }
}

/// Writes the logs of many, and what comes next into the outbox.
pub(super) async fn record(client: &Client, sent: &[(&Event, &Invocation)]) -> Result<(), tokio_postgres::Error> {
    if sent.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = sent.iter().map(|(event, _)| event.id.as_str()).collect();
    let names: Vec<&str> = sent.iter().map(|(event, _)| event.trigger_name.as_str()).collect();
    let statuses: Vec<Option<i32>> = sent.iter().map(|(_, invocation)| invocation.status).collect();
    let requests: Vec<&str> = sent.iter().map(|(_, invocation)| invocation.request.get()).collect();
    let responses: Vec<&str> = sent.iter().map(|(_, invocation)| invocation.response.get()).collect();
    let delivered: Vec<bool> = sent.iter().map(|(_, found)| found.outcome == Outcome::Delivered).collect();
    let failed: Vec<bool> = sent.iter().map(|(_, found)| found.outcome == Outcome::Failed).collect();
    let pauses = sent.iter().map(|(_, invocation)| match invocation.outcome {
        Outcome::Again(pause) => Some(pause.as_secs_f64()),
        Outcome::Delivered | Outcome::Failed => None,
    });
    let pauses: Vec<Option<f64>> = pauses.collect();
    client
        .execute(RECORD, &[&ids, &names, &statuses, &requests, &responses, &delivered, &failed, &pauses, &TAKEN])
        .await?;
    Ok(())
}

/// Gives events back that were taken and not delivered.
pub(super) async fn release(client: &Client, ids: &[String]) -> Result<(), tokio_postgres::Error> {
    client.execute(RELEASE, &[&ids]).await?;
    Ok(())
}
