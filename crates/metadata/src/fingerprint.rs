//! Whether two JSON texts say the same, without building either as a tree: metadata of a thousand tables takes ten times
//! its text's memory as values.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// A hash of a JSON value; the order of an object's keys and the spaces between tokens do not count.
///
/// ```
/// let of = |text| serde_json::from_str::<metadata::Fingerprint>(text).unwrap();
/// assert_eq!(of(r#"{"a": 1, "b": [2, null]}"#), of(r#"{"b":[2,null],"a":1}"#));
/// assert_ne!(of(r#"{"a": [1, 2]}"#), of(r#"{"a": [2, 1]}"#));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    fn of(value: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fingerprint;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of("null"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of(("number", value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of(("negative", value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of(("fraction", value.to_bits())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of(("text", value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Fingerprint, A::Error> {
        let mut hasher = DefaultHasher::new();
        while let Some(item) = items.next_element::<Fingerprint>()? {
            item.hash(&mut hasher);
        }
        Ok(Fingerprint::of(("list", hasher.finish())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fingerprint, A::Error> {
        let mut sum = 0_u64;
        while let Some(entry) = entries.next_entry::<String, Fingerprint>()? {
            sum = sum.wrapping_add(Fingerprint::of(entry).0);
        }
        Ok(Fingerprint::of(("object", sum)))
    }
}
