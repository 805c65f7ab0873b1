//! What an application sees when something is refused: OAuth's own shape (RFC 6749, 5.2).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::api::failure::Failure;

/// Why an application's request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    OAuth {
        code: &'static str,
        why: &'static str,
    },
    /// A bearer token is missing, bad or too weak (RFC 6750, 3.1).
    Token {
        code: &'static str,
        why: &'static str,
    },
    /// What every endpoint may answer: busy, disabled, broken.
    Other(Failure),
}

impl Refusal {
    pub const fn new(code: &'static str, why: &'static str) -> Self {
        Self::OAuth { code, why }
    }

    /// The application is not who it says.
    pub const fn client(why: &'static str) -> Self {
        Self::new("invalid_client", why)
    }

    /// A code or refresh token is not good.
    pub const fn grant(why: &'static str) -> Self {
        Self::new("invalid_grant", why)
    }

    pub const fn request(why: &'static str) -> Self {
        Self::new("invalid_request", why)
    }

    pub const fn token(why: &'static str) -> Self {
        Self::Token { code: "invalid_token", why }
    }
}

impl<T: Into<Failure>> From<T> for Refusal {
    fn from(failure: T) -> Self {
        Self::Other(failure.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, why, challenge) = match self {
            Self::Other(failure) => return failure.into_response(),
            Self::OAuth { code: "invalid_client", why } => {
                ("invalid_client", why, Some("Basic realm=\"oauth2\"".to_owned()))
            }
            Self::OAuth { code, why } => (code, why, None),
            Self::Token { code, why } => (code, why, Some(format!("Bearer error=\"{code}\""))),
        };
        let status = match code {
            "invalid_client" | "invalid_token" => StatusCode::UNAUTHORIZED,
            "insufficient_scope" => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = (status, Json(json!({ "error": code, "error_description": why }))).into_response();
        if let Some(challenge) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
