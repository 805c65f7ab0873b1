//! Where a request comes from.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};

/// The address and browser of who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// Empty when nobody said.
    pub address: String,
    pub user_agent: String,
}

impl Caller {
    /// The gateway, which alone can reach this router, sets `X-Real-IP` to the client it saw and drops what the client
    /// claims.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let address = text("x-real-ip").parse::<std::net::IpAddr>();
        Self {
            address: address.map(|address| address.to_canonical().to_string()).unwrap_or_default(),
            user_agent: text(header::USER_AGENT.as_str()).chars().take(300).collect(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}
