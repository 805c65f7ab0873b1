//! PKCE (RFC 7636) for what comes back to a frontend by redirect.
//!
//! A client that gave a `codeChallenge` gets `code` in the redirect instead of `refreshToken`, and exchanges it with its
//! verifier. A code in a browser's history, a log or another app is then worth nothing.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::Handle;
use crate::accounts::{self, Wanted};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::limits::Zone;
use crate::session::{self, SessionPayload};
use crate::store::{GenericClient, hash, row, run, tokens, users};

/// How long a code lives. The page it was sent to exchanges it at once.
const LIFE: Duration = Duration::from_secs(300);

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::post("/token/exchange", Policy::Public, exchange).limited(Zone::BruteForce)]
}

/// A client's challenge: SHA-256 of its verifier, in base64url. There is no other method than S256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Challenge(String);

impl Challenge {
    /// Of 43 characters of base64url, as SHA-256 has.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    pub fn of(verifier: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it was made from this verifier, in constant time.
    pub fn fits(&self, verifier: &str) -> bool {
        // 43 to 128 unreserved characters (RFC 7636, 4.1).
        let well_formed = (43..=128).contains(&verifier.len())
            && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        well_formed && bool::from(Self::of(verifier).0.as_bytes().ct_eq(self.0.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for Challenge {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("codeChallenge is no S256 challenge"))
    }
}

/// 256 random bits in base64url: a verifier, a state, a cookie.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn secret() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|why| Failure::internal("there are no random numbers", &why))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A code that a session can be had for once, by whoever has the challenge's verifier.
///
/// The caller has made sure that the user may sign in.
pub(crate) async fn leave<C: GenericClient>(
    client: &C,
    user: Uuid,
    challenge: &Challenge,
    redirect_to: &str,
) -> Result<String, Failure> {
    let code = secret()?;
    let sql = "INSERT INTO auth.pkce_authorization_codes (user_id, code_hash, code_challenge, redirect_to, expires_at) \
               VALUES ($1, $2, $3, $4, $5)";
    run(client, sql, &[&user, &hash(&code), &challenge.0, &redirect_to, &tokens::after(LIFE)]).await?;
    Ok(code)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExchangeRequest {
    code: String,
    code_verifier: String,
}

/// Uses a code up, whatever comes after: whoever guesses verifiers has one try.
async fn exchange(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<ExchangeRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    let client = handle.pool().get().await?;
    let sql = "DELETE FROM auth.pkce_authorization_codes WHERE code_hash = $1 \
               RETURNING user_id, code_challenge, expires_at > now()";
    let found = row(&client, sql, &[&hash(&request.code)]).await?.ok_or(Code::InvalidRequest)?;
    let challenge = Challenge(found.try_get(1)?);
    if !found.try_get::<_, bool>(2)? || !challenge.fits(&request.code_verifier) {
        return Err(Code::InvalidRequest.into());
    }
    let user = users::by_id(&client, found.try_get(0)?).await?.ok_or(Code::InvalidRequest)?;
    accounts::may_sign_in(&handle, &user, Wanted::Regular)?;
    let session = session::create(&handle, &client, &user, &caller, "code").await?;
    Ok(Json(SessionPayload { session: Some(session) }))
}

pub(crate) async fn sweep<C: GenericClient>(client: &C) -> Result<u64, Error> {
    run(client, "DELETE FROM auth.pkce_authorization_codes WHERE expires_at < now()", &[]).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn challenges() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(Challenge::of(verifier), challenge);
        assert!(challenge.fits(verifier));
        for wrong in ["", "dBjftJeZ4CVP", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", &"a".repeat(129)] {
            assert!(!challenge.fits(wrong), "{wrong}");
        }
        for wrong in ["", "short", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=", &"a".repeat(44)] {
            assert_eq!(Challenge::parse(wrong), None, "{wrong}");
        }
    }
}
