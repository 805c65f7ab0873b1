//! Relationships between tables, and from tables to remote schemas.

use metadata::{ArrayUsing, ObjectUsing, QualifiedName, Relationship, RemoteRelationship, Table};
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{default_source, filled, parse};
use super::depend::{self, Object};
use super::draft::{Draft, refuse, success};
use super::rename;
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct Create<Using> {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(deserialize_with = "filled")]
    name: String,
    using: Using,
    #[serde(default)]
    comment: Option<String>,
}

/// `create_object_relationship`.
pub fn create_object(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Create<ObjectUsing>>(arguments)?;
    free(draft, &new.source, &new.table, &new.name)?;
    let relationship = Relationship { name: new.name.clone(), using: new.using, comment: new.comment };
    draft.table_mut(&new.source, &new.table)?.object_relationships.push(relationship);
    draft.touch_part(&format!("object_relation {}", new.name), &new.table);
    Ok(success())
}

/// `create_array_relationship`.
pub fn create_array(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Create<ArrayUsing>>(arguments)?;
    free(draft, &new.source, &new.table, &new.name)?;
    let relationship = Relationship { name: new.name.clone(), using: new.using, comment: new.comment };
    draft.table_mut(&new.source, &new.table)?.array_relationships.push(relationship);
    draft.touch_part(&format!("array_relation {}", new.name), &new.table);
    Ok(success())
}

/// # Errors
/// The table has a column or a relationship of that name.
fn free(draft: &Draft, source: &str, name: &QualifiedName, field: &str) -> Result<(), Failure> {
    let table = draft.table(source, name)?;
    let found = draft.catalog.table(&name.schema, &name.name);
    let taken = has_field(table, field) || found.is_some_and(|found| found.column(field).is_some());
    if taken {
        let message = format!("field with name \"{field}\" already exists in table \"{name}\"");
        return Err(refuse(Code::AlreadyExists, message));
    }
    Ok(())
}

fn has_field(table: &Table, field: &str) -> bool {
    has_relationship(table, field)
        || table.computed_fields.iter().any(|found| found.name == field)
        || table.remote_relationships.iter().any(|found| found.name == field)
}

fn has_relationship(table: &Table, name: &str) -> bool {
    table.object_relationships.iter().any(|found| found.name == name)
        || table.array_relationships.iter().any(|found| found.name == name)
}

/// # Errors
/// The table has no relationship of that name.
fn known(draft: &Draft, source: &str, table: &QualifiedName, name: &str) -> Result<(), Failure> {
    if has_relationship(draft.table(source, table)?, name) {
        return Ok(());
    }
    Err(refuse(Code::NotExists, format!("\"{name}\" does not exist")))
}

#[derive(Deserialize)]
struct Drop {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    relationship: String,
    #[serde(default)]
    cascade: Option<bool>,
}

/// `drop_relationship`.
pub fn drop(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Drop>(arguments)?;
    known(draft, &gone.source, &gone.table, &gone.relationship)?;
    let object = Object::Relationship(gone.table.clone(), gone.relationship.clone());
    let dependents = depend::on(&draft.metadata, &draft.catalog, std::slice::from_ref(&object));
    depend::purge(draft, &dependents, gone.cascade.unwrap_or(false))?;
    let table = draft.table_mut(&gone.source, &gone.table)?;
    table.object_relationships.retain(|found| found.name != gone.relationship);
    table.array_relationships.retain(|found| found.name != gone.relationship);
    Ok(success())
}

#[derive(Deserialize)]
struct Rename {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    name: String,
    #[serde(deserialize_with = "filled")]
    new_name: String,
}

/// `rename_relationship`; permissions that use the old name follow.
pub fn rename(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Rename>(arguments)?;
    known(draft, &new.source, &new.table, &new.name)?;
    free(draft, &new.source, &new.table, &new.new_name)?;
    let catalog = draft.catalog.clone();
    rename::relationship(draft.edit(), &catalog, &new.table, &new.name, &new.new_name);
    Ok(success())
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(alias = "name")]
    relationship: String,
    #[serde(default)]
    comment: Option<String>,
}

/// `set_relationship_comment`.
pub fn comment(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Comment>(arguments)?;
    known(draft, &set.source, &set.table, &set.relationship)?;
    let table = draft.table_mut(&set.source, &set.table)?;
    let objects = table.object_relationships.iter_mut().map(|found| (&found.name, &mut found.comment));
    let arrays = table.array_relationships.iter_mut().map(|found| (&found.name, &mut found.comment));
    for (_, comment) in objects.chain(arrays).filter(|(name, _)| **name == set.relationship) {
        comment.clone_from(&set.comment);
    }
    Ok(success())
}

#[derive(Deserialize)]
struct CreateRemote {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(deserialize_with = "filled")]
    name: String,
    #[serde(default)]
    definition: Option<Value>,
    #[serde(default)]
    hasura_fields: Option<Value>,
    #[serde(default)]
    remote_schema: Option<Value>,
    #[serde(default)]
    remote_field: Option<Value>,
}

impl CreateRemote {
    /// The definition, also from the older form where its parts stand beside the name.
    fn relationship(self) -> Result<RemoteRelationship, Failure> {
        let definition = match (self.definition, self.remote_schema) {
            (Some(definition), _) => definition,
            (None, Some(schema)) => json!({
                "hasura_fields": self.hasura_fields,
                "remote_field": self.remote_field,
                "remote_schema": schema,
            }),
            (None, None) => return Err(Failure::new(Code::ParseFailed, "$", "key \"definition\" not found")),
        };
        Ok(RemoteRelationship { definition, name: self.name })
    }
}

/// `create_remote_relationship`.
pub fn create_remote(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<CreateRemote>(arguments)?;
    free(draft, &new.source, &new.table, &new.name)?;
    let (source, table) = (new.source.clone(), new.table.clone());
    let relationship = new.relationship()?;
    draft.touch_part(&format!("remote_relationship {}", relationship.name), &table);
    draft.table_mut(&source, &table)?.remote_relationships.push(relationship);
    Ok(success())
}

/// `update_remote_relationship`.
pub fn update_remote(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<CreateRemote>(arguments)?;
    let (source, table, name) = (new.source.clone(), new.table.clone(), new.name.clone());
    let relationship = new.relationship()?;
    let found = draft.table_mut(&source, &table)?.remote_relationships.iter_mut().find(|found| found.name == name);
    *found.ok_or_else(|| no_remote(&table, &name))? = relationship;
    draft.touch_part(&format!("remote_relationship {name}"), &table);
    Ok(success())
}

fn no_remote(table: &QualifiedName, name: &str) -> Failure {
    let message = format!("no remote relationship with name \"{name}\" exists in table \"{table}\"");
    refuse(Code::NotExists, message)
}

#[derive(Deserialize)]
struct DropRemote {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    name: String,
}

/// `delete_remote_relationship`.
pub fn drop_remote(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<DropRemote>(arguments)?;
    let found = &mut draft.table_mut(&gone.source, &gone.table)?.remote_relationships;
    let before = found.len();
    found.retain(|found| found.name != gone.name);
    if found.len() == before {
        return Err(no_remote(&gone.table, &gone.name));
    }
    Ok(success())
}
