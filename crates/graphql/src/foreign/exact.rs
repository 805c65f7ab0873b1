//! JSON with all digits of its numbers.
//!
//! A [`Json`] keeps 64-bit integers and floats. A number that would lose digits in it stands there as a text that
//! begins with [`MARK`], and is written as the number it is. PostgreSQL's `numeric` and services' scalars need this;
//! to keep all numbers as texts would slow down everything else.

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value as Json};

/// Begins the text of a number. PostgreSQL's texts hold no NUL.
const MARK: &str = "\0number:";

/// Digits that a float always keeps.
const SAFE: usize = 15;

/// Lists and objects inside each other, as serde_json allows.
const DEPTH: usize = 127;

/// Reads JSON; none if it is none.
pub fn parse(text: &[u8]) -> Option<Json> {
    let seen = Seen::of(text);
    if !seen.loses {
        return serde_json::from_slice(text).ok();
    }
    if seen.depth > DEPTH {
        return None;
    }
    serde_json::from_slice::<&RawValue>(text).ok().and_then(read)
}

/// Writes JSON.
pub fn text(value: &Json) -> String {
    serde_json::to_string(&Exact(value)).unwrap_or_else(|_| "null".to_owned())
}

/// Whether it is written as a number.
pub fn is_number(value: &Json) -> bool {
    match value {
        Json::Number(_) => true,
        Json::String(text) => text.strip_prefix(MARK).and_then(number).is_some(),
        _ => false,
    }
}

/// What a look at a text finds.
#[derive(Default)]
struct Seen {
    /// A number that may lose digits.
    loses: bool,
    depth: usize,
}

impl Seen {
    fn of(text: &[u8]) -> Self {
        let mut seen = Self::default();
        let (mut open, mut digits, mut fraction, mut quoted, mut escaped) = (0_usize, 0, false, false, false);
        let mut last = b' ';
        for &byte in text {
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'0'..=b'9' => digits += 1,
                b'.' => fraction = true,
                b'e' | b'E' if digits > 0 => seen.loses = true,
                _ => {
                    seen.loses |= digits > SAFE || (fraction && last == b'0');
                    (digits, fraction, quoted) = (0, false, byte == b'"');
                    match byte {
                        b'[' | b'{' => open += 1,
                        b']' | b'}' => open = open.saturating_sub(1),
                        _ => {}
                    }
                    seen.depth = seen.depth.max(open);
                }
            }
            last = byte;
        }
        seen.loses |= digits > SAFE || (fraction && last == b'0');
        seen
    }
}

fn read(raw: &RawValue) -> Option<Json> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'[' => serde_json::from_str::<Items>(text).ok().map(|items| Json::Array(items.0)),
        b'{' => serde_json::from_str::<Fields>(text).ok().map(|fields| Json::Object(fields.0)),
        b'-' | b'0'..=b'9' => {
            let kept = serde_json::from_str::<Number>(text).ok().filter(|number| number.to_string() == text);
            Some(kept.map_or_else(|| Json::String(format!("{MARK}{text}")), Json::Number))
        }
        _ => serde_json::from_str(text).ok(),
    }
}

struct Items(Vec<Json>);
struct Fields(Map<String, Json>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Items;
            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut found: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = found.next_element::<&'de RawValue>()? {
                    items.push(read(item).ok_or_else(|| serde::de::Error::custom("no JSON"))?);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;
            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut found: A) -> Result<Fields, A::Error> {
                let mut fields = Map::new();
                while let Some((key, value)) = found.next_entry::<String, &'de RawValue>()? {
                    fields.insert(key, read(value).ok_or_else(|| serde::de::Error::custom("no JSON"))?);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

struct Exact<'v>(&'v Json);

impl Serialize for Exact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Exact(item))?;
                }
                list.end()
            }
            Json::Object(fields) => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    object.serialize_entry(key, &Exact(value))?;
                }
                object.end()
            }
            Json::String(text) => match text.strip_prefix(MARK).and_then(number) {
                Some(number) => number.serialize(serializer),
                None => serializer.serialize_str(text),
            },
            other => other.serialize(serializer),
        }
    }
}

/// A service may say anything: only what is a number becomes one.
fn number(text: &str) -> Option<&RawValue> {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        .then(|| serde_json::from_str::<&RawValue>(text).ok())
        .flatten()
        .filter(|raw| raw.get().len() == text.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_digit_comes_back() {
        for written in [
            r#"{"a":[12345678901234567890.123456789,-0.10,1.0,1e400,-98765432109876543210987654321],"b":"12345678901234567890"}"#,
            r#"{"b":1,"a":{"c":[true,null,"x\\\"1.0"]},"n":0.5,"at":"2026-01-01T00:00:00"}"#,
            r#"[1.50,"\u0000number:x",18446744073709551615]"#,
            "1.50",
        ] {
            assert_eq!(text(&parse(written.as_bytes()).unwrap()), written);
        }
        assert_eq!(parse(format!("{}1.0{}", "[".repeat(1 << 20), "]".repeat(1 << 20)).as_bytes()), None, "too deep");
        assert_eq!(parse(b"[1, 2"), None);
        assert_eq!(text(&Json::String(format!("{MARK}1,2"))), r#""\u0000number:1,2""#);
    }
}
