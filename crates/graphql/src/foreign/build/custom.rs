//! Custom types: what actions take and give.

use std::collections::{BTreeSet, HashSet};

use metadata::{CustomTypes, ObjectType, QualifiedName};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::foreign::document::{self, EnumValue, STANDARD, type_named};
use crate::foreign::registry::{Body, Left, Place, Relation, RowsKind, To};
use crate::schema::TypeId;

use super::{Builder, Names, inputs, plain_field, typed};

/// `relationships` of an object type.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TypeRelationship {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub remote_table: QualifiedName,
    pub field_mapping: Map<String, Json>,
}

impl Builder<'_> {
    pub(super) fn custom_types(&mut self) {
        let types = &self.metadata.custom_types;
        let errors = self.check_custom_types(types);
        if !errors.is_empty() {
            let reason = match errors.as_slice() {
                [one] => format!("validation for the given custom types failed because {one}"),
                many => {
                    let lines: String = many.iter().map(|error| format!("  • {error}\n")).collect();
                    format!("validation for the given custom types failed for the following reasons:\n{lines}")
                }
            };
            self.inconsistent("custom_types", "custom_types custom_types".to_owned(), &reason, types);
            return;
        }
        let names = self.declare(types);
        self.define(types, &names);
        for object in &types.objects {
            self.type_relations(object, &names);
        }
    }

    /// Names first, since types may refer to each other in any order.
    fn declare(&mut self, types: &CustomTypes) -> Names {
        let empty = || Body::Scalar;
        let scalars = types.scalars.iter().map(|found| (&found.name, &found.description));
        let enums = types.enums.iter().map(|found| (&found.name, &found.description));
        let inputs = types.input_objects.iter().map(|found| (&found.name, &found.description));
        let objects = types.objects.iter().map(|found| (&found.name, &found.description));
        for (name, description) in scalars.chain(enums).chain(inputs).chain(objects) {
            // A custom scalar that is PostgreSQL's or standard is that one.
            if types.scalars.iter().any(|scalar| scalar.name == *name) && self.scalar(name).is_some() {
                continue;
            }
            let id = self.add_type(name.clone(), name, empty());
            self.model.foreign.types[id].description.clone_from(description);
            self.model.foreign.custom.insert(name.clone(), id);
        }
        self.model.foreign.custom.clone()
    }

    fn define(&mut self, types: &CustomTypes, names: &Names) {
        for found in &types.enums {
            let value = |value: &metadata::EnumValue| EnumValue {
                name: value.value.clone(),
                description: value.description.clone(),
            };
            self.model.foreign.types[names[&found.name]].body = Body::Enum(found.values.iter().map(value).collect());
        }
        for found in &types.input_objects {
            let fields: Vec<document::Input> = found
                .fields
                .iter()
                .filter_map(|field| {
                    Some(document::Input {
                        name: field.name.clone(),
                        description: field.description.clone(),
                        typed: type_named(&field.typed)?,
                        default: None,
                        preset: None,
                    })
                })
                .collect();
            let fields = inputs(&fields, &mut |name| self.custom(name, names));
            self.model.foreign.types[names[&found.name]].body = Body::Input(fields);
        }
        for found in &types.objects {
            let mut fields = Vec::with_capacity(found.fields.len());
            for field in &found.fields {
                let parsed = type_named(&field.typed);
                if let Some(typed) = parsed.and_then(|parsed| typed(&parsed, &mut |name| self.custom(name, names))) {
                    fields.push(plain_field(&field.name, field.description.as_ref(), typed));
                }
            }
            self.model.foreign.types[names[&found.name]].body = Body::Object { fields, interfaces: Vec::new() };
        }
    }

    /// A type that custom types and actions may name.
    pub(super) fn custom(&mut self, name: &str, names: &Names) -> Option<TypeId> {
        names.get(name).map(|&id| TypeId::Foreign(id)).or_else(|| self.scalar(name))
    }

    fn type_relations(&mut self, object: &ObjectType, names: &Names) {
        for json in &object.relationships {
            let Ok(found) = TypeRelationship::deserialize(json) else { continue };
            let Some(table) = self.model.table_of_sql(&found.remote_table.schema, &found.remote_table.name) else {
                continue;
            };
            let mut left = Vec::new();
            let mut mapping = Vec::new();
            for (field, column) in &found.field_mapping {
                let column = column.as_str().and_then(|column| self.model.tables[table].column_of_sql(column));
                let Some(column) = column else { continue };
                mapping.push((left.len(), column));
                left.push(Left { name: field.clone(), place: Place::Field(field.clone()) });
            }
            let mut kinds = vec![(found.name.clone(), RowsKind::Object)];
            if found.kind == "array" {
                kinds = vec![
                    (found.name.clone(), RowsKind::Array),
                    (format!("{}_aggregate", found.name), RowsKind::Aggregate),
                ];
            }
            for (name, kind) in kinds {
                let left =
                    left.iter().map(|left| Left { name: left.name.clone(), place: left.place.clone() }).collect();
                let to = To::Rows { table, kind, mapping: mapping.clone() };
                self.model.foreign.relations.push(Relation { name: name.clone(), left, to });
                let id = self.model.foreign.relations.len() - 1;
                self.model.foreign.types[names[&object.name]].relations.push((name, id));
            }
        }
    }

    /// Everything that is wrong, in Hasura's words.
    fn check_custom_types(&mut self, types: &CustomTypes) -> Vec<String> {
        let mut errors = Vec::new();
        let names: Vec<&str> = types
            .scalars
            .iter()
            .map(|found| found.name.as_str())
            .chain(types.enums.iter().map(|found| found.name.as_str()))
            .chain(types.input_objects.iter().map(|found| found.name.as_str()))
            .chain(types.objects.iter().map(|found| found.name.as_str()))
            .collect();
        let repeated = duplicates(names.iter().copied());
        if !repeated.is_empty() {
            errors.push(format!("duplicate type names: {repeated}"));
        }
        for found in &types.enums {
            let repeated = duplicates(found.values.iter().map(|value| value.value.as_str()));
            if !repeated.is_empty() {
                errors.push(format!("the enum type \"{}\" has duplicate values: {repeated}", found.name));
            }
        }
        let simple: HashSet<&str> = STANDARD
            .into_iter()
            .chain(types.scalars.iter().map(|found| found.name.as_str()))
            .chain(types.enums.iter().map(|found| found.name.as_str()))
            .collect();
        for found in &types.input_objects {
            let repeated = duplicates(found.fields.iter().map(|field| field.name.as_str()));
            if !repeated.is_empty() {
                errors.push(format!("the input object \"{}\" has duplicate fields: {repeated}", found.name));
            }
            for field in &found.fields {
                let base = base_type(&field.typed);
                let known = simple.contains(base.as_str())
                    || types.input_objects.iter().any(|other| other.name == base)
                    || self.scalar(&base).is_some();
                if !known {
                    errors.push(format!(
                        "the type \"{base}\" for field \"{}\" in  input object type \"{}\" does not exist",
                        field.name, found.name
                    ));
                }
            }
        }
        for found in &types.objects {
            self.check_object(found, types, &simple, &mut errors);
        }
        errors
    }

    fn check_object(
        &mut self,
        found: &ObjectType,
        types: &CustomTypes,
        simple: &HashSet<&str>,
        errors: &mut Vec<String>,
    ) {
        let object = &found.name;
        let relations: Vec<TypeRelationship> =
            found.relationships.iter().filter_map(|json| TypeRelationship::deserialize(json).ok()).collect();
        let fields = found.fields.iter().map(|field| field.name.as_str());
        let repeated = duplicates(fields.chain(relations.iter().map(|relation| relation.name.as_str())));
        if !repeated.is_empty() {
            errors.push(format!("the object \"{object}\" has duplicate fields: {repeated}"));
        }
        for field in &found.fields {
            if field.arguments.as_ref().is_some_and(|arguments| !arguments.is_null()) {
                errors.push(format!("the object \"{object}\" can't have arguments"));
            }
            let base = base_type(&field.typed);
            let known = simple.contains(base.as_str())
                || types.objects.iter().any(|other| other.name == base)
                || self.scalar(&base).is_some();
            if !known {
                errors.push(format!(
                    "the type \"{base}\" for field \"{}\" in  object type \"{object}\" does not exist",
                    field.name
                ));
            }
        }
        for relation in &relations {
            self.check_relation(found, relation, errors);
        }
    }

    fn check_relation(&self, found: &ObjectType, relation: &TypeRelationship, errors: &mut Vec<String>) {
        let (object, name, remote) = (&found.name, &relation.name, &relation.remote_table);
        let Some(table) = self.model.table_of_sql(&remote.schema, &remote.name) else {
            errors.push(format!(
                "the remote table \"{remote}\" for relationship \"{name}\" of object type \"{object}\" does not exist"
            ));
            return;
        };
        for (field, column) in &relation.field_mapping {
            match found.fields.iter().find(|other| other.name == *field).map(|field| type_named(&field.typed)) {
                None => errors.push(format!(
                    "the field \"{field}\" for relationship \"{name}\" in object type \"{object}\" does not exist"
                )),
                Some(Some(typed)) if typed.is_list() => errors.push(format!(
                    "the type of the field \"{field}\" for relationship \"{name}\" in object type \"{object}\" is a list type"
                )),
                Some(_) => {}
            }
            let column = column.as_str().unwrap_or_default();
            if self.model.tables[table].column_of_sql(column).is_none() {
                errors.push(format!(
                    "the column \"{column}\" of remote table \"{remote}\" for relationship \"{name}\" of object type \"{object}\" does not exist"
                ));
            }
        }
    }
}

fn base_type(text: &str) -> String {
    type_named(text).map_or_else(|| text.to_owned(), |typed| typed.inner_named_type().to_string())
}

/// `"a", "b"`: the names that stand there more than once.
fn duplicates<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut seen = HashSet::new();
    let repeated: BTreeSet<&str> = names.filter(|name| !seen.insert(*name)).collect();
    repeated.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
