//! Requests to sign-in providers: their token, profile and key endpoints.
//!
//! Nothing that goes out or comes back is written to the log: both hold tokens. An [`Error`] names the reason only.

use std::time::Duration;

use bytes::BytesMut;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, StatusCode};
use reqwest::Url;
use serde_json::Value;

/// Time to reach the other side, and for the whole exchange.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// Bytes of an answer. Profiles and key sets have a few thousand.
const LIMIT: usize = 1 << 20;

/// One client for all, so that connections are kept. It follows no redirects: an API has none, and a redirect would carry
/// secrets elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Client(reqwest::Client);

/// Why there is no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("there was no answer in time")]
    Timeout,
    #[error("no connection: {0}")]
    Connection(String),
    #[error("the answer has more than {LIMIT} bytes")]
    TooLarge,
    #[error("the answer has status {0}{1}")]
    Status(u16, String),
    #[error("the answer is no JSON")]
    NotJson,
}

/// What came back with status 2xx.
pub(crate) struct Reply {
    pub body: BytesMut,
}

impl Reply {
    pub fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::NotJson)
    }
}

impl Client {
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Fails when there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(60))
            .retry(reqwest::retry::never());
        builder.build().map(Self)
    }

    pub async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Reply, Error> {
        self.send(Method::GET, url, headers, None).await
    }

    /// Posts a form.
    pub async fn post(&self, url: &Url, mut headers: HeaderMap, form: &[(&str, &str)]) -> Result<Reply, Error> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self.send(Method::POST, url, headers, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Reply, Error> {
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        // GitHub refuses requests without one.
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("nself/", env!("CARGO_PKG_VERSION"))));
        let mut request = self.0.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        tokio::time::timeout(WHOLE, exchange(request)).await.unwrap_or(Err(Error::Timeout))
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Reply, Error> {
    let mut response = request.send().await.map_err(|error| classify(&error))?;
    let status = response.status();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > LIMIT {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() { Ok(Reply { body }) } else { Err(refusal(status, &body)) }
}

/// Of a refusal only OAuth's `error`, a word of a fixed vocabulary (RFC 6749, 5.2), is repeated.
fn refusal(status: StatusCode, body: &[u8]) -> Error {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = json.get("error").and_then(Value::as_str).map(word).unwrap_or_default();
    Error::Status(status.as_u16(), code)
}

/// A code of another side, fit for the log: ` (invalid_grant)`, or nothing when it is no word.
pub(crate) fn word(code: &str) -> String {
    let is_word = !code.is_empty() && code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { format!(" ({code})") } else { String::new() }
}

fn classify(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::Timeout;
    }
    // The innermost reason: the outer ones repeat the URL, which may hold a secret.
    let mut current: &dyn std::error::Error = error;
    let mut depth = 0;
    while let Some(source) = current.source() {
        current = source;
        depth += 1;
    }
    Error::Connection(if depth == 0 { "the request failed".to_owned() } else { current.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_are_repeated() {
        assert_eq!(refusal(StatusCode::BAD_REQUEST, br#"{"error":"invalid_grant"}"#).to_string(), {
            "the answer has status 400 (invalid_grant)"
        });
        for body in [&br#"{"error":"code abc123 is bad"}"#[..], br#"{"error":{"a":1}}"#, b"secret", b""] {
            assert_eq!(refusal(StatusCode::BAD_REQUEST, body), Error::Status(400, String::new()));
        }
    }
}
