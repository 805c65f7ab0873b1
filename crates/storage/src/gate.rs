//! Who may do what: the service asks GraphQL, through this trait, and believes it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::HeaderMap;
use serde_json::{Map, Value};

/// The GraphQL engine as storage sees it. `storage.files` and `storage.buckets` are tracked there under Nhost's names.
pub trait Gate: Debug + Send + Sync {
    /// Who sent a request with these headers: the admin secret, a token, a hook or nobody, by the engine's own rules.
    ///
    /// # Errors
    /// The credentials are wrong, or there are none and nobody may come without.
    fn caller<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Caller, Refusal>>;

    /// Runs an operation as a caller. The answer is the `data` object.
    ///
    /// # Errors
    /// The first of the response's `errors`.
    fn graphql<'a>(
        &'a self,
        caller: &'a Caller,
        query: &'a str,
        variables: Value,
    ) -> BoxFuture<'a, Result<Value, Refusal>>;
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub role: Arc<str>,
    /// `x-hasura-*` in lower case, without the role and the admin secret.
    pub variables: BTreeMap<String, String>,
    /// The request came with the admin secret.
    pub is_admin_secret: bool,
}

impl Caller {
    /// The administrator.
    pub fn admin() -> Self {
        Self { role: "admin".into(), variables: BTreeMap::new(), is_admin_secret: true }
    }

    /// Somebody of a role, without variables.
    pub fn role(role: &str) -> Self {
        Self { role: role.into(), variables: BTreeMap::new(), is_admin_secret: false }
    }

    /// With one more variable, for example `x-hasura-user-id`.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_ascii_lowercase(), value.into());
        self
    }

    /// May use what needs the admin secret.
    pub fn is_admin(&self) -> bool {
        self.is_admin_secret && &*self.role == "admin"
    }

    /// The variables and the role as an object, for the record of a virus.
    pub(crate) fn to_json(&self) -> Value {
        let variables = self.variables.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let role = ("x-hasura-role".to_owned(), Value::from(&*self.role));
        Value::Object(variables.chain([role]).collect::<Map<_, _>>())
    }
}

/// Why the engine did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Hasura's `extensions.code`: `access-denied`, `invalid-jwt`, `validation-failed`, `constraint-violation` …; our
    /// own `unavailable` when the engine does not run or has lost its database.
    pub code: String,
    pub message: String,
}

impl Refusal {
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
