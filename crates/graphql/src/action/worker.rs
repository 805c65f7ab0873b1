//! Makes the calls that asynchronous actions left behind.
//!
//! A call is made at least once: what a server was making when it was killed is made again by the next that looks. It
//! is not made twice while its maker lives, which its lock tells ([`Owner`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::Handle;
use crate::failure::{Code, Failure};
use crate::service::Watch;

use super::log::{self, Kept};
use super::owner::Owner;
use super::webhook;

/// Calls under way at a time.
const AT_ONCE: usize = 32;

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

type Trouble = Box<dyn std::error::Error + Send + Sync>;

async fn run(watch: Watch, wake: Arc<Notify>, poll: Duration) {
    let mut desk = Desk::default();
    loop {
        let Some(handle) = watch.handle() else { return };
        // The database is asked nothing while no action is asynchronous.
        if handle.has_async_actions() {
            if let Err(error) = desk.work(&handle).await {
                tracing::warn!(%error, "asynchronous actions wait: their log cannot be read");
                desk.owner = None;
            }
        } else if desk.calls.is_empty() {
            desk.owner = None;
        }
        drop(handle);
        tokio::select! {
            () = wake.notified() => {}
            Some(done) = desk.calls.join_next_with_id() => desk.settle(done).await,
            () = tokio::time::sleep(poll) => {}
        }
    }
}

/// What is being worked on.
#[derive(Default)]
struct Desk {
    owner: Option<Owner>,
    calls: JoinSet<()>,
    /// The calls' ids.
    running: HashMap<Id, String>,
}

impl Desk {
    /// Begins as many calls as there is room for.
    async fn work(&mut self, handle: &Handle) -> Result<(), Trouble> {
        let owner = match self.owner.take() {
            Some(owner) if !owner.is_closed() => owner,
            _ => {
                let running: Vec<&str> = self.running.values().map(String::as_str).collect();
                Owner::open(handle.options().pool.config(), &running).await?
            }
        };
        let owner = self.owner.insert(owner);
        let room = AT_ONCE.saturating_sub(self.calls.len());
        if room == 0 {
            return Ok(());
        }
        for kept in owner.claim(i64::try_from(room)?).await? {
            let id = kept.id.clone();
            let task = self.calls.spawn(make(handle.clone(), kept)).id();
            self.running.insert(task, id);
        }
        Ok(())
    }

    /// A call is over, or broke off: then it is found abandoned and made again.
    async fn settle(&mut self, done: Result<(Id, ()), JoinError>) {
        let task = done.map_or_else(|error| error.id(), |(task, ())| task);
        let Some(id) = self.running.remove(&task) else { return };
        let Some(owner) = &self.owner else { return };
        if let Err(error) = owner.done(&id).await {
            tracing::warn!(%error, "the connection of asynchronous actions is lost");
            self.owner = None;
        }
    }
}

/// Makes a call and writes down what came of it.
async fn make(handle: Handle, kept: Kept) {
    let result = call(&handle, &kept).await;
    if let Err(error) = finish(&handle, &kept.id, result).await {
        tracing::warn!(%error, id = kept.id, "the result of an asynchronous action is lost: it will be called again");
    }
}

async fn finish(handle: &Handle, id: &str, result: Result<serde_json::Value, Failure>) -> Result<(), Trouble> {
    let client = handle.options().pool.get().await?;
    log::finish(&client, id, result).await?;
    Ok(())
}

async fn call(handle: &Handle, kept: &Kept) -> Result<serde_json::Value, Failure> {
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
    let (answer, _) = request.send(handle.client(), &handle.options().environment).await?;
    Ok(answer)
}
