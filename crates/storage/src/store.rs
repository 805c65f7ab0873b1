//! The bytes: objects under keys, in a folder or in a cloud's bucket.
//!
//! An object appears under its key when it is complete, and not before: a folder's is renamed into place, a bucket's
//! upload is completed. What [`Writer::finish`] has confirmed survives a power cut.

mod backend;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use opendal::{ErrorKind, Operator};

use crate::Error;
pub use backend::Backend;

/// Bytes collected before they are written: a thread's work each in a folder, a part's upload each in a bucket (whose
/// parts have at least 5 MiB).
const FOLDER_CHUNK: usize = 512 << 10;
const PART: usize = 8 << 20;

/// Bytes read at once from a folder. A cloud's answer is read as it comes.
const READ_CHUNK: usize = 512 << 10;

/// Under keys that begin so there are no files but working data: uploads in pieces, cached pictures. [`Store::keys`]
/// leaves them out.
pub const PRIVATE: &str = ".nself/";

/// Where a folder's objects are written, as `<key>.<something>`.
const UNFINISHED: &str = ".nself/unfinished";

/// An object store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    operator: Operator,
    /// Of the backend that is a folder.
    folder: Option<PathBuf>,
}

impl Store {
    /// # Errors
    /// [`Error::Store`]: the folder cannot be made, or what the backend says is not valid. Nothing is sent to a cloud.
    pub fn open(backend: &Backend) -> Result<Self, Error> {
        let operator = backend.operator().map_err(|error| Error::Store { why: reason(&error) })?;
        let folder = match backend {
            Backend::Folder { root } => Some(root.clone()),
            _ => None,
        };
        Ok(Self { operator, folder })
    }

    /// Looks whether the store can be reached and listed.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn check(&self) -> opendal::Result<()> {
        self.operator.check().await
    }

    /// Begins an object under a key that has none.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn write(&self, key: &str) -> opendal::Result<Writer> {
        let chunk = if self.folder.is_some() { FOLDER_CHUNK } else { PART };
        let inner = self.operator.writer_with(key).chunk(chunk).await?;
        let folder = self.folder.as_ref().map(|folder| parent(folder, key));
        Ok(Writer { inner, folder })
    }

    /// An object's bytes from `range.start` to before `range.end`, as they come.
    ///
    /// # Errors
    /// There is no such object, or what the backend said.
    pub async fn read(
        &self,
        key: &str,
        range: Range<u64>,
    ) -> opendal::Result<impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<>> {
        let reader = self.operator.reader_with(key);
        let reader = if self.folder.is_some() { reader.chunk(READ_CHUNK) } else { reader }.await?;
        reader.into_bytes_stream(range).await
    }

    /// The whole of a small object.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_all(&self, key: &str) -> opendal::Result<Bytes> {
        Ok(self.operator.read(key).await?.to_bytes())
    }

    /// Bytes of an object; `None` when there is none.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn size(&self, key: &str) -> opendal::Result<Option<u64>> {
        match self.operator.stat(key).await {
            Ok(metadata) => Ok(Some(metadata.content_length())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object; without complaint when there is none.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn delete(&self, key: &str) -> opendal::Result<()> {
        self.operator.delete(key).await
    }

    /// Removes an object and what a process that died has left of its writing.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn discard(&self, key: &str) -> opendal::Result<()> {
        if let Some(folder) = &self.folder {
            remove_unfinished(&folder.join(UNFINISHED), key).await?;
        }
        self.delete(key).await
    }

    /// The keys of all files' objects, in no order.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn keys(&self) -> opendal::Result<impl Stream<Item = opendal::Result<String>> + Send + use<>> {
        self.list("").await.map(|found| found.try_filter(|key| std::future::ready(!key.starts_with(PRIVATE))))
    }

    /// The keys below a folder, whose name ends with `/`.
    ///
    /// # Errors
    /// What the backend said.
    pub async fn list(
        &self,
        folder: &str,
    ) -> opendal::Result<impl Stream<Item = opendal::Result<String>> + Send + Unpin + use<>> {
        let found = self.operator.lister_with(folder).recursive(true).await?;
        Ok(found
            .try_filter(|entry| std::future::ready(entry.metadata().is_file()))
            .map(|entry| entry.map(|entry| entry.path().to_owned())))
    }
}

/// An object that is being written. Dropping it without [`Writer::finish`] or [`Writer::abort`] may leave parts behind
/// in the backend, but never an object.
pub struct Writer {
    inner: opendal::Writer,
    /// The folder that the object's name will stand in.
    folder: Option<PathBuf>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// # Errors
    /// What the backend said; the object cannot be finished then.
    pub async fn write(&mut self, bytes: Bytes) -> opendal::Result<()> {
        self.inner.write(bytes).await
    }

    /// The object is there, durably, when this returns.
    ///
    /// # Errors
    /// What the backend said; there is no object then.
    pub async fn finish(mut self) -> opendal::Result<()> {
        if let Err(error) = self.inner.close().await {
            self.abort().await;
            return Err(error);
        }
        // The file itself is on the disk by now; its new name is when the folder is.
        match self.folder {
            Some(folder) => sync_folder(folder).await,
            None => Ok(()),
        }
    }

    /// Gives up. What the backend cannot remove now, it removes by its own rules.
    pub async fn abort(mut self) {
        if let Err(error) = self.inner.abort().await {
            tracing::debug!(kind = %error.kind(), "an unfinished object could not be removed at once");
        }
    }
}

async fn remove_unfinished(folder: &Path, key: &str) -> opendal::Result<()> {
    let failed =
        |error| opendal::Error::new(ErrorKind::Unexpected, "an unfinished object cannot be removed").set_source(error);
    let mut entries = match tokio::fs::read_dir(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let begin = format!("{}.", key.rsplit('/').next().unwrap_or(key));
    while let Some(entry) = entries.next_entry().await.map_err(failed)? {
        if entry.file_name().to_string_lossy().starts_with(&begin) {
            tokio::fs::remove_file(entry.path()).await.map_err(failed)?;
        }
    }
    Ok(())
}

fn parent(folder: &Path, key: &str) -> PathBuf {
    let path = folder.join(key);
    path.parent().map_or_else(|| folder.to_owned(), Path::to_owned)
}

async fn sync_folder(folder: PathBuf) -> opendal::Result<()> {
    let sync = move || std::fs::File::open(folder)?.sync_all();
    let synced = tokio::task::spawn_blocking(sync).await.map_err(io::Error::other).and_then(|result| result);
    synced.map_err(|error| opendal::Error::new(ErrorKind::Unexpected, "the folder cannot be synced").set_source(error))
}

/// Whether an operation failed because the disk or the quota is full.
pub(crate) fn is_full(error: &opendal::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // A file may also be larger than the process or the file system allows.
            use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
            return matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge);
        }
        next = error.source();
    }
    false
}

/// Why, for the person who has written the settings; opendal's messages hold no credentials.
pub(crate) fn reason(error: &opendal::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{}{source}", error.message())
}
