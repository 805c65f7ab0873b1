//! Bodies: of requests on their way in (with their size limit) and of responses on their way out (which end the
//! request's bookkeeping when they end). Nothing is collected or copied; a frame is asked for when the other side can
//! take it, which is the back-pressure.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::access::Record;
use crate::compress::Encoder;
use crate::connection::Busy;
use crate::load::Guard;
use crate::upstream::Reply;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a client receives.
pub(crate) struct Body {
    kind: Kind,
    watch: Option<Box<Watch>>,
}

enum Kind {
    Full(Bytes),
    Upstream(Reply),
    /// From an upstream connection that somebody else drives.
    Incoming(Incoming),
    Local(axum::body::Body),
    Encoded(Box<Encoder>),
}

/// Ends with the response: the request is counted out and logged.
struct Watch {
    record: Record,
    _guard: Option<Guard>,
    _busy: Busy,
    /// For streams without an end of their own.
    ended: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Body {
    fn new(kind: Kind) -> Self {
        Self { kind, watch: None }
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::new(Kind::Full(bytes))
    }

    pub(crate) fn empty() -> Self {
        Self::full(Bytes::new())
    }

    pub(crate) fn upstream(reply: Reply) -> Self {
        Self::new(Kind::Upstream(reply))
    }

    pub(crate) fn incoming(incoming: Incoming) -> Self {
        Self::new(Kind::Incoming(incoming))
    }

    pub(crate) fn local(body: axum::body::Body) -> Self {
        Self::new(Kind::Local(body))
    }

    pub(crate) fn encoded(encoder: Encoder) -> Self {
        Self::new(Kind::Encoded(Box::new(encoder)))
    }

    /// Ties the end of the request's bookkeeping to the end of this body.
    pub(crate) fn watched(mut self, record: Record, mut guard: Option<Guard>, busy: Busy, endless: bool) -> Self {
        let ended = match &mut guard {
            Some(guard) if endless => Some(Box::pin(guard.endless().cancelled_owned())),
            _ => None,
        };
        self.watch = Some(Box::new(Watch { record, _guard: guard, _busy: busy, ended }));
        self
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let frame = match &mut this.kind {
            Kind::Full(bytes) if bytes.is_empty() => None,
            Kind::Full(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Kind::Upstream(reply) => match reply.poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return this.pending(cx),
            },
            Kind::Incoming(incoming) => match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame.map(|frame| frame.map_err(BoxError::from)),
                Poll::Pending => return this.pending(cx),
            },
            Kind::Local(body) => match Pin::new(body).poll_frame(cx) {
                Poll::Ready(frame) => frame.map(|frame| frame.map_err(BoxError::from)),
                Poll::Pending => return this.pending(cx),
            },
            Kind::Encoded(encoder) => ready!(encoder.poll_frame(cx)),
        };
        if let Some(watch) = &mut this.watch {
            match &frame {
                Some(Ok(frame)) => watch.record.count(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(_)) => watch.record.broken(),
                None => watch.record.complete(),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Upstream(reply) => reply.is_end_stream(),
            Kind::Incoming(incoming) => incoming.is_end_stream(),
            Kind::Local(body) => body.is_end_stream(),
            Kind::Encoded(encoder) => encoder.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Upstream(reply) => reply.size_hint(),
            Kind::Incoming(incoming) => incoming.size_hint(),
            Kind::Local(body) => body.size_hint(),
            Kind::Encoded(_) => SizeHint::default(),
        }
    }
}

impl Body {
    /// Nothing to send now: an endless stream is at its end when its backend or the gateway is.
    fn pending(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(watch) = &mut self.watch else { return Poll::Pending };
        let Some(ended) = &mut watch.ended else { return Poll::Pending };
        ready!(ended.poll_unpin(cx));
        watch.record.complete();
        self.kind = Kind::Full(Bytes::new());
        Poll::Ready(None)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.is_end_stream()
            && let Some(watch) = &mut self.watch
        {
            watch.record.complete();
        }
    }
}

/// What the two ends of an upload tell each other.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// The body went over its limit.
    pub(crate) too_large: AtomicBool,
    /// Frames that went through, to tell a slow upload from a dead one.
    pub(crate) frames: AtomicU64,
}

/// What a service receives.
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    /// Bytes that may still come.
    left: u64,
    upload: Option<Arc<Upload>>,
}

impl RequestBody {
    /// Nothing is allocated for a request without a body.
    pub(crate) fn new(incoming: Incoming, limit: u64) -> (Self, Option<Arc<Upload>>) {
        if incoming.is_end_stream() {
            return (Self { incoming: None, left: 0, upload: None }, None);
        }
        let upload = Arc::new(Upload::default());
        (Self { incoming: Some(incoming), left: limit, upload: Some(Arc::clone(&upload)) }, Some(upload))
    }
}

/// A body larger than the gateway's limit, as its reader sees it.
#[derive(Debug, thiserror::Error)]
#[error("the request body is larger than the limit")]
struct TooLarge;

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        let frame = match ready!(Pin::new(incoming).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => {
                this.incoming = None;
                return Poll::Ready(None);
            }
        };
        if let Some(upload) = &this.upload {
            upload.frames.fetch_add(1, Ordering::Relaxed);
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            let Some(left) = this.left.checked_sub(length) else {
                upload.too_large.store(true, Ordering::Release);
                this.incoming = None;
                return Poll::Ready(Some(Err(Box::new(TooLarge))));
            };
            this.left = left;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}
