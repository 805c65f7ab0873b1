//! Listening, TLS, and which HTTP a connection speaks.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::connection::{Peer, drive};
use crate::gateway::{Gateway, Handle};
use crate::{Error, Options, dispatch};

/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 256;
/// Smallest buffer for reading: below it uploads are cut into needlessly small pieces.
const BUFFER: usize = 64 * 1024;

/// A gateway that listens and is ready to run.
pub struct Service {
    gateway: Arc<Gateway>,
    listeners: Vec<Listener>,
}

struct Listener {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Service {
    /// Opens the ports. Connections wait in the system's queue until [`Service::run`].
    pub async fn bind(options: Options) -> Result<(Self, Handle), Error> {
        let address = options.plan.bind;
        let (mut listeners, http) = listen(address, options.plan.http_port, "GATEWAY_PORT", None).await?;
        let mut https = None;
        if let (Some(port), Some(certificates)) = (options.plan.https_port, &options.certificates) {
            let acceptor = TlsAcceptor::from(certificates.server_config());
            let (more, bound) = listen(address, port, "GATEWAY_SSL_PORT", Some(acceptor)).await?;
            listeners.extend(more);
            https = Some(bound);
        }
        let gateway = Arc::new(Gateway::new(options, https.map(|address| address.port())));
        let handle = Handle { gateway: Arc::clone(&gateway), http, https };
        Ok((Self { gateway, listeners }, handle))
    }

    /// Serves until [`Handle::shutdown`] has finished.
    pub async fn run(self) {
        let gateway = &self.gateway;
        let log = tokio::spawn({
            let (log, finished) = (Arc::clone(&gateway.log), gateway.finished.clone());
            async move { log.run(finished).await }
        });
        let housekeeping = tokio::spawn(housekeep(Arc::clone(gateway)));
        let permits = Arc::new(Semaphore::new(gateway.limits.connections));
        let doors: Vec<_> = self
            .listeners
            .into_iter()
            .map(|listener| tokio::spawn(accept(Arc::clone(gateway), listener, Arc::clone(&permits))))
            .collect();
        gateway.finished.cancelled().await;
        for task in doors.into_iter().chain([log, housekeeping]) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the gateway failed");
            }
        }
    }
}

/// Listens on one port. Where the address is IPv4 loopback the IPv6 one is added when the system has it, because
/// `localhost` means both.
async fn listen(
    address: IpAddr,
    port: u16,
    setting: &'static str,
    tls: Option<TlsAcceptor>,
) -> Result<(Vec<Listener>, SocketAddr), Error> {
    let wanted = SocketAddr::new(address, port);
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => Error::PortTaken { address: wanted, setting },
        _ => Error::Listen { address: wanted, setting, source },
    };
    let socket = TcpListener::bind(wanted).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    let mut listeners = vec![Listener { socket, tls: tls.clone() }];
    if address == IpAddr::from([127, 0, 0, 1]) {
        match TcpListener::bind((Ipv6Addr::LOCALHOST, bound.port())).await {
            Ok(socket) => listeners.push(Listener { socket, tls }),
            Err(error) => tracing::debug!(%error, port = bound.port(), "not listening on ::1"),
        }
    }
    Ok((listeners, bound))
}

async fn housekeep(gateway: Arc<Gateway>) {
    let shortest = gateway.limits.idle.min(crate::upstream::IDLE_TIME);
    let mut tick = tokio::time::interval((shortest / 4).max(Duration::from_millis(20)));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => gateway.tidy(Instant::now()),
            () = gateway.finished.cancelled() => return,
        }
    }
}

async fn accept(gateway: Arc<Gateway>, listener: Listener, permits: Arc<Semaphore>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = gateway.closing.cancelled() => return,
            accepted = async {
                let permit = Arc::clone(&permits).acquire_owned().await;
                (permit, listener.socket.accept().await)
            } => accepted,
        };
        match accepted {
            (Ok(permit), Ok((stream, address))) => {
                let (gateway, tls) = (Arc::clone(&gateway), listener.tls.clone());
                let tasks = gateway.tasks.clone();
                tasks.spawn(async move {
                    greet(gateway, stream, address, tls).await;
                    drop(permit);
                });
            }
            (_, Err(error)) if is_of_one_connection(&error) => {}
            // Out of descriptors or memory: what is open must end before there is room again.
            (_, Err(error)) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            (Err(_), _) => return,
        }
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

/// Finds out what a new connection speaks and serves it to its end.
async fn greet(gateway: Arc<Gateway>, stream: TcpStream, address: SocketAddr, tls: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
    let peer = Arc::new(Peer::new(address, tls.is_some()));
    let result = match tls {
        Some(tls) => {
            let handshake = tokio::time::timeout(gateway.limits.tls_handshake, tls.accept(stream));
            let stream = tokio::select! {
                handshake = handshake => match handshake {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => return tracing::debug!(%address, %error, "TLS handshake failed"),
                    Err(_) => return tracing::debug!(%address, "TLS handshake took too long"),
                },
                () = gateway.closing.cancelled() => return,
            };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            speak(&gateway, stream, &peer, http2).await
        }
        None => {
            let http2 = tokio::select! {
                knowledge = tokio::time::timeout(gateway.limits.idle, prior_knowledge(&stream)) => knowledge,
                () = gateway.closing.cancelled() => return,
            };
            let Ok(Ok(http2)) = http2 else { return };
            speak(&gateway, stream, &peer, http2).await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%address, %error, "connection ended");
    }
}

/// True when a plain connection starts with HTTP/2's preface (`PRI * HTTP/2.0`); no HTTP/1.1 method starts like it.
async fn prior_knowledge(stream: &TcpStream) -> std::io::Result<bool> {
    let mut start = [0; 3];
    loop {
        let read = stream.peek(&mut start).await?;
        if read == 0 || start[..read] != b"PRI"[..read] {
            return Ok(false);
        }
        if read == 3 {
            return Ok(true);
        }
        // One or two bytes that could become either: what is peeked at stays readable, so there is no event to wait for.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn speak<S>(gateway: &Arc<Gateway>, stream: S, peer: &Arc<Peer>, http2: bool) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _entered = gateway.connections.enter(peer);
    let service = service_fn(|request| dispatch::serve(Arc::clone(gateway), Arc::clone(peer), request));
    let stream = TokioIo::new(stream);
    let max_header = usize::try_from(gateway.max_header_bytes).unwrap_or(usize::MAX);
    if http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(max_header).unwrap_or(u32::MAX))
            .adaptive_window(true)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        let (gateway, peer_of_stream) = (Arc::clone(gateway), Arc::clone(peer));
        let service =
            service_fn(move |request| dispatch::serve(Arc::clone(&gateway), Arc::clone(&peer_of_stream), request));
        let connection = builder.serve_connection(stream, service);
        return drive(connection, |connection| connection.graceful_shutdown(), peer).await;
    }
    let mut builder = http1::Builder::new();
    // Slow heads are ended by `Connections::prune`, which needs no timer per request.
    builder.header_read_timeout(None).max_header_size(max_header).max_buf_size(BUFFER.max(max_header + 8192));
    let connection = builder.serve_connection(stream, service).with_upgrades();
    drive(connection, |connection| connection.graceful_shutdown(), peer).await
}
