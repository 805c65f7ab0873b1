//! Requests to providers.

use std::time::Duration;

use ::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};

use super::SendError;

/// Bytes of an answer that are read; providers answer a few lines.
const LONGEST: usize = 64 << 10;

/// A client for one provider, which its errors name.
#[derive(Debug, Clone)]
pub struct Client {
    name: &'static str,
    client: reqwest::Client,
}

/// What came back.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Client {
    pub(super) fn new(name: &'static str) -> Result<Self, SendError> {
        // Fails when there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A key must not follow a redirect.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| SendError::Setup { provider: name, why: cause(&error) })?;
        Ok(Self { name, client })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) async fn post(&self, url: &str, headers: HeaderMap, body: impl Into<Bytes>) -> Result<Reply, SendError> {
        let unreachable = |error: reqwest::Error| SendError::Unreachable { provider: self.name, why: cause(&error) };
        let request = self.client.post(url).headers(headers).body(body.into());
        let mut response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            let room = LONGEST - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(Reply { status, headers, body: body.freeze() })
    }

    /// Whether somebody answers there, whatever it is.
    pub(super) async fn reach(&self, url: &str) -> Result<(), SendError> {
        let unreachable = |error: reqwest::Error| SendError::Unreachable { provider: self.name, why: cause(&error) };
        self.client.head(url).send().await.map(drop).map_err(unreachable)
    }

    /// A setting that can stand in no header or address.
    pub(super) fn setup(&self, why: &str) -> SendError {
        SendError::Setup { provider: self.name, why: why.to_owned() }
    }

    /// What the provider said instead of yes; `words` is what it says it in.
    pub(super) fn refused(&self, reply: &Reply, words: Option<&str>) -> SendError {
        let words: String = words.unwrap_or_default().chars().filter(|char| !char.is_control()).take(500).collect();
        let status = reply.status;
        let why = if words.is_empty() { status.to_string() } else { format!("{}: {words}", status.as_u16()) };
        let temporary = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        SendError::Refused { provider: self.name, why, temporary }
    }
}

/// The innermost reason: the outer ones repeat the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut current: &dyn std::error::Error = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}
