//! Makes the calls that asynchronous actions left behind.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::failure::{Code, Failure};
use crate::service::Watch;

use super::log::{self, Kept};
use super::webhook;

/// Calls taken at a time.
const BATCH: i64 = 10;

/// The running worker. Dropped, it ends; calls under way are made again by the next.
#[derive(Debug)]
pub struct Worker {
    wake: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Worker {
    /// `poll`: how often is looked for what another server left (Hasura's
    /// `HASURA_GRAPHQL_ASYNC_ACTIONS_FETCH_INTERVAL`).
    pub(crate) fn start(watch: Watch, poll: Duration) -> Self {
        let wake = Arc::new(Notify::new());
        let task = tokio::spawn(run(watch, Arc::clone(&wake), poll)).abort_handle();
        Self { wake, task }
    }

    /// Something was just kept.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

async fn run(watch: Watch, wake: Arc<Notify>, poll: Duration) {
    let mut released = false;
    loop {
        let Some(handle) = watch.handle() else { return };
        // The database is asked nothing while no action is asynchronous.
        if handle.has_async_actions() {
            match work(&handle, &mut released).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "asynchronous actions wait: their log cannot be read"),
            }
        }
        drop(handle);
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(poll) => {}
        }
    }
}

/// True when there may be more.
async fn work(handle: &crate::Handle, released: &mut bool) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let client = handle.options().pool.get().await?;
    if !*released {
        log::release(&client).await?;
        *released = true;
    }
    let kept = log::claim(&client, BATCH).await?;
    drop(client);
    let more = !kept.is_empty();
    let results = join_all(kept.iter().map(|kept| call(handle, kept))).await;
    if more {
        let client = handle.options().pool.get().await?;
        for (kept, result) in kept.iter().zip(results) {
            log::finish(&client, &kept.id, result).await?;
        }
    }
    Ok(more)
}

async fn call(handle: &crate::Handle, kept: &Kept) -> Result<serde_json::Value, Failure> {
    let Some(action) = handle.action(&kept.action) else {
        return Err(Failure::new(Code::NotFound, "$", format!("action \"{}\" does not exist", kept.action)));
    };
    let request = webhook::Request {
        action: &action,
        input: &kept.input,
        session: &kept.session,
        headers: &kept.headers,
        query: None,
    };
    request.send(handle.client(), &handle.options().environment).await
}
