//! Named queries, the allow-list, and endpoints.

use metadata::{AllowlistEntry, AllowlistScope, CollectionDefinition, CollectionQuery, QueryCollection, RestEndpoint};
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{filled, parse};
use super::draft::{Draft, refuse, success};
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct Create {
    #[serde(deserialize_with = "filled")]
    name: String,
    definition: CollectionDefinition,
    #[serde(default)]
    comment: Option<String>,
}

fn find<'a>(draft: &'a mut Draft, name: &str) -> Result<&'a mut QueryCollection, Failure> {
    let found = draft.edit().query_collections.iter_mut().find(|found| found.name == name);
    found.ok_or_else(|| refuse(Code::NotExists, format!("query collection with name \"{name}\" does not exist")))
}

/// `create_query_collection`.
pub fn create(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Create>(arguments)?;
    let collections = &mut draft.edit().query_collections;
    if collections.iter().any(|found| found.name == new.name) {
        return Err(refuse(Code::AlreadyExists, format!("query collection with name \"{}\" already exists", new.name)));
    }
    let names: Vec<&str> = new.definition.queries.iter().map(|query| query.name.as_str()).collect();
    let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    if let Some((_, name)) = twice {
        return Err(refuse(Code::NotSupported, format!("found duplicate query names \"{name}\"")));
    }
    collections.push(QueryCollection { name: new.name, definition: new.definition, comment: new.comment });
    Ok(success())
}

#[derive(Deserialize)]
struct Rename {
    name: String,
    #[serde(deserialize_with = "filled")]
    new_name: String,
}

/// `rename_query_collection`; the allow-list and endpoints follow.
pub fn rename(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Rename>(arguments)?;
    if draft.metadata.query_collections.iter().any(|found| found.name == new.new_name) {
        let message = format!("query collection with name \"{}\" already exists", new.new_name);
        return Err(refuse(Code::AlreadyExists, message));
    }
    find(draft, &new.name)?.name.clone_from(&new.new_name);
    let metadata = draft.edit();
    for entry in metadata.allowlist.iter_mut().filter(|entry| entry.collection == new.name) {
        entry.collection.clone_from(&new.new_name);
    }
    let endpoints = metadata.rest_endpoints.iter_mut().map(|endpoint| &mut endpoint.definition.query);
    for query in endpoints.filter(|query| query.collection_name == new.name) {
        query.collection_name.clone_from(&new.new_name);
    }
    Ok(success())
}

#[derive(Deserialize)]
struct Drop {
    collection: String,
    #[serde(default)]
    cascade: Option<bool>,
}

/// `drop_query_collection`.
pub fn drop(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Drop>(arguments)?;
    find(draft, &gone.collection)?;
    let listed = draft.metadata.allowlist.iter().any(|entry| entry.collection == gone.collection);
    if listed && !gone.cascade.unwrap_or(false) {
        let message = format!(
            "query collection with name \"{}\" is present in the allowlist; cannot proceed to drop. please use cascade to confirm deletion",
            gone.collection
        );
        return Err(refuse(Code::DependencyError, message));
    }
    let used =
        draft.metadata.rest_endpoints.iter().find(|found| found.definition.query.collection_name == gone.collection);
    if let Some(endpoint) = used {
        let (collection, name) = (&gone.collection, &endpoint.name);
        let message = format!("collection \"{collection}\" is used by the REST endpoint \"{name}\"");
        return Err(refuse(Code::DependencyError, message));
    }
    let metadata = draft.edit();
    metadata.allowlist.retain(|entry| entry.collection != gone.collection);
    metadata.query_collections.retain(|found| found.name != gone.collection);
    Ok(success())
}

#[derive(Deserialize)]
struct AddQuery {
    collection_name: String,
    #[serde(deserialize_with = "filled")]
    query_name: String,
    query: String,
}

/// `add_query_to_collection`.
pub fn add_query(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<AddQuery>(arguments)?;
    let collection = find(draft, &new.collection_name)?;
    if collection.definition.queries.iter().any(|found| found.name == new.query_name) {
        let (query, collection) = (&new.query_name, &new.collection_name);
        let message = format!("query with name \"{query}\" already exists in collection \"{collection}\"");
        return Err(refuse(Code::AlreadyExists, message));
    }
    collection.definition.queries.push(CollectionQuery { name: new.query_name, query: new.query });
    Ok(success())
}

