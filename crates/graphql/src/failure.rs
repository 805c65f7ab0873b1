//! What a client is told when a request fails, in Hasura's shape, since clients branch on it.

use std::fmt::Write as _;

use http::StatusCode;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What is said when the database cannot be reached.
pub(crate) const DISCONNECTED: &str = "connection error";

/// Hasura's error codes, as far as this engine gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    AccessDenied,
    Busy,
    NotExists,
    AlreadyExists,
    BadRequest,
    ConcurrentUpdate,
    ConstraintError,
    ConstraintViolation,
    DataException,
    InvalidJson,
    NotFound,
    ParseFailed,
    PermissionError,
    PostgresError,
    RemoteSchemaError,
    StartFailed,
    Timeout,
    InvalidHeaders,
    InvalidJwt,
    InvalidParams,
    JwtInvalidClaims,
    JwtMissingRoleClaims,
    MethodNotAllowed,
    NotSupported,
    /// Credentials are missing or wrong: `access-denied` too, but with HTTP's own 401.
    Unauthorized,
    BatchLimitExceeded,
    DepthLimitExceeded,
    NodeLimitExceeded,
    RateLimitExceeded,
    TimeLimitExceeded,
    PersistedQueryNotFound,
    Unexpected,
    UnexpectedPayload,
    AlreadyTracked,
    AlreadyUntracked,
    Conflict,
    DependencyError,
    InvalidConfiguration,
    PermissionDenied,
    ValidationFailed,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access-denied",
            Self::Busy => "busy",
            Self::NotExists => "not-exists",
            Self::AlreadyExists => "already-exists",
            Self::BadRequest => "bad-request",
            Self::ConcurrentUpdate => "concurrent-update",
            Self::ConstraintError => "constraint-error",
            Self::ConstraintViolation => "constraint-violation",
            Self::DataException => "data-exception",
            Self::InvalidJson => "invalid-json",
            Self::NotFound => "not-found",
            Self::ParseFailed => "parse-failed",
            Self::PermissionError => "permission-error",
            Self::PostgresError => "postgres-error",
            Self::RemoteSchemaError => "remote-schema-error",
            Self::StartFailed => "start-failed",
            Self::Timeout => "timeout",
            Self::InvalidHeaders => "invalid-headers",
            Self::InvalidJwt => "invalid-jwt",
            Self::InvalidParams => "invalid-params",
            Self::JwtInvalidClaims => "jwt-invalid-claims",
            Self::JwtMissingRoleClaims => "jwt-missing-role-claims",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotSupported => "not-supported",
            Self::Unauthorized => "access-denied",
            Self::BatchLimitExceeded => "batch-limit-exceeded",
            Self::DepthLimitExceeded => "depth-limit-exceeded",
            Self::NodeLimitExceeded => "node-limit-exceeded",
            Self::RateLimitExceeded => "rate-limit-exceeded",
            Self::TimeLimitExceeded => "time-limit-exceeded",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::Unexpected => "unexpected",
            Self::UnexpectedPayload => "unexpected-payload",
            Self::AlreadyTracked => "already-tracked",
            Self::AlreadyUntracked => "already-untracked",
            Self::Conflict => "conflict",
            Self::DependencyError => "dependency-error",
            Self::InvalidConfiguration => "invalid-configuration",
            Self::PermissionDenied => "permission-denied",
            Self::ValidationFailed => "validation-failed",
        }
    }
}

/// A failed request.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: Code,
    /// Where in the request: `$.selectionSet.users.args.where`.
    pub path: String,
    pub message: String,
    /// What only developers may see; sent in development mode alone.
    pub internal: Option<Box<serde_json::Value>>,
    /// Stands for `extensions` as it is: what an action's handler said.
    pub extensions: Option<Box<serde_json::Value>>,
    /// Stands for the code: what an action's handler said.
    pub other_code: Option<Box<str>>,
    /// Stands for `errors` as it is: what a remote schema said.
    pub errors: Option<Box<serde_json::Value>>,
}

