//! A running service on a database of its own, and a client without a network between.

use std::sync::{Arc, Mutex};

use auth::keys::Keys;
use auth::{Handle, MailError, Mailer, Message, Options, Service};
use axum::body::Body;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use testkit::TestDatabase;
use tower::ServiceExt;

pub const PASSWORD: &str = "Pw-3f9c1a-long";
pub const KEY: &str = "a secret of at least thirty-two bytes";

/// Keeps what is sent. `fail`: refuses everything.
#[derive(Debug, Default)]
pub struct Mailbox {
    sent: Mutex<Vec<Message>>,
    fail: Mutex<bool>,
}

impl Mailer for Mailbox {
    fn send(&self, message: Message) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(async move {
            if *self.fail.lock().unwrap() {
                return Err(MailError("the mail server is down".to_owned()));
            }
            self.sent.lock().unwrap().push(message);
            Ok(())
        })
    }
}

impl Mailbox {
    /// From now on, or not any more.
    pub fn fail(&self, fail: bool) {
        *self.fail.lock().unwrap() = fail;
    }

    pub fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// The last mail to somebody.
    pub fn last_to(&self, to: &str) -> Message {
        let sent = self.sent.lock().unwrap();
        sent.iter().rev().find(|message| message.to == to).cloned().unwrap_or_else(|| panic!("no mail to {to}"))
    }

    /// What the last mail to somebody carries.
    pub fn ticket_to(&self, to: &str) -> String {
        header(&self.last_to(to), "X-Ticket")
    }

    pub fn link_to(&self, to: &str) -> String {
        header(&self.last_to(to), "X-Link")
    }
}

pub fn header(message: &Message, name: &str) -> String {
    message.headers.iter().find(|(header, _)| *header == name).unwrap().1.clone()
}

/// A running service.
pub struct Server {
    pub database: TestDatabase,
    pub handle: Handle,
    pub mail: Arc<Mailbox>,
    pub pool: postgres::Pool,
    router: axum::Router,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The code or the validator's text.
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    /// A parameter of the URL that it redirects to.
    pub fn param(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(self.location()).unwrap();
        url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    pub fn access_token(&self) -> String {
        let session = if self.body["session"].is_object() { &self.body["session"] } else { &self.body };
        session["accessToken"].as_str().unwrap_or_else(|| panic!("a session: {self:?}")).to_owned()
    }

    pub fn refresh_token(&self) -> String {
        let session = if self.body["session"].is_object() { &self.body["session"] } else { &self.body };
        session["refreshToken"].as_str().unwrap_or_else(|| panic!("a session: {self:?}")).to_owned()
    }
}

/// With the settings of a new project, quick hashes and no limits.
pub async fn start() -> Server {
    start_with(|_| {}).await
}

pub async fn start_with(change: impl FnOnce(&mut Options)) -> Server {
    let database = testkit::db().await;
    start_on(database, change).await
}

pub async fn start_on(database: TestDatabase, change: impl FnOnce(&mut Options)) -> Server {
    let mail = Arc::new(Mailbox::default());
    let mailer: Arc<dyn Mailer> = mail.clone();
    let pool = postgres::Pool::new(database.config(), 5);
    let mut options = Options::new(pool, Keys::of_key("HS256", KEY).unwrap(), mailer);
    options.passwords.memory = 64;
    options.passwords.iterations = 1;
    options.limits.enabled = false;
    change(&mut options);
    let pool = options.pool.clone();
    let handle = Service::start(options).await.unwrap();
    let router = handle.router();
    Server { database, handle, mail, pool, router }
}

impl Server {
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        // What is no JSON is told as its text.
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn call(&self, method: Method, path: &str, bearer: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("x-real-ip", "192.0.2.1");
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, None, Some(body)).await
    }

    pub async fn post_as(&self, path: &str, bearer: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(bearer), Some(body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, None).await
    }

    pub async fn get_as(&self, path: &str, bearer: &str) -> Answer {
        self.call(Method::GET, path, Some(bearer), None).await
    }

    /// A new user with [`PASSWORD`]; its session.
    pub async fn user(&self, email: &str) -> Answer {
        let answer = self.post("/signup/email-password", json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer
    }

    pub async fn sign_in(&self, email: &str) -> Answer {
        self.post("/signin/email-password", json!({"email": email, "password": PASSWORD})).await
    }
}
