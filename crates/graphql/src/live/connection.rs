//! One WebSocket connection: a single task that reads, sends, and owns the connection's operations.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::outbox::{Item, Outbox, Serial, Sink};
use super::protocol::{self, ClientMessage, Closing, ErrorStyle, Protocol};
use super::{Endpoint, Subscription};
use crate::failure::{Code, Failure};
use crate::metrics::{Kind, Metrics};
use crate::session::Session;
use crate::{Handle, Request, parse};

/// Queries and mutations that may run at once on one connection; then reading waits.
const RUNNING_LIMIT: usize = 64;

/// Why the loop ends: a close frame to send, or none when the client has gone.
type Over = Option<Closing>;

/// Everything about one connection.
pub(super) struct Connection {
    handle: Handle,
    endpoint: Endpoint,
    protocol: Protocol,
    /// Of the request that was upgraded.
    headers: HeaderMap,
    state: State,
    outbox: Outbox,
    operations: HashMap<String, Operation>,
    /// Queries and mutations among them.
    running: usize,
    next_serial: Serial,
}

/// Who speaks.
enum State {
    Unknown,
    Refused(String),
    Known(Arc<Session>),
}

struct Operation {
    serial: Serial,
    work: Work,
}

enum Work {
    /// A query or a mutation.
    Task(AbortHandle),
    /// Unsubscribes when dropped.
    Subscription { sink: Arc<Sink>, metrics: Arc<Metrics>, _held: Subscription },
}

impl Drop for Operation {
    fn drop(&mut self) {
        match &self.work {
            Work::Task(task) => task.abort(),
            Work::Subscription { sink, metrics, .. } => {
                sink.close();
                metrics.subscriptions(-1);
            }
        }
    }
}