#[derive(Deserialize)]
struct DropQuery {
    collection_name: String,
    query_name: String,
}

/// `drop_query_from_collection`.
pub fn drop_query(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<DropQuery>(arguments)?;
    let queries = &mut find(draft, &gone.collection_name)?.definition.queries;
    let before = queries.len();
    queries.retain(|found| found.name != gone.query_name);
    if queries.len() == before {
        let (query, collection) = (&gone.query_name, &gone.collection_name);
        let message = format!("query with name \"{query}\" not found in collection \"{collection}\"");
        return Err(refuse(Code::NotFound, message));
    }
    Ok(success())
}

#[derive(Deserialize)]
struct Allow {
    collection: String,
    #[serde(default)]
    scope: Option<AllowlistScope>,
}

/// `add_collection_to_allowlist`.
pub fn allow(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Allow>(arguments)?;
    find(draft, &new.collection)?;
    let scope = checked(new.scope.unwrap_or_default())?;
    let allowlist = &mut draft.edit().allowlist;
    let Some(found) = allowlist.iter().find(|entry| entry.collection == new.collection) else {
        allowlist.push(AllowlistEntry { collection: new.collection, scope });
        return Ok(success());
    };
    let collection = &new.collection;
    if found.scope == scope {
        return Ok(json!({ "message": format!("collection \"{collection}\" already exists in the allowlist") }));
    }
    let message = format!("collection \"{collection}\" already exists in the allowlist, scope is different");
    Err(refuse(Code::AlreadyExists, message))
}

/// # Errors
/// Roles are listed for a global scope, or none, or one twice, for the other.
fn checked(scope: AllowlistScope) -> Result<AllowlistScope, Failure> {
    let message = match (scope.global, scope.roles.as_slice()) {
        (true, []) => return Ok(scope),
        (true, _) => "roles are not allowed when the scope is global",
        (false, []) => "roles field must be provided when global is false",
        (false, roles) => {
            let twice = roles.iter().enumerate().any(|(index, role)| roles[..index].contains(role));
            if !twice {
                return Ok(scope);
            }
            "duplicate roles in the scope of the allowlist"
        }
    };
    Err(Failure::new(Code::ParseFailed, "$.scope", message))
}

#[derive(Deserialize)]
struct Disallow {
    collection: String,
}

/// `drop_collection_from_allowlist`.
pub fn disallow(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<Disallow>(arguments)?.collection;
    let allowlist = &mut draft.edit().allowlist;
    let before = allowlist.len();
    allowlist.retain(|entry| entry.collection != gone);
    if allowlist.len() == before {
        return Err(refuse(Code::NotFound, format!("collection \"{gone}\" doesn't exist in the allowlist")));
    }
    Ok(success())
}

#[derive(Deserialize)]
struct Scope {
    collection: String,
    scope: AllowlistScope,
}

/// `update_scope_of_collection_in_allowlist`.
pub fn scope(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Scope>(arguments)?;
    let found = draft.edit().allowlist.iter_mut().find(|entry| entry.collection == set.collection);
    let missing =
        || refuse(Code::NotFound, format!("collection \"{}\" doesn't exist in the allowlist", set.collection));
    found.ok_or_else(missing)?.scope = checked(set.scope)?;
    Ok(success())
}

/// `create_rest_endpoint`.
pub fn create_endpoint(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<RestEndpoint>(arguments)?;
    if new.url.is_empty() {
        return Err(Failure::new(Code::ParseFailed, "$.url", "empty string not allowed"));
    }
    if draft.metadata.rest_endpoints.iter().any(|found| found.name == new.name) {
        return Err(refuse(Code::AlreadyExists, format!("Endpoint with name: {} already exists", new.name)));
    }
    let name = new.name.clone();
    draft.edit().rest_endpoints.push(new);
    draft.touch(crate::checks::endpoint_name(&name));
    Ok(success())
}

#[derive(Deserialize)]
struct DropEndpoint {
    name: String,
}

/// `drop_rest_endpoint`.
pub fn drop_endpoint(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let gone = parse::<DropEndpoint>(arguments)?.name;
    let endpoints = &mut draft.edit().rest_endpoints;
    let before = endpoints.len();
    endpoints.retain(|found| found.name != gone);
    if endpoints.len() == before {
        return Err(refuse(Code::NotExists, format!("endpoint with name: \"{gone}\" does not exist")));
    }
    Ok(success())
}
