//! Requests to others: webhooks of actions and events, remote schemas, key sets, authentication hooks.
//!
//! One client for all, so that connections are kept. No request is retried here: who calls knows whether it may be.

pub(crate) mod cookies;
mod header;
mod redirect;
mod template;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

pub use header::{configured, forwarded, kept, pairs};
pub use template::{resolve, variable};

/// What `{{NAME}}` and `value_from_env` are looked up in.
pub type Environment = BTreeMap<String, String>;

/// Redirects followed, as Hasura's client does.
const REDIRECTS: usize = 10;

/// Time to reach the other side, within the request's own limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a response, unless the caller says otherwise.
pub const RESPONSE_LIMIT: usize = 64 << 20;

/// A request to send.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// For the whole of it, from connecting to the last byte.
    pub timeout: Duration,
    /// Bytes of the response's body.
    pub response_limit: usize,
    /// The URL is from the environment: it may be a secret, and errors do not tell it.
    pub hidden_url: bool,
}

impl Call {
    pub fn post(url: impl Into<String>, body: impl Into<Bytes>, timeout: Duration) -> Self {
        let headers = header::defaults();
        let (url, body) = (url.into(), Some(body.into()));
        let (method, response_limit) = (Method::POST, RESPONSE_LIMIT);
        Self { method, url, headers, body, timeout, response_limit, hidden_url: false }
    }

    pub fn get(url: impl Into<String>, timeout: Duration) -> Self {
        let mut headers = header::defaults();
        headers.remove(http::header::CONTENT_TYPE);
        let (method, url, response_limit) = (Method::GET, url.into(), RESPONSE_LIMIT);
        Self { method, url, headers, body: None, timeout, response_limit, hidden_url: false }
    }

    /// Says whether errors must not tell the URL.
    pub fn hiding_url(mut self, hidden: bool) -> Self {
        self.hidden_url = hidden;
        self
    }

    /// Sets headers; a name that is there already gets the new value.
    pub fn with_headers(mut self, headers: &HeaderMap) -> Self {
        for name in headers.keys() {
            self.headers.remove(name);
        }
        for (name, value) in headers {
            self.headers.append(name.clone(), value.clone());
        }
        self
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no reply. None of the messages holds a header or a query string.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the URL is not valid")]
    Url,
    #[error("the request could not be built")]
    Request,
    #[error("Response timeout")]
    Timeout,
    #[error("Connection failure: {0}")]
    Connection(String),
    #[error("too many redirects")]
    Redirects,
    #[error("the response is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the response ended early: {0}")]
    Broken(String),
}

impl Error {
    /// Hasura's `http_exception` object, which stands in `internal` and in invocation logs. Of a URL from the environment
    /// it tells nothing.
    pub fn to_json(&self, call: &Call) -> Value {
        let url = reqwest::Url::parse(&call.url).ok().filter(|_| !call.hidden_url);
        let url = url.as_ref();
        json!({
            "type": "http_exception",
            "message": self.to_string(),
            "request": {
                "host": url.and_then(|url| url.host_str()),
                "port": url.and_then(|url| url.port_or_known_default()),
                "secure": url.is_some_and(|url| url.scheme() == "https"),
                "path": url.map(|url| url.path()),
                "method": call.method.as_str(),
                "queryString": "",
                "responseTimeout": format!("ResponseTimeoutMicro {}", call.timeout.as_micros()),
            },
        })
    }
}

/// The shared client.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client);

impl Client {
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Fails when there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(60))
            .retry(reqwest::retry::never());
        builder.build().map(Self)
    }

    /// Sends a request and reads the reply.
    ///
    /// # Errors
    /// Nothing came back, in time and of bearable size.
    pub async fn send(&self, call: &Call) -> Result<Reply, Error> {
        let url = reqwest::Url::parse(&call.url).map_err(|_| Error::Url)?;
        let mut request = self.0.request(call.method.clone(), url).headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let request = request.build().map_err(|_| Error::Request)?;
        match tokio::time::timeout(call.timeout, self.exchange(request, call.response_limit)).await {
            Ok(reply) => reply,
            Err(_) => Err(Error::Timeout),
        }
    }

    async fn exchange(&self, mut request: reqwest::Request, limit: usize) -> Result<Reply, Error> {
        for _ in 0..=REDIRECTS {
            let asked = request.try_clone();
            let response = self.0.execute(request).await.map_err(|error| classify(&error))?;
            match asked.and_then(|asked| redirect::follow(asked, response.status(), response.headers())) {
                Some(next) => request = next,
                None => return read(response, limit).await,
            }
        }
        Err(Error::Redirects)
    }
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Reply, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Error::Broken(cause(&error)))? {
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body: body.freeze() })
}

fn classify(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        Error::Timeout
    } else if error.is_builder() {
        Error::Request
    } else {
        Error::Connection(cause(error))
    }
}

/// The innermost reason: the outer ones repeat the URL, which may hold a secret.
fn cause(error: &reqwest::Error) -> String {
    let mut current: &dyn std::error::Error = error;
    let mut depth = 0;
    while let Some(source) = current.source() {
        current = source;
        depth += 1;
    }
    if depth == 0 { "the request failed".to_owned() } else { current.to_string() }
}
