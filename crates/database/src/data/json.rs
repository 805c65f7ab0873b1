//! Values as JSON and back, every one the same as before.
//!
//! Numbers keep every digit, arrays are arrays, json and jsonb stand there as they are; everything else is the text that
//! PostgreSQL writes for it, as a string, and a string is always read as such text: `"NaN"` among numbers,
//! `"[0:1]={1,2}"` for an array whose first index is not 1. JSON's `null` is SQL's NULL; where a json column holds the
//! value `null`, or a text that would not survive, it is wrapped: `{"$json": "null"}`.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Shape;

/// Appends `text`, a value as PostgreSQL writes it, as JSON.
pub(super) fn encode(text: &[u8], shape: &Shape, out: &mut Vec<u8>) {
    match shape {
        Shape::Number if is_number(text) => out.extend_from_slice(text),
        Shape::Bool => out.extend_from_slice(if matches!(text, b"t" | b"true") { b"true" } else { b"false" }),
        Shape::Json => document(text, out),
        Shape::Array(element) => {
            let begun = out.len();
            let mut reader = Literal { rest: text };
            if reader.array(element, out).is_none() || !reader.rest.is_empty() {
                out.truncate(begun);
                string(text, out);
            }
        }
        Shape::Number | Shape::Text => string(text, out),
    }
}

/// `NaN` and `Infinity` are no numbers in JSON.
fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    digits.first().is_some_and(u8::is_ascii_digit) && text.last().is_some_and(u8::is_ascii_digit)
}

/// A json value as it is. Wrapped are those that would be read as something else: `null`, one that looks wrapped, and one
/// over several lines, which would not be one line of NDJSON.
fn document(text: &[u8], out: &mut Vec<u8>) {
    let trimmed = text.trim_ascii();
    let plain = trimmed == text && text != b"null" && !text.contains(&b'\n') && !text.contains(&b'\r');
    if plain && (text[0] != b'{' || wrapped(&String::from_utf8_lossy(text)).is_none()) {
        out.extend_from_slice(text);
        return;
    }
    out.extend_from_slice(b"{\"$json\":");
    string(text, out);
    out.push(b'}');
}

/// The text inside `{"$json": "…"}`.
fn wrapped(text: &str) -> Option<String> {
    if !text.contains("\"$json\"") {
        return None;
    }
    let object: Object<'_> = serde_json::from_str(text).ok()?;
    match object.0.as_slice() {
        [(name, value)] if name == "$json" => serde_json::from_str(value.get()).ok(),
        _ => None,
    }
}

/// Appends a JSON string.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => {
                out.extend_from_slice(&text[from..at]);
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                from = at + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&text[from..at]);
        out.extend_from_slice(escape);
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
    out.push(b'"');
}

/// An array literal on its way to JSON: `{1,NULL,{"a b"}}`.
struct Literal<'a> {
    rest: &'a [u8],
}

impl Literal<'_> {
    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.rest.first() == Some(&wanted);
        self.rest = &self.rest[usize::from(found)..];
        found
    }

    /// `None` when the literal says more than JSON can: bounds, or json values in more than one dimension.
    fn array(&mut self, element: &Shape, out: &mut Vec<u8>) -> Option<()> {
        if !self.eat(b'{') {
            return None;
        }
        out.push(b'[');
        if self.eat(b'}') {
            out.push(b']');
            return Some(());
        }
        loop {
            self.item(element, out)?;
            if self.eat(b'}') {
                out.push(b']');
                return Some(());
            }
            if !self.eat(b',') {
                return None;
            }
            out.push(b',');
        }
    }

    fn item(&mut self, element: &Shape, out: &mut Vec<u8>) -> Option<()> {
        if self.rest.first() == Some(&b'{') {
            return if *element == Shape::Json { None } else { self.array(element, out) };
        }
        let quoted = self.eat(b'"');
        let mut text = Vec::new();
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            match byte {
                b'\\' => {
                    let (&escaped, rest) = rest.split_first()?;
                    text.push(escaped);
                    self.rest = rest;
                    continue;
                }
                b'"' if quoted => {
                    self.rest = rest;
                    encode(&text, element, out);
                    return Some(());
                }
                b',' | b'}' if !quoted => {
                    if text == b"NULL" {
                        out.extend_from_slice(b"null");
                    } else {
                        encode(&text, element, out);
                    }
                    return Some(());
                }
                other => text.push(other),
            }
            self.rest = rest;
        }
    }
}