impl Failure {
    pub fn new(code: Code, path: impl ToString, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.to_string(),
            message: message.into(),
            internal: None,
            extensions: None,
            other_code: None,
            errors: None,
        }
    }

    /// The commonest kind.
    pub fn invalid(path: impl ToString, message: impl Into<String>) -> Self {
        Self::new(Code::ValidationFailed, path, message)
    }

    /// Whether the database could not be reached.
    pub fn is_disconnected(&self) -> bool {
        self.code == Code::Unexpected && self.message == DISCONNECTED
    }

    /// HTTP's status for it, where answers are not always 200.
    pub fn status(&self) -> StatusCode {
        match self.code {
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Code::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The body where Hasura does not answer in GraphQL's shape: `{"path", "error", "code"}`.
    pub fn to_plain_body(&self, dev_mode: bool) -> Vec<u8> {
        let mut body = serde_json::Map::new();
        body.insert("path".to_owned(), self.path.as_str().into());
        body.insert("error".to_owned(), self.message.as_str().into());
        body.insert("code".to_owned(), self.code.as_str().into());
        if let (true, Some(internal)) = (dev_mode, &self.internal) {
            body.insert("internal".to_owned(), (**internal).clone());
        }
        serde_json::to_vec(&body).expect("strings and JSON values serialise")
    }

    /// As the metadata endpoints tell it: `{path, error, code, internal}`.
    pub fn to_json(&self) -> serde_json::Value {
        let code = self.other_code.as_deref().unwrap_or(self.code.as_str());
        let mut json = serde_json::json!({ "path": self.path, "error": self.message, "code": code });
        if let (Some(internal), serde_json::Value::Object(fields)) = (&self.internal, &mut json) {
            fields.insert("internal".to_owned(), (**internal).clone());
        }
        json
    }

    /// The response body. `internal` is shown in development mode only.
    pub fn to_body(&self, dev_mode: bool) -> Vec<u8> {
        if let Some(errors) = &self.errors {
            return format!("{{\"errors\":{errors}}}").into_bytes();
        }
        let body = Body { errors: [Entry { failure: self, dev_mode }] };
        serde_json::to_vec(&body).expect("strings and JSON values serialise")
    }
}

#[derive(serde::Serialize)]
struct Body<'a> {
    errors: [Entry<'a>; 1],
}

struct Entry<'a> {
    failure: &'a Failure,
    dev_mode: bool,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut extensions = serde_json::Map::new();
        match self.failure.extensions.as_deref() {
            Some(serde_json::Value::Object(given)) => extensions.clone_from(given),
            Some(_) => {}
            None => {
                let code = self.failure.other_code.as_deref().unwrap_or(self.failure.code.as_str());
                extensions.insert("path".to_owned(), self.failure.path.as_str().into());
                extensions.insert("code".to_owned(), code.into());
            }
        }
        if let (true, Some(internal)) = (self.dev_mode, &self.failure.internal) {
            extensions.insert("internal".to_owned(), (**internal).clone());
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("message", &self.failure.message)?;
        map.serialize_entry("extensions", &extensions)?;
        map.end()
    }
}

/// A place in a request, kept as a chain on the stack and written out only when something fails there.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl Path<'static> {
    pub const ROOT: Self = Self { parent: None, step: Step::Root };
}

impl Path<'_> {
    pub fn key<'b>(&'b self, key: &'b str) -> Path<'b> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    /// The keys of the response that lead to a field: every second step.
    pub fn response_keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut current = Some(self);
        while let Some(path) = current {
            if let Step::Key(key) = path.step {
                keys.push(key.to_owned());
            }
            current = path.parent;
        }
        keys.reverse();
        keys.into_iter().skip(1).step_by(2).collect()
    }

    pub fn index(&self, index: usize) -> Path<'_> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut steps = Vec::new();
        let mut current = Some(self);
        while let Some(path) = current {
            steps.push(path.step);
            current = path.parent;
        }
        for step in steps.into_iter().rev() {
            match step {
                Step::Root => f.write_char('$')?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                    write!(f, ".{key}")?;
                }
                Step::Key(key) => write!(f, "[{}]", serde_json::Value::from(key))?,
            }
        }
        Ok(())
    }
}
