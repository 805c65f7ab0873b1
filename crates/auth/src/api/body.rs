//! Reading bodies: JSON, nothing but the fields that are described, each within its limits.
//!
//! What does not fit is told in the first of the error shapes, as upstream's OpenAPI validator tells it.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use project::Secret;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use uuid::Uuid;

use super::failure::Failure;

/// Bytes of a body. The largest part of one is a user's metadata.
const LIMIT: usize = 256 << 10;

/// A JSON body. No body at all counts as `{}`, which clients send where every field is optional.
///
/// Give `T` `#[serde(deny_unknown_fields, rename_all = "camelCase")]`.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let json = kind.is_empty() || is_json(kind);
        let bytes: Bytes = axum::body::to_bytes(request.into_body(), LIMIT)
            .await
            .map_err(|_| Failure::Request("request body is too large or broken".to_owned()))?;
        if !json && !bytes.is_empty() {
            return Err(Failure::Request("header Content-Type has unexpected value".to_owned()));
        }
        parse(&bytes).map(Self)
    }
}

/// The query of a URL; parameters that are not described are passed over.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(params) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error| Failure::Request(format!("parameter in query has an error: {error}")))?;
        Ok(Self(params))
    }
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let bytes = if bytes.is_empty() { b"{}".as_slice() } else { bytes };
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::Request(format!("request body has an error: doesn't match schema: {error}")))
}

/// An e-mail address, as the table's own check reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(|char| char.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(char));
        let label_fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= 254 && local_fits && domain.split('.').all(label_fits);
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("string doesn't match the format \"email\""))
    }
}

/// A password in a request.
///
/// Upstream's description allows 50 characters at most, for bcrypt's sake; longer ones are good passwords, so 128.
#[derive(Debug, Clone)]
pub struct Password(Secret);

impl Password {
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Secret::new(String::deserialize(deserializer)?);
        match text.expose().chars().count() {
            ..3 => Err(D::Error::custom("minimum string length is 3")),
            3..=128 => Ok(Self(text)),
            _ => Err(D::Error::custom("maximum string length is 128")),
        }
    }
}

/// A text of at most `N` characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short<const N: usize>(pub String);

impl<'de, const N: usize> Deserialize<'de> for Short<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > N || text.contains('\0') {
            return Err(D::Error::custom(format!("maximum string length is {N}")));
        }
        Ok(Self(text))
    }
}

/// A locale: two letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale(pub String);

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if fits { Ok(Self(text)) } else { Err(D::Error::custom("a locale has two letters")) }
    }
}

/// A secret in a request that is a UUID: refresh and personal access tokens.
#[derive(Clone)]
pub struct TokenId(Uuid);

impl std::fmt::Debug for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenId(••••)")
    }
}

impl TokenId {
    /// As it is hashed.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Secret::new(String::deserialize(deserializer)?);
        let parsed = text.expose().parse().map_err(|_| D::Error::custom("string doesn't match the format \"uuid\""));
        parsed.map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b", "A.b+c@d-e.example.org", "x!#$@1.2"] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        for bad in ["nope", "@b", "a@", "a@b@c", "a b@c", "a@-b", "a@b-", "a@b..c", "ä@b", "a@b\n", "a\0@b"] {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
        assert!(Email::parse(&format!("a@{}", "b".repeat(64))).is_none());
    }

    #[test]
    fn a_refusal_does_not_repeat_a_secret() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Sample {
            #[serde(rename = "refreshToken")]
            _token: TokenId,
        }
        let failure = parse::<Sample>(br#"{"refreshToken": "hunter2-hunter2"}"#).unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        assert!(parse::<Sample>(b"").is_err());
        assert!(parse::<Sample>(br#"{"refreshToken": "5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10", "x": 1}"#).is_err());
    }
}
