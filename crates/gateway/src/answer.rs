//! Answers that the gateway gives by itself when a request cannot reach its service.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::body::Body;

/// Why a request got no answer from a service. Each has a code with a page, like the errors of the commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request itself is malformed.
    Malformed(&'static str),
    /// No route.
    NotFound,
    /// The body is larger than the limit in bytes.
    TooLarge(u64),
    /// Over the zone's rate; seconds until the next try.
    RateLimited(u64),
    /// The service's process does not answer.
    Unreachable { service: String, detail: String },
    /// The service does not run.
    Unavailable { service: String, why: String },
    /// The service took too long.
    TimedOut { service: String, seconds: u64 },
    /// The service's code ended in a panic.
    Crashed { service: String },
}

impl Refusal {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "NS-GATE-101",
            Self::NotFound => "NS-GATE-102",
            Self::TooLarge(_) => "NS-GATE-103",
            Self::RateLimited(_) => "NS-GATE-104",
            Self::Unreachable { .. } => "NS-GATE-105",
            Self::Unavailable { .. } => "NS-GATE-106",
            Self::TimedOut { .. } => "NS-GATE-107",
            Self::Crashed { .. } => "NS-GATE-108",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable { .. } => StatusCode::BAD_GATEWAY,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Crashed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Malformed(what) => Cow::Borrowed(what),
            Self::NotFound => Cow::Borrowed("no route for this host and path"),
            Self::TooLarge(limit) => Cow::Owned(format!("the request body is larger than {limit} bytes")),
            Self::RateLimited(_) => Cow::Borrowed("too many requests"),
            Self::Unreachable { service, detail } => Cow::Owned(format!("{service} does not answer: {detail}")),
            Self::Unavailable { service, why } => Cow::Owned(format!("{service} is not available: {why}")),
            Self::TimedOut { service, seconds } => {
                Cow::Owned(format!("{service} did not answer within {seconds} seconds"))
            }
            Self::Crashed { service } => Cow::Owned(format!("{service} failed while it worked on this request")),
        }
    }

    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Malformed(_) => Cow::Borrowed("send a well-formed HTTP request"),
            Self::NotFound => Cow::Borrowed("`nself urls` lists what answers where"),
            Self::TooLarge(_) => Cow::Borrowed("send less, or raise NGINX_CLIENT_MAX_BODY_SIZE in .env and restart"),
            Self::RateLimited(_) => Cow::Borrowed("wait as long as the Retry-After header says"),
            Self::Unreachable { service, .. } | Self::Unavailable { service, .. } | Self::TimedOut { service, .. } => {
                Cow::Owned(format!("`nself status` and `nself logs {service}` say more"))
            }
            Self::Crashed { service } => Cow::Owned(format!("`nself logs {service}` holds the panic")),
        }
    }

    fn service(&self) -> Option<&str> {
        match self {
            Self::Unreachable { service, .. }
            | Self::Unavailable { service, .. }
            | Self::TimedOut { service, .. }
            | Self::Crashed { service } => Some(service),
            _ => None,
        }
    }

    pub(crate) fn response(&self, id: &HeaderValue) -> Response<Body> {
        let body = serde_json::json!({ "error": {
            "code": self.code(),
            "message": self.message(),
            "hint": self.hint(),
            "service": self.service(),
            "request_id": String::from_utf8_lossy(id.as_bytes()),
        }});
        let mut response = json(self.status(), &body);
        match self {
            Self::RateLimited(seconds) => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::Unavailable { .. } | Self::Unreachable { .. } => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<Self> {
        let service = || "auth".to_owned();
        vec![
            Self::Malformed("no Host header"),
            Self::NotFound,
            Self::TooLarge(1),
            Self::RateLimited(1),
            Self::Unreachable { service: service(), detail: "connection refused".into() },
            Self::Unavailable { service: service(), why: "stopped".into() },
            Self::TimedOut { service: service(), seconds: 60 },
            Self::Crashed { service: service() },
        ]
    }
}

/// A JSON answer that no cache may keep.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    let mut text = value.to_string();
    text.push('\n');
    let mut response = Response::new(Body::full(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
