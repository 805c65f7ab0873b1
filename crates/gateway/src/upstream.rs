//! Requests to services in other processes: a pool of HTTP/1.1 connections.
//!
//! A connection is driven by the task of the request that uses it, not by a task of its own: no message between tasks
//! per request, and a client that goes away takes its upstream connection with it. An idle connection is driven by
//! nobody; before it is used again it is polled once, which tells whether the other side has closed it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::Limits;
use crate::answer::Refusal;
use crate::body::{BoxError, RequestBody, Upload};

/// Idle connections kept for one service.
const IDLE: usize = 256;
/// How long they are kept: shorter than the 5 s after which Node's and uvicorn's servers close, so that a request
/// does not meet a connection that is just closing.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(4);

pub(crate) type Driver = Connection<TokioIo<TcpStream>, RequestBody>;

/// A connection and the means to send on it.
struct Link {
    sender: SendRequest<RequestBody>,
    /// `None` once it has ended.
    driver: Option<Driver>,
}

struct Idle {
    link: Box<Link>,
    since: Instant,
}

pub(crate) struct Pool {
    addresses: Vec<SocketAddr>,
    turn: AtomicUsize,
    idle: Mutex<Vec<Idle>>,
    limits: Limits,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody accepts connections there.
    Connect(SocketAddr, std::io::Error),
    /// The service took longer than this.
    Timeout(Duration),
    /// It hung up, or spoke no HTTP.
    Broken(String),
    /// The request body went over its limit.
    TooLarge,
}

impl Failure {
    pub(crate) fn refusal(self, service: &str, body_limit: u64) -> Refusal {
        let service = service.to_owned();
        match self {
            Self::Connect(address, error) => Refusal::Unreachable { service, detail: format!("{address}: {error}") },
            Self::Timeout(limit) => Refusal::TimedOut { service, seconds: limit.as_secs() },
            Self::Broken(detail) => Refusal::Unreachable { service, detail },
            Self::TooLarge => Refusal::TooLarge(body_limit),
        }
    }
}

impl Pool {
    pub(crate) fn new(addresses: Vec<SocketAddr>, limits: &Limits) -> Self {
        Self { addresses, turn: AtomicUsize::new(0), idle: Mutex::default(), limits: *limits }
    }

    /// Closes connections that have been idle for too long. True when some are left.
    pub(crate) fn prune(&self, now: Instant) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The youngest are at the end.
        let old = idle.partition_point(|idle| now.duration_since(idle.since) >= IDLE_TIME);
        let gone: Vec<Idle> = idle.drain(..old).collect();
        let left = !idle.is_empty();
        drop(idle);
        drop(gone);
        left
    }

    /// A new connection, to the first address in turn that accepts one.
    pub(crate) async fn connect(&self) -> Result<(SendRequest<RequestBody>, Driver), Failure> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut failure = Failure::Broken("it has no address".to_owned());
        for offset in 0..self.addresses.len() {
            let address = self.addresses[first.wrapping_add(offset) % self.addresses.len()];
            let stream = match tokio::time::timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    failure = Failure::Connect(address, error);
                    continue;
                }
                Err(_) => {
                    failure = Failure::Connect(address, std::io::ErrorKind::TimedOut.into());
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
            return handshake.await.map_err(|error| Failure::Broken(error.to_string()));
        }
        Err(failure)
    }

    /// An idle connection that is still good.
    async fn reuse(&self) -> Option<Box<Link>> {
        loop {
            let Idle { mut link, since } = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() >= IDLE_TIME {
                continue;
            }
            let open = poll_fn(|cx| Poll::Ready(link.drive(cx))).await;
            if open && link.sender.is_ready() {
                return Some(link);
            }
        }
    }

    fn keep(&self, link: Box<Link>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(Idle { link, since: Instant::now() });
        }
    }

    /// Sends a request and returns the head of the answer; its body comes as it is read.
    ///
    /// A request that a reused connection did not take any more is sent again on another one: it has not left, so
    /// this is safe for every method. Nothing else is tried twice.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<RequestBody>,
        upload: Option<&Upload>,
    ) -> Result<Response<Reply>, Failure> {
        loop {
            let (mut link, reused) = match self.reuse().await {
                Some(link) => (link, true),
                None => {
                    let (sender, driver) = self.connect().await?;
                    (Box::new(Link { sender, driver: Some(driver) }), false)
                }
            };
            match link.exchange(request, upload, self.limits.response).await {
                Ok(response) => {
                    return Ok(response.map(|incoming| {
                        let mut reply = Reply { incoming, link: Some(link), pool: Arc::clone(self) };
                        if reply.incoming.is_end_stream() {
                            reply.release();
                        }
                        reply
                    }));
                }
                Err(Attempt::Unsent(back)) if reused => request = *back,
                Err(Attempt::Unsent(_)) => return Err(Failure::Broken("it closed the connection".to_owned())),
                Err(Attempt::Failed(failure)) => return Err(failure),
            }
        }
    }
}

