//! One piece of an upload on its way in.

use bytes::Bytes;
use md5::{Digest, Md5};
use tokio_postgres::Transaction;
use uuid::Uuid;

use crate::store::Writer;
use crate::{Failure, Files};

/// A piece that is coming in. Dropping it removes what has come.
#[derive(Debug)]
pub(crate) struct PartWriter {
    files: Files,
    /// Empty after the end.
    key: String,
    writer: Option<Writer>,
    md5: Md5,
    size: u64,
}

/// A piece that is whole and durable, and does not count yet. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Written {
    files: Files,
    /// Empty when it counts.
    key: String,
    pub size: u64,
    /// In hexadecimal digits.
    pub md5: String,
}

impl PartWriter {
    /// # Errors
    /// The database or the store cannot be reached, or the upload is gone.
    pub async fn new(files: &Files, upload: Uuid) -> Result<Self, Failure> {
        let key = super::key(upload);
        let statement = "INSERT INTO storage.parts (key, upload_id) SELECT $1, id FROM storage.uploads WHERE id = $2";
        if files.client().await?.execute(statement, &[&key, &upload]).await? == 0 {
            return Err(Failure::new(http::StatusCode::NOT_FOUND, "upload not found"));
        }
        let mut part = Self { files: files.clone(), key, writer: None, md5: Md5::new(), size: 0 };
        part.writer = Some(files.store().write(&part.key).await?);
        Ok(part)
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// # Errors
    /// The store refused them.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else { return Err(Failure::internal()) };
        self.md5.update(&bytes);
        self.size += bytes.len() as u64;
        Ok(writer.write(bytes).await?)
    }

    /// That was all of it.
    ///
    /// # Errors
    /// The store refused it.
    pub async fn finish(mut self) -> Result<Written, Failure> {
        let Some(writer) = self.writer.take() else { return Err(Failure::internal()) };
        writer.finish().await?;
        Ok(Written {
            files: self.files.clone(),
            key: std::mem::take(&mut self.key),
            size: self.size,
            md5: format!("{:x}", std::mem::take(&mut self.md5).finalize()),
        })
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        discard_later(&self.files, std::mem::take(&mut self.key), self.writer.take());
    }
}

impl Written {
    pub(super) async fn number(&self, transaction: &Transaction<'_>, number: i32) -> Result<(), Failure> {
        let statement = "UPDATE storage.parts SET number = $2, size = $3, md5 = $4 WHERE key = $1";
        let size = super::signed(self.size);
        match transaction.execute(statement, &[&self.key, &number, &size, &self.md5]).await? {
            1 => Ok(()),
            // The upload was removed meanwhile, with all that it had.
            _ => Err(Failure::new(http::StatusCode::NOT_FOUND, "upload not found")),
        }
    }

    /// It counts, and stays.
    pub(super) fn keep(mut self) {
        self.key.clear();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        discard_later(&self.files, std::mem::take(&mut self.key), None);
    }
}

/// Removes a piece's object, then its row. False: it will be tried again when the upload ends.
pub(super) async fn discard(files: &Files, key: String) -> bool {
    if let Err(error) = files.store().discard(&key).await {
        tracing::warn!(kind = %error.kind(), key, "a piece of an upload could not be removed; it will be tried again");
        return false;
    }
    let Ok(client) = files.client().await else { return false };
    client.execute("DELETE FROM storage.parts WHERE key = $1", &[&key]).await.is_ok()
}

fn discard_later(files: &Files, key: String, writer: Option<Writer>) {
    // Outside a runtime the process is ending; the upload's end removes it.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    if key.is_empty() {
        return;
    }
    let files = files.clone();
    runtime.spawn(async move {
        if let Some(writer) = writer {
            writer.abort().await;
        }
        discard(&files, key).await
    });
}
