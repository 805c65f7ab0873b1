//! Counting what is in progress, and backends that can be swapped while it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::upstream::Pool;
use crate::{Backend, Limits};

/// How long event streams and tunnels, which have no end of their own, may stay once everything else has ended.
const STREAM_GRACE: Duration = Duration::from_millis(150);

/// Requests in progress, of one backend or of the whole gateway.
#[derive(Debug)]
pub(crate) struct Load {
    requests: AtomicUsize,
    /// Those among them that are event streams or tunnels.
    streams: AtomicUsize,
    changed: Notify,
    /// Ends event streams and tunnels.
    pub(crate) ended: CancellationToken,
}

impl Load {
    pub(crate) fn new(ended: CancellationToken) -> Self {
        Self { requests: AtomicUsize::new(0), streams: AtomicUsize::new(0), changed: Notify::new(), ended }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    fn leave(&self, stream: bool) {
        if stream {
            self.streams.fetch_sub(1, Ordering::AcqRel);
        }
        let left = self.requests.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == self.streams.load(Ordering::Acquire) {
            self.changed.notify_waiters();
        }
    }

    /// Waits until nothing is in progress, at most `limit`; what has no end of its own is ended when the rest is
    /// through. Returns how many requests had to be left.
    pub(crate) async fn drained(&self, limit: Duration) -> usize {
        let mut deadline = Instant::now() + limit;
        let mut only_streams = false;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let requests = self.requests.load(Ordering::Acquire);
            if requests == 0 {
                return 0;
            }
            if !only_streams && requests == self.streams.load(Ordering::Acquire) {
                only_streams = true;
                deadline = deadline.min(Instant::now() + STREAM_GRACE);
            }
            if tokio::time::timeout_at(deadline, changed).await.is_ok() {
                continue;
            }
            if self.ended.is_cancelled() {
                return self.requests.load(Ordering::Acquire);
            }
            self.ended.cancel();
            deadline = Instant::now() + STREAM_GRACE;
        }
    }
}

/// What a backend became when it was put in its place.
pub(crate) enum Live {
    InProcess(axum::Router),
    Upstream(Arc<Pool>),
    Unavailable(String),
}

/// A backend in its place, with its requests in progress.
pub(crate) struct Active {
    pub(crate) live: Live,
    load: Load,
}

/// The place of one service: routes point at it, backends come and go in it.
pub(crate) struct Slot {
    pub(crate) name: Arc<str>,
    current: RwLock<Arc<Active>>,
}

impl Slot {
    pub(crate) fn new(name: &str, backend: Backend, limits: &Limits, gateway: &Load) -> Self {
        let active = Active::new(backend, limits, gateway);
        Self { name: Arc::from(name), current: RwLock::new(Arc::new(active)) }
    }

    /// The backend of this moment, kept until the guard is dropped. The read lock spans the count, so whoever swaps
    /// sees every request that got the old backend.
    pub(crate) fn acquire(&self, gateway: &Arc<Load>) -> Guard {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.load.requests.fetch_add(1, Ordering::AcqRel);
        gateway.requests.fetch_add(1, Ordering::AcqRel);
        Guard { active: Arc::clone(&current), gateway: Arc::clone(gateway), stream: false }
    }

    pub(crate) fn swap(&self, backend: Backend, limits: &Limits, gateway: &Load) -> Drain {
        let active = Arc::new(Active::new(backend, limits, gateway));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        Drain { old: Some(std::mem::replace(&mut *current, active)) }
    }

    pub(crate) fn pool(&self) -> Option<Arc<Pool>> {
        match &self.current.read().unwrap_or_else(PoisonError::into_inner).live {
            Live::Upstream(pool) => Some(Arc::clone(pool)),
            _ => None,
        }
    }
}

impl Active {
    fn new(backend: Backend, limits: &Limits, gateway: &Load) -> Self {
        let live = match backend {
            Backend::InProcess(router) => Live::InProcess(router),
            Backend::Upstream(addresses) => Live::Upstream(Arc::new(Pool::new(addresses, limits))),
            Backend::Unavailable(why) => Live::Unavailable(why),
        };
        Self { live, load: Load::new(gateway.ended.child_token()) }
    }
}

/// One request in progress. Dropping it counts it out.
pub(crate) struct Guard {
    active: Arc<Active>,
    gateway: Arc<Load>,
    stream: bool,
}

impl Guard {
    pub(crate) fn live(&self) -> &Live {
        &self.active.live
    }

    /// From now on this is an event stream or a tunnel; the token says when it must end.
    pub(crate) fn endless(&mut self) -> CancellationToken {
        if !std::mem::replace(&mut self.stream, true) {
            for load in [&self.active.load, &*self.gateway] {
                load.streams.fetch_add(1, Ordering::AcqRel);
                load.changed.notify_waiters();
            }
        }
        self.active.load.ended.clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.active.load.leave(self.stream);
        self.gateway.leave(self.stream);
    }
}

/// The old backend of a swap, still at work on the requests it had. Dropping this lets it finish unwatched.
#[must_use = "await `Drain::wait` to know that the old backend can be stopped"]
pub struct Drain {
    old: Option<Arc<Active>>,
}

impl Drain {
    /// Of a service that no route knows: nothing to wait for.
    pub(crate) fn nothing() -> Self {
        Self { old: None }
    }

    /// Until the requests that the old backend had are answered, at most `limit`. Event streams and tunnels are ended
    /// shortly after the last ordinary request. Returns how many requests were still unanswered at the limit.
    pub async fn wait(self, limit: Duration) -> usize {
        match self.old {
            Some(old) => old.load.drained(limit).await,
            None => 0,
        }
    }
}
