//! Values to PostgreSQL's text format, by the type they are for.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::failure::Code;
use crate::model::EnumTableValue;
use crate::schema::{Family, Model, ScalarId, Takes};

use super::{Datum, geojson};

/// How a parameter's value becomes text.
#[derive(Debug, Clone, PartialEq)]
pub enum Encoding {
    /// A scalar and the GraphQL name that errors call it by.
    Scalar(Family, String),
    /// A value of an enum table.
    EnumTable { name: String, values: Arc<[EnumTableValue]> },
    /// The same for a column, which takes PostgreSQL's own text for a value of any type too.
    Value(Family, String),
    /// Values of one column in many rows: an array of texts, null where a row's is. `required` takes no null.
    Column { item: Box<Encoding>, required: bool },
    /// A PostgreSQL array of such; `as_text` also takes the array as PostgreSQL writes it, in a string.
    Array { item: Box<Encoding>, as_text: bool },
    /// `a.b[0].c`: a path into JSON, sent as an array of keys.
    JsonPath,
    /// A count of rows, at least 0; 64 bits, and also accepted as a string.
    Offset,
    /// A text that is PostgreSQL's already.
    Verbatim,
}

/// Why a value cannot be what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    pub code: Code,
    /// Position in the list, where the value is one.
    pub index: Option<usize>,
    pub message: String,
}

impl Mismatch {
    fn new(code: Code, message: String) -> Self {
        Self { code, index: None, message }
    }

    /// A permission names a session variable that the session does not have.
    pub fn missing_variable(name: &str) -> Self {
        Self::new(Code::NotFound, format!("missing session variable: \"{name}\""))
    }

    pub(super) fn invalid_cursor() -> Self {
        Self::new(Code::ValidationFailed, "the \"after\" or \"before\" cursor is invalid".to_owned())
    }

    fn expected(what: &str, name: &str, found: &Datum<'_>) -> Self {
        let message = format!("expected {what} for type '{name}', but found {}", found.describe());
        Self::new(Code::ValidationFailed, message)
    }
}

impl Encoding {
    pub fn of_scalar(model: &Model, scalar: ScalarId) -> Self {
        let found = &model.scalars[scalar];
        match found.item {
            Some(item) => Self::Array { item: Box::new(Self::of_scalar(model, item)), as_text: true },
            None => match &found.values {
                Some(values) => Self::EnumTable { name: found.name.clone(), values: Arc::clone(values) },
                None => Self::Value(found.family, found.name.clone()),
            },
        }
    }

    /// The GraphQL name of the enum whose values it writes, alone or in a list.
    pub fn enum_name(&self) -> Option<&str> {
        match self {
            Self::EnumTable { name, .. } => Some(name),
            Self::Array { item, .. } | Self::Column { item, .. } => item.enum_name(),
            _ => None,
        }
    }

    pub fn text() -> Self {
        Self::Scalar(Family::Text, "String".to_owned())
    }

    /// For the right-hand side of an operator beside a value encoded as `own`.
    pub fn of_operand(takes: Takes, own: Self) -> Self {
        match takes {
            Takes::Same | Takes::Flag | Takes::Shape(_) => own,
            Takes::List => Self::Array { item: Box::new(own), as_text: false },
            Takes::Text(_) => Self::text(),
            Takes::TextList(_) => Self::Array { item: Box::new(Self::text()), as_text: false },
            Takes::Sibling(name) => Self::sibling(name),
        }
    }

    /// For a type of a well-known extension.
    pub fn sibling(name: &str) -> Self {
        Self::Scalar(Family::of(name).map_or(Family::Other, |(family, _)| family), name.to_owned())
    }

