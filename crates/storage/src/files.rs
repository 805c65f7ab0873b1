//! What can be done with files, for every protocol alike. Nothing here knows of HTTP's headers, multipart bodies or S3.

mod audit;
mod insert;
pub(crate) mod journal;
mod list;
mod record;
mod replace;
mod stage;
pub(crate) mod sweep;
mod verify;

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use postgres::{Pool, PooledClient};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::store::Writer;
use crate::{Caller, Failure, Gate, Scanner, Store};
pub use insert::New;
pub use list::{Page, Wanted};
pub(crate) use record::FILE;
pub use record::{Bucket, File};
pub use replace::Change;
pub use stage::{Staged, Staging};
pub use verify::Checked;
pub(crate) use verify::Verified;

/// The files of one service. Clones are the same.
#[derive(Debug, Clone)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    store: Store,
    gate: Arc<dyn Gate>,
    scanner: Option<Scanner>,
    /// This process's name in the journal.
    instance: String,
    max_file_size: Option<u64>,
    allowed_types: Vec<String>,
    /// The keys of objects that are being worked on here.
    active: Mutex<BTreeSet<String>>,
}

/// All that a client may see of a file.
const FRAGMENT: &str = "fragment file on files {
  id name size bucketId etag createdAt updatedAt isUploaded mimeType uploadedByUserId metadata
}";

const GET: &str = "query storageFile($id: uuid!) { file(id: $id) { ...file } }";
const DELETE: &str = "mutation storageDeleteFile($id: uuid!) { deleteFile(id: $id) { id } }";

/// An operation on files with its fragment.
fn with_fragment(operation: &str) -> String {
    format!("{operation}\n{FRAGMENT}")
}

impl Files {
    pub(crate) fn new(options: &crate::Options) -> Self {
        Self(Arc::new(Inner {
            pool: options.pool.clone(),
            store: options.store.clone(),
            gate: Arc::clone(&options.gate),
            scanner: options.scanner.clone(),
            instance: options.instance.clone(),
            max_file_size: options.max_file_size,
            allowed_types: options.allowed_types.iter().map(|kind| kind.trim().to_ascii_lowercase()).collect(),
            active: Mutex::default(),
        }))
    }