/// The fields of a JSON object as they stand there.
pub(super) struct Object<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object, one for a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(Object)
    }
}

/// The elements of a JSON array as they stand there.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Items).map(Elements)
    }
}

/// The text that PostgreSQL reads for a JSON value; `None` is NULL.
///
/// # Errors
/// What is wrong with the JSON, in a few words.
pub(super) fn decode(raw: &str, shape: &Shape) -> Result<Option<String>, String> {
    if raw == "null" {
        return Ok(None);
    }
    if *shape == Shape::Json {
        let inner = if raw.starts_with('{') { wrapped(raw) } else { None };
        return Ok(Some(inner.unwrap_or_else(|| raw.to_owned())));
    }
    let problem = |error: serde_json::Error| error.to_string();
    match (raw.as_bytes().first(), shape) {
        (Some(b'"'), _) => serde_json::from_str(raw).map(Some).map_err(problem),
        (Some(b'['), Shape::Array(element)) => {
            let mut text = String::new();
            literal(raw, element, &mut text)?;
            Ok(Some(text))
        }
        _ => Ok(Some(raw.to_owned())),
    }
}

/// Appends an array literal.
fn literal(raw: &str, element: &Shape, out: &mut String) -> Result<(), String> {
    let Elements(items) = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    out.push('{');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let item = item.get();
        if item.starts_with('[') && *element != Shape::Json {
            literal(item, element, out)?;
            continue;
        }
        match decode(item, element)? {
            None => out.push_str("NULL"),
            Some(text) => {
                out.push('"');
                for character in text.chars() {
                    if matches!(character, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(character);
                }
                out.push('"');
            }
        }
    }
    out.push('}');
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn there_and_back(text: &str, shape: &Shape) -> (String, String) {
        let mut json = Vec::new();
        encode(text.as_bytes(), shape, &mut json);
        let json = String::from_utf8(json).unwrap();
        serde_json::from_str::<serde_json::Value>(&json).unwrap();
        (decode(&json, shape).unwrap().unwrap(), json)
    }

    #[test]
    fn values_survive() {
        let array = |shape| Shape::Array(Box::new(shape));
        for (text, shape, json) in [
            ("1.500", Shape::Number, "1.500"),
            ("NaN", Shape::Number, "\"NaN\""),
            ("-Infinity", Shape::Number, "\"-Infinity\""),
            ("a\"\\\u{1}é\n", Shape::Text, "\"a\\\"\\\\\\u0001é\\n\""),
            ("null", Shape::Json, "{\"$json\":\"null\"}"),
            ("{\"$json\": \"x\"}", Shape::Json, "{\"$json\":\"{\\\"$json\\\": \\\"x\\\"}\"}"),
            ("{\"$json\": 1}", Shape::Json, "{\"$json\": 1}"),
            ("{\n\"a\": 1e400}", Shape::Json, "{\"$json\":\"{\\n\\\"a\\\": 1e400}\"}"),
            ("[0:1]={1,2}", array(Shape::Number), "\"[0:1]={1,2}\""),
            ("{{1},{2}}", array(Shape::Json), "\"{{1},{2}}\""),
        ] {
            assert_eq!(there_and_back(text, &shape), (text.to_owned(), json.to_owned()));
        }
    }

    #[test]
    fn arrays_become_arrays() {
        let array = |shape| Shape::Array(Box::new(shape));
        assert_eq!(there_and_back("{1,NULL,NaN}", &array(Shape::Number)).1, "[1,null,\"NaN\"]");
        assert_eq!(there_and_back("{{t,f},{f,t}}", &array(Shape::Bool)).1, "[[true,false],[false,true]]");
        let (back, json) = there_and_back(r#"{"a \"b\"",NULL,"NULL",c,"{",""}"#, &array(Shape::Text));
        assert_eq!(json, r#"["a \"b\"",null,"NULL","c","{",""]"#);
        assert_eq!(back, r#"{"a \"b\"",NULL,"NULL","c","{",""}"#);
        let (back, json) = there_and_back(r#"{"[1, 2]","null",NULL,"{\"a\": 1}"}"#, &array(Shape::Json));
        assert_eq!(json, r#"[[1, 2],{"$json":"null"},null,{"a": 1}]"#);
        assert_eq!(back, r#"{"[1, 2]","null",NULL,"{\"a\": 1}"}"#);
    }
}
