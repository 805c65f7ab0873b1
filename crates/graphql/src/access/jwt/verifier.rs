//! Finds the token of a request, verifies it, and makes the session of its claims.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::Token;
use super::key::Algorithm;
use super::key_set::KeySet;
use super::{Jwt, Key, Location, Source, claims};
use crate::failure::{Code, Failure};
use crate::outbound::Client;
use crate::session::Session;

/// Tokens whose signature is known to be right: verifying one costs as much as a small query.
const VERIFIED: usize = 4_096;

/// Accepts tokens of the configured kinds.
#[derive(Debug)]
pub struct Verifier(Vec<Issuer>);

#[derive(Debug)]
struct Issuer {
    config: Jwt,
    keys: Keys,
    verified: Cache<[u8; 32], Arc<Signed>>,
}

#[derive(Debug)]
enum Keys {
    Fixed(Arc<[Key]>),
    Fetched(KeySet),
}

/// Claims whose signature was right, and the keys it was right with.
#[derive(Debug)]
struct Signed {
    claims: Map<String, Value>,
    keys: Arc<[Key]>,
}

impl Verifier {
    pub fn new(configs: Vec<Jwt>, client: Client) -> Self {
        let issuer = |config: Jwt| Issuer {
            keys: match &config.source {
                Source::Keys(keys) => Keys::Fixed(keys.clone().into()),
                Source::Url(url) => Keys::Fetched(KeySet::new(url.clone(), client.clone())),
            },
            config,
            verified: Cache::new(VERIFIED),
        };
        Self(configs.into_iter().map(issuer).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As `/v1alpha1/config` shows them.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|issuer| issuer.config.to_json()).collect()
    }

    /// The session of the request's token; nothing when it carries none.
    ///
    /// # Errors
    /// There is a token, and it does not count.
    pub async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, Failure> {
        let mut found = Vec::new();
        let mut foreign = false;
        for issuer in &self.0 {
            for token in tokens(&issuer.config.location, headers)? {
                match (&issuer.config.issuer, unverified_issuer(&token)) {
                    (Some(wanted), Some(other)) if *wanted != other => foreign = true,
                    _ => found.push((issuer, token)),
                }
            }
        }
        match found.as_slice() {
            [] if foreign => Err(not_verified("JWTNotInIssuer")),
            [] => Ok(None),
            [(issuer, token)] => issuer.session(token, headers).await.map(Some),
            _ => Err(Failure::new(Code::InvalidHeaders, "$", "Could not verify JWT: Multiple JWTs found")),
        }
    }
}

impl Issuer {
    async fn session(&self, token: &str, headers: &HeaderMap) -> Result<Session, Failure> {
        let signed = self.signed(token).await?;
        let expires = self.check(&signed.claims, Timestamp::now())?;
        let mut session = claims::session(&self.config.claims, &signed.claims, headers)?;
        session.expires = expires;
        session.token = Some(Token::of(&signed.claims, &session));
        Ok(session)
    }

    /// The claims, after their signature was found right.
    async fn signed(&self, token: &str) -> Result<Arc<Signed>, Failure> {
        let parts = Parts::of(token)?;
        let keys = match &self.keys {
            Keys::Fixed(keys) => keys.clone(),
            Keys::Fetched(set) => set.keys(parts.key_id.as_deref()).await.map_err(|_| {
                Failure::new(Code::Unexpected, "$", "Could not verify JWT: the key set cannot be fetched")
            })?,
        };
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(signed) = self.verified.get(&digest).filter(|signed| Arc::ptr_eq(&signed.keys, &keys)) {
            return Ok(signed);
        }
        let candidates = candidates(&keys, parts.algorithm, parts.key_id.as_deref());
        let verifies = |key: &&Key| key.verifies(parts.algorithm, parts.message.as_bytes(), parts.signature);
        if !candidates.iter().any(verifies) {
            return Err(not_verified("JWSError JWSInvalidSignature"));
        }
        let claims = parts
            .claims()
            .ok_or_else(|| not_verified("JWTClaimsSetDecodeError \"the claims are not a JSON object\""))?;
        let signed = Arc::new(Signed { claims, keys });
        self.verified.insert(digest, signed.clone());
        Ok(signed)
    }

