//! The functions a template may call.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use super::eval::type_name;

/// Calls a function with its only argument.
///
/// # Errors
/// There is no such function, or it cannot take this value: a message.
pub(super) fn call(name: &str, value: Value) -> Result<Value, String> {
    match name {
        "empty" => empty(&value),
        "size" | "length" => Ok(size(&value)),
        "inverse" => Ok(inverse(value)),
        "head" => head(value),
        "tail" => tail(value),
        "toCaseFold" | "toLower" => text(&value).map(|text| text.to_lowercase().into()),
        "toUpper" => text(&value).map(|text| text.to_uppercase().into()),
        "toTitle" => text(&value).map(|text| title(text).into()),
        "escapeUri" => text(&value).map(|text| escape_uri(text).into()),
        "fromPairs" => from_pairs(value),
        "toPairs" => to_pairs(value),
        "removeNulls" => match value {
            Value::Array(items) => Ok(items.into_iter().filter(|item| !item.is_null()).collect()),
            other => Err(wrong("Array", &other)),
        },
        "concat" => concat(value),
        "not" => match value {
            Value::Bool(value) => Ok(Value::Bool(!value)),
            other => Err(wrong("Bool", &other)),
        },
        other => Err(format!("Function: '{other}' is not defined")),
    }
}

fn wrong(wanted: &str, found: &Value) -> String {
    format!("parsing {wanted} failed, expected {wanted}, but encountered {}", type_name(found))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| wrong("String", value))
}

fn empty(value: &Value) -> Result<Value, String> {
    Ok(Value::Bool(match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Null => true,
        Value::Bool(_) => return Err("Cannot define emptiness for a boolean".to_owned()),
    }))
}

fn size(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.len().into(),
        Value::Array(items) => items.len().into(),
        Value::String(text) => text.chars().count().into(),
        Value::Number(_) => value.clone(),
        Value::Bool(value) => u8::from(*value).into(),
        Value::Null => 0.into(),
    }
}

fn inverse(value: Value) -> Value {
    match value {
        Value::Array(mut items) => {
            items.reverse();
            Value::Array(items)
        }
        Value::String(text) => text.chars().rev().collect::<String>().into(),
        Value::Number(number) => {
            let inverse = number.as_f64().and_then(|number| Number::from_f64(1.0 / number));
            inverse.map_or(Value::Null, Value::Number)
        }
        Value::Bool(value) => Value::Bool(!value),
        other => other,
    }
}

fn head(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(items) => items.into_iter().next().ok_or_else(|| "Empty array".to_owned()),
        Value::String(text) => {
            text.chars().next().map(|first| first.to_string().into()).ok_or_else(|| "Empty string".to_owned())
        }
        _ => Err("Expected an array or string".to_owned()),
    }
}

fn tail(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(items) => Ok(items.into_iter().skip(1).collect()),
        Value::String(text) => Ok(text.chars().skip(1).collect::<String>().into()),
        _ => Err("Expected an array or string".to_owned()),
    }
}

fn title(text: &str) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for found in text.chars() {
        if start {
            out.extend(found.to_uppercase());
        } else {
            out.extend(found.to_lowercase());
        }
        start = !found.is_alphanumeric();
    }
    out
}

/// RFC 3986: all but the unreserved characters.
pub(crate) fn escape_uri(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn from_pairs(value: Value) -> Result<Value, String> {
    const SHAPE: &str = "Expected an array of shape [ [k1,v1], [k2,v2] ... ] - With String keys.";
    let Value::Array(pairs) = value else { return Err(wrong("Nested Arrays", &value)) };
    let mut object = Map::with_capacity(pairs.len());
    for pair in pairs {
        let Value::Array(pair) = pair else { return Err(SHAPE.to_owned()) };
        match <[Value; 2]>::try_from(pair) {
            Ok([Value::String(key), value]) => object.insert(key, value),
            _ => return Err(SHAPE.to_owned()),
        };
    }
    Ok(Value::Object(object))
}

fn to_pairs(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(fields) => {
            Ok(fields.into_iter().map(|(key, value)| Value::Array(vec![Value::String(key), value])).collect())
        }
        other => Err(wrong("Object", &other)),
    }
}

/// Lists of lists, of strings or of objects; in objects the later value wins.
fn concat(value: Value) -> Result<Value, String> {
    let Value::Array(items) = value else { return Err(wrong("Array", &value)) };
    if items.iter().all(Value::is_array) {
        let lists = items.into_iter().filter_map(|item| if let Value::Array(list) = item { Some(list) } else { None });
        return Ok(lists.flatten().collect());
    }
    if items.iter().all(Value::is_string) {
        return Ok(items.iter().filter_map(Value::as_str).collect::<String>().into());
    }
    let mut object = Map::new();
    for item in items {
        match item {
            Value::Object(fields) => object.extend(fields),
            other => return Err(wrong("Nested Object", &other)),
        }
    }
    Ok(Value::Object(object))
}
