//! Other names for a remote schema's types and fields.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::document::STANDARD;

/// `customization` of a remote schema's definition.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Customization {
    pub root_fields_namespace: Option<String>,
    type_names: Option<Names>,
    field_names: Option<Vec<FieldNames>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Names {
    prefix: Option<String>,
    suffix: Option<String>,
    mapping: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct FieldNames {
    parent_type: String,
    #[serde(flatten)]
    names: Names,
}

impl Names {
    fn of(&self, name: &str, affixes: bool) -> String {
        if let Some(mapped) = self.mapping.as_ref().and_then(|mapping| mapping.get(name)) {
            return mapped.clone();
        }
        if !affixes {
            return name.to_owned();
        }
        let part = |affix: &Option<String>| affix.clone().unwrap_or_default();
        format!("{}{name}{}", part(&self.prefix), part(&self.suffix))
    }
}

impl Customization {
    /// # Errors
    /// It is not of that form.
    pub fn read(json: Option<&Json>) -> Result<Self, serde_json::Error> {
        match json {
            None | Some(Json::Null) => Ok(Self::default()),
            Some(json) => Self::deserialize(json),
        }
    }

    /// What clients call a type. Standard scalars keep their names unless they are mapped.
    pub fn type_name(&self, name: &str) -> String {
        let affixes = !STANDARD.contains(&name) && !name.starts_with("__");
        self.type_names.as_ref().map_or_else(|| name.to_owned(), |names| names.of(name, affixes))
    }

    /// What clients call a field of a type, which is given by the service's name.
    pub fn field_name(&self, parent: &str, field: &str) -> String {
        let names = self.field_names.iter().flatten().find(|names| names.parent_type == parent);
        names.map_or_else(|| field.to_owned(), |names| names.names.of(field, true))
    }

    /// Some type has another name here than there.
    pub fn renames_types(&self) -> bool {
        self.type_names.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_mapped_or_get_affixes() {
        let json = serde_json::json!({
            "type_names": {"prefix": "Foo", "suffix": "_x", "mapping": {"Droid": "Android", "Int": "MyInt"}},
            "field_names": [{"parent_type": "Droid", "prefix": "f_", "mapping": {"id": "ident"}}],
        });
        let found = Customization::read(Some(&json)).unwrap();
        assert_eq!(found.type_name("Human"), "FooHuman_x");
        assert_eq!((found.type_name("Droid"), found.type_name("Int")), ("Android".to_owned(), "MyInt".to_owned()));
        assert_eq!(found.type_name("String"), "String");
        assert_eq!(
            (found.field_name("Droid", "id"), found.field_name("Droid", "name")),
            ("ident".into(), "f_name".into())
        );
        assert_eq!(found.field_name("Human", "id"), "id");
    }
}
