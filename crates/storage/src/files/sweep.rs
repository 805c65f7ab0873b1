//! What a process that is gone has left half done is finished or removed: at the start, and while others may die.

use super::journal::{self, Unfinished};
use super::{Files, journal::HEARTBEAT};
use crate::{Failure, uploads};

/// Looks after the journal until the service ends: says which work goes on, and takes over what nobody works on.
pub(crate) async fn watch(files: Files, ended: tokio_util::sync::CancellationToken) {
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        // Without the database there is nothing to do; uploads fail for the same reason, and say so.
        if let Err(failure) = beat(&files).await {
            tracing::debug!(%failure, "storage could not look after its journal");
        }
    }
}

async fn beat(files: &Files) -> Result<(), Failure> {
    let active: Vec<String> = files.active().iter().cloned().collect();
    if !active.is_empty() {
        journal::beat(&files.client().await?, &active).await?;
    }
    sweep(files, false).await?;
    uploads::sweep(files).await
}

/// Finishes or removes what nobody works on. `restarted`: this process has only begun, so that everything under its name
/// is its predecessor's. The answer is how much there was.
///
/// # Errors
/// The database cannot be reached. What the store cannot remove now, the next sweep tries again.
pub(crate) async fn sweep(files: &Files, restarted: bool) -> Result<usize, Failure> {
    let unfinished = journal::take_over(&files.client().await?, files.instance(), restarted).await?;
    for object in &unfinished {
        settle(files, object).await?;
    }
    if !unfinished.is_empty() {
        tracing::info!(objects = unfinished.len(), "storage finished or removed what was left half done");
    }
    Ok(unfinished.len())
}

async fn settle(files: &Files, object: &Unfinished) -> Result<(), Failure> {
    let Some(id) = object.file_id else {
        files.discard(&object.key).await;
        return Ok(());
    };
    match (object.state.as_str(), &object.etag) {
        ("prepared", Some(etag)) => files.settle(id, &object.key, etag).await,
        ("removing", _) if files.find(id).await?.is_some() => Ok(journal::retain(&files.client().await?, id).await?),
        ("writing", _) => {
            // The row first: without the journal's row nobody would know that it has no bytes.
            journal::remove_row(&files.client().await?, id).await?;
            files.discard(&object.key).await;
            Ok(())
        }
        _ => {
            files.discard(&object.key).await;
            Ok(())
        }
    }
}
