//! Tokens: `HASURA_GRAPHQL_JWT_SECRET` and what it means.
//!
//! A key only verifies tokens of its own kind: a public key is never taken for the secret of an HMAC, and a token that
//! says `none` fits no key at all.

mod claims;
mod key;
mod key_set;
mod verifier;

use serde_json::{Map, Value};

use super::JsonPath;
use claims::{ClaimsMap, Format, Place};
pub(crate) use key::Key;
pub use verifier::Verifier;

/// Where Hasura's claims stand unless the configuration says otherwise.
const NAMESPACE: &str = "https://hasura.io/jwt/claims";

/// One accepted kind of token.
#[derive(Debug, Clone)]
pub struct Jwt {
    source: Source,
    /// Any of them must be the token's.
    audience: Option<Vec<String>>,
    issuer: Option<String>,
    claims: Claims,
    /// Seconds by which clocks may differ.
    allowed_skew: f64,
    location: Location,
}

#[derive(Debug, Clone)]
enum Source {
    /// The key, and those before it that still verify.
    Keys(Vec<Key>),
    Url(String),
}

/// Where a request carries its token.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Location {
    Authorization,
    Cookie(String),
    Header(http::HeaderName),
}

#[derive(Debug, Clone)]
enum Claims {
    Namespace(Place, Format),
    Map(ClaimsMap),
}

impl Jwt {
    /// Reads `HASURA_GRAPHQL_JWT_SECRET`.
    ///
    /// # Errors
    /// What is wrong, without any part of a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::from_value(&serde_json::from_str(text).map_err(|_| "it is not JSON".to_owned())?)
    }

    /// Reads `HASURA_GRAPHQL_JWT_SECRETS`: a list of them.
    ///
    /// # Errors
    /// As [`Jwt::parse`].
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let list: Vec<Value> = serde_json::from_str(text).map_err(|_| "it is not a JSON list".to_owned())?;
        list.iter().map(Self::from_value).collect()
    }

    /// A key given by itself, as `HASURA_JWT_KEY` and `HASURA_JWT_TYPE` do.
    ///
    /// # Errors
    /// The type is unknown or the key does not fit it.
    pub fn of_key(kind: &str, key: &str) -> Result<Self, String> {
        Ok(Self {
            source: Source::Keys(vec![Key::parse(kind, key)?]),
            audience: None,
            issuer: None,
            claims: Claims::Namespace(Place::Key(NAMESPACE.to_owned()), Format::Json),
            allowed_skew: 0.0,
            location: Location::Authorization,
        })
    }

    /// Adds keys that were used before, a JSON list of `{"type", "key"}`: tokens that they have signed count until they
    /// expire.
    ///
    /// # Errors
    /// As [`Jwt::parse`]; keys that come from a URL are renewed there.
    pub fn add_previous(&mut self, list: &str) -> Result<(), String> {
        let list: Vec<Value> = serde_json::from_str(list).map_err(|_| "it is not a JSON list of keys".to_owned())?;
        let Source::Keys(keys) = &mut self.source else {
            return Err("the tokens' keys come from a URL, which has to give the previous ones too".to_owned());
        };
        for value in &list {
            let object = value.as_object().ok_or("one of the keys is not a JSON object")?;
            let kind = optional_text(object, "type")?.unwrap_or("HS256");
            keys.push(Key::parse(kind, optional_text(object, "key")?.ok_or("key is missing")?)?);
        }
        Ok(())
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let object = value.as_object().ok_or("it is not a JSON object")?;
        let text = |name: &str| optional_text(object, name);
        let source = match (text("key")?, text("jwk_url")?) {
            (None, None) => return Err("key and jwk_url both cannot be empty".to_owned()),
            (Some(_), Some(_)) => return Err("key, jwk_url both cannot be present".to_owned()),
            (Some(key), None) => Source::Keys(vec![Key::parse(text("type")?.ok_or("type is missing")?, key)?]),
            (None, Some(url)) => Source::Url(url.to_owned()),
        };
        let allowed_skew = match object.get("allowed_skew").filter(|skew| !skew.is_null()) {
            None => 0.0,
            Some(skew) => skew.as_f64().filter(|skew| *skew >= 0.0).ok_or("allowed_skew is a number of seconds")?,
        };
        Ok(Self {
            source,
            audience: audience(object.get("audience"))?,
            issuer: text("issuer")?.map(str::to_owned),
            claims: claims(object)?,
            allowed_skew,
            location: location(object.get("header"))?,
        })
    }

    /// As `/v1alpha1/config` shows it.
    fn to_json(&self) -> Value {
        let mut out = Map::new();
        match &self.claims {
            Claims::Namespace(place, format) => {
                out.insert("claims_namespace".to_owned(), place.to_string().into());
                out.insert("claims_format".to_owned(), format.as_str().into());
                out.insert("claims_map".to_owned(), Value::Null);
            }
            Claims::Map(map) => {
                out.insert("claims_namespace".to_owned(), NAMESPACE.into());
                out.insert("claims_format".to_owned(), Format::Json.as_str().into());
                out.insert("claims_map".to_owned(), map.to_json());
            }
        }
        Value::Object(out)
    }
}

fn optional_text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is not a text")),
    }
}

fn audience(value: Option<&Value>) -> Result<Option<Vec<String>>, String> {
    let wrong = || "audience is a text or a list of them".to_owned();
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(Value::Array(all)) => {
            let all: Option<Vec<String>> = all.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            all.map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

fn claims(object: &Map<String, Value>) -> Result<Claims, String> {
    let format = match optional_text(object, "claims_format")? {
        None | Some("json") => Format::Json,
        Some("stringified_json") => Format::Stringified,
        Some(_) => return Err("claims_format is `json` or `stringified_json`".to_owned()),
    };
    let place = match (optional_text(object, "claims_namespace_path")?, optional_text(object, "claims_namespace")?) {
        (None, None) => Place::Key(NAMESPACE.to_owned()),
        (None, Some(key)) => Place::Key(key.to_owned()),
        (Some(path), None) => Place::Path(
            JsonPath::parse(path).map_err(|error| format!("invalid JSON path claims_namespace_path error: {error}"))?,
        ),
        (Some(_), Some(_)) => {
            return Err("claims_namespace and claims_namespace_path both cannot be set".to_owned());
        }
    };
    match object.get("claims_map").filter(|map| !map.is_null()) {
        None => Ok(Claims::Namespace(place, format)),
        Some(map) => Ok(Claims::Map(ClaimsMap::parse(map)?)),
    }
}

fn location(value: Option<&Value>) -> Result<Location, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Location::Authorization) };
    let object = value.as_object().ok_or("header is not a JSON object")?;
    let kind = optional_text(object, "type")?.unwrap_or_default().to_ascii_lowercase();
    let name = || optional_text(object, "name")?.ok_or_else(|| "header's name is missing".to_owned());
    match kind.as_str() {
        "authorization" => Ok(Location::Authorization),
        "cookie" => Ok(Location::Cookie(name()?.to_owned())),
        "customheader" => name()?.parse().map(Location::Header).map_err(|_| "header's name is no name".to_owned()),
        _ => Err("expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'".to_owned()),
    }
}
