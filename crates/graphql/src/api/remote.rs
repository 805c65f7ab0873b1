//! Remote schemas: other GraphQL services.

use metadata::{RemoteSchema, RemoteSchemaDefinition, RemoteSchemaPermission};
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{filled, parse};
use super::draft::{Draft, refuse, success};
use super::headers;
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct Add {
    #[serde(deserialize_with = "filled")]
    name: String,
    definition: RemoteSchemaDefinition,
    #[serde(default)]
    comment: Option<String>,
}

impl Add {
    fn parse(arguments: &Value) -> Result<Self, Failure> {
        let new = parse::<Self>(arguments)?;
        headers::check(&new.definition.headers, "$.definition.headers")?;
        let message = match (&new.definition.url, &new.definition.url_from_env) {
            (Some(_), None) | (None, Some(_)) => return Ok(new),
            (None, None) => "one of `url` or `url_from_env` should be present",
            (Some(_), Some(_)) => "both `url` and `url_from_env` can't be present",
        };
        Err(refuse(Code::InvalidParams, message))
    }
}

fn find<'a>(draft: &'a mut Draft, name: &str) -> Result<&'a mut RemoteSchema, Failure> {
    let found = draft.edit().remote_schemas.iter_mut().find(|found| found.name == name);
    found.ok_or_else(|| refuse(Code::NotExists, format!("remote schema with name \"{name}\" does not exist")))
}

/// `add_remote_schema`.
pub fn add(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = Add::parse(arguments)?;
    let schemas = &mut draft.edit().remote_schemas;
    if schemas.iter().any(|found| found.name == new.name) {
        let message = format!("remote schema with name \"{}\" already exists", new.name);
        return Err(refuse(Code::AlreadyExists, message));
    }
    schemas.push(RemoteSchema {
        name: new.name.clone(),
        definition: new.definition,
        comment: new.comment,
        permissions: Vec::new(),
        remote_relationships: Vec::new(),
    });
    draft.touch(format!("remote_schema {}", new.name));
    Ok(success())
}

/// `update_remote_schema`.
pub fn update(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = Add::parse(arguments)?;
    let schema = find(draft, &new.name)?;
    schema.definition = new.definition;
    schema.comment = new.comment;
    draft.touch(format!("remote_schema {}", new.name));
    Ok(success())
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The name of `remove_`, `reload_` and `introspect_remote_schema`, when there is such a schema.
pub fn named(draft: &mut Draft, arguments: &Value) -> Result<String, Failure> {
    let name = parse::<Named>(arguments)?.name;
    find(draft, &name)?;
    Ok(name)
}

/// `remove_remote_schema`.
pub fn remove(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = named(draft, arguments)?;
    draft.edit().remote_schemas.retain(|found| found.name != gone);
    Ok(success())
}

#[derive(Deserialize)]
struct Allow {
    remote_schema: String,
    #[serde(deserialize_with = "filled")]
    role: String,
    #[serde(default)]
    definition: Value,
    #[serde(default)]
    comment: Option<String>,
}

/// `add_remote_schema_permissions`.
pub fn allow(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Allow>(arguments)?;
    let permissions = &mut find(draft, &new.remote_schema)?.permissions;
    if permissions.iter().any(|found| found.role == new.role) {
        let (role, schema) = (&new.role, &new.remote_schema);
        let message = format!("permissions for role: \"{role}\" for remote schema: \"{schema}\" already exists");
        return Err(refuse(Code::AlreadyExists, message));
    }
    let (role, definition, comment) = (new.role.clone(), new.definition, new.comment);
    permissions.push(RemoteSchemaPermission { role, definition, comment });
    let (role, schema) = (&new.role, &new.remote_schema);
    draft.touch(format!("remote_schema_permission {role} permission in remote schema {schema}"));
    Ok(success())
}

/// `drop_remote_schema_permissions`.
pub fn forbid(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Allow>(arguments)?;
    let permissions = &mut find(draft, &gone.remote_schema)?.permissions;
    let before = permissions.len();
    permissions.retain(|found| found.role != gone.role);
    if permissions.len() == before {
        let (role, schema) = (&gone.role, &gone.remote_schema);
        let message = format!("permissions for role: \"{role}\" for remote schema: \"{schema}\" doesn't exist");
        return Err(refuse(Code::NotExists, message));
    }
    Ok(success())
}

#[derive(Deserialize)]
struct Relate {
    remote_schema: String,
    type_name: String,
    #[serde(deserialize_with = "filled")]
    name: String,
    #[serde(default)]
    definition: Value,
}

/// The relationships of one of the schema's types, as a JSON list.
fn relationships<'a>(schema: &'a mut RemoteSchema, type_name: &str) -> Option<&'a mut Vec<Value>> {
    let found = schema.remote_relationships.iter_mut().find(|entry| entry["type_name"] == type_name)?;
    found.get_mut("relationships")?.as_array_mut()
}

/// `create_remote_schema_remote_relationship`.
pub fn relate(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Relate>(arguments)?;
    let schema = find(draft, &new.remote_schema)?;
    let entry = json!({ "definition": new.definition, "name": new.name });
    match relationships(schema, &new.type_name) {
        None => {
            let of_type = json!({ "relationships": [entry], "type_name": new.type_name });
            schema.remote_relationships.push(of_type);
        }
        Some(list) if list.iter().any(|found| found["name"] == *new.name) => {
            let message = format!(
                "remote relationship with name {} already exists on type {} in remote schema {}",
                new.name, new.type_name, new.remote_schema
            );
            return Err(refuse(Code::AlreadyExists, message));
        }
        Some(list) => list.push(entry),
    }
    touch_relationship(draft, &new);
    Ok(success())
}

fn touch_relationship(draft: &mut Draft, relate: &Relate) {
    let (name, typed, schema) = (&relate.name, &relate.type_name, &relate.remote_schema);
    draft.touch(format!("remote_schema_remote_relationship {name} on type {typed} in remote schema {schema}"));
}

fn unrelated(relate: &Relate) -> Failure {
    let message = format!(
        "remote relationship with name {} does not exist on type {} in remote schema {}",
        relate.name, relate.type_name, relate.remote_schema
    );
    refuse(Code::NotExists, message)
}

/// `update_remote_schema_remote_relationship`.
pub fn relate_anew(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Relate>(arguments)?;
    let list = relationships(find(draft, &new.remote_schema)?, &new.type_name);
    let found = list.and_then(|list| list.iter_mut().find(|found| found["name"] == *new.name));
    *found.ok_or_else(|| unrelated(&new))? = json!({ "definition": new.definition, "name": new.name });
    touch_relationship(draft, &new);
    Ok(success())
}

/// `delete_remote_schema_remote_relationship`.
pub fn unrelate(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Relate>(arguments)?;
    let schema = find(draft, &gone.remote_schema)?;
    let list = relationships(schema, &gone.type_name).ok_or_else(|| unrelated(&gone))?;
    let before = list.len();
    list.retain(|found| found["name"] != *gone.name);
    let (after, empty) = (list.len(), list.is_empty());
    if after == before {
        return Err(unrelated(&gone));
    }
    if empty {
        schema.remote_relationships.retain(|entry| entry["type_name"] != *gone.type_name);
    }
    Ok(success())
}
