//! Keys that verify tokens, each bound to its algorithms.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// A key and what it may verify.
#[derive(Clone)]
pub(crate) struct Key {
    pub id: Option<String>,
    pub algorithms: Vec<Algorithm>,
    pub key: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

const HMAC: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

// As in Hasura, the type's number says the hash that is expected, not the only one: the key's kind is what counts.
const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

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
            "HS256" => (HMAC.to_vec(), secret(text, 32)?),
            "HS384" => (HMAC.to_vec(), secret(text, 48)?),
            "HS512" => (HMAC.to_vec(), secret(text, 64)?),
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => {
                (RSA.to_vec(), DecodingKey::from_rsa_pem(bytes).map_err(pem)?)
            }
            "ES256" => (vec![Algorithm::ES256], DecodingKey::from_ec_pem(bytes).map_err(pem)?),
            "ES384" => (vec![Algorithm::ES384], DecodingKey::from_ec_pem(bytes).map_err(pem)?),
            "Ed25519" | "EdDSA" => (vec![Algorithm::EdDSA], DecodingKey::from_ed_pem(bytes).map_err(pem)?),
            "ES512" => return Err("tokens of type ES512 are not supported; ES256 and ES384 are".to_owned()),
            _ => return Err(format!("Invalid JWK: Key type: {kind} is not supported")),
        };
        Ok(Self { id: None, algorithms, key })
    }

    /// A key of a key set; nothing for one of a kind that is not supported or not for signatures.
    pub fn of_jwk(jwk: &Jwk) -> Option<Self> {
        if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
            return None;
        }
        let fitting: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::OctetKey(_) => &HMAC,
            AlgorithmParameters::RSA(_) => &RSA,
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
            _ => return None,
        };
        let algorithms = match jwk.common.key_algorithm {
            None => fitting.to_vec(),
            Some(said) => fitting.iter().copied().filter(|algorithm| same(*algorithm, said)).collect(),
        };
        let key = DecodingKey::from_jwk(jwk).ok()?;
        (!algorithms.is_empty()).then(|| Self { id: jwk.common.key_id.clone(), algorithms, key })
    }
}

fn same(algorithm: Algorithm, said: KeyAlgorithm) -> bool {
    said.to_string().parse() == Ok(algorithm)
}

/// Hasura refuses shorter ones too.
fn secret(text: &str, bytes: usize) -> Result<DecodingKey, String> {
    if text.len() < bytes {
        return Err(format!("Key size too small; should be atleast {bytes} characters"));
    }
    Ok(DecodingKey::from_secret(text.as_bytes()))
}