    /// # Errors
    /// The value is null or not of the type.
    pub fn encode(&self, datum: &Datum<'_>) -> Result<String, Mismatch> {
        match self {
            Self::Scalar(family, name) => scalar(*family, name, datum),
            Self::EnumTable { name, values } => enum_value(name, values, datum),
            Self::Value(family, name) => value(*family, name, datum),
            Self::Column { item, required } => match datum {
                Datum::List(items) => column(item, *required, items),
                other => column(item, *required, std::slice::from_ref(other)),
            },
            Self::Array { item, as_text } => match datum {
                Datum::String(text) if *as_text => Ok(text.to_string()),
                Datum::List(items) => array(item, items),
                Datum::Null => Err(Mismatch::new(Code::ValidationFailed, "expected a list, but found null".to_owned())),
                // GraphQL reads a single value as a list of one.
                single => array(item, std::slice::from_ref(single)),
            },
            Self::JsonPath => json_path(&scalar(Family::Text, "String", datum)?),
            Self::Offset => offset(datum),
            Self::Verbatim => scalar(Family::Text, "String", datum),
        }
    }
}

const LTREE: &str = "Expecting label path: a sequence of zero or more labels separated by dots, for example L1.L2.L3";

const RASTER: &str = "invalid hexadecimal representation of raster well known binary format";

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What Hasura's JSON reader calls it.
pub(super) fn json_kind(datum: &Datum<'_>) -> &'static str {
    match datum {
        Datum::Null => "Null",
        Datum::Boolean(_) => "Boolean",
        Datum::Number(_) => "Number",
        Datum::String(_) => "String",
        Datum::List(_) => "Array",
        Datum::Object(_) => "Object",
        Datum::Enum(_) => "an enum value",
    }
}

fn enum_value(name: &str, values: &[EnumTableValue], datum: &Datum<'_>) -> Result<String, Mismatch> {
    let text = match datum {
        Datum::Null => return Err(null(name)),
        // From a variable; in a query only bare names are enum values.
        Datum::Enum(text) | Datum::String(text) => text,
        other => return Err(Mismatch::expected("an enum value", name, other)),
    };
    if let Some(found) = values.iter().find(|value| value.name == *text) {
        return Ok(found.value.clone());
    }
    let known: Vec<String> = values.iter().map(|value| format!("'{}'", value.name)).collect();
    let known = known.join(", ");
    let message = format!("expected one of the values [{known}] for type '{name}', but found '{text}'");
    Err(Mismatch::new(Code::ValidationFailed, message))
}

fn null(name: &str) -> Mismatch {
    Mismatch::new(Code::ValidationFailed, format!("unexpected null value for type '{name}'"))
}

fn scalar(family: Family, name: &str, datum: &Datum<'_>) -> Result<String, Mismatch> {
    match (family, datum) {
        (Family::Json | Family::Jsonb, datum) => Ok(json(datum)),
        (_, Datum::Null) => Err(null(name)),
        (Family::Int, Datum::Number(digits)) => int(digits),
        (Family::Int, other) => Err(Mismatch::expected("a 32-bit integer", name, other)),
        (Family::Float, Datum::Number(digits)) => Ok(digits.to_string()),
        (Family::Float, other) => Err(Mismatch::expected("a float", name, other)),
        (Family::Boolean, Datum::Boolean(value)) => Ok(value.to_string()),
        (Family::Boolean, other) => Err(Mismatch::expected("a boolean", name, other)),
        (Family::Text | Family::NamedText, Datum::String(text)) => Ok(text.to_string()),
        (Family::Text | Family::NamedText, other) => Err(Mismatch::expected("a string", name, other)),
        (Family::Enum, Datum::Enum(text)) => Ok(text.to_string()),
        (Family::Ltree, Datum::String(text)) if !text.split('.').any(str::is_empty) => Ok(text.to_string()),
        (Family::Ltree, _) => Err(Mismatch::new(Code::ParseFailed, LTREE.to_owned())),
        (Family::Raster, Datum::String(text)) if is_hex(text) => Ok(text.to_string()),
        (Family::Raster, Datum::String(_)) => Err(Mismatch::new(Code::ParseFailed, RASTER.to_owned())),
        (Family::Raster, _) => Err(Mismatch::new(Code::ParseFailed, "expecting String for raster".to_owned())),
        (Family::Geometry | Family::Geography, Datum::String(text)) => Ok(text.to_string()),
        (Family::Geometry | Family::Geography, datum) => {
            geojson::check(datum).map_err(|message| Mismatch::new(Code::ParseFailed, message))?;
            Ok(json(datum))
        }
        // PostgreSQL reads every other type from a string, and says so itself when it cannot.
        (_, Datum::String(text)) => Ok(text.to_string()),
        (family, Datum::Number(digits)) if family.is_number() => Ok(digits.to_string()),
        (family, other) => {
            let found = json_kind(other);
            let message = match (family.is_number(), haskell_name(name)) {
                (true, _) => format!("parsing {name} failed, expected Number, but encountered {found}"),
                (false, Some(name)) => format!("parsing {name} failed, expected String, but encountered {found}"),
                (false, None) => format!("A string is expected for type: {name}"),
            };
            Err(Mismatch::new(Code::ParseFailed, message))
        }
    }
}

/// What Hasura's messages call a type that it reads itself.
fn haskell_name(name: &str) -> Option<&'static str> {
    match name {
        "date" => Some("Day"),
        "timestamp" => Some("LocalTime"),
        "timestamptz" => Some("UTCTime"),
        "uuid" => Some("UUID"),
        _ => None,
    }
}