    /// Time, issuer and audience; gives the end of the token's life. A token that lacks a claim that the configuration
    /// asks for is refused.
    fn check(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        let seconds = now.as_millisecond() as f64 / 1000.0;
        let skew = self.config.allowed_skew;
        let expires = date(claims, "exp")?;
        if expires.is_some_and(|expires| seconds >= expires + skew) {
            return Err(not_verified("JWTExpired"));
        }
        if date(claims, "iat")?.is_some_and(|issued| issued > seconds + skew) {
            return Err(not_verified("JWTIssuedAtFuture"));
        }
        if date(claims, "nbf")?.is_some_and(|begin| begin > seconds + skew) {
            return Err(not_verified("JWTNotYetValid"));
        }
        if let Some(issuer) = &self.config.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(not_verified("JWTNotInIssuer"));
        }
        if let Some(wanted) = &self.config.audience
            && !in_audience(wanted, claims.get("aud"))
        {
            return Err(not_verified("JWTNotInAudience"));
        }
        let end =
            |seconds: f64| Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok();
        Ok(expires.and_then(|expires| end(expires + skew)))
    }
}

/// A token taken apart; nothing of it is to be believed yet.
struct Parts<'t> {
    algorithm: Algorithm,
    key_id: Option<String>,
    /// What is signed: header and claims as they stand in the token.
    message: &'t str,
    claims: &'t str,
    signature: &'t str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that whoever does not know them must not pass over.
    #[serde(default)]
    crit: Vec<String>,
}

impl<'t> Parts<'t> {
    /// # Errors
    /// In Hasura's words, as far as the token's form is concerned.
    fn of(token: &'t str) -> Result<Self, Failure> {
        let parts: Vec<&str> = token.split('.').collect();
        let &[header, claims, signature] = parts.as_slice() else {
            let number = parts.len();
            return Err(not_verified(&format!(
                "JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got {number})"
            )));
        };
        let wrong = |what: &str| {
            not_verified(&format!("JWSError (JSONDecodeError \"protected header contains invalid {what}\")"))
        };
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| wrong("base64"))?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| wrong("JSON"))?;
        let algorithm =
            Algorithm::named(&header.alg).filter(|_| header.crit.is_empty()).ok_or_else(|| wrong("JSON"))?;
        let message = &token[..token.len() - signature.len() - 1];
        Ok(Self { algorithm, key_id: header.kid, message, claims, signature })
    }

    fn claims(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(self.claims).ok()?).ok()
    }
}

/// Keys that may have signed it. A key set's key that is named counts before all others.
fn candidates<'a>(keys: &'a [Key], algorithm: Algorithm, id: Option<&str>) -> Vec<&'a Key> {
    let fits = |key: &&Key| key.algorithms.contains(&algorithm);
    let named = |key: &&Key| id.is_some() && key.id.as_deref() == id;
    let chosen: Vec<&Key> = keys.iter().filter(named).filter(fits).collect();
    if !chosen.is_empty() {
        return chosen;
    }
    // One that names none at all may still be it.
    let nameless = |key: &&Key| id.is_none() || key.id.is_none();
    keys.iter().filter(nameless).filter(fits).collect()
}

/// The tokens that a request carries at a place.
fn tokens(location: &Location, headers: &HeaderMap) -> Result<Vec<String>, Failure> {
    let texts = |name: &http::HeaderName| -> Vec<String> {
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    match location {
        Location::Authorization => {
            let token = |text: String| {
                let words: Vec<&str> = text.split_ascii_whitespace().collect();
                match words.as_slice() {
                    ["Bearer", token] => Ok((*token).to_owned()),
                    _ => Err(Failure::new(Code::InvalidHeaders, "$", "Malformed Authorization header")),
                }
            };
            texts(&AUTHORIZATION).into_iter().map(token).collect()
        }
        Location::Header(name) => Ok(texts(name)),
        Location::Cookie(name) => Ok(texts(&COOKIE).iter().flat_map(|text| cookies(text, name)).collect()),
    }
}

/// The values of a cookie in a `cookie` header.
fn cookies(header: &str, name: &str) -> Vec<String> {
    let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
    let own = pairs.filter(|(own, _)| own.trim() == name);
    own.map(|(_, value)| value.trim().trim_matches('"').to_owned()).collect()
}

fn unverified_issuer(token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

/// Seconds since 1970; fractions count.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Failure> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(not_verified(&format!("JWTClaimsSetDecodeError \"Error in $.{name}: expected Number\""))),
        },
    }
}

fn in_audience(wanted: &[String], claimed: Option<&Value>) -> bool {
    let is_wanted = |value: &Value| value.as_str().is_some_and(|one| wanted.iter().any(|wanted| wanted == one));
    match claimed {
        Some(Value::Array(all)) => all.iter().any(is_wanted),
        Some(one) => is_wanted(one),
        None => false,
    }
}

fn not_verified(why: &str) -> Failure {
    Failure::new(Code::InvalidJwt, "$", format!("Could not verify JWT: {why}"))
}
