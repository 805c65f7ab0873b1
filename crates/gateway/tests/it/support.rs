//! A gateway with a log that can be read, and clients that hide nothing.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gateway::{AccessLog, Backend, Certificates, Handle, Limits, Options, Service, StatusSource};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use stack::status::{ServerStatus, ServiceStatus, StackStatus, State};
use stack::{Rate, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub struct Log(Mutex<Vec<u8>>);

impl AccessLog for Log {
    fn write(&self, lines: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(lines);
    }
}

impl Log {
    pub fn lines(&self) -> Vec<stack::log::Line> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for the line of the request with this path.
    pub async fn line(&self, path: &str) -> stack::log::Line {
        until(|| self.lines().into_iter().find(|line| line.fields["path"] == path)).await
    }
}

/// Polls for something that must happen.
pub async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub struct Status(pub Mutex<State>);

impl StatusSource for Status {
    fn status(&self) -> StackStatus {
        let now = Timestamp::now();
        StackStatus {
            timestamp: now,
            project: "demo".to_owned(),
            environment: "dev".to_owned(),
            server: ServerStatus {
                pid: 1,
                version: "0".to_owned(),
                started_at: now,
                url: String::new(),
                https_url: None,
            },
            services: vec![ServiceStatus {
                name: "auth".to_owned(),
                kind: stack::Kind::Custom,
                group: stack::Group::Custom,
                state: *self.0.lock().unwrap(),
                detail: None,
                pid: None,
                since: now,
                restarts: 0,
                memory_bytes: None,
                ports: vec![],
                url: None,
            }],
        }
    }
}

pub struct Fixture {
    pub handle: Handle,
    pub address: SocketAddr,
    pub log: Arc<Log>,
    pub status: Arc<Status>,
    pub running: tokio::task::JoinHandle<()>,
}

pub struct Setup {
    pub options: Options,
    log: Arc<Log>,
    status: Arc<Status>,
}

pub fn route(host: Option<&str>, path: &str, service: &str) -> Route {
    Route {
        host: host.map(str::to_owned),
        path: path.to_owned(),
        service: service.to_owned(),
        rewrite: None,
        zone: "general".to_owned(),
        max_body_bytes: None,
    }
}

/// A gateway whose route `/` leads to `backend` under the name `app`.
pub fn setup(backend: Backend) -> Setup {
    let (log, status) = (Arc::new(Log::default()), Arc::new(Status(Mutex::new(State::Ready))));
    let options = Options {
        plan: stack::Gateway {
            bind: [127, 0, 0, 1].into(),
            http_port: 0,
            https_port: None,
            tls: stack::Tls::Off,
            max_body_bytes: 1 << 20,
            max_header_bytes: 8 << 10,
            compression: true,
            zones: BTreeMap::from([("general".to_owned(), Rate { requests: 100_000, per_seconds: 1, burst: 100_000 })]),
            cors_origins: vec!["http://localhost:*".to_owned()],
        },
        tier: project::Tier::Dev,
        routes: vec![route(None, "/", "app")],
        backends: HashMap::from([("app".to_owned(), backend)]),
        certificates: None,
        status: Arc::clone(&status) as Arc<dyn StatusSource>,
        access_log: Arc::clone(&log) as Arc<dyn AccessLog>,
        limits: Limits::default(),
        trusted_proxies: Vec::new(),
    };
    Setup { options, log, status }
}

impl Setup {
    pub fn https(mut self, certificates: Certificates) -> Self {
        self.options.plan.https_port = Some(0);
        self.options.certificates = Some(certificates);
        self
    }

    pub async fn start(self) -> Fixture {
        let (service, handle) = Service::bind(self.options).await.unwrap();
        let running = tokio::spawn(service.run());
        Fixture { address: handle.local_addr(), handle, log: self.log, status: self.status, running }
    }
}

/// Serves a router in a listener of its own: a service in another process, as far as the gateway can tell.
pub async fn upstream(router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

pub fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).header("host", "localhost").body(Empty::new()).unwrap()
}

pub fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path).header("host", "localhost").body(Full::new(body.into())).unwrap()
}

/// Sends a request on a connection of its own; the body is still to be read.
pub async fn open<B>(address: SocketAddr, request: Request<B>) -> Response<hyper::body::Incoming>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    tokio::time::timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time").unwrap()
}

pub async fn send<B>(address: SocketAddr, request: Request<B>) -> Response<Bytes>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    read(open(address, request).await).await
}

pub async fn read(response: Response<hyper::body::Incoming>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("a body in time").unwrap();
    Response::from_parts(parts, body.to_bytes())
}

pub fn json(response: &Response<Bytes>) -> serde_json::Value {
    serde_json::from_slice(response.body()).unwrap_or_else(|_| panic!("no JSON: {:?}", response.body()))
}

/// Sends bytes as they are and reads until the gateway hangs up.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end in time");
    String::from_utf8_lossy(&answer).into_owned()
}
