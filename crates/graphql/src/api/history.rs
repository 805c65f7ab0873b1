//! `nself_metadata_history` and `nself_restore_metadata`: metadata of before, and the way back to it. Hasura has neither.

use std::sync::Arc;

use metadata::Unreadable;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::parse;
use super::draft::refuse;
use super::refusal::Refusal;
use super::work::{Work, listed, unkept};
use crate::failure::{Code, Failure};
use crate::store::history::{self, Past};

#[derive(Deserialize)]
struct One {
    id: i64,
}

/// What there is, the newest first; with `id`, that entry's metadata as it was stored.
pub async fn list(work: &mut Work<'_>, arguments: &Value) -> Result<Value, Refusal> {
    if arguments.get("id").is_some() {
        let id = parse::<One>(arguments)?.id;
        return Ok(json!({ "metadata": find(work, id).await?.metadata }));
    }
    let client = work.client().await?;
    let entries = history::list(client).await.map_err(|error| unkept(&error))?;
    Ok(json!({ "history": entries }))
}

/// Makes an entry's metadata the metadata again. What does not fit the database any more is left out of the API.
pub async fn restore(work: &mut Work<'_>, arguments: &Value) -> Result<Value, Refusal> {
    let id = parse::<One>(arguments)?.id;
    let Past { metadata, auto } = find(work, id).await?;
    let (metadata, unreadable) = metadata::read(metadata);
    if !unreadable.is_empty() {
        return Err(damaged(id, &unreadable).into());
    }
    work.draft.metadata = Arc::new(metadata);
    work.draft.auto = auto;
    work.replaced_whole("nself_restore_metadata");
    let inconsistencies = &work.check().await?.inconsistencies;
    Ok(json!({
        "is_consistent": inconsistencies.is_empty(),
        "inconsistent_objects": listed(inconsistencies),
    }))
}

async fn find(work: &mut Work<'_>, id: i64) -> Result<Past, Failure> {
    let client = work.client().await?;
    let found = history::find(client, id).await.map_err(|error| unkept(&error))?;
    found.ok_or_else(|| refuse(Code::NotExists, format!("the history has no metadata {id}")))
}

fn damaged(id: i64, unreadable: &[Unreadable]) -> Failure {
    let parts: Vec<String> = unreadable.iter().map(|part| format!("{}: {}", part.path, part.reason)).collect();
    let message = format!("metadata {id} cannot be read as a whole; mend and apply it ({})", parts.join("; "));
    refuse(Code::ParseFailed, message)
}
