//! Relationships over the database's edge: table to remote schema, remote schema to table, remote to remote.

use std::sync::Arc;

use metadata::QualifiedName;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::foreign::registry::{Left, Place, Relation, RelationId, RemoteId, RowsKind, Step, To};
use crate::model::{Member, TableId};

use super::Builder;

/// A relationship's definition in any of the forms that metadata has.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Definition {
    Remote { to_remote_schema: ToRemote },
    Source { to_source: ToSource },
    Old(OldForm),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ToRemote {
    pub remote_schema: String,
    pub lhs_fields: Vec<String>,
    pub remote_field: Json,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ToSource {
    pub table: QualifiedName,
    pub relationship_type: String,
    pub field_mapping: Map<String, Json>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OldForm {
    pub remote_schema: String,
    pub hasura_fields: Vec<String>,
    pub remote_field: Json,
}

/// What a remote schema's types lead to.
#[derive(Debug, Clone, Deserialize)]
struct TypeRelationships {
    type_name: String,
    relationships: Vec<Named>,
}

#[derive(Debug, Clone, Deserialize)]
struct Named {
    name: String,
    definition: Definition,
}

impl Definition {
    /// # Errors
    /// It has none of the known forms.
    pub fn read(json: &Json) -> Result<Self, String> {
        Self::deserialize(json).map_err(|_| "the relationship's definition cannot be read".to_owned())
    }

    fn into_remote(self) -> Result<ToRemote, Box<ToSource>> {
        match self {
            Self::Remote { to_remote_schema } => Ok(to_remote_schema),
            Self::Source { to_source } => Err(Box::new(to_source)),
            Self::Old(OldForm { remote_schema, hasura_fields: lhs_fields, remote_field }) => {
                Ok(ToRemote { remote_schema, lhs_fields, remote_field })
            }
        }
    }
}

/// `{"user": {"arguments": {…}, "field": {"profile": {…}}}}` as steps.
fn steps(json: &Json) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut current = Some(json);
    while let Some(found) = current {
        let fields = found.as_object().filter(|fields| fields.len() == 1);
        let Some((name, body)) = fields.and_then(|fields| fields.iter().next()) else {
            return Err("remote_field must name one field at each step".to_owned());
        };
        let arguments = body.get("arguments").and_then(Json::as_object).cloned().unwrap_or_default();
        steps.push(Step { field: name.clone(), arguments });
        current = body.get("field").filter(|field| !field.is_null());
    }
    Ok(steps)
}

impl Builder<'_> {
    pub(super) fn table_relations(&mut self) {
        let tables = self.metadata.sources.iter().flat_map(|source| &source.tables);
        for found in tables {
            let Some(table) = self.model.table_of_sql(&found.table.schema, &found.table.name) else { continue };
            for relationship in &found.remote_relationships {
                if let Err(reason) = self.table_relation(table, &relationship.name, &relationship.definition) {
                    let name =
                        format!("remote_relationship {} in table {} in source default", relationship.name, found.table);
                    let definition = json!({
                        "name": relationship.name,
                        "source": "default",
                        "table": found.table,
                        "definition": relationship.definition,
                    });
                    self.inconsistent("remote_relationship", name, &reason, &definition);
                }
            }
        }
    }

    fn table_relation(&mut self, table: TableId, name: &str, definition: &Json) -> Result<(), String> {
        if self.model.tables[table].any_member(name).is_some() {
            return Err(format!("field with name \"{name}\" already exists in the table"));
        }
        let left = |builder: &Self, field: &str| {
            let found = &builder.model.tables[table];
            let place = match found.columns.iter().position(|column| column.sql_name == field) {
                Some(column) => Place::Column(column),
                None => match found.computed.iter().position(|computed| computed.name == field) {
                    Some(computed) => Place::Computed(computed),
                    None => {
                        return Err(format!("field \"{field}\" does not exist in table \"{}\"", found.table_name));
                    }
                },
            };
            Ok(Left { name: field.to_owned(), place })
        };
        let from = self.model.tables[table].table_name.replace(|found: char| !found.is_ascii_alphanumeric(), "_");
        for (name, id) in self.relation(name, &from, Definition::read(definition)?, &left)? {
            Arc::make_mut(&mut self.model.tables[table]).members.insert(name, Member::Remote(id));
        }
        Ok(())
    }

    pub(super) fn remote_relations(&mut self) {
        for schema in &self.metadata.remote_schemas {
            let Some(remote) = self.model.foreign.remote_named(&schema.name) else { continue };
            for json in &schema.remote_relationships {
                let Ok(found) = TypeRelationships::deserialize(json) else {
                    let name = format!("remote_relationship in remote schema {}", schema.name);
                    self.inconsistent("remote_schema_remote_relationship", name, "it cannot be read", json);
                    continue;
                };
                for relationship in found.relationships {
                    let name = relationship.name.clone();
                    if let Err(reason) = self.remote_relation(remote, &found.type_name, relationship) {
                        let name = format!(
                            "remote_relationship {name} on type {} in remote schema {}",
                            found.type_name, schema.name
                        );
                        self.inconsistent("remote_schema_remote_relationship", name, &reason, json);
                    }
                }
            }
        }
    }

    fn remote_relation(&mut self, remote: RemoteId, type_name: &str, found: Named) -> Result<(), String> {
        // Every role's view has its own type of that name.
        let views = self.model.foreign.remotes[remote].views.len();
        let shown = |builder: &Self, view: usize| {
            let view = &builder.model.foreign.remotes[remote].views[view];
            view.by_remote_name.get(type_name).or_else(|| view.types.get(type_name)).copied()
        };
        let Some(own) = shown(self, 0) else {
            return Err(format!("type \"{type_name}\" not found in the remote schema"));
        };
        if self.model.foreign.types[own].field(&found.name).is_some() {
            return Err(format!("field with name \"{}\" already exists in type \"{type_name}\"", found.name));
        }
        let left = |builder: &Self, field: &str| {
            let fields = builder.model.foreign.types[own].fields();
            match fields.iter().find(|other| other.remote_name == field || other.name == field) {
                Some(other) => Ok(Left { name: field.to_owned(), place: Place::Field(other.remote_name.clone()) }),
                None => Err(format!("field \"{field}\" does not exist in type \"{type_name}\"")),
            }
        };
        let from = self.model.foreign.remotes[remote].name.replace(|found: char| !found.is_ascii_alphanumeric(), "_");
        let made = self.relation(&found.name, &from, found.definition, &left)?;
        for view in 0..views {
            if let Some(id) = shown(self, view) {
                self.model.foreign.types[id].relations.extend(made.iter().cloned());
            }
        }
        Ok(())
    }

    /// The relations that a definition makes: one, or two with the aggregate of an array. `from`: what has the field, as
    /// it stands in the names of types.
    fn relation(
        &mut self,
        name: &str,
        from: &str,
        definition: Definition,
        left: &dyn Fn(&Self, &str) -> Result<Left, String>,
    ) -> Result<Vec<(String, RelationId)>, String> {
        match definition.into_remote() {
            Ok(found) => {
                let remote = self.model.foreign.remote_named(&found.remote_schema);
                let remote = remote
                    .ok_or_else(|| format!("remote schema with name \"{}\" is not found", found.remote_schema))?;
                let steps = steps(&found.remote_field)?;
                self.check_steps(remote, &steps, &found.lhs_fields)?;
                let left = found.lhs_fields.iter().map(|field| left(self, field)).collect::<Result<Vec<_>, _>>()?;
                let free = self.free_arguments(remote, &steps, &format!("{from}{name}"));
                Ok(vec![self.add_relation(name.to_owned(), left, To::Remote { remote, steps, free })])
            }
            Err(found) => {
                let table = self.model.table_of_sql(&found.table.schema, &found.table.name);
                let table = table.ok_or_else(|| format!("table \"{}\" does not exist", found.table))?;
                let kinds = match found.relationship_type.as_str() {
                    "object" => vec![(name.to_owned(), RowsKind::Object)],
                    "array" => {
                        vec![(name.to_owned(), RowsKind::Array), (format!("{name}_aggregate"), RowsKind::Aggregate)]
                    }
                    other => {
                        return Err(format!("expected 'object' or 'array' for relationship_type, but found '{other}'"));
                    }
                };
                let mut made = Vec::with_capacity(kinds.len());
                for (name, kind) in kinds {
                    let mut lefts = Vec::new();
                    let mut mapping = Vec::new();
                    for (field, column) in &found.field_mapping {
                        let column = column.as_str().unwrap_or_default();
                        let position = self.model.tables[table].column_of_sql(column);
                        let position = position.ok_or_else(|| {
                            format!("column \"{column}\" does not exist in table \"{}\"", found.table)
                        })?;
                        mapping.push((lefts.len(), position));
                        lefts.push(left(self, field)?);
                    }
                    made.push(self.add_relation(name, lefts, To::Rows { table, kind, mapping }));
                }
                Ok(made)
            }
        }
    }

    fn add_relation(&mut self, name: String, left: Vec<Left>, to: To) -> (String, RelationId) {
        self.model.foreign.relations.push(Relation { name: name.clone(), left, to });
        (name, self.model.foreign.relations.len() - 1)
    }
}
