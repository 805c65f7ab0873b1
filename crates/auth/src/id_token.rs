//! Id tokens of others (OpenID Connect Core, 3.1.3.7): who signed them, for whom, when, and with which nonce.
//!
//! [`Cache`] keeps the signers' public keys. A key that is not there is looked for once a minute at most, so that tokens
//! with made-up key ids cannot make this server ask and ask.

mod endpoints;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::HeaderMap;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Url;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::outbound::{self, Client};

pub(crate) use endpoints::routes;

/// After so long keys are asked for again; between two askings there is at least the second time.
const FRESH: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_secs(60);

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 30;

/// Those that providers use. No HMAC: a public key must never be taken for a secret.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Who signs, and where the keys are.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    pub name: String,
    pub keys: Url,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it is no token that could be read")]
    Malformed,
    #[error("its algorithm is not taken")]
    Algorithm,
    #[error("its key is unknown")]
    Key,
    #[error("the keys cannot be had: {0}")]
    Keys(#[from] outbound::Error),
    #[error("signature, issuer, audience or time are wrong")]
    Claims,
    #[error("the nonce is wrong")]
    Nonce,
}

/// The keys of all issuers.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<Url, Kept>>);

#[derive(Debug)]
struct Kept {
    keys: JwkSet,
    /// When they were had, and when they were last asked for.
    at: Instant,
    tried: Instant,
}

impl Cache {
    /// The claims of a token that one of `audience` may take.
    ///
    /// `nonce`: the token must have this one, as it is or as its SHA-256 in hexadecimal digits (what Apple's and
    /// Google's libraries for phones send). None: it must have none.
    pub async fn verify(
        &self,
        http: &Client,
        issuer: &Issuer,
        audience: &[String],
        token: &str,
        nonce: Option<&str>,
    ) -> Result<Map<String, Value>, Refused> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Malformed)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refused::Algorithm);
        }
        let jwk = self.key(http, &issuer.keys, header.kid.as_deref()).await?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| Refused::Key)?;
        if key.family() != header.alg.family() {
            return Err(Refused::Algorithm);
        }
        let mut validation = Validation::new(header.alg);
        // Google's tokens have had both.
        let without_scheme = issuer.name.strip_prefix("https://").unwrap_or(&issuer.name);
        validation.set_issuer(&[issuer.name.as_str(), without_scheme]);
        validation.set_audience(audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let claims =
            jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).map_err(|_| Refused::Claims)?.claims;
        let latest = Timestamp::now().as_second() + i64::try_from(LEEWAY).unwrap_or_default();
        // For another party that passed it on to us.
        let party = claims.get("azp").and_then(Value::as_str);
        let many = claims.get("aud").is_some_and(Value::is_array);
        if claims.get("iat").and_then(Value::as_i64).is_some_and(|issued| issued > latest)
            || (many && party.is_some_and(|party| !audience.iter().any(|known| known == party)))
        {
            return Err(Refused::Claims);
        }
        check_nonce(claims.get("nonce").and_then(Value::as_str), nonce)?;
        Ok(claims)
    }

    async fn key(&self, http: &Client, url: &Url, id: Option<&str>) -> Result<Jwk, Refused> {
        // Held while keys are fetched: many sign-ins ask once.
        let mut all = self.0.lock().await;
        let now = Instant::now();
        let kept = all.get(url);
        let found = kept.and_then(|kept| pick(&kept.keys, id));
        let fresh = kept.is_some_and(|kept| now.duration_since(kept.at) < FRESH);
        let paused = kept.is_some_and(|kept| now.duration_since(kept.tried) < PAUSE);
        match found {
            Some(key) if fresh || paused => return Ok(key),
            None if paused => return Err(Refused::Key),
            _ => {}
        }
        match fetch(http, url).await {
            Ok(keys) => {
                let found = pick(&keys, id);
                all.insert(url.clone(), Kept { keys, at: now, tried: now });
                found.ok_or(Refused::Key)
            }
            // Old keys are better than none while the provider cannot be reached.
            Err(error) => {
                if let Some(kept) = all.get_mut(url) {
                    kept.tried = now;
                }
                found.ok_or(Refused::Keys(error))
            }
        }
    }
}

/// The key with this id; without an id the only one.
fn pick(keys: &JwkSet, id: Option<&str>) -> Option<Jwk> {
    let signs = |key: &&Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    match id {
        Some(_) => keys.keys.iter().filter(signs).find(|key| key.common.key_id.as_deref() == id).cloned(),
        None => {
            let mut signing = keys.keys.iter().filter(signs);
            signing.next().filter(|_| signing.next().is_none()).cloned()
        }
    }
}

/// A key set; keys of kinds that are not known are left out.
async fn fetch(http: &Client, url: &Url) -> Result<JwkSet, outbound::Error> {
    let json = http.get(url, HeaderMap::new()).await?.json()?;
    let list = json.get("keys").and_then(Value::as_array).ok_or(outbound::Error::NotJson)?;
    Ok(JwkSet { keys: list.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect() })
}

fn check_nonce(found: Option<&str>, wanted: Option<&str>) -> Result<(), Refused> {
    use std::fmt::Write;

    let found = found.filter(|found| !found.is_empty());
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    let (found, wanted) = match (found, wanted) {
        (None, None) => return Ok(()),
        (Some(found), Some(wanted)) => (found, wanted),
        _ => return Err(Refused::Nonce),
    };
    let mut hashed = String::new();
    for byte in Sha256::digest(wanted.as_bytes()) {
        let _ = write!(hashed, "{byte:02x}");
    }
    let fits = found.as_bytes().ct_eq(wanted.as_bytes()) | found.as_bytes().ct_eq(hashed.as_bytes());
    if bool::from(fits) { Ok(()) } else { Err(Refused::Nonce) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces() {
        let hashed = "78377b525757b494427f89014f97d79928f3938d14eb51e20fb5dec9834eb304";
        for (found, wanted, fits) in [
            (None, None, true),
            (Some("abcd"), Some("abcd"), true),
            (Some("x"), None, false),
            (None, Some("x"), false),
            (Some("x"), Some("y"), false),
            (Some(""), Some(""), true),
            (Some(hashed), Some("nonce"), true),
            (Some("nonce"), Some(hashed), false),
        ] {
            assert_eq!(check_nonce(found, wanted).is_ok(), fits, "{found:?} {wanted:?}");
        }
    }
}
