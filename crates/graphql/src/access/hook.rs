//! The authentication hook: an HTTP service that is asked about every request without the admin secret.

use std::time::Duration;

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use http::{HeaderName, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Authenticated;
use super::cache_control::{Keep, keep};
use crate::failure::{Code, Failure};
use crate::outbound::{Call, Client, Reply};
use crate::session::Session;

/// Headers of the client that a hook asked with GET does not get: they say nothing about who asks.
const NOT_FORWARDED: [&str; 14] = [
    "content-length",
    "content-md5",
    "user-agent",
    "host",
    "origin",
    "referer",
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-datetime",
    "cache-control",
    "connection",
    "dnt",
    "content-type",
];

/// Bytes of a hook's answer.
const ANSWER_LIMIT: usize = 1 << 20;

/// How the hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The client's headers are sent as headers.
    #[default]
    Get,
    /// The client's headers are sent in the body; the request too, when `request`.
    Post { request: bool },
}

/// Where the hook is and how it is asked.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    pub mode: Mode,
    pub timeout: Duration,
}

// The URL may hold a password.
impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Hook {
    /// Asked with GET, for at most 30 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), mode: Mode::Get, timeout: Duration::from_secs(30) }
    }

    pub fn wants_request(&self) -> bool {
        self.mode == Mode::Post { request: true }
    }

    /// # Errors
    /// The hook refuses, cannot be reached, or answers what is no answer.
    pub async fn ask(
        &self,
        client: &Client,
        headers: &HeaderMap,
        request: Option<&RawValue>,
    ) -> Result<Authenticated, Failure> {
        let mut call = self.call(headers, request);
        call.response_limit = ANSWER_LIMIT;
        let reply = client.send(&call).await.map_err(|error| {
            tracing::error!(%error, "the authentication hook cannot be asked");
            Failure::new(Code::Unexpected, "$", "webhook authentication request failed")
        })?;
        read(&reply)
    }

    fn call(&self, headers: &HeaderMap, request: Option<&RawValue>) -> Call {
        match self.mode {
            Mode::Get => {
                let mut forwarded = headers.clone();
                for name in NOT_FORWARDED {
                    forwarded.remove(name);
                }
                // Of one connection only.
                for name in ["transfer-encoding", "upgrade", "te", "trailer", "keep-alive", "proxy-connection"] {
                    forwarded.remove(name);
                }
                Call::get(&*self.url, self.timeout).with_headers(&forwarded)
            }
            Mode::Post { request: wanted } => {
                let told = headers.keys().map(|name| (name.as_str().to_owned(), joined(headers, name).into()));
                let mut body = Map::new();
                body.insert("headers".to_owned(), Value::Object(told.collect()));
                if let (true, Some(request)) = (wanted, request) {
                    body.insert("request".to_owned(), serde_json::from_str(request.get()).unwrap_or_default());
                }
                Call::post(&*self.url, Value::Object(body).to_string(), self.timeout)
            }
        }
    }
}

/// A header's values in one text.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(if name == COOKIE { "; " } else { ", " })
}

fn read(reply: &Reply) -> Result<Authenticated, Failure> {
    let wrong = |message: String| Err(Failure::new(Code::Unexpected, "$", message));
    if reply.status == StatusCode::UNAUTHORIZED {
        return Err(Failure::new(Code::Unauthorized, "$", "Authentication hook unauthorized this request"));
    }
    if reply.status != StatusCode::OK {
        tracing::error!(status = reply.status.as_u16(), "the authentication hook answers neither 200 nor 401");
        return wrong("Invalid response from authorization hook".to_owned());
    }
    let answer: Map<String, Value> = match serde_json::from_slice(&reply.body) {
        Ok(answer) => answer,
        Err(_) => return wrong("Invalid response from authorization hook: Error in $: not an object".to_owned()),
    };
    if let Some((name, _)) = answer.iter().find(|(_, value)| !value.is_string()) {
        return wrong(format!("Invalid response from authorization hook: Error in $['{name}']: expected String"));
    }
    let text = |wanted: &str| {
        let found = answer.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.as_str())
    };
    let Some(role) = text("x-hasura-role").filter(|role| !role.is_empty()) else {
        return Err(Failure::new(Code::InvalidParams, "$", "x-hasura-role not found in session variables"));
    };
    let mut session = Session::role(role);
    for (name, value) in &answer {
        session.set(name, value.as_str().unwrap_or_default().to_owned());
    }
    let now = Timestamp::now();
    if let Keep::For(time) = keep(text("cache-control"), text("expires"), now) {
        session.expires = SignedDuration::try_from(time).ok().and_then(|time| now.checked_add(time).ok());
    }
    let cookies: Vec<HeaderValue> = reply.headers.get_all(SET_COOKIE).iter().cloned().collect();
    Ok(Authenticated { session, cookies })
}