/// A column's value.
fn value(family: Family, name: &str, datum: &Datum<'_>) -> Result<String, Mismatch> {
    let unread = |wanted: &str| {
        let found = json_kind(datum);
        let message = format!("parsing {name} failed, expected {wanted}, but encountered {found}");
        Err(Mismatch::new(Code::ParseFailed, message))
    };
    match (family, datum) {
        (Family::Int | Family::Float | Family::Boolean, Datum::String(text)) => Ok(text.to_string()),
        (Family::Int, Datum::Number(digits)) => {
            int(digits).map_err(|found| Mismatch { code: Code::ParseFailed, ..found })
        }
        (_, Datum::Null) | (Family::Boolean, Datum::Boolean(_)) => scalar(family, name, datum),
        (Family::Int, Datum::Boolean(_) | Datum::List(_) | Datum::Object(_)) => unread("Number"),
        (Family::Boolean, Datum::Number(_) | Datum::List(_) | Datum::Object(_)) => unread("Bool"),
        (
            Family::Text | Family::NamedText,
            Datum::Number(_) | Datum::Boolean(_) | Datum::List(_) | Datum::Object(_),
        ) => unread("String"),
        // PostgreSQL reads no exponent of money.
        (Family::Money, Datum::Number(digits)) if digits.contains(['e', 'E']) => {
            Ok(digits.parse::<f64>().map_or_else(|_| digits.to_string(), |value| value.to_string()))
        }
        _ => scalar(family, name, datum),
    }
}

/// An array of the items' texts.
fn column(item: &Encoding, required: bool, items: &[Datum<'_>]) -> Result<String, Mismatch> {
    let mut out = String::from("{");
    for (index, datum) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if *datum == Datum::Null && !required {
            out.push_str("NULL");
            continue;
        }
        let text = match (item, datum) {
            (Encoding::Value(Family::Json | Family::Jsonb, name), Datum::Null) => Err(null(name)),
            _ => item.encode(datum),
        };
        push_quoted(&mut out, &text.map_err(|found| Mismatch { index: Some(index), ..found })?);
    }
    out.push('}');
    Ok(out)
}

/// GraphQL's `Int`: 32 bits. A JSON number with an integral value, such as `1.0`, is one.
fn int(digits: &str) -> Result<String, Mismatch> {
    if let Ok(value) = digits.parse::<i32>() {
        return Ok(value.to_string());
    }
    match digits.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX) => {
            Ok(format!("{value:.0}"))
        }
        _ => Err(Mismatch::new(
            Code::ValidationFailed,
            format!(
                "The value {digits} lies outside the bounds or is not an integer. Maybe it is a float, or is there integer overflow?"
            ),
        )),
    }
}

fn offset(datum: &Datum<'_>) -> Result<String, Mismatch> {
    let parsed = match datum {
        Datum::Number(text) | Datum::String(text) => text.parse::<i64>().ok(),
        other => return Err(Mismatch::expected("a non-negative 64-bit integer", "Int", other)),
    };
    match parsed {
        Some(value) if value >= 0 => Ok(value.to_string()),
        _ => Err(Mismatch::expected("a non-negative 64-bit integer", "Int", datum)),
    }
}

