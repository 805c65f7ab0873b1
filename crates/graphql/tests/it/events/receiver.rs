//! A webhook that keeps what it gets and answers as it is told.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

/// What the next request is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    RetryAfter(u16, &'static str),
    /// Nothing, until the receiver is let go on.
    Hang,
}

#[derive(Debug)]
pub struct Received {
    pub method: String,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Value,
}

pub struct Receiver {
    pub url: String,
    received: mpsc::UnboundedReceiver<Received>,
    shared: Arc<Shared>,
}

struct Shared {
    sender: mpsc::UnboundedSender<Received>,
    answers: Mutex<VecDeque<Answer>>,
    go_on: Semaphore,
}

impl Receiver {
    pub async fn start() -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { sender, answers: Mutex::default(), go_on: Semaphore::new(0) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received, shared }
    }

    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.answers.lock().unwrap().extend(answers);
    }

    pub fn let_go(&self) {
        self.shared.go_on.add_permits(1000);
    }

    pub async fn next(&mut self) -> Received {
        tokio::time::timeout(Duration::from_secs(30), self.received.recv()).await.expect("a request in time").unwrap()
    }

    /// Nothing has come that was not taken.
    pub fn nothing(&mut self) {
        assert!(self.received.try_recv().is_err(), "an unexpected request");
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: http::Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
    let answer = shared.answers.lock().unwrap().pop_front();
    let received = Received { method: head.method.to_string(), uri: head.uri.to_string(), headers: head.headers, body };
    let _ = shared.sender.send(received);
    match answer {
        None => "{\"ok\":true}".into_response(),
        Some(Answer::Status(status)) => (StatusCode::from_u16(status).unwrap(), "no").into_response(),
        Some(Answer::RetryAfter(status, pause)) => {
            (StatusCode::from_u16(status).unwrap(), [("retry-after", pause)], "later").into_response()
        }
        Some(Answer::Hang) => {
            shared.go_on.acquire().await.unwrap().forget();
            "late".into_response()
        }
    }
}
