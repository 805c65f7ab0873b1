//! `/v1/metadata`, `/v1/query` and `/v2/query`: commands of administrators, and the older way to read and write data.
//!
//! A request is parsed, applied to a [`draft`] of the metadata, checked against the model that the draft gives, stored
//! in the transaction of its SQL, and only then published ([`work`]).

mod actions;
mod arguments;
mod change;
mod collections;
mod command;
mod commands;
mod depend;
mod draft;
mod functions;
mod headers;
mod history;
mod internals;
mod many;
mod permissions;
mod refusal;
mod relationships;
mod remote;
mod rename;
mod run_sql;
mod scope;
mod settings;
mod sources;
mod statements;
mod steps;
mod tables;
mod triggers;
mod whole;
mod work;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

pub use draft::{Auto, SOURCE};
pub(crate) use whole::no_longer_offered;

use crate::failure::{Code, Failure};
use crate::session::Session;
use crate::{Handle, api::command::Command};
use refusal::Refusal;
use work::Work;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/v1/metadata`.
    Metadata,
    /// `/v1/query`: metadata and data.
    QueryV1,
    /// `/v2/query`: data alone.
    QueryV2,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    /// JSON.
    pub body: Bytes,
}

/// Does what a request's body asks for.
pub async fn answer(handle: &Handle, session: &Session, endpoint: Endpoint, body: &[u8]) -> Answer {
    match run(handle, session, endpoint, body).await {
        Ok(value) => Answer { status: StatusCode::OK, body: written(&value) },
        Err(refusal) => {
            let open = session.is_admin() || handle.options().dev_mode;
            Answer { status: refusal.status, body: written(&told(&refusal.failure, open)) }
        }
    }
}

fn written(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// Hasura's shape of an error here. Its inside holds statements and PostgreSQL's words about rows (`open`: whoever asks
/// may see it).
fn told(failure: &Failure, open: bool) -> Value {
    let code = failure.other_code.as_deref().unwrap_or(failure.code.as_str());
    let mut told = json!({ "path": failure.path, "error": failure.message, "code": code });
    if let (true, Some(internal)) = (open, &failure.internal) {
        told["internal"] = (**internal).clone();
    }
    told
}

async fn run(handle: &Handle, session: &Session, endpoint: Endpoint, body: &[u8]) -> Result<steps::Reply, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let message = format!("Error in $: {error}");
        Refusal::from(Failure::new(Code::InvalidJson, "$", message))
    })?;
    let command = Command::parse(value)?;
    command.check_role(session, "$.args")?;
    let done = run_command(handle, session, endpoint, &command).await;
    if let Err(refusal) = &done
        && refusal.failure.code == Code::Conflict
    {
        // Another engine on the database may have changed the metadata: the next try finds what it has made of it.
        if let Err(error) = handle.reload().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the metadata could not be read again");
        }
    }
    done
}

async fn run_command(
    handle: &Handle,
    session: &Session,
    endpoint: Endpoint,
    command: &Command,
) -> Result<steps::Reply, Refusal> {
    let mut work = Work::begin(handle, session, command.changes_metadata()).await;
    if let Some(expected) = command.resource_version
        && expected != work.resource_version()
    {
        return Err(conflict(expected));
    }
    let value = steps::step(&mut work, command, "$.args", endpoint).await?;
    work.finish().await?;
    Ok(value)
}

/// The client has not seen the last change; clients look for this sentence.
fn conflict(referenced: i64) -> Refusal {
    let message = format!("metadata resource version referenced ({referenced}) did not match current version");
    Failure::new(Code::Conflict, "$", message).into()
}

/// A failure of a command alone (`$.args…`), as one of a step of a bulk request.
fn pathed(mut failure: Failure, path: &str) -> Failure {
    if let Some(rest) = failure.path.strip_prefix("$.args") {
        failure.path = format!("{path}{rest}");
    }
    failure
}
