//! The keys of access tokens: one signs, the same and its predecessors verify.
//!
//! A setting is Hasura's JSON, `{"type", "key", "signing_key"?, "kid"?, "issuer"?, "claims_namespace"?}`: a secret for
//! HS*, PEM for the others (`key` public, `signing_key` private in PKCS #8). A key verifies tokens of its own algorithm
//! only, so a public key is never taken for the secret of an HMAC.

use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 5;

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
    signing: Option<EncodingKey>,
    verifying: DecodingKey,
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
        Self::parse(&serde_json::json!({"type": kind, "key": key}).to_string())
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
        let signing = key.signing.as_ref().ok_or("the key does not sign")?;
        let mut header = Header::new(key.algorithm);
        header.kid.clone_from(&key.id);
        jsonwebtoken::encode(&header, claims, signing).map_err(|error| format!("{:?}", error.kind()))
    }

    /// The claims of a token that one of the keys has signed, that has not expired and was not issued in the future.
    pub fn verify(&self, token: &str) -> Option<Verified> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let fits = |key: &&Key| {
            key.algorithm == header.alg && (header.kid.is_none() || key.id.is_none() || key.id == header.kid)
        };
        self.0.iter().filter(fits).find_map(|key| key.verify(token))
    }

    /// `/.well-known/jwks.json`: the public keys; nothing of secrets.
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().filter_map(Key::jwk).collect();
        serde_json::json!({ "keys": keys })
    }
}

impl Key {
    fn new(setting: Setting) -> Result<Self, String> {
        let kind = setting.kind.as_deref().unwrap_or("HS256");
        let text = setting.key.as_deref().ok_or("key is missing")?;
        let pem =
            |error: jsonwebtoken::errors::Error| format!("the key is no PEM of a {kind} key ({:?})", error.kind());
        let algorithm: Algorithm = match kind {
            "Ed25519" => Algorithm::EdDSA,
            _ => kind.parse().map_err(|_| format!("tokens of type {kind} are not supported"))?,
        };
        let private = setting.signing_key.as_deref().map(str::as_bytes);
        let public = text.as_bytes();
        let (signing, verifying) = match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                long_enough(algorithm, text)?;
                (Some(EncodingKey::from_secret(public)), DecodingKey::from_secret(public))
            }
            Algorithm::ES256 | Algorithm::ES384 => (
                private.map(EncodingKey::from_ec_pem).transpose().map_err(pem)?,
                DecodingKey::from_ec_pem(public).map_err(pem)?,
            ),
            Algorithm::EdDSA => (
                private.map(EncodingKey::from_ed_pem).transpose().map_err(pem)?,
                DecodingKey::from_ed_pem(public).map_err(pem)?,
            ),
            _ => (
                private.map(EncodingKey::from_rsa_pem).transpose().map_err(pem)?,
                DecodingKey::from_rsa_pem(public).map_err(pem)?,
            ),
        };
        let key = Self {
            algorithm,
            id: setting.kid,
            issuer: setting.issuer.unwrap_or_else(|| ISSUER.to_owned()),
            namespace: setting.claims_namespace.unwrap_or_else(|| NAMESPACE.to_owned()),
            signing,
            verifying,
        };
        key.is_pair()?;
        Ok(key)
    }

    /// A private key that does not belong to the public one would make tokens that nobody accepts.
    fn is_pair(&self) -> Result<(), String> {
        let Some(signing) = &self.signing else { return Ok(()) };
        let sample = b"nself";
        let wrong = |_| "the key cannot sign".to_owned();
        let signature = jsonwebtoken::crypto::sign(sample, signing, self.algorithm).map_err(wrong)?;
        let fits = jsonwebtoken::crypto::verify(&signature, sample, &self.verifying, self.algorithm).map_err(wrong)?;
        if fits { Ok(()) } else { Err("signing_key and key are no pair".to_owned()) }
    }

    fn verify(&self, token: &str) -> Option<Verified> {
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.validate_aud = false;
        validation.leeway = LEEWAY.unsigned_abs();
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &self.verifying, &validation).ok()?.claims;
        let issued = claims.get("iat").and_then(Value::as_f64).unwrap_or_default();
        // Seconds are far below where a float is inexact.
        let latest = (jiff::Timestamp::now().as_second() + LEEWAY) as f64;
        if issued > latest {
            return None;
        }
        let hasura = claims.get(&self.namespace).and_then(Value::as_object).cloned().unwrap_or_default();
        let hasura = hasura.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Some(Verified { claims, hasura })
    }

    fn jwk(&self) -> Option<Value> {
        if matches!(self.algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
            return None;
        }
        let mut jwk = Jwk::from_decoding_key(&self.verifying, Some(self.algorithm)).ok()?;
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_id.clone_from(&self.id);
        serde_json::to_value(jwk).ok()
    }
}

/// As long as its hash (RFC 7518, 3.2); GraphQL refuses shorter ones too.
fn long_enough(algorithm: Algorithm, secret: &str) -> Result<(), String> {
    let bytes = match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    };
    if secret.len() < bytes {
        Err(format!("a secret of {algorithm:?} has at least {bytes} characters"))
    } else {
        Ok(())
    }
}
