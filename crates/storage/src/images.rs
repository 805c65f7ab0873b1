//! Pictures made smaller, blurred or into another format while they are downloaded (`?w=…&h=…&q=…&b=…&f=…`).
//!
//! Pictures come from anybody, so that nothing is decoded before its size is known, no more than a few are decoded at
//! once, each on a thread of its own that the runtime can spare, and what has been made is kept for a while.

mod encode;
mod transform;
mod wanted;

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{Failure, File, Files};
pub(crate) use wanted::{Format, Wanted};

/// Bytes of a file that is decoded: it is held in memory for that.
const LARGEST_FILE: u64 = 64 << 20;
/// Bytes of made pictures that are kept.
const KEPT: u64 = 64 << 20;
/// A guess at how many those are, from which the cache chooses its table's size.
const KEPT_PICTURES: usize = 2000;
/// A picture of 50 million pixels needs some 400 MB while it is worked on.
const AT_ONCE: usize = 3;

/// A made picture. Clones share its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub bytes: Bytes,
    pub format: Format,
}

/// The picture of a file's content: another content has another etag.
type Key = (Uuid, String, Wanted);

#[derive(Debug, Clone)]
struct Size;

impl Weighter<Key, Picture> for Size {
    fn weight(&self, _: &Key, picture: &Picture) -> u64 {
        picture.bytes.len() as u64
    }
}

/// Makes pictures, a few at a time.
#[derive(Debug)]
pub(crate) struct Images {
    slots: Arc<Semaphore>,
    made: Cache<Key, Picture, Size>,
}

impl Images {
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            slots: Arc::new(Semaphore::new(cores.min(AT_ONCE))),
            made: Cache::with_weighter(KEPT_PICTURES, KEPT, Size),
        }
    }

    /// The picture that is wanted of a file. Who asks for the same one meanwhile waits for it, and does not make it again.
    ///
    /// # Errors
    /// 400: the file is too large, or what it says to be a picture is none; else as [`Files::open`].
    pub async fn picture(&self, files: &Files, file: &File, wanted: Wanted) -> Result<Picture, Failure> {
        let key = (file.id, file.etag.clone(), wanted);
        self.made.get_or_insert_async(&key, self.make(files, file, wanted)).await
    }

    async fn make(&self, files: &Files, file: &File, wanted: Wanted) -> Result<Picture, Failure> {
        if file.size > LARGEST_FILE {
            let message = format!("image manipulation features are supported for files of up to {LARGEST_FILE} bytes");
            return Err(Failure::bad(message));
        }
        // Before the bytes are read, so that those who wait hold none.
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Failure::internal())?;
        let bytes = read(files, file).await?;
        let work = move || {
            let picture = transform::transform(&bytes, wanted);
            // Held until the work is done, even if nobody waits for it any more.
            drop(slot);
            picture
        };
        let made = tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, file = %file.id, "a picture's transformation panicked");
            Failure::internal()
        })?;
        made.map_err(|failed| {
            tracing::debug!(%failed, file = %file.id, "a picture could not be transformed");
            Failure::bad(failed.to_string())
        })
    }
}

async fn read(files: &Files, file: &File) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(usize::try_from(file.size).unwrap_or(0));
    let mut stream = files.open(file, 0..file.size).await?;
    while let Some(chunk) = stream.try_next().await.map_err(|error| {
        tracing::error!(%error, "an object broke off");
        Failure::internal()
    })? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
