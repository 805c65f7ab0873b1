//! What roles may do.

use metadata::{
    DeletePermission, InheritedRole, InsertPermission, Permission, QualifiedName, SelectPermission, Table,
    UpdatePermission,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments::{default_source, filled, parse};
use super::draft::{Draft, refuse, success};
use crate::failure::{Code, Failure};
use crate::session::ADMIN;

/// Which of a table's four lists.
pub trait Kind: DeserializeOwned {
    /// `insert`, `select`, `update` or `delete`.
    const NAME: &'static str;

    fn list(table: &mut Table) -> &mut Vec<Permission<Self>>;
}

impl Kind for InsertPermission {
    const NAME: &'static str = "insert";

    fn list(table: &mut Table) -> &mut Vec<Permission<Self>> {
        &mut table.insert_permissions
    }
}

impl Kind for SelectPermission {
    const NAME: &'static str = "select";

    fn list(table: &mut Table) -> &mut Vec<Permission<Self>> {
        &mut table.select_permissions
    }
}

impl Kind for UpdatePermission {
    const NAME: &'static str = "update";

    fn list(table: &mut Table) -> &mut Vec<Permission<Self>> {
        &mut table.update_permissions
    }
}

impl Kind for DeletePermission {
    const NAME: &'static str = "delete";

    fn list(table: &mut Table) -> &mut Vec<Permission<Self>> {
        &mut table.delete_permissions
    }
}

#[derive(Deserialize)]
struct Create<P> {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(deserialize_with = "filled")]
    role: String,
    permission: P,
    #[serde(default)]
    comment: Option<String>,
}

/// `create_<kind>_permission`.
pub fn create<P: Kind>(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Create<P>>(arguments)?;
    let list = P::list(draft.table_mut(&new.source, &new.table)?);
    if new.role == ADMIN || list.iter().any(|found| found.role == new.role) {
        let (kind, table, role) = (P::NAME, &new.table, &new.role);
        let message = format!("{kind} permission already defined on table \"{table}\" with role \"{role}\"");
        return Err(refuse(Code::AlreadyExists, message));
    }
    list.push(Permission { role: new.role.clone(), permission: new.permission, comment: new.comment });
    draft.touch_part(&format!("{}_permission {}", P::NAME, new.role), &new.table);
    Ok(success())
}

#[derive(Deserialize)]
struct Drop {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    role: String,
}

/// `drop_<kind>_permission`.
pub fn drop<P: Kind>(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Drop>(arguments)?;
    let list = P::list(draft.table_mut(&gone.source, &gone.table)?);
    let before = list.len();
    list.retain(|found| found.role != gone.role);
    if list.len() == before {
        return Err(undefined(P::NAME, &gone.table, &gone.role));
    }
    Ok(success())
}

fn undefined(kind: &str, table: &QualifiedName, role: &str) -> Failure {
    let message = format!("{kind} permission on \"{table}\" for role \"{role}\" does not exist");
    refuse(Code::PermissionDenied, message)
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    role: String,
    #[serde(rename = "type", alias = "permission")]
    kind: String,
    #[serde(default)]
    comment: Option<String>,
}

/// `set_permission_comment`.
pub fn comment(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Comment>(arguments)?;
    let table = draft.table_mut(&set.source, &set.table)?;
    let found = match set.kind.as_str() {
        "insert" => comment_of::<InsertPermission>(table, &set.role),
        "select" => comment_of::<SelectPermission>(table, &set.role),
        "update" => comment_of::<UpdatePermission>(table, &set.role),
        "delete" => comment_of::<DeletePermission>(table, &set.role),
        _ => {
            let message = "perm_type should be one of 'insert', 'select', 'update', 'delete'";
            return Err(Failure::new(Code::ParseFailed, "$.type", message));
        }
    };
    *found.ok_or_else(|| undefined(&set.kind, &set.table, &set.role))? = set.comment;
    Ok(success())
}

fn comment_of<'a, P: Kind + 'a>(table: &'a mut Table, role: &str) -> Option<&'a mut Option<String>> {
    P::list(table).iter_mut().find(|found| found.role == role).map(|found| &mut found.comment)
}

#[derive(Deserialize)]
struct AddRole {
    #[serde(deserialize_with = "filled")]
    role_name: String,
    role_set: Vec<String>,
}

/// `add_inherited_role`; one that is there already is replaced.
pub fn add_inherited_role(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<AddRole>(arguments)?;
    if new.role_name == ADMIN {
        return Err(refuse(Code::AlreadyExists, "role \"admin\" already exists"));
    }
    if new.role_set.contains(&new.role_name) {
        let message = "an inherited role name cannot be in the role combination";
        return Err(refuse(Code::InvalidParams, message));
    }
    let role = InheritedRole { role_name: new.role_name.clone(), role_set: new.role_set };
    let roles = &mut draft.edit().inherited_roles;
    match roles.iter_mut().find(|found| found.role_name == role.role_name) {
        Some(found) => *found = role,
        None => roles.push(role),
    }
    draft.touch(format!("inherited_role inherited role {}", new.role_name));
    Ok(success())
}

#[derive(Deserialize)]
struct DropRole {
    role_name: String,
}

/// `drop_inherited_role`.
pub fn drop_inherited_role(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<DropRole>(arguments)?.role_name;
    let roles = &mut draft.edit().inherited_roles;
    let before = roles.len();
    roles.retain(|found| found.role_name != gone);
    if roles.len() == before {
        return Err(refuse(Code::NotExists, format!("{gone} inherited role doesn't exist")));
    }
    Ok(success())
}
