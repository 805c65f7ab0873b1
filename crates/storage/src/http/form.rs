//! `multipart/form-data` bodies (RFC 7578), part by part, without holding more than a piece of one in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, header};
use multer::{Field, Multipart};

use crate::Failure;

/// Bytes of a text part: a bucket's name, a file's metadata.
const TEXT: usize = 1 << 20;
/// Bytes that may come without a part beginning or going on: only a part's headers can be that long, and are not.
const UNREAD: usize = 4 << 20;
/// Bytes of an upload that are read and thrown away after it has failed, so that the client comes to read why.
const DRAIN: usize = 64 << 20;

/// A body that comes in.
pub(super) struct Form {
    parts: Multipart<'static>,
    unread: Arc<AtomicUsize>,
}

/// One part of a body.
pub(super) struct Part {
    field: Field<'static>,
    unread: Arc<AtomicUsize>,
}

impl Form {
    /// # Errors
    /// 400: it is no form.
    pub fn new(headers: &HeaderMap, body: Body) -> Result<Self, Failure> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind)
            .map_err(|_| Failure::bad("request Content-Type isn't multipart/form-data with a boundary"))?;
        let unread = Arc::new(AtomicUsize::new(0));
        let bytes = Gentle { inner: body.into_data_stream(), rest: false, unread: Arc::clone(&unread) };
        Ok(Self { parts: Multipart::new(bytes, boundary), unread })
    }

    /// The next part, when the one before is dropped.
    ///
    /// # Errors
    /// 400: the body broke off, or is not well-formed.
    pub async fn next(&mut self) -> Result<Option<Part>, Failure> {
        self.unread.store(0, Ordering::Relaxed);
        let field = self.parts.next_field().await.map_err(|error| broken(&error))?;
        self.unread.store(0, Ordering::Relaxed);
        Ok(field.map(|field| Part { field, unread: Arc::clone(&self.unread) }))
    }

    /// Reads on for a while, for a client that would not read an answer before it has sent everything.
    pub async fn drain(&mut self) {
        let mut drained = 0;
        while let Ok(Some(mut part)) = self.next().await {
            while let Some(Ok(bytes)) = part.next().await {
                drained += bytes.len();
                if drained > DRAIN {
                    return;
                }
            }
        }
    }
}

impl Part {
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// Of a part that is a file. An empty name is none: so nhost-js sends metadata.
    pub fn filename(&self) -> Option<&str> {
        self.field.file_name().filter(|name| !name.is_empty())
    }

    pub fn content_type(&self) -> Option<&str> {
        self.field.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    }

    /// # Errors
    /// 400: it is too long, or no text.
    pub async fn text(mut self) -> Result<String, Failure> {
        let mut text = Vec::new();
        while let Some(bytes) = self.next().await {
            text.extend_from_slice(&bytes.map_err(|error| broken(&error))?);
            if text.len() > TEXT {
                return Err(Failure::bad("a part of the form is too long"));
            }
        }
        String::from_utf8(text).map_err(|_| Failure::bad("a part of the form is not UTF-8"))
    }
}

impl Stream for Part {
    type Item = multer::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.field.poll_next_unpin(cx);
        if polled.is_ready() {
            self.unread.store(0, Ordering::Relaxed);
        }
        polled
    }
}

fn broken(error: &multer::Error) -> Failure {
    tracing::debug!(%error, "a form could not be read");
    Failure::bad("the form could not be read")
}

/// A body that gives one piece at a time: the parser reads as long as there is something, and would otherwise hold as
/// much as a fast client sends.
struct Gentle {
    inner: BodyDataStream,
    /// A piece was just given.
    rest: bool,
    /// Bytes given since the parser has last made something of them.
    unread: Arc<AtomicUsize>,
}

impl Stream for Gentle {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rest) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.inner.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            self.rest = true;
            let unread = self.unread.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
            if unread > UNREAD {
                return Poll::Ready(Some(Err("a part's headers are too long".into())));
            }
        }
        polled.map(|item| item.map(|item| item.map_err(Into::into)))
    }
}
