//! Ceremonies on their way: what was asked of a browser, until its answer comes. Each challenge is answered once. (Those of
//! sign-ins are `sealed`.)

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::Handle;
use crate::api::failure::{Code, Failure};
use crate::store::{GenericClient, hash, row, run, tokens};

/// What the answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    SignUp,
    Add,
    Elevate,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Add => "add",
            Self::Elevate => "elevate",
        }
    }
}

/// A ceremony that was started.
pub struct Challenge {
    /// Whose; none when whoever has a key may answer.
    pub user: Option<Uuid>,
    pub state: Value,
}

/// What browsers need for the way to us and back, beside the time the user has.
const TRAVEL: Duration = Duration::from_secs(60);

/// How long a browser may take to answer.
pub fn life(handle: &Handle) -> Duration {
    handle.options().methods.webauthn.as_ref().map(|settings| settings.timeout).unwrap_or_default() + TRAVEL
}

/// As a challenge stands in JSON.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The challenge of a browser's answer.
///
/// # Errors
/// [`Code::InvalidRequest`]: it is none.
pub fn decode(client_data: &[u8]) -> Result<Vec<u8>, Failure> {
    let data: Value = serde_json::from_slice(client_data).map_err(|_| Code::InvalidRequest)?;
    let challenge = data["challenge"].as_str().unwrap_or_default();
    // Encoded as it was sent, whether the browser has added padding or not.
    Ok(URL_SAFE_NO_PAD.decode(challenge.trim_end_matches('=')).map_err(|_| Code::InvalidRequest)?)
}

/// Keeps what the challenge of `options` was made for. A user has one ceremony of a kind at a time.
pub async fn keep<C: GenericClient>(
    handle: &Handle,
    client: &C,
    kind: Kind,
    user: Option<Uuid>,
    options: &Value,
    state: &Value,
) -> Result<(), Failure> {
    let challenge = options["challenge"].as_str().unwrap_or_default();
    let sql = "WITH old AS (DELETE FROM auth.webauthn_challenges WHERE user_id = $3 AND kind = $2) \
               INSERT INTO auth.webauthn_challenges (hash, kind, user_id, state, expires_at) VALUES ($1, $2, $3, $4, $5)";
    run(client, sql, &[&hash(challenge), &kind.as_str(), &user, &state, &tokens::after(life(handle))]).await?;
    Ok(())
}

/// The ceremony that a browser answers; it is over, however the answer is judged.
///
/// # Errors
/// [`Code::InvalidRequest`]: there is none, or not any more.
pub async fn take<C: GenericClient>(client: &C, kind: Kind, client_data: &[u8]) -> Result<Challenge, Failure> {
    let bytes = decode(client_data)?;
    let sql = "DELETE FROM auth.webauthn_challenges WHERE hash = $1 AND kind = $2 \
               RETURNING user_id, state, expires_at > now()";
    let key = hash(&encode(&bytes));
    match row(client, sql, &[&key, &kind.as_str()]).await? {
        Some(found) if found.try_get::<_, bool>(2)? => {
            Ok(Challenge { user: found.try_get(0)?, state: found.try_get(1)? })
        }
        _ => Err(Code::InvalidRequest.into()),
    }
}

pub(crate) async fn sweep<C: GenericClient>(client: &C) -> Result<u64, Error> {
    run(client, "DELETE FROM auth.webauthn_challenges WHERE expires_at < now()", &[]).await
}
