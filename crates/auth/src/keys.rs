//! The keys of access tokens: one signs, the same and its predecessors verify.
//!
//! A setting is Hasura's JSON, `{"type", "key", "signing_key"?, "kid"?, "issuer"?, "claims_namespace"?}`: a secret for
//! HS*, PEM for the others (`key` public, `signing_key` private in PKCS #8). A key verifies tokens of its own algorithm
//! only, so a public key is never taken for the secret of an HMAC.

mod material;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use material::Algorithm;
use material::{Private, Public};

/// Seconds by which the clock of who signed may be ahead.
const LEEWAY: f64 = 5.0;

const NAMESPACE: &str = "https://hasura.io/jwt/claims";
const ISSUER: &str = "hasura-auth";

/// All keys; clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Vec<Key>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.algorithm)).finish()
    }
}

struct Key {
    algorithm: Algorithm,
    id: Option<String>,
    issuer: String,
    namespace: String,
    /// None in a key that only verifies.
    signing: Option<Private>,
    verifying: Public,
}

#[derive(Deserialize)]
struct Setting {
    #[serde(rename = "type")]
    kind: Option<String>,
    key: Option<String>,
    signing_key: Option<String>,
    kid: Option<String>,
    issuer: Option<String>,
    claims_namespace: Option<String>,
}

/// The first part of a token, as far as it matters.
#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// All claims.
    pub claims: Map<String, Value>,
    /// Those of the namespace; their names in lower case.
    pub hasura: Map<String, Value>,
}

impl Keys {
    /// Reads `HASURA_GRAPHQL_JWT_SECRET`.
    ///
    /// # Errors
    /// What is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let setting: Setting = serde_json::from_str(text).map_err(|_| "it is not JSON of a key".to_owned())?;
        let key = Key::new(setting)?;
        if key.signing.is_none() {
            return Err("signing_key, the private key, is missing".to_owned());
        }
        Ok(Self(Arc::new(vec![key])))
    }

    /// A key given by itself, as `HASURA_JWT_KEY` and `HASURA_JWT_TYPE` do.
    ///
    /// # Errors
    /// As [`Keys::parse`].
    pub fn of_key(kind: &str, key: &str) -> Result<Self, String> {
        Self::parse(&json!({"type": kind, "key": key}).to_string())
    }

    /// With the keys of `AUTH_JWT_PREVIOUS_KEYS`, a JSON list, which still verify.
    ///
    /// # Errors
    /// As [`Keys::parse`].
    pub fn with_previous(self, list: &str) -> Result<Self, String> {
        let list: Vec<Setting> = serde_json::from_str(list).map_err(|_| "it is not a JSON list of keys".to_owned())?;
        let mut keys = Arc::into_inner(self.0).ok_or("the keys are in use already")?;
        for setting in list {
            keys.push(Key { signing: None, ..Key::new(setting)? });
        }
        Ok(Self(Arc::new(keys)))
    }

    fn current(&self) -> &Key {
        &self.0[0]
    }

    /// A key for another purpose, made from the one that signs: HMAC-SHA256 of the purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let material = self.current().signing.as_ref().map(Private::bytes).unwrap_or_default();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &material);
        let mut derived = [0; 32];
        derived.copy_from_slice(ring::hmac::sign(&key, purpose.as_bytes()).as_ref());
        derived
    }

    /// The claims' namespace, as tokens are signed.
    pub fn namespace(&self) -> &str {
        &self.current().namespace
    }

    pub fn issuer(&self) -> &str {
        &self.current().issuer
    }

    /// The algorithm that signs, as `alg` says it.
    pub fn algorithm(&self) -> Algorithm {
        self.current().algorithm
    }

    /// Signs; the claims are all there (`iss`, `iat` and `exp` too).
    ///
    /// # Errors
    /// The key does not sign, which `parse` has ruled out as far as it could.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, String> {
        let key = self.current();
        let mut header = json!({ "alg": key.algorithm.name(), "typ": "JWT" });
        if let Some(id) = &key.id {
            header["kid"] = id.as_str().into();
        }
        let claims = serde_json::to_vec(claims).map_err(|error| error.to_string())?;
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
        let signature = key.signing.as_ref().ok_or("the key does not sign")?.sign(message.as_bytes())?;
        Ok(format!("{message}.{signature}"))
    }

    /// The claims of a token that one of the keys has signed, that has not expired and was not issued in the future.
    pub fn verify(&self, token: &str) -> Option<Verified> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: TokenHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // Extensions that a reader must understand: there are none that this one does (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return None;
        }
        let fits = |key: &&Key| {
            key.algorithm.name() == header.alg && (header.kid.is_none() || key.id.is_none() || key.id == header.kid)
        };
        let signed = |key: &&Key| key.verifying.verifies(message.as_bytes(), signature);
        let key = self.0.iter().filter(fits).find(signed)?;
        key.read(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?)
    }

    /// `/.well-known/jwks.json`: the public keys; nothing of secrets.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().filter_map(Key::jwk).collect();
        json!({ "keys": keys })
    }
}

impl Key {
    fn new(setting: Setting) -> Result<Self, String> {
        let kind = setting.kind.as_deref().unwrap_or("HS256");
        let text = setting.key.as_deref().ok_or("key is missing")?;
        let algorithm = Algorithm::named(kind).ok_or_else(|| format!("tokens of type {kind} are not supported"))?;
        let verifying = Public::parse(algorithm, text)?;
        let signing = match (algorithm.is_secret(), setting.signing_key.as_deref()) {
            (true, _) => Some(Private::parse(algorithm, text)?),
            (false, private) => private.map(|pem| Private::parse(algorithm, pem)).transpose()?,
        };
        // A private key that does not belong to the public one would make tokens that nobody accepts.
        if let Some(signing) = &signing
            && !verifying.verifies(b"nself", &signing.sign(b"nself")?)
        {
            return Err("signing_key and key are no pair".to_owned());
        }
        Ok(Self {
            algorithm,
            id: setting.kid,
            issuer: setting.issuer.unwrap_or_else(|| ISSUER.to_owned()),
            namespace: setting.claims_namespace.unwrap_or_else(|| NAMESPACE.to_owned()),
            signing,
            verifying,
        })
    }

    /// What a token whose signature is good says, when it is of the key's issuer and of now.
    fn read(&self, claims: Map<String, Value>) -> Option<Verified> {
        let time = |name: &str| claims.get(name).map(Value::as_f64);
        // Seconds are far below where a float is inexact.
        let now = jiff::Timestamp::now().as_second() as f64;
        let expires = time("exp")??;
        let begun = |name: &str| time(name).is_none_or(|time| time.is_some_and(|time| time <= now + LEEWAY));
        let issuer = claims.get("iss").and_then(Value::as_str);
        if expires <= now || !begun("iat") || !begun("nbf") || issuer != Some(&*self.issuer) {
            return None;
        }
        let hasura = claims.get(&self.namespace).and_then(Value::as_object).cloned().unwrap_or_default();
        let hasura = hasura.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Some(Verified { claims, hasura })
    }

    fn jwk(&self) -> Option<Value> {
        let mut jwk = self.verifying.jwk()?;
        jwk["alg"] = self.algorithm.name().into();
        jwk["use"] = "sig".into();
        if let Some(id) = &self.id {
            jwk["kid"] = id.as_str().into();
        }
        Some(jwk)
    }
}
