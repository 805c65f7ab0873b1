//! What waits to be sent on one connection.
//!
//! Its size is bounded without anybody waiting: a subscription holds one place whatever happens, and a result that was
//! not sent yet is replaced by a newer one. So a slow client skips states and never gets behind, and memory does not
//! grow with what it has missed. A streaming subscription must not skip, so it fetches no more before its place is free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::failure::Failure;

/// The connection's queue; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queue: Mutex<VecDeque<Item>>,
    filled: Notify,
}

/// What to send next.
#[derive(Debug)]
pub enum Item {
    /// A frame that is ready; `ends` is the operation that is over with it.
    Frame { text: Bytes, ends: Option<Serial> },
    /// A subscription has something: ask it.
    Subscription(Arc<Sink>),
}

/// An operation of a connection, told from others that had or will have the same id.
pub type Serial = u64;

/// Where a subscription's results go.
#[derive(Debug)]
pub struct Sink {
    pub id: String,
    pub serial: Serial,
    outbox: Outbox,
    slot: Mutex<Slot>,
    taken: Notify,
}

#[derive(Debug, Default)]
struct Slot {
    waiting: Option<Bytes>,
    /// Why it ends.
    end: Option<Failure>,
    /// Nothing is taken any more.
    closed: bool,
}

impl Outbox {
    /// Waits until there is something. May be given up without losing anything.
    pub async fn next(&self) -> Item {
        loop {
            if let Some(item) = lock(&self.0.queue).pop_front() {
                return item;
            }
            self.0.filled.notified().await;
        }
    }

    pub fn push(&self, item: Item) {
        lock(&self.0.queue).push_back(item);
        self.0.filled.notify_one();
    }

    pub fn frame(&self, text: Bytes) {
        self.push(Item::Frame { text, ends: None });
    }
}

impl Sink {
    pub fn new(outbox: &Outbox, id: String, serial: Serial) -> Arc<Self> {
        Arc::new(Self { id, serial, outbox: outbox.clone(), slot: Mutex::default(), taken: Notify::new() })
    }

    /// Sends a response body, instead of one that still waits.
    pub fn send(self: &Arc<Self>, body: Bytes) {
        self.put(|slot| slot.waiting = Some(body));
    }

    /// Sends what waits, and this last.
    pub fn end(self: &Arc<Self>, failure: Failure) {
        self.put(|slot| slot.end = Some(failure));
    }

    fn put(self: &Arc<Self>, change: impl FnOnce(&mut Slot)) {
        let queued = {
            let mut slot = lock(&self.slot);
            if slot.closed || slot.end.is_some() {
                return;
            }
            let queued = slot.waiting.is_some();
            change(&mut slot);
            queued
        };
        if !queued {
            self.outbox.push(Item::Subscription(self.clone()));
        }
    }

    /// What waits, for the connection to send.
    pub fn take(&self) -> (Option<Bytes>, Option<Failure>) {
        let mut slot = lock(&self.slot);
        let taken = (slot.waiting.take(), slot.end.clone());
        slot.closed |= taken.1.is_some();
        drop(slot);
        self.taken.notify_waiters();
        taken
    }

    /// The client wants no more.
    pub fn close(&self) {
        let mut slot = lock(&self.slot);
        slot.closed = true;
        slot.waiting = None;
        slot.end = None;
        drop(slot);
        self.taken.notify_waiters();
    }

    /// Whether the last result is on its way, so that the next would not replace it.
    pub fn is_free(&self) -> bool {
        lock(&self.slot).waiting.is_none()
    }

    /// Until [`Sink::is_free`].
    pub async fn free(&self) {
        loop {
            let taken = self.taken.notified();
            tokio::pin!(taken);
            // Listens before it looks, so that nothing is missed in between.
            taken.as_mut().enable();
            if self.is_free() {
                return;
            }
            taken.await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn taken(item: Item) -> (Option<Bytes>, Option<Failure>) {
        match item {
            Item::Subscription(sink) => sink.take(),
            Item::Frame { .. } => panic!("a frame"),
        }
    }

    #[tokio::test]
    async fn a_newer_result_replaces_one_that_waits() {
        let outbox = Outbox::default();
        let sink = Sink::new(&outbox, "1".to_owned(), 1);
        sink.send("old".into());
        sink.send("new".into());
        sink.end(Failure::invalid("$", "over"));
        sink.send("late".into());
        assert_eq!(taken(outbox.next().await), (Some("new".into()), Some(Failure::invalid("$", "over"))));
        assert!(lock(&outbox.0.queue).is_empty(), "one place a subscription");
    }

    #[tokio::test]
    async fn what_was_closed_sends_nothing() {
        let outbox = Outbox::default();
        let sink = Sink::new(&outbox, "1".to_owned(), 1);
        sink.send("old".into());
        sink.close();
        sink.send("new".into());
        assert_eq!(taken(outbox.next().await), (None, None));
        assert!(lock(&outbox.0.queue).is_empty());
    }

    #[tokio::test]
    async fn a_stream_waits_for_its_place() {
        let outbox = Outbox::default();
        let sink = Sink::new(&outbox, "1".to_owned(), 1);
        sink.free().await;
        sink.send("one".into());
        let waiting = tokio::spawn({
            let sink = sink.clone();
            async move { sink.free().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        taken(outbox.next().await);
        waiting.await.unwrap();
    }
}
