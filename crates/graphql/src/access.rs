//! Who asks: the admin secret, tokens, the authentication hook, or nobody in particular.
//!
//! It is not: what a role may do (the model's permissions decide that). [`Authenticator::session`] turns the headers
//! of a request into a [`Session`]; what fails is said in Hasura's words and codes, since clients branch on them.

mod cache_control;
pub mod hook;
mod json_path;
pub mod jwt;
mod revocations;
mod secret;

use std::sync::Arc;

use http::HeaderMap;
use http::header::HeaderValue;

use crate::failure::{Code, Failure};
use crate::outbound;
use crate::session::Session;

pub use hook::Hook;
pub use json_path::JsonPath;
pub use jwt::Jwt;
pub use revocations::{Revocations, Token};

/// Of the options, what says who may ask.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Any of them opens everything; none means that everybody is admin.
    pub admin_secrets: Vec<project::Secret>,
    /// Accepted tokens. Without an admin secret they do not count.
    pub tokens: Vec<Jwt>,
    /// Asked about every request without the admin secret; before tokens.
    pub hook: Option<Hook>,
    /// The role of requests without credentials; without it they are refused.
    pub unauthorized_role: Option<String>,
    /// Tokens that are refused before they expire; `None`: every one counts until then.
    pub revocations: Option<Arc<Revocations>>,
}

/// Decides by rules.
#[derive(Debug)]
pub struct Authenticator {
    secrets: secret::Digests,
    tokens: jwt::Verifier,
    hook: Option<Hook>,
    unauthorized_role: Option<String>,
    revocations: Option<Arc<Revocations>>,
    client: outbound::Client,
}

/// Who asks, and what the hook wants the browser to keep.
#[derive(Debug, Clone)]
pub struct Authenticated {
    pub session: Session,
    /// `set-cookie` headers of the authentication hook.
    pub cookies: Vec<HeaderValue>,
}

impl From<Session> for Authenticated {
    fn from(session: Session) -> Self {
        Self { session, cookies: Vec::new() }
    }
}

impl Authenticator {
    pub fn new(rules: Rules, client: outbound::Client) -> Self {
        Self {
            secrets: secret::Digests::new(&rules.admin_secrets),
            tokens: jwt::Verifier::new(rules.tokens, client.clone()),
            hook: rules.hook,
            unauthorized_role: rules.unauthorized_role,
            revocations: rules.revocations,
            client,
        }
    }

    /// Whether there is an admin secret.
    pub fn has_secret(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Whether the authentication hook is told the request as well.
    pub fn wants_request(&self) -> bool {
        self.hook.as_ref().is_some_and(Hook::wants_request)
    }

    /// Key sets and claims for `/v1alpha1/config`.
    pub fn tokens(&self) -> &jwt::Verifier {
        &self.tokens
    }

    pub fn hook(&self) -> Option<&Hook> {
        self.hook.as_ref()
    }

    /// Whose request it is. `request` is what the hook may see of it: the body of a GraphQL request.
    ///
    /// # Errors
    /// Credentials are missing or wrong; the code says which.
    pub async fn session(
        &self,
        headers: &HeaderMap,
        request: Option<&serde_json::value::RawValue>,
    ) -> Result<Authenticated, Failure> {
        let given = headers.get("x-hasura-admin-secret").or_else(|| headers.get("x-hasura-access-key"));
        match given {
            _ if self.secrets.is_empty() => privileged(headers).map(Into::into),
            Some(given) if self.secrets.contain(given.as_bytes()) => privileged(headers).map(Into::into),
            Some(_) => {
                Err(Failure::new(Code::Unauthorized, "$", "invalid \"x-hasura-admin-secret\"/\"x-hasura-access-key\""))
            }
            None => self.without_secret(headers, request).await,
        }
    }

    async fn without_secret(
        &self,
        headers: &HeaderMap,
        request: Option<&serde_json::value::RawValue>,
    ) -> Result<Authenticated, Failure> {
        if let Some(hook) = &self.hook {
            return hook.ask(&self.client, headers, request).await;
        }
        if !self.tokens.is_empty() {
            if let Some(session) = self.tokens.session(headers).await? {
                return match &session.token {
                    Some(token) if self.is_revoked(token) => Err(revoked()),
                    _ => Ok(session.into()),
                };
            }
            let missing = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode";
            return self.nobody(headers, Failure::new(Code::InvalidHeaders, "$", missing));
        }
        let missing = "x-hasura-admin-secret/x-hasura-access-key required, but not found";
        self.nobody(headers, Failure::new(Code::Unauthorized, "$", missing))
    }

    fn is_revoked(&self, token: &Token) -> bool {
        self.revocations.as_ref().is_some_and(|revocations| revocations.is_revoked(token))
    }

    /// Until the token of a session is revoked; for ever where none ever is.
    pub async fn revoked(&self, session: &Session) {
        match (&self.revocations, &session.token) {
            (Some(revocations), Some(token)) => revocations.revoked(token).await,
            _ => std::future::pending().await,
        }
    }

    /// A request without credentials.
    fn nobody(&self, headers: &HeaderMap, refusal: Failure) -> Result<Authenticated, Failure> {
        match &self.unauthorized_role {
            Some(role) => Ok(Session::of_headers(role, headers).into()),
            None => Err(refusal),
        }
    }
}

/// Hasura has no such thing; the code is that which makes clients refresh, and so learn that they are signed out.
fn revoked() -> Failure {
    Failure::new(Code::InvalidJwt, "$", "Could not verify JWT: JWTRevoked")
}

/// With the admin secret, or where there is none: any role, any variable.
fn privileged(headers: &HeaderMap) -> Result<Session, Failure> {
    let asked = requested_role(headers).unwrap_or("admin");
    let mut session = Session::of_headers(asked, headers);
    session.is_admin_secret = true;
    session.backend = match headers.get("x-hasura-use-backend-only-permissions") {
        None => false,
        Some(value) => truth(value.to_str().unwrap_or_default())?,
    };
    Ok(session)
}

/// The role that a request asks for; an empty one counts as none.
fn requested_role(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-hasura-role").and_then(|value| value.to_str().ok()).filter(|role| !role.is_empty())
}

fn truth(text: &str) -> Result<bool, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" => Ok(true),
        "false" | "f" | "no" | "n" => Ok(false),
        _ => Err(Failure::new(
            Code::BadRequest,
            "$",
            "x-hasura-use-backend-only-permissions:  Not a valid boolean text. True values are \
             [\"true\",\"t\",\"yes\",\"y\"] and  False values are [\"false\",\"f\",\"no\",\"n\"]. All values are case \
             insensitive",
        )),
    }
}