enum Attempt {
    Unsent(Box<Request<RequestBody>>),
    Failed(Failure),
}

impl Link {
    /// Moves bytes as far as they go now. False when the connection has ended.
    fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver).poll(cx).is_ready()
        {
            self.driver = None;
        }
        self.driver.is_some()
    }

    async fn exchange(
        &mut self,
        request: Request<RequestBody>,
        upload: Option<&Upload>,
        limit: Duration,
    ) -> Result<Response<Incoming>, Attempt> {
        let mut response = pin!(self.sender.try_send_request(request));
        let mut patience = pin!(Patience { sleep: None, frames: 0 });
        poll_fn(|cx| {
            self.drive(cx);
            match response.as_mut().poll(cx) {
                Poll::Ready(Ok(response)) => Poll::Ready(Ok(response)),
                Poll::Ready(Err(mut error)) => Poll::Ready(Err(match error.take_message() {
                    Some(request) => Attempt::Unsent(Box::new(request)),
                    None => Attempt::Failed(broken(&error.into_error(), upload)),
                })),
                Poll::Pending => {
                    patience.as_mut().poll(cx, limit, upload).map(|()| Err(Attempt::Failed(Failure::Timeout(limit))))
                }
            }
        })
        .await
    }
}

fn broken(error: &hyper::Error, upload: Option<&Upload>) -> Failure {
    if upload.is_some_and(|upload| upload.too_large.load(Ordering::Acquire)) {
        return Failure::TooLarge;
    }
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::Broken(format!("{error}{cause}"))
}

/// Waits as long as the limit says, and longer as long as the request's body still moves.
struct Patience {
    sleep: Option<Pin<Box<Sleep>>>,
    frames: u64,
}

impl Patience {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, limit: Duration, upload: Option<&Upload>) -> Poll<()> {
        let this = &mut *self;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        while sleep.as_mut().poll(cx).is_ready() {
            let frames = upload.map_or(0, |upload| upload.frames.load(Ordering::Relaxed));
            if frames == this.frames {
                return Poll::Ready(());
            }
            this.frames = frames;
            sleep.as_mut().reset(tokio::time::Instant::now() + limit);
        }
        Poll::Pending
    }
}

/// The body of an answer, with the connection it comes from.
pub(crate) struct Reply {
    incoming: Incoming,
    link: Option<Box<Link>>,
    pool: Arc<Pool>,
}

impl Reply {
    /// Nothing more comes: the connection may serve another request.
    fn release(&mut self) {
        if let Some(link) = self.link.take()
            && link.driver.is_some()
        {
            self.pool.keep(link);
        }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut frame = Pin::new(&mut self.incoming).poll_frame(cx);
        if frame.is_pending()
            && let Some(link) = &mut self.link
        {
            if !link.drive(cx) {
                self.link = None;
            }
            frame = Pin::new(&mut self.incoming).poll_frame(cx);
        }
        match &frame {
            Poll::Ready(Some(Ok(_))) if self.incoming.is_end_stream() => self.release(),
            Poll::Ready(None) => self.release(),
            Poll::Ready(Some(Err(_))) => self.link = None,
            _ => {}
        }
        frame.map_err(BoxError::from)
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
