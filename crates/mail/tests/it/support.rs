//! A running catcher on a database of its own, and a client for its HTTP.

use std::net::SocketAddr;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use mail::{Handle, Message, Options, Service};
use serde_json::Value;
use testkit::TestDatabase;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tower::ServiceExt;

pub struct Catcher {
    pub handle: Handle,
    pub smtp: SocketAddr,
    pub database: TestDatabase,
    router: axum::Router,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub async fn start() -> Catcher {
    start_with(|_| {}).await
}

pub async fn start_with(change: impl FnOnce(&mut Options)) -> Catcher {
    let database = testkit::db().await;
    let mut options = Options::new(postgres::Pool::new(database.config(), 5));
    let smtp = SocketAddr::from(([127, 0, 0, 1], testkit::free_port()));
    options.smtp = Some(smtp);
    change(&mut options);
    let handle = Service::start(options).await.unwrap();
    let router = handle.router();
    Catcher { handle, smtp, database, router }
}

impl Catcher {
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// One mail with a text; its id.
    pub async fn deliver(&self, to: &str, subject: &str, text: &str) -> String {
        let mut message = Message::new("shop@example.com".parse().unwrap(), vec![to.parse().unwrap()], subject);
        message.text = Some(text.to_owned());
        self.handle.deliver(&message).await.unwrap()
    }

    pub async fn talk(&self) -> Talk {
        let mut talk = Talk(BufReader::new(TcpStream::connect(self.smtp).await.unwrap()));
        assert!(talk.answer().await.starts_with("220 "));
        talk
    }
}

/// An SMTP client that says what it likes.
pub struct Talk(BufReader<TcpStream>);

impl Talk {
    /// The last line of an answer; empty when the connection is closed.
    pub async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.unwrap_or(0) == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        // A server that has hung up is seen at the next answer.
        let _ = self.0.get_mut().write_all(bytes).await;
    }

    pub async fn say(&mut self, line: &str) -> String {
        self.raw(format!("{line}\r\n").as_bytes()).await;
        self.answer().await
    }

    /// Says EHLO, and expects that `code` begins the answers to MAIL and RCPT.
    pub async fn envelope(&mut self, to: &str) {
        assert!(self.say("EHLO test").await.starts_with("250"));
        assert!(self.say("MAIL FROM:<shop@example.com>").await.starts_with("250"));
        assert!(self.say(&format!("RCPT TO:<{to}>")).await.starts_with("250"));
    }

    pub async fn closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.is_ok()
    }
}
