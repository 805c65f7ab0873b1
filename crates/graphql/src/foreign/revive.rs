//! Remote schemas that were down are asked again until they are back. Nobody is asked while all are there.

use std::sync::Arc;
use std::time::Duration;

use metadata::RemoteSchema;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::service::{Basis, Watch};
use crate::{Error, Handle};

use super::{Introspections, fetch};

/// The longest pause, in first pauses.
const LONGEST: u32 = 60;

/// The running task. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Reviver {
    wake: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Reviver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reviver {
    /// `first`: the pause before the first question; it doubles with each, to [`LONGEST`] times as long.
    pub fn start(watch: Watch, first: Duration) -> Self {
        let wake = Arc::new(Notify::new());
        let task = tokio::spawn(run(watch, Arc::clone(&wake), first)).abort_handle();
        Self { wake, task }
    }

    /// There are other remote schemas, or others are down.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

async fn run(watch: Watch, wake: Arc<Notify>, first: Duration) {
    let (mut before, mut pause, mut due) = (Vec::new(), first, Instant::now());
    loop {
        let Some(lost) = watch.handle().map(|handle| handle.lost_remotes()) else { return };
        if lost != before {
            before.clone_from(&lost);
            pause = first;
            due = Instant::now() + pause;
        }
        if lost.is_empty() {
            wake.notified().await;
            continue;
        }
        tokio::select! {
            () = wake.notified() => continue,
            () = tokio::time::sleep_until(due) => {}
        }
        let Some(handle) = watch.handle() else { return };
        let environment = &handle.options().environment;
        let mut found = fetch(handle.client(), environment, &lost, &Introspections::new(), &[]).await;
        found.retain(|_, found| found.document.is_ok());
        pause = (pause * 2).min(first * LONGEST);
        due = Instant::now() + pause;
        if !found.is_empty()
            && let Err(error) = handle.revive(found).await
        {
            tracing::error!(%error, "a remote schema that is back cannot be served");
        }
    }
}

impl Handle {
    /// Remote schemas that could not be introspected.
    fn lost_remotes(&self) -> Vec<RemoteSchema> {
        let state = self.state();
        let lost = |schema: &&RemoteSchema| {
            state.introspections.get(&schema.name).is_some_and(|found| found.document.is_err())
        };
        state.metadata.remote_schemas.iter().filter(lost).cloned().collect()
    }

    /// Serves what remote schemas said by now. What they are asked by must still be the same.
    async fn revive(&self, found: Introspections) -> Result<(), Error> {
        let _writer = self.writer().lock().await;
        let old = self.state();
        let mut introspections = (*old.introspections).clone();
        for (name, found) in found {
            if let Some(known) = introspections.get_mut(&name).filter(|known| known.definition == found.definition) {
                *known = found;
            }
        }
        let options = self.options().clone();
        let state = tokio::task::spawn_blocking(move || {
            let basis = Basis { introspections: Arc::new(introspections), ..old.basis() };
            let model = Arc::new(basis.build(Some(&old.model), &options));
            basis.state(model, old.resource_version)
        });
        self.publish(state.await.map_err(|_| Error::Build)?).await;
        tracing::info!("a remote schema is back");
        Ok(())
    }
}
