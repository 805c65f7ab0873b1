//! Bytes on their way in: written to the store as they come, counted and hashed, and nobody's file yet.

use bytes::Bytes;
use futures::{Stream, StreamExt};
use md5::{Digest, Md5};
use uuid::Uuid;

use super::{Files, journal};
use crate::store::Writer;
use crate::{Failure, mime};

/// Bytes that are coming in. Dropping it removes what has come.
#[derive(Debug)]
pub struct Staging {
    files: Files,
    id: Uuid,
    key: String,
    /// None after the end.
    writer: Option<Writer>,
    md5: Md5,
    size: u64,
    /// The first bytes, which tell the type.
    head: Vec<u8>,
}

/// Bytes that have come in, whole and durable, and are nobody's file yet. Dropping it removes them.
#[derive(Debug)]
pub struct Staged {
    files: Files,
    /// Of the file that it becomes, unless the client has chosen another.
    pub(super) id: Uuid,
    pub(super) key: String,
    size: u64,
    etag: String,
    mime_type: String,
    /// Somebody's file by now, or gone.
    settled: bool,
}

impl Files {
    /// Begins to take bytes in.
    ///
    /// # Errors
    /// The database or the store cannot be reached.
    pub async fn stage(&self) -> Result<Staging, Failure> {
        let id = Uuid::new_v4();
        let key = id.to_string();
        self.active().insert(key.clone());
        let mut staging = Staging {
            files: self.clone(),
            id,
            key: key.clone(),
            writer: None,
            md5: Md5::new(),
            size: 0,
            head: Vec::new(),
        };
        journal::begin(&self.client().await?, &key, id, self.instance()).await?;
        project::fault::hit("storage.after-journal");
        staging.writer = Some(self.store().write(&key).await?);
        Ok(staging)
    }

    /// Takes a whole stream in; more than `limit` bytes are refused as soon as they come.
    ///
    /// # Errors
    /// 400: too many bytes, or the stream broke off; else what [`Staging::write`] says.
    pub async fn stage_stream<E: std::fmt::Display>(
        &self,
        filename: &str,
        limit: u64,
        mut bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Staged, Failure> {
        let mut staging = self.stage().await?;
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!(%error, "an upload broke off");
                Failure::bad("the upload broke off")
            })?;
            staging.write(chunk).await?;
            if staging.size() > limit {
                return Err(Failure::too_big(filename, staging.size(), limit));
            }
        }
        staging.finish().await
    }
}

impl Staging {
    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// # Errors
    /// The store refused them; it is full, or cannot be reached.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else { return Err(Failure::internal()) };
        self.md5.update(&bytes);
        self.size += bytes.len() as u64;
        let wanted = mime::HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        Ok(writer.write(bytes).await?)
    }

    /// That was all. The bytes are durable when this returns.
    ///
    /// # Errors
    /// The store refused them.
    pub async fn finish(mut self) -> Result<Staged, Failure> {
        project::fault::hit("storage.before-bytes");
        let Some(writer) = self.writer.take() else { return Err(Failure::internal()) };
        writer.finish().await?;
        project::fault::hit("storage.after-bytes");
        Ok(Staged {
            files: self.files.clone(),
            id: self.id,
            key: std::mem::take(&mut self.key),
            size: self.size,
            etag: format!("\"{:x}\"", std::mem::take(&mut self.md5).finalize()),
            mime_type: mime::sniff(&self.head).to_owned(),
            settled: false,
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Without a key it is finished.
        if !self.key.is_empty() {
            self.files.abort_later(std::mem::take(&mut self.key), self.writer.take());
        }
    }
}

impl Staged {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The MD5 in hexadecimal digits and double quotes.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// What the first bytes say.
    pub fn sniffed(&self) -> &str {
        &self.mime_type
    }

    /// The type to keep: what the client has said, if it has said anything, else what the bytes say.
    pub fn mime_type(&self, claimed: Option<&str>) -> String {
        match claimed.map(str::trim) {
            None | Some("" | "application/octet-stream") => self.mime_type.clone(),
            Some(claimed) if mime::is_one(claimed) => claimed.to_owned(),
            // What clients would read in different ways.
            Some(_) => self.mime_type.clone(),
        }
    }

    /// Its object is in use.
    pub(super) fn settle(&mut self) {
        self.settled = true;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.files.active().remove(&self.key);
        if !self.settled {
            self.files.abort_later(std::mem::take(&mut self.key), None);
        }
    }
}
