//! Who asks: a role and what is known about the user, as permissions refer to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::access::Token;

/// The role that may do everything.
pub const ADMIN: &str = "admin";

/// Who asks. Cheap to clone but for the variables.
#[derive(Debug, Clone)]
pub struct Session {
    pub role: Arc<str>,
    /// Session variables by lower-case name (`x-hasura-user-id`); without the role and the admin secret.
    pub variables: BTreeMap<String, String>,
    /// The request came with the admin secret, or there is none.
    pub is_admin_secret: bool,
    /// May use what only backends may.
    pub backend: bool,
    /// When the credentials end; a socket ends with them.
    pub expires: Option<Timestamp>,
    /// The token that it was made of, where it was one: it may be revoked.
    pub token: Option<Token>,
    /// The client's headers, to forward.
    pub headers: Arc<HeaderMap>,
}

impl Session {
    /// The admin, by the admin secret.
    pub fn admin() -> Self {
        Self { is_admin_secret: true, ..Self::role(ADMIN) }
    }

    /// Somebody of a role, without variables.
    pub fn role(name: impl Into<Arc<str>>) -> Self {
        Self {
            role: name.into(),
            variables: BTreeMap::new(),
            is_admin_secret: false,
            backend: false,
            expires: None,
            token: None,
            headers: Arc::default(),
        }
    }

    /// Somebody of a role whose variables are the `x-hasura-*` headers; of a header sent twice the first counts.
    pub fn of_headers(role: &str, headers: &HeaderMap) -> Self {
        let mut session = Self::role(role);
        for name in headers.keys() {
            if let Some(value) = headers.get(name) {
                session.set(name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned());
            }
        }
        session
    }

    /// The same with one more variable.
    pub fn with(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.set(variable, value.into());
        self
    }

    /// Sets a variable; what is none, the role and the admin secret are left out.
    pub fn set(&mut self, name: &str, value: String) {
        let name = name.to_ascii_lowercase();
        if is_variable(&name) && !matches!(name.as_str(), ROLE | "x-hasura-admin-secret" | "x-hasura-access-key") {
            self.variables.insert(name, value);
        }
    }

    /// A variable by its name in any case; the role is one of them.
    pub fn variable(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case(ROLE) {
            return Some(&self.role);
        }
        match self.variables.get(name) {
            Some(value) => Some(value),
            None => self.variables.get(&name.to_ascii_lowercase()).map(String::as_str),
        }
    }

    pub fn is_admin(&self) -> bool {
        &*self.role == ADMIN
    }

    /// As actions and events are told: `{"x-hasura-role": …, …}`.
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        all.insert(ROLE.to_owned(), Value::from(&*self.role));
        all.extend(self.variables.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        Value::Object(all)
    }
}

const ROLE: &str = "x-hasura-role";

/// Whether a name is that of a session variable.
pub fn is_variable(name: &str) -> bool {
    name.get(..9).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-hasura-"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn headers_become_variables() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-hasura-role", "other"),
            ("X-Hasura-User-Id", "7"),
            ("x-hasura-user-id", "8"),
            ("x-hasura-admin-secret", "hush"),
            ("x-hasura-access-key", "hush"),
            ("authorization", "Bearer x"),
        ] {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let session = Session::of_headers("user", &headers);
        assert_eq!(session.to_json(), serde_json::json!({"x-hasura-role": "user", "x-hasura-user-id": "7"}));
        assert_eq!(session.variable("X-Hasura-User-Id"), Some("7"));
        assert_eq!(session.variable("X-HASURA-ROLE"), Some("user"));
        assert_eq!(session.variable("x-hasura-org"), None);
        assert!(!session.is_admin_secret && !session.is_admin() && Session::admin().is_admin());
        assert!(!is_variable("x-hasura") && !is_variable("äx-hasura-a") && is_variable("X-Hasura-a"));
    }
}
