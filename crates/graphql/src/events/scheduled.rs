//! Events that are due by the clock: those of cron triggers, and one-off events.

use std::sync::Arc;

use http::HeaderMap;
use metadata::{CronRetry, Header};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio_postgres::{Client, Row};

use crate::outbound::{self, Environment};

use super::definition::{self, Cron, Retry, Triggers, Webhook};
use super::session::TAKEN;
use super::webhook::{Delivery, Invocation, Outcome};

/// The two kinds, which live in tables of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Cron,
    OneOff,
}

impl Kind {
    pub fn table(self) -> &'static str {
        match self {
            Self::Cron => "hdb_catalog.hdb_cron_events",
            Self::OneOff => "hdb_catalog.hdb_scheduled_events",
        }
    }

    pub fn log(self) -> &'static str {
        match self {
            Self::Cron => "hdb_catalog.hdb_cron_event_invocation_logs",
            Self::OneOff => "hdb_catalog.hdb_scheduled_event_invocation_logs",
        }
    }
}

const TIME: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'";
const EXACT_TIME: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";

/// An event that this server has taken.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub kind: Kind,
    pub id: String,
    tries: i32,
    /// Seconds since it was due.
    age: f64,
    tolerance: f64,
    retry: Retry,
    /// The reason, when a variable of the environment is missing.
    webhook: Result<Webhook, String>,
    payload: Box<RawValue>,
}

/// The body of the request.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    /// One-off events only: that of a cron event means nothing to anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<&'a str>,
    id: &'a str,
    /// Cron events only.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    payload: Value,
    scheduled_time: &'a str,
}

fn claim_statement(kind: Kind, more: &str, condition: &str) -> String {
    let table = kind.table();
    let time = if kind == Kind::Cron { TIME } else { EXACT_TIME };
    format!(
        "UPDATE {table} SET status = 'locked'
         WHERE id IN (
             SELECT id FROM {table}
             WHERE status = 'scheduled' AND coalesce(next_retry_at, scheduled_time) <= now(){condition}
             ORDER BY coalesce(next_retry_at, scheduled_time) LIMIT $1 FOR UPDATE SKIP LOCKED
         )
         RETURNING id, tries, extract(epoch FROM now() - scheduled_time)::float8,
             to_char(scheduled_time AT TIME ZONE 'UTC', {time}), {more},
             pg_advisory_lock_shared({TAKEN}, hashtext(id))"
    )
}

/// Takes at most `limit` events of cron triggers that are due.
pub(super) async fn claim_cron(
    client: &Client,
    triggers: &Triggers,
    limit: i64,
) -> Result<Vec<Scheduled>, tokio_postgres::Error> {
    if triggers.crons.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = triggers.crons.keys().map(String::as_str).collect();
    let statement = claim_statement(Kind::Cron, "trigger_name", " AND trigger_name = ANY($2)");
    let rows = client.query(&statement, &[&limit, &names]).await?;
    let event = |row: &Row| Some(cron_event(row, triggers.crons.get(row.get::<_, &str>(4))?));
    Ok(rows.iter().filter_map(event).collect())
}

fn cron_event(row: &Row, cron: &Arc<Cron>) -> Scheduled {
    let id: String = row.get(0);
    let definition = &cron.definition;
    let payload = Payload {
        comment: definition.comment.as_deref(),
        created_at: None,
        id: &id,
        name: Some(&definition.name),
        payload: definition.payload.clone().unwrap_or_default(),
        scheduled_time: row.get(3),
    };
    Scheduled {
        kind: Kind::Cron,
        tries: row.get(1),
        age: row.get(2),
        tolerance: cron.tolerance.as_secs_f64(),
        retry: cron.retry,
        webhook: Ok(cron.webhook.clone()),
        payload: to_raw_value(&payload).expect("strings and JSON serialise"),
        id,
    }
}

/// Takes at most `limit` one-off events that are due.
pub(super) async fn claim_one_off(
    client: &Client,
    environment: &Environment,
    limit: i64,
) -> Result<Vec<Scheduled>, tokio_postgres::Error> {
    let more = format!(
        "to_char(created_at AT TIME ZONE 'UTC', {EXACT_TIME}), comment, webhook_conf, payload, retry_conf, header_conf"
    );
    let rows = client.query(&claim_statement(Kind::OneOff, &more, ""), &[&limit]).await?;
    Ok(rows.iter().map(|row| one_off_event(row, environment)).collect())
}

