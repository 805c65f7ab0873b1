//! `/ops/*`: what the store and the table do not agree on. For administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::service::Shared;
use crate::{Failure, File};

/// Objects that are no file's.
pub(super) async fn list_orphans(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({"files": shared.files.orphans().await?})))
}

pub(super) async fn delete_orphans(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    let orphans = shared.files.orphans().await?;
    for key in &orphans {
        shared.files.remove_orphan(key).await?;
    }
    Ok(Json(json!({"files": orphans})))
}

/// Rows of files that should have bytes and have none.
pub(super) async fn list_broken(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    Ok(summaries(&shared.files.broken().await?))
}

pub(super) async fn delete_broken(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    let broken = shared.files.broken().await?;
    for file in &broken {
        shared.files.remove_broken(file.id).await?;
    }
    Ok(summaries(&broken))
}

/// Rows of files whose bytes have not come.
pub(super) async fn list_not_uploaded(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    Ok(summaries(&shared.files.not_uploaded().await?))
}

fn summaries(files: &[File]) -> Json<Value> {
    let summary = |file: &File| json!({"id": file.id, "name": file.name, "bucketId": file.bucket_id, "isUploaded": file.is_uploaded});
    Json(json!({"metadata": files.iter().map(summary).collect::<Vec<_>>()}))
}