    fn active(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn client(&self) -> Result<PooledClient, Failure> {
        Ok(self.0.pool.get().await?)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn gate(&self) -> &dyn Gate {
        &*self.0.gate
    }

    pub(crate) fn instance(&self) -> &str {
        &self.0.instance
    }

    fn scanner(&self) -> Option<&Scanner> {
        self.0.scanner.as_ref()
    }

    async fn ask(&self, caller: &Caller, query: &str, variables: Value) -> Result<Value, Failure> {
        Ok(self.gate().graphql(caller, query, variables).await?)
    }

    /// A bucket's rules, whoever asks.
    ///
    /// # Errors
    /// 404
    pub async fn bucket(&self, id: &str) -> Result<Bucket, Failure> {
        let statement = format!("SELECT {} FROM storage.buckets WHERE id = $1", Bucket::COLUMNS);
        let row = journal::query_opt(&self.client().await?, &statement, &[&id]).await?;
        let mut bucket = Bucket::from_row(&row.ok_or_else(Failure::bucket_not_found)?)?;
        if let Some(limit) = self.0.max_file_size {
            bucket.max_upload_file_size = bucket.max_upload_file_size.min(limit);
        }
        Ok(bucket)
    }

    /// Bytes that the most generous bucket allows.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn largest(&self) -> Result<u64, Failure> {
        let statement = "SELECT coalesce(max(max_upload_file_size), 0) FROM storage.buckets";
        let row = journal::query_opt(&self.client().await?, statement, &[]).await?;
        let largest: i32 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
        let largest = u64::try_from(largest).unwrap_or(0);
        Ok(self.0.max_file_size.map_or(largest, |limit| largest.min(limit)))
    }

    /// # Errors
    /// 400: no files of this type are taken.
    fn check_type(&self, filename: &str, mime_type: &str) -> Result<(), Failure> {
        let allowed = &self.0.allowed_types;
        if allowed.is_empty() || allowed.iter().any(|pattern| matches_type(pattern, mime_type)) {
            return Ok(());
        }
        let data = json!({"filename": filename, "mimeType": mime_type});
        Err(Failure { data, ..Failure::bad(format!("files of type '{mime_type}' are not allowed")) })
    }

    /// A file's row, as far as the caller may see it, whether its bytes are there or not ([`File::uploaded`]).
    ///
    /// # Errors
    /// 403 when the caller may see no files or not all columns, 404 when it is not among those the caller sees.
    pub async fn get(&self, caller: &Caller, id: Uuid) -> Result<File, Failure> {
        let answer = self.ask(caller, &with_fragment(GET), json!({"id": id})).await?;
        found(answer, "file")
    }

    /// The bytes of a file from `range.start` to before `range.end`, as a stream.
    ///
    /// # Errors
    /// 404: the store does not have them.
    pub async fn open(
        &self,
        file: &File,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<>, Failure> {
        let key = self.locate(file).await?;
        let mut bytes = self.store().read(&key, range).await?;
        // Whether the object is there shows with its first bytes.
        let first = match bytes.next().await {
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Err(Failure::file_not_found()),
            Some(Err(error)) => {
                tracing::error!(%error, "an object cannot be read");
                return Err(Failure::internal());
            }
            first => first,
        };
        Ok(stream::iter(first).chain(bytes))
    }

    /// The key of the object that holds a file's bytes.
    pub(crate) async fn locate(&self, file: &File) -> Result<String, Failure> {
        let key = journal::locate(&self.client().await?, file.id, &file.etag).await?;
        key.ok_or_else(Failure::file_not_found)
    }

    /// Removes a file: its row, if the caller may, then its bytes.
    ///
    /// # Errors
    /// 403, 404; nothing is removed then.
    pub async fn remove(&self, caller: &Caller, id: Uuid) -> Result<(), Failure> {
        let client = self.client().await?;
        if let Some(file) = self.find(id).await? {
            journal::adopt(&client, &file, self.instance()).await?;
        }
        journal::release(&client, id, self.instance()).await?;
        project::fault::hit("storage.before-row-removed");
        let removed = match self.ask(caller, DELETE, json!({"id": id})).await {
            Ok(answer) if answer["deleteFile"].is_null() => Err(Failure::file_not_found()),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        };
        project::fault::hit("storage.after-row-removed");
        // A removal that seems to have failed may be done. What cannot be looked up or removed now, the sweep will.
        if removed.is_err() && self.find(id).await?.is_some() {
            journal::retain(&client, id).await?;
            return removed;
        }
        for key in journal::objects(&client, id).await? {
            self.discard(&key).await;
        }
        removed
    }

    /// A file's row, whoever asks.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<File>, Failure> {
        let statement = format!("SELECT {FILE} FROM storage.files WHERE id = $1");
        let row = journal::query_opt(&self.client().await?, &statement, &[&id]).await?;
        row.as_ref().map(File::from_row).transpose()
    }

    /// Removes an object and its journal row, now if it can be done.
    pub(crate) async fn discard(&self, key: &str) -> bool {
        if let Err(error) = self.store().discard(key).await {
            tracing::warn!(kind = %error.kind(), key, "an object could not be removed; it will be tried again");
            return false;
        }
        let forgotten = match self.client().await {
            Ok(client) => journal::forget(&client, key).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        forgotten.is_ok()
    }

    /// The same without waiting for it, after what writes it has given up.
    fn abort_later(&self, key: String, writer: Option<Writer>) {
        self.active().remove(&key);
        let files = self.clone();
        // Outside a runtime the process is ending; the next start removes it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Some(writer) = writer {
                writer.abort().await;
            }
            files.discard(&key).await
        });
    }
}

/// Whether a type, with or without parameters, is one that a pattern in lower case means.
fn matches_type(pattern: &str, mime_type: &str) -> bool {
    let kind = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match pattern.strip_suffix('*') {
        Some("" | "*/") => true,
        Some(begin) => begin.ends_with('/') && kind.starts_with(begin),
        None => kind == pattern,
    }
}

/// The file in an answer's field.
fn found(mut answer: Value, field: &str) -> Result<File, Failure> {
    match answer.get_mut(field).map(Value::take) {
        None | Some(Value::Null) => Err(Failure::file_not_found()),
        Some(file) => File::from_json(file),
    }
}