fn one_off_event(row: &Row, environment: &Environment) -> Scheduled {
    let id: String = row.get(0);
    let json = |column: usize| row.get::<_, Option<Value>>(column).unwrap_or_default();
    let retry: CronRetry = serde_json::from_value(json(8)).unwrap_or_default();
    let headers: Vec<Header> = serde_json::from_value(json(9)).unwrap_or_default();
    let payload = Payload {
        comment: row.get(5),
        created_at: row.get(4),
        id: &id,
        name: None,
        payload: json(7),
        scheduled_time: row.get(3),
    };
    let webhook = match json(6) {
        Value::String(url) => definition::scheduled(&url, &headers, &retry, environment).map_err(|found| found.message),
        _ => Err("the webhook is no text".to_owned()),
    };
    Scheduled {
        kind: Kind::OneOff,
        tries: row.get(1),
        age: row.get(2),
        tolerance: seconds(retry.tolerance_seconds),
        retry: definition::retry(&retry),
        webhook,
        payload: to_raw_value(&payload).expect("strings and JSON serialise"),
        id,
    }
}

fn seconds(count: u64) -> f64 {
    std::time::Duration::from_secs(count).as_secs_f64()
}

impl Scheduled {
    /// None when it is too old to be of use.
    pub async fn deliver(&self, client: &outbound::Client) -> Option<Invocation> {
        if self.age > self.tolerance {
            return None;
        }
        let webhook = match &self.webhook {
            Ok(webhook) => webhook,
            Err(why) => {
                let raw = |value: Value| to_raw_value(&value).expect("JSON serialises");
                return Some(Invocation {
                    status: None,
                    request: raw(serde_json::json!({"headers": [], "payload": &*self.payload, "version": "1"})),
                    response: raw(
                        serde_json::json!({"data": {"message": why}, "type": "client_error", "version": "1"}),
                    ),
                    outcome: Outcome::Failed,
                });
            }
        };
        let delivery = Delivery {
            webhook,
            retry: self.retry,
            tries: self.tries,
            payload: self.payload.clone(),
            version: "1",
            trace: HeaderMap::new(),
            session: Value::Null,
        };
        Some(delivery.send(client).await)
    }

    /// Writes the log, and what comes next.
    pub async fn record(&self, client: &Client, invocation: Option<&Invocation>) -> Result<(), tokio_postgres::Error> {
        let table = self.kind.table();
        let Some(invocation) = invocation else {
            let dead = format!(
                "UPDATE {table} SET status = 'dead' WHERE id = $1 RETURNING pg_advisory_unlock_shared({TAKEN}, hashtext(id))"
            );
            client.execute(&dead, &[&self.id]).await?;
            return Ok(());
        };
        let (status, pause) = match invocation.outcome {
            Outcome::Delivered => ("delivered", None),
            Outcome::Failed => ("error", None),
            Outcome::Again(pause) => ("scheduled", Some(pause.as_secs_f64())),
        };
        let (request, response) = (invocation.request.get(), invocation.response.get());
        let statement = format!(
            "WITH logged AS (
                 INSERT INTO {} (event_id, status, request, response)
                 VALUES ($1, $2, $3::text::json, $4::text::json)
             )
             UPDATE {table} SET tries = tries + 1, status = $5,
                 next_retry_at = now() + make_interval(secs => $6::float8)
             WHERE id = $1 RETURNING pg_advisory_unlock_shared({TAKEN}, hashtext(id))",
            self.kind.log()
        );
        client.execute(&statement, &[&self.id, &invocation.status, &request, &response, &status, &pause]).await?;
        Ok(())
    }
}

/// Gives events back that were taken and not delivered.
pub(super) async fn release(client: &Client, kind: Kind, ids: &[String]) -> Result<(), tokio_postgres::Error> {
    let statement =
        format!("UPDATE {} SET status = 'scheduled' WHERE id = ANY($1) AND status = 'locked'", kind.table());
    client.execute(&statement, &[&ids]).await?;
    Ok(())
}
