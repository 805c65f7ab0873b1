//! The inbox while it runs: the store, and the news about it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::broadcast;

use crate::search::Filter;
use crate::store::{Incoming, Store, StoreError, Summary};

/// News that a slow listener may be behind before it misses some.
const BACKLOG: usize = 256;

/// What has changed.
#[derive(Debug, Clone)]
pub(crate) enum News {
    New(Box<Summary>),
    /// Something was read, marked or deleted.
    Changed,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    pub store: Store,
    news: broadcast::Sender<News>,
    pub figures: Figures,
}

/// Since the start.
#[derive(Debug)]
pub(crate) struct Figures {
    pub started: Instant,
    pub accepted: AtomicU64,
    pub accepted_bytes: AtomicU64,
    pub rejected: AtomicU64,
    pub deleted: AtomicU64,
}

impl Inbox {
    pub(crate) fn new(store: Store) -> Self {
        let figures = Figures {
            started: Instant::now(),
            accepted: AtomicU64::new(0),
            accepted_bytes: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            deleted: AtomicU64::new(0),
        };
        Self { store, news: broadcast::Sender::new(BACKLOG), figures }
    }

    /// Everything that changes from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Keeps a mail and tells of it; its id comes back.
    pub(crate) async fn accept(&self, mail: &Incoming) -> Result<String, StoreError> {
        match self.store.insert(mail).await {
            Ok(summary) => {
                self.figures.accepted.fetch_add(1, Ordering::Relaxed);
                self.figures.accepted_bytes.fetch_add(mail.raw.len() as u64, Ordering::Relaxed);
                let id = summary.id.clone();
                self.tell(News::New(Box::new(summary)));
                Ok(id)
            }
            Err(error) => {
                self.figures.rejected.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    pub(crate) async fn mark(&self, filter: &Filter, read: bool) -> Result<(), StoreError> {
        if self.store.mark(filter, read).await? > 0 {
            self.tell(News::Changed);
        }
        Ok(())
    }

    /// How many there were.
    pub(crate) async fn delete(&self, filter: &Filter) -> Result<u64, StoreError> {
        let deleted = self.store.delete(filter).await?;
        self.figures.deleted.fetch_add(deleted, Ordering::Relaxed);
        if deleted > 0 {
            self.tell(News::Changed);
        }
        Ok(deleted)
    }

    pub(crate) fn tell(&self, news: News) {
        // Nobody listening is fine.
        let _ = self.news.send(news);
    }
}
