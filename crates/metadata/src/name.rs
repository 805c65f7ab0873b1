//! A name in a PostgreSQL schema.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A table's or function's name. Read from `{"schema", "name"}` or from the name alone, which means `public`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    pub schema: String,
    pub name: String,
}

impl QualifiedName {
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

/// As Hasura's messages have it: `author`, or `hr.author` outside `public`.
impl fmt::Display for QualifiedName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema != "public" {
            write!(out, "{}.", self.schema)?;
        }
        out.write_str(&self.name)
    }
}

impl Serialize for QualifiedName {
    fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            name: &'a str,
            schema: &'a str,
        }
        Form { name: &self.name, schema: &self.schema }.serialize(output)
    }
}

impl<'de> Deserialize<'de> for QualifiedName {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            schema: Option<String>,
            name: String,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = QualifiedName;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name or {\"schema\", \"name\"}")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<QualifiedName, E> {
                Ok(QualifiedName::new("public", name))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<QualifiedName, A::Error> {
                let found = Object::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(QualifiedName::new(found.schema.unwrap_or_else(|| "public".to_owned()), found.name))
            }
        }
        input.deserialize_any(Visitor)
    }
}
