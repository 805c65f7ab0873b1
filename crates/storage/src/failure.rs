//! What a client is told when something is not done: `{"error":{"data":…,"message":"…"}}` and the header `X-Error`, as
//! Nhost's storage answers.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::gate::Refusal;

const X_ERROR: HeaderName = HeaderName::from_static("x-error");

/// Why a request was not done. The message is for the client: it names no key, no path and no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub status: StatusCode,
    pub message: String,
    /// `error.data`: null, or what the message is about.
    pub data: Value,
}

impl Failure {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), data: Value::Null }
    }

    /// 400
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 403
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 403, of who lacks a permission.
    pub fn unauthorized() -> Self {
        Self::forbidden("you are not authorized")
    }

    pub fn file_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "file not found")
    }

    pub fn bucket_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "bucket not found")
    }

    /// 500. What has happened is in the log, where it was noticed.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "an internal server error occurred")
    }

    /// 503, of a dependency that will be back.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 507
    pub fn no_space() -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "there is no space left for the file")
    }

    pub fn too_big(filename: &str, size: u64, limit: u64) -> Self {
        let data = json!({"filename": filename, "maxSize": limit, "size": size});
        Self { data, ..Self::bad("file too big") }
    }

    pub fn too_small(filename: &str, size: u64, limit: u64) -> Self {
        let data = json!({"filename": filename, "minSize": limit, "size": size});
        Self { data, ..Self::bad("file too small") }
    }

    /// `{"data":…,"message":"…"}`
    pub fn to_json(&self) -> Value {
        json!({"data": self.data, "message": self.message})
    }

    /// With another body than the usual one.
    pub(crate) fn respond(&self, body: &Value) -> Response {
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Ok(message) = HeaderValue::from_str(&self.message) {
            response.headers_mut().insert(X_ERROR, message);
        }
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.respond(&json!({"error": self.to_json()}))
    }
}

/// Hasura's codes, as Nhost's storage maps them.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal.code.as_str() {
            "access-denied" | "validation-failed" | "permission-error" => Self::unauthorized(),
            "data-exception" | "constraint-violation" | "parse-failed" => Self::bad(refusal.message),
            "invalid-jwt" | "invalid-headers" => Self::new(StatusCode::UNAUTHORIZED, "invalid or expired jwt"),
            "unavailable" => Self::unavailable(refusal.message),
            code => {
                tracing::error!(code, message = refusal.message, "GraphQL did not answer storage");
                Self::internal()
            }
        }
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        tracing::error!(%error, "storage has no connection to PostgreSQL");
        Self::unavailable("the database cannot be reached")
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if error.is_closed() || error.as_db_error().is_none() {
            tracing::error!(%error, "storage lost its connection to PostgreSQL");
            return Self::unavailable("the database cannot be reached");
        }
        tracing::error!(%error, code = error.code().map(|code| code.code()), "PostgreSQL refused a statement of storage");
        Self::internal()
    }
}

impl From<opendal::Error> for Failure {
    fn from(error: opendal::Error) -> Self {
        if crate::store::is_full(&error) {
            tracing::error!("the object store is full");
            return Self::no_space();
        }
        match error.kind() {
            opendal::ErrorKind::RateLimited => Self::unavailable("the object store is busy"),
            kind => {
                tracing::error!(%kind, message = error.message(), "the object store failed");
                Self::internal()
            }
        }
    }
}