impl Connection {
    pub(super) fn new(handle: Handle, endpoint: Endpoint, protocol: Protocol, headers: HeaderMap) -> Self {
        Self {
            handle,
            endpoint,
            protocol,
            headers,
            state: State::Unknown,
            outbox: Outbox::default(),
            operations: HashMap::new(),
            running: 0,
            next_serial: 0,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self, mut socket: WebSocket) {
        self.handle.metrics().sockets(1);
        let closing = self.serve(&mut socket).await;
        self.operations.clear();
        self.handle.metrics().sockets(-1);
        // Whoever cannot be told in time does not listen.
        let limit = self.options().write_timeout;
        let farewell = async {
            if let Some(Closing { code, reason }) = closing {
                let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
                if socket.send(frame).await.is_err() {
                    return;
                }
            }
            // Reads the client's answer to the close, or writes ours to the client's.
            while let Some(Ok(_)) = socket.recv().await {}
        };
        let _ = tokio::time::timeout(limit.min(Duration::from_secs(1)), farewell).await;
    }

    fn options(&self) -> &super::Options {
        &self.handle.options().live
    }

    async fn serve(&mut self, socket: &mut WebSocket) -> Over {
        let stopped = self.handle.live().stopped();
        let init_by = Instant::now() + self.options().init_timeout;
        let mut keep_alive = ticks(self.options().keep_alive);
        loop {
            let session = match &self.state {
                State::Known(session) => Some(session.clone()),
                State::Unknown | State::Refused(_) => None,
            };
            let unknown = session.is_none();
            let over = tokio::select! {
                biased;
                () = stopped.cancelled() => Err(Some(Closing::plain(1001, "the server is stopping"))),
                () = self.end_of(session.as_deref()) => Err(Some(Closing::forbidden())),
                () = tokio::time::sleep_until(init_by), if unknown => Err(Some(Closing::init_timeout())),
                item = self.outbox.next() => self.send_item(socket, item).await,
                _ = keep_alive.tick(), if !unknown => self.send(socket, self.protocol.keep_alive()).await,
                message = socket.recv(), if self.running < RUNNING_LIMIT => self.receive(socket, message).await,
            };
            if let Err(over) = over {
                return over;
            }
        }
    }

    /// Until a session's token is no longer good; for ever when it has no end.
    async fn end_of(&self, session: Option<&Session>) {
        let Some(session) = session else { return pending().await };
        tokio::select! {
            () = expiry(session.expires) => {}
            () = self.handle.authenticator().revoked(session) => {}
        }
    }

    async fn receive(
        &mut self,
        socket: &mut WebSocket,
        message: Option<Result<Message, axum::Error>>,
    ) -> Result<(), Over> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(bytes))) => Utf8Bytes::try_from(bytes).unwrap_or_default(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(None),
        };
        match self.protocol.parse(&text) {
            Ok(ClientMessage::Init { headers }) => self.init(socket, headers).await,
            Ok(ClientMessage::Start { id, request }) => {
                self.start(id, Request { relay: self.endpoint.relay, ..request }).await
            }
            Ok(ClientMessage::Stop { id }) => {
                self.remove(&id, None);
                Ok(())
            }
            Ok(ClientMessage::Ping(payload)) => self.send(socket, protocol::pong(payload.as_ref())).await,
            Ok(ClientMessage::Pong) => Ok(()),
            Ok(ClientMessage::Terminate) => Err(Some(Closing::plain(1000, "GQL_CONNECTION_TERMINATE received"))),
            Err(found) if self.protocol == Protocol::Legacy => {
                let message = format!("parsing ClientMessage failed: {found}");
                self.send(socket, protocol::connection_error(&message)).await
            }
            Err(found) => Err(Some(Closing::bad_message(&found))),
        }
    }

    /// The client says who it is: the headers of the upgraded request, and over them those of this message.
    async fn init(&mut self, socket: &mut WebSocket, more: Vec<(String, String)>) -> Result<(), Over> {
        if self.protocol == Protocol::Transport && !matches!(self.state, State::Unknown) {
            return Err(Some(Closing::too_many_inits()));
        }
        let mut headers = self.headers.clone();
        for (name, value) in more {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        match crate::http::session(&self.handle, &headers).await {
            Ok(session) => {
                self.state = State::Known(Arc::new(session));
                self.send(socket, protocol::acknowledge()).await?;
                self.send(socket, self.protocol.keep_alive()).await
            }
            Err(failure) if self.protocol == Protocol::Legacy => {
                self.state = State::Refused(failure.message.clone());
                self.send(socket, protocol::connection_error(&failure.message)).await?;
                Err(Some(Closing::new(4400, &format!("Connection initialization failed: {}", failure.message))))
            }
            Err(_) => Err(Some(Closing::forbidden())),
        }
    }

    async fn start(&mut self, id: String, request: Request) -> Result<(), Over> {
        let transport = self.protocol == Protocol::Transport;
        let session = match &self.state {
            State::Known(session) => session.clone(),
            _ if transport => return Err(Some(Closing::unauthorized())),
            State::Unknown => {
                self.cannot_start(&id, "start received before the connection is initialised");
                return Ok(());
            }
            State::Refused(why) => {
                let message = format!("cannot start as connection_init failed with: {why}");
                self.cannot_start(&id, &message);
                return Ok(());
            }
        };
        if self.operations.contains_key(&id) {
            if transport {
                return Err(Some(Closing::subscriber_exists(&id)));
            }
            self.cannot_start(&id, &format!("an operation already exists with this id: {id}"));
            return Ok(());
        }
        if self.operations.len() >= self.options().operations_limit {
            self.cannot_start(&id, "too many operations run on this connection");
            return Ok(());
        }
        self.next_serial += 1;
        let serial = self.next_serial;
        let work = match parse::is_subscription(&request.query, request.operation_name.as_deref()) {
            Ok(true) => {
                let sink = Sink::new(&self.outbox, id.clone(), serial);
                let admitted = self.handle.admit(&session, &request, self.endpoint.address).map(|_| ());
                let live = self.handle.live();
                let begun = match admitted {
                    Ok(()) => live.subscribe(&self.handle, session, request, sink.clone()).await,
                    Err(failure) => Err(failure),
                };
                let metrics = self.handle.metrics().clone();
                metrics.began(Kind::Subscription, begun.as_ref().map(|_| ()).map_err(|failure| failure.code));
                match begun {
                    Ok(held) => {
                        metrics.subscriptions(1);
                        Work::Subscription { sink, metrics, _held: held }
                    }
                    Err(failure) => {
                        self.refuse(&id, &failure);
                        return Ok(());
                    }
                }
            }
            Ok(false) => Work::Task(self.spawn(id.clone(), serial, session, request)),
            Err(failure) => {
                self.handle.metrics().began(Kind::Unknown, Err(failure.code));
                self.refuse(&id, &failure);
                return Ok(());
            }
        };
        self.operations.insert(id, Operation { serial, work });
        Ok(())
    }

    /// Runs a query or a mutation beside the connection.
    fn spawn(&mut self, id: String, serial: Serial, session: Arc<Session>, request: Request) -> AbortHandle {
        self.running += 1;
        let (handle, outbox, protocol, endpoint) =
            (self.handle.clone(), self.outbox.clone(), self.protocol, self.endpoint);
        let task = tokio::spawn(async move {
            let dev_mode = handle.options().dev_mode;
            let completes = match handle.answer(&session, &request, endpoint.address).await {
                Ok(body) => {
                    outbox.frame(protocol.result(&id, &body));
                    true
                }
                Err(failure) => {
                    let early = failure.code == Code::ValidationFailed || failure.code == Code::ParseFailed;
                    outbox.frame(match early {
                        true => protocol.refusal(&id, &failure, endpoint.style, dev_mode),
                        false => protocol.failed(&id, &failure, endpoint.style, dev_mode),
                    });
                    protocol.completes_after_error()
                }
            };
            let text = if completes { protocol::complete(&id) } else { Bytes::new() };
            outbox.push(Item::Frame { text, ends: Some(serial) });
        });
        task.abort_handle()
    }

    /// A mistake of the protocol that the connection survives.
    fn cannot_start(&self, id: &str, message: &str) {
        let failure = Failure::new(Code::StartFailed, "$", message);
        let dev_mode = self.handle.options().dev_mode;
        self.outbox.frame(match self.endpoint.style {
            // One error, in neither a list nor an object.
            ErrorStyle::Compliant if self.protocol == Protocol::Legacy => protocol::start_error(id, &failure, dev_mode),
            style => self.protocol.refusal(id, &failure, style, dev_mode),
        });
        if self.protocol.completes_after_error() {
            self.outbox.frame(protocol::complete(id));
        }
    }

    fn refuse(&self, id: &str, failure: &Failure) {
        let dev_mode = self.handle.options().dev_mode;
        self.outbox.frame(self.protocol.refusal(id, failure, self.endpoint.style, dev_mode));
        if self.protocol.completes_after_error() {
            self.outbox.frame(protocol::complete(id));
        }
    }

    /// Forgets an operation; with a serial, only if it is still that one.
    fn remove(&mut self, id: &str, serial: Option<Serial>) {
        if serial.is_some_and(|serial| self.operations.get(id).is_none_or(|found| found.serial != serial)) {
            return;
        }
        if let Some(operation) = self.operations.remove(id)
            && matches!(operation.work, Work::Task(_))
        {
            self.running -= 1;
        }
    }

    fn finished(&mut self, serial: Serial) {
        let found = self.operations.iter().find(|(_, operation)| operation.serial == serial);
        if let Some(id) = found.map(|(id, _)| id.clone()) {
            self.remove(&id, Some(serial));
        }
    }

    async fn send_item(&mut self, socket: &mut WebSocket, item: Item) -> Result<(), Over> {
        let (text, ends) = match item {
            Item::Frame { text, ends } => (text, ends),
            Item::Subscription(sink) => return self.send_subscription(socket, &sink).await,
        };
        if let Some(serial) = ends {
            self.finished(serial);
        }
        if text.is_empty() { Ok(()) } else { self.send(socket, text).await }
    }

    async fn send_subscription(&mut self, socket: &mut WebSocket, sink: &Sink) -> Result<(), Over> {
        let (body, end) = sink.take();
        if let Some(body) = body {
            self.send(socket, self.protocol.result(&sink.id, &body)).await?;
        }
        let Some(failure) = end else { return Ok(()) };
        self.remove(&sink.id, Some(sink.serial));
        self.refuse(&sink.id, &failure);
        Ok(())
    }

    /// A client that takes nothing for long is dropped.
    async fn send(&self, socket: &mut WebSocket, text: Bytes) -> Result<(), Over> {
        let text = Utf8Bytes::try_from(text).unwrap_or_default();
        match tokio::time::timeout(self.options().write_timeout, socket.send(Message::Text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => {
                tracing::info!("a WebSocket client that does not read was dropped");
                Err(None)
            }
        }
    }
}

/// Until the session's token is no longer good; for ever when it has no end.
async fn expiry(at: Option<jiff::Timestamp>) {
    match at {
        Some(at) => {
            let left = at.duration_since(jiff::Timestamp::now());
            tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
        }
        None => pending().await,
    }
}

fn ticks(every: Duration) -> Interval {
    // An interval of nothing is refused; Hasura takes 0 for never.
    let every = if every.is_zero() { Duration::from_secs(86_400 * 365) } else { every };
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
