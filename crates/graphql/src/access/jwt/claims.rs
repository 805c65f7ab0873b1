//! From a verified token's claims to a role and session variables.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::super::{JsonPath, requested_role};
use super::Claims;
use crate::failure::{Code, Failure};
use crate::session::{Session, is_variable};

const ALLOWED: &str = "x-hasura-allowed-roles";
const DEFAULT: &str = "x-hasura-default-role";

/// Claims that belong to the token itself; Hasura's namespace is not looked for among them.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Where the object of Hasura's claims stands.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Key(String),
    Path(JsonPath),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Path(path) => write!(f, "{path}"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    Json,
    Stringified,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Stringified => "stringified_json",
        }
    }
}

/// Hasura's claims made of other ones.
#[derive(Debug, Clone)]
pub(super) struct ClaimsMap(Vec<(String, Entry)>);

#[derive(Debug, Clone)]
enum Entry {
    Literal(Value),
    Path { path: JsonPath, default: Option<Value> },
}

impl ClaimsMap {
    pub fn parse(value: &Value) -> Result<Self, String> {
        let object = value.as_object().ok_or("claims_map is not a JSON object")?;
        let entry = |(name, value): (&String, &Value)| {
            let entry = match value {
                Value::Object(object) => {
                    let path = object.get("path").and_then(Value::as_str);
                    let path = path.ok_or_else(|| format!("claims_map: {name} has no path"))?;
                    let path = JsonPath::parse(path).map_err(|error| format!("claims_map: {name}: {error}"))?;
                    let default = object.get("default").filter(|default| !default.is_null()).cloned();
                    check(name, default.as_ref())?;
                    Entry::Path { path, default }
                }
                literal => {
                    check(name, Some(literal))?;
                    Entry::Literal(literal.clone())
                }
            };
            Ok::<_, String>((name.to_ascii_lowercase(), entry))
        };
        let entries = object.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        for needed in [ALLOWED, DEFAULT] {
            if !entries.iter().any(|(name, _)| name == needed) {
                return Err(format!("{needed} is expected but not found"));
            }
        }
        Ok(Self(entries))
    }

    pub fn to_json(&self) -> Value {
        let entry = |entry: &Entry| match entry {
            Entry::Literal(value) => value.clone(),
            Entry::Path { path, default } => {
                let mut out = Map::new();
                out.insert("path".to_owned(), path.to_string().into());
                out.extend(default.iter().map(|default| ("default".to_owned(), default.clone())));
                Value::Object(out)
            }
        };
        Value::Object(self.0.iter().map(|(name, value)| (name.clone(), entry(value))).collect())
    }

    fn read(&self, claims: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
        let whole = Value::Object(claims.clone());
        let mut out = Map::new();
        for (name, entry) in &self.0 {
            let found = match entry {
                Entry::Literal(value) => Some(value),
                Entry::Path { path, default } => path.find(&whole).or(default.as_ref()),
            };
            let found = found.ok_or_else(|| match name.as_str() {
                ALLOWED | DEFAULT => missing_role_claim(name),
                _ => invalid(format!("JWT claim from claims_map, {name} not found")),
            })?;
            out.insert(name.clone(), found.clone());
        }
        Ok(out)
    }
}

/// A value that the settings give must be what a token would have to give.
fn check(name: &str, value: Option<&Value>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    let right = if name.eq_ignore_ascii_case(ALLOWED) {
        value.as_array().is_some_and(|roles| roles.iter().all(Value::is_string))
    } else {
        value.is_string()
    };
    if right { Ok(()) } else { Err(format!("claims_map: {name} has a value of the wrong type")) }
}

/// The session of verified claims: the role that the request asks for, if it is allowed, or the default.
pub(super) fn session(config: &Claims, claims: &Map<String, Value>, headers: &HeaderMap) -> Result<Session, Failure> {
    let hasura = match config {
        Claims::Map(map) => map.read(claims)?,
        Claims::Namespace(place, format) => namespace(place, *format, claims)?,
    };
    let allowed = allowed_roles(&hasura)?;
    let default = default_role(&hasura)?;
    let role = requested_role(headers).unwrap_or(default);
    if !allowed.contains(&role) {
        return Err(Failure::new(Code::AccessDenied, "$", "Your requested role is not in allowed roles"));
    }
    let mut session = Session::role(role);
    for (name, value) in &hasura {
        if matches!(name.as_str(), ALLOWED | DEFAULT) {
            continue;
        }
        let Value::String(text) = value else {
            let found = kind(value);
            return Err(invalid(format!(
                "x-hasura-* claims: parsing Text failed, expected String, but encountered {found}"
            )));
        };
        session.set(name, text.clone());
    }
    Ok(session)
}

/// The object of Hasura's claims, its names in lower case.
fn namespace(place: &Place, format: Format, claims: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let own = |(name, _): &(&String, &Value)| !REGISTERED.contains(&name.as_str());
    let own: Map<String, Value> =
        claims.iter().filter(own).map(|(name, value)| (name.clone(), value.clone())).collect();
    let own = Value::Object(own);
    let (found, missing, called) = match place {
        Place::Key(key) => (own.get(key), format!("claims key: '{key}' not found"), "claims_namespace"),
        Place::Path(path) => {
            (path.find(&own), format!("claims not found at claims_namespace_path: '{path}'"), "claims_namespace_path")
        }
    };
    let found = found.ok_or_else(|| invalid(missing))?;
    let parsed = match (format, found) {
        (Format::Json, Value::Object(object)) => object.clone(),
        (Format::Json, _) => return Err(invalid("expecting a json object when claims_format is json")),
        (Format::Stringified, Value::String(text)) => serde_json::from_str(text)
            .map_err(|_| invalid(format!("expecting stringified json at: '{called} {place}', but found: {text}")))?,
        (Format::Stringified, _) => {
            return Err(invalid("expecting a string when claims_format is stringified_json"));
        }
    };
    let of_hasura = parsed.into_iter().filter(|(name, _)| is_variable(name));
    Ok(of_hasura.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
}

fn allowed_roles(claims: &Map<String, Value>) -> Result<Vec<&str>, Failure> {
    let value = claims.get(ALLOWED).ok_or_else(|| missing_role_claim(ALLOWED))?;
    let wrong = |why: String| invalid(format!("invalid {ALLOWED}; should be a list of roles: {why}"));
    let Value::Array(roles) = value else {
        return Err(wrong(format!("parsing [] failed, expected Array, but encountered {}", kind(value))));
    };
    roles.iter().map(|value| role_name(value).map_err(wrong)).collect()
}

fn default_role(claims: &Map<String, Value>) -> Result<&str, Failure> {
    let value = claims.get(DEFAULT).ok_or_else(|| missing_role_claim(DEFAULT))?;
    role_name(value).map_err(|why| invalid(format!("invalid {DEFAULT}; should be a single role name: {why}")))
}

fn role_name(value: &Value) -> Result<&str, String> {
    match value {
        Value::String(name) if name.is_empty() => Err("empty string not allowed".to_owned()),
        Value::String(name) => Ok(name),
        other => Err(format!("parsing Text failed, expected String, but encountered {}", kind(other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Code::JwtInvalidClaims, "$", message)
}

fn missing_role_claim(name: &str) -> Failure {
    Failure::new(Code::JwtMissingRoleClaims, "$", format!("JWT claim does not contain {name}"))
}
