//! Keys that verify tokens, each bound to its algorithms.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use p521::ecdsa::signature::Verifier;
use p521::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Common(jsonwebtoken::Algorithm),
    /// The one of Hasura's that `jsonwebtoken` does not have.
    Es512,
}

impl Algorithm {
    /// By its name in a token's header; none for one that cannot be verified, `none` among them.
    pub fn named(name: &str) -> Option<Self> {
        if name == "ES512" { Some(Self::Es512) } else { name.parse().ok().map(Self::Common) }
    }
}

/// A key and what it may verify.
#[derive(Clone)]
pub(crate) struct Key {
    pub id: Option<String>,
    pub algorithms: Vec<Algorithm>,
    key: Material,
}

#[derive(Clone)]
enum Material {
    Common(DecodingKey),
    P521(Box<VerifyingKey>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

const HMAC: &[jsonwebtoken::Algorithm] =
    &[jsonwebtoken::Algorithm::HS256, jsonwebtoken::Algorithm::HS384, jsonwebtoken::Algorithm::HS512];

// As in Hasura, the type's number says the hash that is expected, not the only one: the key's kind is what counts.
const RSA: &[jsonwebtoken::Algorithm] = &[
    jsonwebtoken::Algorithm::RS256,
    jsonwebtoken::Algorithm::RS384,
    jsonwebtoken::Algorithm::RS512,
    jsonwebtoken::Algorithm::PS256,
    jsonwebtoken::Algorithm::PS384,
    jsonwebtoken::Algorithm::PS512,
];
const ES256: &[jsonwebtoken::Algorithm] = &[jsonwebtoken::Algorithm::ES256];
const ES384: &[jsonwebtoken::Algorithm] = &[jsonwebtoken::Algorithm::ES384];
const EDDSA: &[jsonwebtoken::Algorithm] = &[jsonwebtoken::Algorithm::EdDSA];

impl Key {
    /// A key as the settings give it: a secret for HS*, else PEM (a public key or a certificate).
    ///
    /// # Errors
    /// What is wrong, without any part of the key.
    pub fn parse(kind: &str, text: &str) -> Result<Self, String> {
        let pem =
            |error: jsonwebtoken::errors::Error| format!("the key is no PEM of a {kind} key ({:?})", error.kind());
        let bytes = text.as_bytes();
        let (algorithms, key) = match kind {
            "HS256" => (HMAC, secret(text, 32)?),
            "HS384" => (HMAC, secret(text, 48)?),
            "HS512" => (HMAC, secret(text, 64)?),
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => {
                (RSA, DecodingKey::from_rsa_pem(bytes).map_err(pem)?)
            }
            "ES256" => (ES256, DecodingKey::from_ec_pem(bytes).map_err(pem)?),
            "ES384" => (ES384, DecodingKey::from_ec_pem(bytes).map_err(pem)?),
            "Ed25519" | "EdDSA" => (EDDSA, DecodingKey::from_ed_pem(bytes).map_err(pem)?),
            "ES512" => {
                let key = DecodingKey::from_ec_pem(bytes).map_err(pem)?;
                return Self::p521(&key, None).ok_or_else(|| "the key is none on the curve P-521".to_owned());
            }
            _ => return Err(format!("Invalid JWK: Key type: {kind} is not supported")),
        };
        Ok(Self { id: None, algorithms: common(algorithms), key: Material::Common(key) })
    }

    /// A key of a key set; nothing for one of a kind that is not supported or not for signatures.
    pub fn of_jwk(jwk: &Value) -> Option<Self> {
        // Its list of algorithms lacks one, so that the name is read beside it.
        let said = jwk.get("alg").and_then(Value::as_str);
        let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
        if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let id = jwk.common.key_id;
        let fitting = match &jwk.algorithm {
            AlgorithmParameters::OctetKey(_) => HMAC,
            AlgorithmParameters::RSA(_) => RSA,
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => ES256,
                EllipticCurve::P384 => ES384,
                EllipticCurve::P521 if said.is_none_or(|said| said == "ES512") => return Self::p521(&key, id),
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(_) => EDDSA,
            _ => return None,
        };
        let algorithms = match said {
            None => common(fitting),
            Some(said) => common(fitting).into_iter().filter(|own| Algorithm::named(said) == Some(*own)).collect(),
        };
        (!algorithms.is_empty()).then_some(Self { id, algorithms, key: Material::Common(key) })
    }

    /// Nothing when the point is none of the curve P-521.
    fn p521(key: &DecodingKey, id: Option<String>) -> Option<Self> {
        let key = VerifyingKey::from_sec1_bytes(key.try_get_as_bytes().ok()?).ok()?;
        Some(Self { id, algorithms: vec![Algorithm::Es512], key: Material::P521(Box::new(key)) })
    }

    /// Whether a signature (base64, as in the token) is this key's over the message.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        if !self.algorithms.contains(&algorithm) {
            return false;
        }
        match (&self.key, algorithm) {
            (Material::Common(key), Algorithm::Common(algorithm)) => {
                verify(signature, message, key, algorithm).unwrap_or(false)
            }
            (Material::P521(key), Algorithm::Es512) => {
                let signature = URL_SAFE_NO_PAD.decode(signature).ok();
                let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
                signature.is_some_and(|signature| key.verify(message, &signature).is_ok())
            }
            _ => false,
        }
    }
}

fn common(algorithms: &[jsonwebtoken::Algorithm]) -> Vec<Algorithm> {
    algorithms.iter().copied().map(Algorithm::Common).collect()
}

/// Hasura refuses shorter ones too.
fn secret(text: &str, bytes: usize) -> Result<DecodingKey, String> {
    if text.len() < bytes {
        return Err(format!("Key size too small; should be atleast {bytes} characters"));
    }
    Ok(DecodingKey::from_secret(text.as_bytes()))
}
