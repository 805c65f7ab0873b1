//! Functions as root fields and as fields of a table.

use metadata::{ComputedField, ComputedFieldDefinition, Function, FunctionConfig, FunctionPermission, QualifiedName};
use serde::Deserialize;
use serde_json::Value;

use super::arguments::{default_source, filled, parse};
use super::depend::{self, Object};
use super::draft::{Draft, refuse, success};
use crate::failure::{Code, Failure};
use crate::session::ADMIN;

#[derive(Deserialize)]
struct Track {
    #[serde(default = "default_source")]
    source: String,
    function: QualifiedName,
    #[serde(default)]
    configuration: Option<FunctionConfig>,
    #[serde(default)]
    comment: Option<String>,
}

/// The name alone, or an object with it under `function`.
fn named(arguments: &Value) -> Result<Track, Failure> {
    if arguments.get("function").is_some() {
        return parse(arguments);
    }
    let function = parse::<QualifiedName>(arguments)?;
    Ok(Track { source: default_source(), function, configuration: None, comment: None })
}

/// `track_function`.
pub fn track(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = named(arguments)?;
    let (source, name) = (draft.source(&new.source)?, new.function);
    if source.function(&name).is_some() {
        return Err(refuse(Code::AlreadyTracked, format!("function already tracked: \"{name}\"")));
    }
    if source.table(&name).is_some() {
        return Err(refuse(Code::NotSupported, format!("table with name \"{name}\" already exists")));
    }
    match draft.catalog.functions_named(&name.schema, &name.name).len() {
        0 => {
            let message = format!("no such function exists: \"{name}\"");
            return Err(refuse(Code::NotExists, message));
        }
        1 => {}
        _ => {
            let message = format!("function \"{name}\" is overloaded. Overloaded functions are not supported");
            return Err(refuse(Code::NotSupported, message));
        }
    }
    let mut function = Function::new(name.clone());
    function.configuration = new.configuration.unwrap_or_default();
    function.comment = new.comment;
    draft.source_mut(&new.source)?.functions.push(function);
    draft.touch(format!("function {name} in source {}", new.source));
    Ok(success())
}

/// `untrack_function`.
pub fn untrack(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = named(arguments)?;
    draft.function_mut(&gone.source, &gone.function)?;
    draft.source_mut(&gone.source)?.functions.retain(|found| found.function != gone.function);
    Ok(success())
}

/// `set_function_customization`.
pub fn customise(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Track>(arguments)?;
    draft.function_mut(&set.source, &set.function)?.configuration = set.configuration.unwrap_or_default();
    draft.touch(format!("function {} in source {}", set.function, set.source));
    Ok(success())
}

#[derive(Deserialize)]
struct Allow {
    #[serde(default = "default_source")]
    source: String,
    function: QualifiedName,
    #[serde(deserialize_with = "filled")]
    role: String,
}

/// `create_function_permission`.
pub fn allow(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Allow>(arguments)?;
    let function = draft.function_mut(&new.source, &new.function)?;
    if new.role == ADMIN || function.permissions.iter().any(|found| found.role == new.role) {
        let message = format!("permission of role \"{}\" already exists for function \"{}\"", new.role, new.function);
        let message = format!("{message} in source: \"{}\"", new.source);
        return Err(refuse(Code::AlreadyExists, message));
    }
    function.permissions.push(FunctionPermission { role: new.role.clone() });
    let (role, name, source) = (&new.role, &new.function, &new.source);
    draft.touch(format!("function_permission {role} permission for function {name} in source {source}"));
    Ok(success())
}

/// `drop_function_permission`.
pub fn forbid(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Allow>(arguments)?;
    let permissions = &mut draft.function_mut(&gone.source, &gone.function)?.permissions;
    let before = permissions.len();
    permissions.retain(|found| found.role != gone.role);
    if permissions.len() == before {
        let message = format!("permission of role \"{}\" does not exist for function \"{}\"", gone.role, gone.function);
        let message = format!("{message} in source: \"{}\"", gone.source);
        return Err(refuse(Code::NotExists, message));
    }
    Ok(success())
}

#[derive(Deserialize)]
struct AddComputed {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(deserialize_with = "filled")]
    name: String,
    definition: ComputedFieldDefinition,
    #[serde(default)]
    comment: Option<String>,
}

/// `add_computed_field`.
pub fn add_computed(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<AddComputed>(arguments)?;
    let table = draft.table_mut(&new.source, &new.table)?;
    if table.computed_fields.iter().any(|found| found.name == new.name) {
        let message = format!("field with name \"{}\" already exists in table \"{}\"", new.name, new.table);
        return Err(refuse(Code::AlreadyExists, message));
    }
    let field = ComputedField { name: new.name.clone(), definition: new.definition, comment: new.comment };
    table.computed_fields.push(field);
    draft.touch_part(&format!("computed_field {}", new.name), &new.table);
    Ok(success())
}

#[derive(Deserialize)]
struct DropComputed {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    name: String,
    #[serde(default)]
    cascade: bool,
}

/// `drop_computed_field`.
pub fn drop_computed(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<DropComputed>(arguments)?;
    let table = draft.table(&gone.source, &gone.table)?;
    if !table.computed_fields.iter().any(|found| found.name == gone.name) {
        let message = format!("computed field \"{}\" does not exist", gone.name);
        return Err(refuse(Code::NotExists, message));
    }
    let object = Object::ComputedField(gone.table.clone(), gone.name.clone());
    let dependents = depend::on(&draft.metadata, &draft.catalog, std::slice::from_ref(&object));
    depend::purge(draft, &dependents, gone.cascade)?;
    draft.table_mut(&gone.source, &gone.table)?.computed_fields.retain(|found| found.name != gone.name);
    Ok(success())
}