/// PostgreSQL's array literal, every item quoted.
fn array(item: &Encoding, items: &[Datum<'_>]) -> Result<String, Mismatch> {
    let mut out = String::from("{");
    for (index, datum) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let text = item.encode(datum).map_err(|found| Mismatch { index: Some(index), ..found })?;
        match item {
            // An array within an array stands as it is.
            Encoding::Array { .. } => out.push_str(&text),
            _ => push_quoted(&mut out, &text),
        }
    }
    out.push('}');
    Ok(out)
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// `$.a.b[0]["odd key"]` to `{"a","b","0","odd key"}`.
fn json_path(text: &str) -> Result<String, Mismatch> {
    let fail = || Mismatch::new(Code::ParseFailed, format!("parse json path error: '{text}'"));
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    let mut keys: Vec<String> = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quoted = inner.starts_with(['"', '\'']);
            let end = if quoted { inner[1..].find(&inner[..1]).map(|at| at + 2) } else { inner.find(']') };
            let (key, after) = end.and_then(|end| inner.split_at_checked(end)).ok_or_else(fail)?;
            rest = after.strip_prefix(']').ok_or_else(fail)?;
            let key = if quoted { &key[1..key.len() - 1] } else { key };
            if !quoted && (key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_digit())) {
                return Err(fail());
            }
            keys.push(key.to_owned());
        } else {
            let body = rest.strip_prefix('.').unwrap_or(rest);
            let end = body.find(['.', '[']).unwrap_or(body.len());
            if end == 0 {
                return Err(fail());
            }
            keys.push(body[..end].to_owned());
            rest = &body[end..];
        }
    }
    let keys: Vec<Datum<'_>> = keys.into_iter().map(|key| Datum::String(key.into())).collect();
    array(&Encoding::text(), &keys)
}

/// A value as JSON text.
fn json(datum: &Datum<'_>) -> String {
    let mut out = String::new();
    write_json(&mut out, datum);
    out
}

fn write_json(out: &mut String, datum: &Datum<'_>) {
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    match datum {
        Datum::Null => out.push_str("null"),
        Datum::Boolean(value) => {
            let _ = write!(out, "{value}");
        }
        Datum::Number(digits) => out.push_str(digits),
        Datum::String(text) | Datum::Enum(text) => out.push_str(&quote(text)),
        Datum::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(out, item);
            }
            out.push(']');
        }
        Datum::Object(fields) => {
            out.push('{');
            for (index, (key, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&quote(key));
                out.push(':');
                write_json(out, value);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn array_items_are_quoted_so_that_none_can_end_the_array() {
        let items =
            Datum::List(vec![Datum::String(r#"a","b"#.into()), Datum::String(r"\".into()), Datum::String("".into())]);
        let encoding = Encoding::Array { item: Box::new(Encoding::text()), as_text: false };
        assert_eq!(encoding.encode(&items).unwrap(), r#"{"a\",\"b","\\",""}"#);
    }

    #[test]
    fn integers_keep_to_32_bits() {
        assert_eq!(int("-2147483648").unwrap(), "-2147483648");
        assert_eq!(int("1e3").unwrap(), "1000");
        for bad in ["2147483648", "1.5", "1e400"] {
            assert!(int(bad).unwrap_err().message.contains("lies outside the bounds"), "{bad}");
        }
    }

    #[test]
    fn json_paths_split_into_keys() {
        assert_eq!(json_path("$.a.b[0].c").unwrap(), r#"{"a","b","0","c"}"#);
        assert_eq!(json_path(r#"a["odd key"]"#).unwrap(), r#"{"a","odd key"}"#);
        assert_eq!(json_path("$").unwrap(), "{}");
        for bad in ["a..b", "a[", "a[x]", "a[\"", "a.", "[é"] {
            assert!(json_path(bad).is_err(), "{bad}");
        }
    }
}
