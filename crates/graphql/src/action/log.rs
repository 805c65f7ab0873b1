//! `hdb_catalog.hdb_action_log`: asynchronous calls and what became of them, laid out as Hasura does.

use http::{HeaderMap, HeaderName, HeaderValue};
use postgres::Pool;
use serde_json::{Map, Value as Json, json};
use tokio_postgres::Row;

use crate::failure::{Code, Failure};
use crate::foreign::exact;
use crate::outbound;
use crate::session::Session;

use super::{Outcome, OutcomeField};

/// The table, for databases that have never seen it.
pub const CATALOG_SQL: &str = include_str!("../../../../assets/sql/hdb_catalog/actions.sql");

/// A call to be made.
#[derive(Debug)]
pub struct Kept {
    pub id: String,
    pub action: String,
    pub input: Json,
    pub session: Json,
    pub headers: HeaderMap,
}

fn unavailable(error: &dyn std::fmt::Display) -> Failure {
    tracing::warn!(%error, "the log of asynchronous actions cannot be reached");
    let mut failure = Failure::new(Code::Unexpected, "$", "connection error");
    failure.internal = Some(Box::new(json!({ "error": error.to_string() })));
    failure
}

/// Keeps a call for later; its id.
///
/// # Errors
/// The database cannot be reached.
pub async fn keep(pool: &Pool, action: &str, input: &Json, session: &Session) -> Result<String, Failure> {
    let client = pool.get().await.map_err(|error| unavailable(&error))?;
    // The secrets of the client's own session are not kept.
    let kept = outbound::kept(&session.headers);
    let headers: Map<String, Json> = kept
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let row = client
        .query_one(
            "INSERT INTO hdb_catalog.hdb_action_log (action_name, session_variables, request_headers, input_payload, status)
             VALUES ($1, $2, $3, $4, 'created') RETURNING id::text",
            &[&action, &session.to_json(), &Json::Object(headers), &input],
        )
        .await
        .map_err(|error| unavailable(&error))?;
    Ok(row.get(0))
}

impl Outcome {
    /// What is known of a call: null unless it is there, of this action, and of this session.
    ///
    /// # Errors
    /// The id is none, or the database cannot be reached.
    pub async fn find(&self, pool: &Pool, id: &Json, session: &Session) -> Result<Json, Failure> {
        let id = id.as_str().unwrap_or_default();
        if !is_uuid(id) {
            let message = format!("invalid input syntax for type uuid: \"{id}\"");
            return Err(Failure::new(Code::DataException, "$", message));
        }
        let client = pool.get().await.map_err(|error| unavailable(&error))?;
        let row = client
            .query_opt(
                "SELECT to_json(created_at), response_payload::text, errors, session_variables
                 FROM hdb_catalog.hdb_action_log WHERE id = $1::text::uuid AND action_name = $2",
                &[&id, &self.action.name],
            )
            .await
            .map_err(|error| unavailable(&error))?;
        let Some(row) = row else { return Ok(Json::Null) };
        // Nobody but the one who began it sees what came of it.
        if !session.is_admin() && row.get::<_, Json>(3) != session.to_json() {
            return Ok(Json::Null);
        }
        Ok(self.show(id, &row))
    }

    /// Whether what is known of a call will stay as it is.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn is_over(&self, pool: &Pool, id: &Json) -> Result<bool, Failure> {
        let id = id.as_str().filter(|id| is_uuid(id));
        let Some(id) = id else { return Ok(true) };
        let client = pool.get().await.map_err(|error| unavailable(&error))?;
        let under_way = client
            .query_opt(
                "SELECT FROM hdb_catalog.hdb_action_log
                 WHERE id = $1::text::uuid AND action_name = $2 AND status IN ('created', 'processing')",
                &[&id, &self.action.name],
            )
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(under_way.is_none())
    }

    fn show(&self, id: &str, row: &Row) -> Json {
        let mut object = Map::with_capacity(self.fields.len());
        for (key, field) in &self.fields {
            let value = match field {
                OutcomeField::Id => id.into(),
                OutcomeField::CreatedAt => row.get(0),
                OutcomeField::Errors => row.get::<_, Option<Json>>(2).unwrap_or_default(),
                OutcomeField::Output(picked) => {
                    let text: Option<&str> = row.get(1);
                    picked.of(&text.and_then(|text| exact::parse(text.as_bytes())).unwrap_or_default())
                }
                OutcomeField::TypeName(name) => name.as_str().into(),
            };
            object.insert(key.clone(), value);
        }
        Json::Object(object)
    }
}

fn is_uuid(text: &str) -> bool {
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    hex == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Takes calls that nobody works on, each with an advisory lock that the connection holds: `class` and the id; whoever
/// else looks gets others.
///
/// # Errors
/// The database refuses.
pub async fn claim(
    client: &tokio_postgres::Client,
    class: i32,
    limit: i64,
) -> Result<Vec<Kept>, tokio_postgres::Error> {
    let rows = client
        .query(
            // The lock is there before anybody sees that the call is being made.
            "UPDATE hdb_catalog.hdb_action_log SET status = 'processing'
             WHERE id IN (SELECT id FROM hdb_catalog.hdb_action_log WHERE status = 'created'
                          ORDER BY created_at FOR UPDATE SKIP LOCKED LIMIT $2)
             RETURNING id::text, action_name, input_payload, session_variables, request_headers,
                       pg_advisory_lock_shared($1, hashtext(id::text))",
            &[&class, &limit],
        )
        .await?;
    let kept = rows.iter().map(|row| {
        let headers: Json = row.get(4);
        let pairs = headers.as_object().into_iter().flatten().filter_map(|(name, value)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            Some((name, HeaderValue::try_from(value.as_str()?).ok()?))
        });
        Kept { id: row.get(0), action: row.get(1), input: row.get(2), session: row.get(3), headers: pairs.collect() }
    });
    Ok(kept.collect())
}

/// Calls that were being made and whose lock nobody holds are to be made again; how many.
///
/// # Errors
/// The database refuses.
pub async fn release(transaction: &tokio_postgres::Transaction<'_>, class: i32) -> Result<u64, tokio_postgres::Error> {
    transaction
        .execute(
            "UPDATE hdb_catalog.hdb_action_log AS call SET status = 'created'
             WHERE status = 'processing' AND NOT EXISTS (
                 SELECT FROM pg_locks AS held
                 WHERE held.locktype = 'advisory' AND held.objsubid = 2 AND held.classid::int8 = $1
                   AND held.objid::int8 = (hashtext(call.id::text)::int8 & 4294967295)
                   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            &[&i64::from(class)],
        )
        .await
}

/// Writes down what came of a call.
///
/// # Errors
/// The database refuses.
pub async fn finish(
    client: &tokio_postgres::Client,
    id: &str,
    result: Result<Json, Failure>,
) -> Result<(), tokio_postgres::Error> {
    let (status, payload, errors) = match result {
        Ok(payload) => ("completed", Some(exact::text(&payload)), None),
        Err(failure) => ("error", None, Some(failure.to_json())),
    };
    client
        .execute(
            "UPDATE hdb_catalog.hdb_action_log
             SET status = $2, response_payload = $3::text::jsonb, errors = $4, response_received_at = now()
             WHERE id = $1::text::uuid",
            &[&id, &status, &payload, &errors],
        )
        .await?;
    Ok(())
}
