//! Actions and the types they use.

use metadata::{Action, ActionDefinition, ActionPermission, CustomTypes};
use serde::Deserialize;
use serde_json::Value;

use super::arguments::{filled, parse};
use super::draft::{Draft, refuse, success};
use super::headers;
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct Create {
    #[serde(deserialize_with = "filled")]
    name: String,
    definition: ActionDefinition,
    #[serde(default)]
    comment: Option<String>,
}

fn find<'a>(draft: &'a mut Draft, name: &str) -> Result<&'a mut Action, Failure> {
    let found = draft.edit().actions.iter_mut().find(|found| found.name == name);
    found.ok_or_else(|| refuse(Code::NotExists, format!("action with name \"{name}\" does not exist")))
}

/// `create_action`.
pub fn create(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Create>(arguments)?;
    headers::check(&new.definition.headers, "$.definition.headers")?;
    let actions = &mut draft.edit().actions;
    if actions.iter().any(|found| found.name == new.name) {
        return Err(refuse(Code::AlreadyExists, format!("action with name \"{}\" already exists", new.name)));
    }
    let (name, definition, comment) = (new.name.clone(), new.definition, new.comment);
    actions.push(Action { name, definition, comment, permissions: Vec::new() });
    draft.touch(format!("action {}", new.name));
    Ok(success())
}

/// `update_action`.
pub fn update(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Create>(arguments)?;
    headers::check(&new.definition.headers, "$.definition.headers")?;
    let action = find(draft, &new.name)?;
    action.definition = new.definition;
    action.comment = new.comment;
    draft.touch(format!("action {}", new.name));
    Ok(success())
}

#[derive(Deserialize)]
struct Drop {
    name: String,
}

/// `drop_action`.
pub fn drop(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Drop>(arguments)?.name;
    find(draft, &gone)?;
    draft.edit().actions.retain(|found| found.name != gone);
    Ok(success())
}

#[derive(Deserialize)]
struct Allow {
    action: String,
    #[serde(deserialize_with = "filled")]
    role: String,
    #[serde(default)]
    comment: Option<String>,
}

/// `create_action_permission`.
pub fn allow(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Allow>(arguments)?;
    let permissions = &mut find(draft, &new.action)?.permissions;
    if permissions.iter().any(|found| found.role == new.role) {
        let message = format!("permission for role \"{}\" is already defined on \"{}\"", new.role, new.action);
        return Err(refuse(Code::AlreadyExists, message));
    }
    permissions.push(ActionPermission { role: new.role.clone(), comment: new.comment });
    draft.touch(format!("action_permission {} permission in {}", new.role, new.action));
    Ok(success())
}

/// `drop_action_permission`.
pub fn forbid(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Allow>(arguments)?;
    let permissions = &mut find(draft, &gone.action)?.permissions;
    let before = permissions.len();
    permissions.retain(|found| found.role != gone.role);
    if permissions.len() == before {
        let message = format!("permission for role: \"{}\" is not defined on \"{}\"", gone.role, gone.action);
        return Err(refuse(Code::NotExists, message));
    }
    Ok(success())
}

/// `set_custom_types`.
pub fn set_types(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    draft.edit().custom_types = parse::<CustomTypes>(arguments)?;
    draft.touch("custom_types custom_types");
    Ok(success())
}
