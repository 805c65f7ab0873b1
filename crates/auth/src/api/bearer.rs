//! Who asks: the access token of `Authorization: Bearer`.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::failure::Failure;
use super::route::Policy;
use crate::options::ElevatedClaim;
use crate::{Handle, store};

/// A token that was verified. As an argument of a handler it is there for routes of [`Policy::Bearer`] and
/// [`Policy::Elevated`]; `Option<Bearer>` for those of [`Policy::Optional`].
#[derive(Debug, Clone, PartialEq)]
pub struct Bearer {
    pub user: Uuid,
    /// The row of `auth.refresh_tokens` that the session belongs to; none in tokens of other makers.
    pub session: Option<Uuid>,
    /// Hasura's claims, names in lower case.
    pub claims: Map<String, Value>,
}

/// The claim that says that a security key has just been used.
pub(crate) const ELEVATED: &str = "x-hasura-auth-elevated";

const MISSING: Failure = Failure::Security("invalid authorization header");

impl Bearer {
    /// The token's own text, when the header has the shape.
    pub fn text(headers: &HeaderMap) -> Option<&str> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// # Errors
    /// The token is not one of ours, or not any more.
    pub fn verify(handle: &Handle, token: &str) -> Result<Self, Failure> {
        let refused = || Failure::Security("error validating token");
        let verified = handle.options().keys.verify(token).ok_or_else(refused)?;
        // An application's token is not the user's own session, whatever it may read in GraphQL.
        if verified.claims.contains_key("client_id") {
            return Err(refused());
        }
        let text = |name: &str| verified.hasura.get(name).and_then(Value::as_str);
        let user = text("x-hasura-user-id").and_then(|id| id.parse().ok()).ok_or_else(refused)?;
        let session = verified.claims.get("sid").and_then(Value::as_str).and_then(|id| id.parse().ok());
        Ok(Self { user, session, claims: verified.hasura })
    }

    pub fn is_anonymous(&self) -> bool {
        self.claims.get("x-hasura-user-is-anonymous").and_then(Value::as_str) == Some("true")
    }

    /// # Errors
    /// The settings want the elevated claim and it is not there.
    pub async fn require_elevated(&self, handle: &Handle) -> Result<(), Failure> {
        let wanted = match handle.options().elevated_claim {
            ElevatedClaim::Disabled => false,
            ElevatedClaim::Required => true,
            ElevatedClaim::Recommended => {
                let client = handle.pool().get().await?;
                store::users::has_security_key(&client, self.user).await?
            }
        };
        let elevated = self.claims.get(ELEVATED).and_then(Value::as_str) == Some(&*self.user.to_string());
        if wanted && !elevated { Err(Failure::Security("elevated-claim-required")) } else { Ok(()) }
    }
}

/// What the policy says about a request's bearer.
pub(crate) async fn admit(handle: &Handle, policy: Policy, headers: &HeaderMap) -> Result<Option<Bearer>, Failure> {
    let token = Bearer::text(headers);
    match policy {
        Policy::Public => Ok(None),
        Policy::Optional => Ok(token.and_then(|token| Bearer::verify(handle, token).ok())),
        Policy::Bearer => Bearer::verify(handle, token.ok_or(MISSING)?).map(Some),
        Policy::Elevated => {
            let bearer = Bearer::verify(handle, token.ok_or(MISSING)?)?;
            bearer.require_elevated(handle).await?;
            Ok(Some(bearer))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or(MISSING)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
