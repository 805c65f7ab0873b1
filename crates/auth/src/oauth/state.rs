//! Sign-ins on their way: what is remembered between sending a browser to a provider and its coming back.
//!
//! A row of `auth.provider_requests` for each, found by a hash of the `state` parameter. It is taken out by being looked
//! up, so a `state` works once, and it expires.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio_postgres::Error;
use uuid::Uuid;

use crate::api::failure::Failure;
use crate::pkce::{self, Challenge};
use crate::store::{GenericClient, row, run};

/// Seconds a user has at the provider.
const LIFE: i64 = 600;

/// What a sign-in is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Intent {
    /// An account is made when there is none.
    SignIn,
    /// There must be none.
    SignUp,
    /// The provider's account is added to a user who is signed in.
    Connect(Uuid),
}

/// A sign-in on its way.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pending {
    pub provider: String,
    pub intent: Intent,
    /// Of a sign-up, as a client gives them.
    pub options: Map<String, Value>,
    pub redirect_to: String,
    /// The client's own `state`, for it to have back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<Challenge>,
    /// PKCE's, towards the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifier: Option<String>,
    /// What the provider's id token must repeat.
    pub nonce: String,
    /// Hash of the cookie of the browser that began it; none when the settings want no cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// OAuth 1.0a's temporary token and its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_token: Option<(String, String)>,
}

/// The row of a state.
pub(crate) fn id(state: &str) -> Uuid {
    let hash = Sha256::digest(state.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A new state.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn new() -> Result<String, Failure> {
    pkce::secret()
}

pub(crate) async fn save<C: GenericClient>(client: &C, state: &str, pending: &Pending) -> Result<(), Failure> {
    let mut options =
        serde_json::to_value(pending).map_err(|why| Failure::internal("a sign-in cannot be kept", &why))?;
    options["expiresAt"] = (Timestamp::now().as_second() + LIFE).into();
    run(client, "INSERT INTO auth.provider_requests (id, options) VALUES ($1, $2)", &[&id(state), &options]).await?;
    Ok(())
}

/// Takes a sign-in out. Nothing when the state is unknown, used up or expired.
pub(crate) async fn take<C: GenericClient>(client: &C, state: &str) -> Result<Option<Pending>, Failure> {
    let sql = "DELETE FROM auth.provider_requests WHERE id = $1 RETURNING options";
    let Some(found) = row(client, sql, &[&id(state)]).await? else { return Ok(None) };
    let Some(options) = found.try_get::<_, Option<Value>>(0)? else { return Ok(None) };
    let alive = options["expiresAt"].as_i64().is_some_and(|until| until > Timestamp::now().as_second());
    Ok(if alive { serde_json::from_value(options).ok() } else { None })
}

/// Those of Nhost's service, which have no end, go too.
pub(crate) async fn sweep<C: GenericClient>(client: &C) -> Result<u64, Error> {
    let sql = "DELETE FROM auth.provider_requests \
               WHERE coalesce((options ->> 'expiresAt')::numeric, 0) < extract(epoch FROM now())";
    run(client, sql, &[]).await
}
