//! Metadata to [`Registry`], for a model whose tables are known.

mod action;
mod bound;
mod custom;
mod relation;
mod remote;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use metadata::{Metadata, RemoteSchemaDefinition};
use serde::Serialize;
use serde_json::Value as Json;

use crate::model::{BUILT_IN, Family, Inconsistency, Model, Root, Scalar};
use crate::schema::{TypeId, TypeRef};

pub(crate) use remote::{namespace_type, nullable};

use super::document::{self, Document};
use super::registry::{Body, Field, ForeignId, Input, Type};

/// What the services said of themselves, by the remote schema's name.
pub type Introspections = BTreeMap<String, Introspection>;

/// What a service said, or why it said nothing, and how it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Introspection {
    pub definition: RemoteSchemaDefinition,
    pub document: Result<Arc<Document>, String>,
}

/// PostgreSQL's types that custom types may use even when no column does: name here, name there.
const POSTGRES: [(&str, &str); 24] = [
    ("bigint", "int8"),
    ("smallint", "int2"),
    ("float8", "float8"),
    ("numeric", "numeric"),
    ("money", "money"),
    ("bpchar", "bpchar"),
    ("citext", "citext"),
    ("uuid", "uuid"),
    ("date", "date"),
    ("time", "time"),
    ("timetz", "timetz"),
    ("timestamp", "timestamp"),
    ("timestamptz", "timestamptz"),
    ("interval", "interval"),
    ("json", "json"),
    ("jsonb", "jsonb"),
    ("geometry", "geometry"),
    ("geography", "geography"),
    ("raster", "raster"),
    ("ltree", "ltree"),
    ("inet", "inet"),
    ("cidr", "cidr"),
    ("bytea", "bytea"),
    ("name", "name"),
];

impl Model {
    /// Adds what is not the database's: custom types, actions, remote schemas and the relationships between them and
    /// tables. What does not fit becomes an inconsistency. `permissions`: a role sees of a remote schema what its
    /// permission shows, else everybody sees all of it.
    pub fn add_foreign(&mut self, metadata: &Metadata, introspections: &Introspections, permissions: bool) {
        self.foreign.remote_permissions = permissions;
        let mut builder = Builder { model: self, metadata };
        builder.id_type();
        builder.custom_types();
        builder.actions();
        builder.remote_schemas(introspections);
        builder.table_relations();
        builder.remote_relations();
    }
}

struct Builder<'b> {
    model: &'b mut Model,
    metadata: &'b Metadata,
}

impl Builder<'_> {
    fn inconsistent(&mut self, kind: &'static str, name: String, reason: &str, definition: &impl Serialize) {
        let definition = serde_json::to_value(definition).unwrap_or(Json::Null);
        self.model.inconsistencies.push(Inconsistency::new(kind, name, reason, definition));
    }

    fn add_type(&mut self, name: impl Into<String>, remote_name: &str, body: Body) -> ForeignId {
        let (name, remote_name) = (name.into(), remote_name.to_owned());
        self.model.foreign.types.push(Type { name, remote_name, description: None, body, relations: Vec::new() });
        self.model.foreign.types.len() - 1
    }

    /// `ID`, which no PostgreSQL type is.
    fn id_type(&mut self) {
        let id = self.add_type("ID", "ID", Body::Scalar);
        self.model.foreign.custom.insert("ID".to_owned(), id);
    }

    /// A standard scalar, or one that a column uses.
    fn known_scalar(&self, name: &str) -> Option<TypeId> {
        if name == "ID" {
            return self.model.foreign.custom.get(name).map(|&id| TypeId::Foreign(id));
        }
        if let Some(&found) = self.model.scalars_by_name.get(name)
            && self.model.scalars[found].item.is_none()
        {
            return Some(TypeId::Scalar(found));
        }
        BUILT_IN.into_iter().find(|found| *found == name).map(TypeId::BuiltIn)
    }

    /// As [`Builder::known_scalar`], or a type of PostgreSQL that is now used for the first time.
    fn scalar(&mut self, name: &str) -> Option<TypeId> {
        if let Some(found) = self.known_scalar(name) {
            return Some(found);
        }
        let (name, type_name) = POSTGRES.into_iter().find(|(found, _)| *found == name)?;
        let family = Family::of(type_name).map_or(Family::Other, |(family, _)| family);
        let id = self.model.scalars.len();
        self.model.scalars_by_name.insert(name.to_owned(), id);
        self.model.scalars.push(Scalar { name: name.to_owned(), family, item: None, comment: None, values: None });
        Some(TypeId::Scalar(id))
    }

    /// A root field, unless the name is taken.
    fn add_root(&mut self, operation: crate::model::Operation, name: &str, root: Root) -> bool {
        match self.model.roots.of_mut(operation).entry(name.to_owned()) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(root);
                true
            }
        }
    }
}

/// A type's use with its named type looked up.
fn typed(found: &document::Type, named: &mut dyn FnMut(&str) -> Option<TypeId>) -> Option<TypeRef> {
    Some(match found {
        document::Type::Named(name) => TypeRef::Named(named(name)?),
        document::Type::NonNullNamed(name) => TypeRef::Named(named(name)?).required(),
        document::Type::List(item) => TypeRef::List(Box::new(typed(item, named)?)),
        document::Type::NonNullList(item) => TypeRef::List(Box::new(typed(item, named)?)).required(),
    })
}

/// Inputs of a service or of the metadata; those whose type is unknown are left out.
fn inputs(found: &[document::Input], named: &mut dyn FnMut(&str) -> Option<TypeId>) -> Vec<Input> {
    let input = |found: &document::Input| {
        Some(Input {
            name: found.name.clone(),
            description: found.description.clone(),
            typed: typed(&found.typed, named)?,
            wire: found.typed.to_string(),
            default: found.default.clone(),
            preset: found.preset.clone(),
        })
    };
    found.iter().filter_map(input).collect()
}

/// Names to ids, for looking types up.
type Names = HashMap<String, ForeignId>;

/// A field without arguments.
fn plain_field(name: &str, description: Option<&String>, typed: TypeRef) -> Field {
    Field {
        name: name.to_owned(),
        remote_name: name.to_owned(),
        description: description.cloned(),
        arguments: Vec::new(),
        typed,
    }
}
