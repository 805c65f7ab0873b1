//! Reading back with the checksum that was made when the bytes came in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use md5::{Digest, Md5};

use super::{File, Files};
use crate::Failure;

/// How a file's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// As they came in.
    Intact,
    /// Others than came in.
    Damaged,
    /// Nothing to compare with: a service has stored them whose etag is no MD5, as S3's of large objects.
    Unknown,
}

/// The MD5 that an etag is, in hexadecimal digits.
fn md5_of(etag: &str) -> Option<&str> {
    let digits = etag.trim_matches('"');
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

impl Files {
    /// Reads a file's bytes and compares them with its checksum.
    ///
    /// # Errors
    /// 404: the store does not have them; or it cannot be reached.
    pub async fn verify(&self, file: &File) -> Result<Checked, Failure> {
        let Some(expected) = md5_of(&file.etag) else { return Ok(Checked::Unknown) };
        let mut md5 = Md5::new();
        if file.size > 0 {
            let mut bytes = self.open(file, 0..file.size).await?;
            while let Some(chunk) = bytes.try_next().await.map_err(|error| broken(&error))? {
                md5.update(&chunk);
            }
        }
        let found = format!("{:x}", md5.finalize());
        Ok(if found.eq_ignore_ascii_case(expected) { Checked::Intact } else { Checked::Damaged })
    }
}

fn broken(error: &io::Error) -> Failure {
    tracing::error!(%error, "an object broke off");
    Failure::internal()
}

/// A file's whole bytes, of which the last ones only come when all of them are as they came in: whoever reads what is
/// damaged gets an error instead of an end.
pub(crate) struct Verified<S> {
    inner: S,
    expected: Option<String>,
    md5: Md5,
    /// Not given yet, because it may be the last.
    held: Option<Bytes>,
    ended: bool,
}

impl<S> Verified<S> {
    pub fn new(inner: S, file: &File) -> Self {
        let expected = md5_of(&file.etag).map(str::to_ascii_lowercase);
        Self { inner, expected, md5: Md5::new(), held: None, ended: false }
    }

    fn end(&mut self) -> Option<io::Result<Bytes>> {
        self.ended = true;
        let found = format!("{:x}", std::mem::take(&mut self.md5).finalize());
        match &self.expected {
            Some(expected) if *expected != found => {
                tracing::error!(expected, found, "a file's bytes are not those that came in");
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, "the file is damaged")))
            }
            _ => self.held.take().map(Ok),
        }
    }
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Stream for Verified<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(self.inner.poll_next_unpin(cx)) {
                None => return Poll::Ready(self.end()),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Ok(bytes)) => {
                    self.md5.update(&bytes);
                    if let Some(before) = self.held.replace(bytes) {
                        return Poll::Ready(Some(Ok(before)));
                    }
                }
            }
        }
    }
}
