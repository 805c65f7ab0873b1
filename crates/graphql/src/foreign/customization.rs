//! Other names for a remote schema's types and fields.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::document::{Body, Document, Field, STANDARD};

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

impl Customization {
    /// The new names must be names, differ from each other, and be the same in a type as in its interfaces.
    ///
    /// # Errors
    /// Hasura's message.
    pub fn check(&self, document: &Document) -> Result<(), String> {
        let types: Vec<String> = document.types.keys().map(|name| self.type_name(name)).collect();
        let repeated = repeated(&types);
        if !repeated.is_empty() {
            return Err(format!(
                "Type name mappings are not distinct; the following types appear more than once: {repeated}"
            ));
        }
        let namespace = self.root_fields_namespace.as_ref();
        types.iter().chain(namespace).try_for_each(|name| valid(name))?;
        for (name, definition) in &document.types {
            let (kind, fields) = match &definition.body {
                Body::Object { fields, .. } => ("object", fields),
                Body::Interface { fields, possible } => {
                    possible.iter().try_for_each(|other| self.check_interface(name, other, fields))?;
                    ("interface", fields)
                }
                _ => continue,
            };
            let shown: Vec<String> = fields.iter().map(|field| self.field_name(name, &field.name)).collect();
            let repeated = self::repeated(&shown);
            if !repeated.is_empty() {
                return Err(format!(
                    "Field name mappings for {kind} type \"{name}\" are not distinct; the following fields appear more \
                     than once: {repeated}"
                ));
            }
            shown.iter().try_for_each(|name| valid(name))?;
        }
        Ok(())
    }

    fn check_interface(&self, interface: &str, object: &str, fields: &[Field]) -> Result<(), String> {
        for field in fields {
            let (there, here) = (self.field_name(interface, &field.name), self.field_name(object, &field.name));
            if there != here {
                return Err(format!(
                    "Remote schema customization inconsistency: field name mapping for field \"{}\" of interface \
                     \"{interface}\" is inconsistent with mapping for type \"{object}\". Interface field name maps to \
                     \"{there}\". Type field name maps to \"{here}\".",
                    field.name
                ));
            }
        }
        Ok(())
    }
}

fn valid(name: &str) -> Result<(), String> {
    let valid = apollo_compiler::Name::new(name);
    valid.map(drop).map_err(|_| format!("{name} is not a valid GraphQL name"))
}

/// `"a", "b"`: what is there more than once.
fn repeated(names: &[String]) -> String {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<&String> = names.iter().filter(|name| !seen.insert(*name)).collect();
    twice.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
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
