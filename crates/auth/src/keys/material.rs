//! Private and public keys of every algorithm. `jsonwebtoken` has all of them but ES512.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as Common, DecodingKey, EncodingKey};
use p521::SecretKey;
use p521::ecdsa::signature::{Signer, Verifier};
use p521::ecdsa::{Signature, SigningKey, VerifyingKey};
use p521::pkcs8::DecodePrivateKey;
use serde_json::{Value, json};

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Common(Common),
    Es512,
}

impl Algorithm {
    /// By its name in a token's header or a setting; none for one that is not supported, `none` among them.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ES512" => Some(Self::Es512),
            "Ed25519" => Some(Self::Common(Common::EdDSA)),
            _ => name.parse().ok().map(Self::Common),
        }
    }

    /// As `alg` says it.
    pub fn name(self) -> String {
        match self {
            Self::Common(common) => format!("{common:?}"),
            Self::Es512 => "ES512".to_owned(),
        }
    }

    /// One secret signs and verifies.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Common(Common::HS256 | Common::HS384 | Common::HS512))
    }
}

/// What signs.
pub(super) enum Private {
    Common(Common, EncodingKey),
    P521(Box<SigningKey>),
}

/// What verifies.
pub(super) enum Public {
    Common(Common, DecodingKey),
    P521(Box<VerifyingKey>),
}

impl Private {
    /// A secret, or PEM in PKCS #8.
    ///
    /// # Errors
    /// What is wrong, without any part of the key.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, String> {
        let pem = |error: jsonwebtoken::errors::Error| no_pem("signing_key", algorithm, &format!("{:?}", error.kind()));
        let bytes = text.as_bytes();
        let common = match algorithm {
            Algorithm::Common(common) => common,
            Algorithm::Es512 => {
                let key = EncodingKey::from_ec_pem(bytes).map_err(pem)?;
                let key = SecretKey::from_pkcs8_der(key.as_bytes()).ok();
                let key = key.and_then(|key| SigningKey::from_bytes(&key.to_bytes()).ok());
                return key
                    .map(|key| Self::P521(Box::new(key)))
                    .ok_or_else(|| no_pem("signing_key", algorithm, "it is not on the curve P-521"));
            }
        };
        let key = match common {
            Common::HS256 | Common::HS384 | Common::HS512 => Ok(EncodingKey::from_secret(bytes)),
            Common::ES256 | Common::ES384 => EncodingKey::from_ec_pem(bytes),
            Common::EdDSA => EncodingKey::from_ed_pem(bytes),
            _ => EncodingKey::from_rsa_pem(bytes),
        };
        Ok(Self::Common(common, key.map_err(pem)?))
    }

    /// What other keys can be derived from.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Common(_, key) => key.as_bytes().to_vec(),
            Self::P521(key) => key.to_bytes().to_vec(),
        }
    }

    /// A signature in base64, as tokens have it.
    ///
    /// # Errors
    /// The key is not of the algorithm.
    pub fn sign(&self, message: &[u8]) -> Result<String, String> {
        match self {
            Self::Common(common, key) => {
                crypto::sign(message, key, *common).map_err(|error| format!("the key cannot sign ({:?})", error.kind()))
            }
            Self::P521(key) => {
                let signature: Signature = key.try_sign(message).map_err(|_| "the key cannot sign".to_owned())?;
                Ok(URL_SAFE_NO_PAD.encode(signature.to_bytes()))
            }
        }
    }
}

impl Public {
    /// A secret, or PEM of a public key.
    ///
    /// # Errors
    /// As [`Private::parse`]; a secret is too short.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, String> {
        let pem = |error: jsonwebtoken::errors::Error| no_pem("key", algorithm, &format!("{:?}", error.kind()));
        let bytes = text.as_bytes();
        let common = match algorithm {
            Algorithm::Common(common) => common,
            Algorithm::Es512 => {
                let shown = DecodingKey::from_ec_pem(bytes).map_err(pem)?;
                let point = shown.try_get_as_bytes().map_err(pem)?;
                let key = VerifyingKey::from_sec1_bytes(point)
                    .map_err(|_| no_pem("key", algorithm, "it is not on the curve P-521"))?;
                return Ok(Self::P521(Box::new(key)));
            }
        };
        let key = match common {
            Common::HS256 | Common::HS384 | Common::HS512 => {
                long_enough(common, text)?;
                Ok(DecodingKey::from_secret(bytes))
            }
            Common::ES256 | Common::ES384 => DecodingKey::from_ec_pem(bytes),
            Common::EdDSA => DecodingKey::from_ed_pem(bytes),
            _ => DecodingKey::from_rsa_pem(bytes),
        };
        Ok(Self::Common(common, key.map_err(pem)?))
    }

    /// Whether a signature (base64, as in a token) is this key's over the message.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        match self {
            Self::Common(common, key) => crypto::verify(signature, message, key, *common).unwrap_or(false),
            Self::P521(key) => {
                let signature = URL_SAFE_NO_PAD.decode(signature).ok();
                let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
                signature.is_some_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }

    /// As a key set shows it (RFC 7517); nothing of a secret.
    pub fn jwk(&self) -> Option<Value> {
        match self {
            Self::Common(common, _) if Algorithm::Common(*common).is_secret() => None,
            Self::Common(_, key) => serde_json::to_value(Jwk::from_decoding_key(key, None).ok()?).ok(),
            Self::P521(key) => {
                let point = key.to_encoded_point(false);
                let (x, y) = (URL_SAFE_NO_PAD.encode(point.x()?), URL_SAFE_NO_PAD.encode(point.y()?));
                Some(json!({ "kty": "EC", "crv": "P-521", "x": x, "y": y }))
            }
        }
    }
}

fn no_pem(name: &str, algorithm: Algorithm, why: &str) -> String {
    format!("{name} is no PEM of a {} key ({why})", algorithm.name())
}

/// As long as its hash (RFC 7518, 3.2); GraphQL refuses shorter ones too.
fn long_enough(algorithm: Common, secret: &str) -> Result<(), String> {
    let bytes = match algorithm {
        Common::HS384 => 48,
        Common::HS512 => 64,
        _ => 32,
    };
    if secret.len() < bytes {
        Err(format!("a secret of {algorithm:?} has at least {bytes} characters"))
    } else {
        Ok(())
    }
}
