//! What can only be checked once the model is there: queries that the metadata keeps, and the endpoints made of them.
//!
//! It is not: a validation of requests ([`crate::plan`] does that, with a role and values). As in Hasura, fields and
//! types of a kept query are looked up as the administrator sees them, so that a column that went away comes to light
//! when it goes and not when the first client asks.

mod queries;

use std::sync::Arc;

use apollo_compiler::ast::{Definition, Document, OperationType};
use metadata::{CollectionQuery, Metadata, QueryCollection, RestEndpoint};
use serde_json::{Value, json};

use crate::model::{Inconsistency, Model};
use crate::parse;
use crate::schema::Schema;
use crate::session::Session;

/// Kept queries and endpoints that do not fit.
pub(crate) fn find(metadata: &Metadata, model: &Arc<Model>) -> Vec<Inconsistency> {
    let mut found = endpoints(metadata);
    if metadata.query_collections.is_empty() {
        return found;
    }
    let schema = Schema::of_session(Arc::clone(model), &Session::admin());
    for collection in &metadata.query_collections {
        for query in &collection.definition.queries {
            let problems = queries::diagnose(&schema, &query.query);
            if !problems.is_empty() {
                found.push(invalid(metadata, collection, query, &problems));
            }
        }
    }
    found
}

fn invalid(
    metadata: &Metadata,
    collection: &QueryCollection,
    query: &CollectionQuery,
    problems: &[String],
) -> Inconsistency {
    let (collection, name) = (collection.name.as_str(), query.name.as_str());
    let mut reason = format!(
        "In query collection \"{collection}\" the query \"{name}\" is invalid with the following error(s): {}",
        quoted(problems.iter().rev().map(String::as_str))
    );
    let of_query = |endpoint: &&RestEndpoint| {
        let used = &endpoint.definition.query;
        used.collection_name == collection && used.query_name == name
    };
    let endpoints: Vec<&RestEndpoint> = metadata.rest_endpoints.iter().filter(of_query).collect();
    if !endpoints.is_empty() {
        let names = quoted(endpoints.iter().map(|endpoint| endpoint.name.as_str()));
        reason.push_str(&format!(". This query is being used in the following REST endpoint(s): {names}"));
    }
    if metadata.allowlist.iter().any(|entry| entry.scope.global && entry.collection == collection) {
        reason.push_str(". This query is in allowlist.");
    }
    let definition = json!({ "name": name, "query": query.query });
    Inconsistency::new("query_collections", format!("query_collections {name} in {collection}"), reason, definition)
}

fn quoted<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
}

/// The name of an endpoint among inconsistent objects.
pub(crate) fn endpoint_name(name: &str) -> String {
    format!("rest_endpoint {name}")
}

fn endpoints(metadata: &Metadata) -> Vec<Inconsistency> {
    let mut found = Vec::new();
    let mut good: Vec<&RestEndpoint> = Vec::new();
    for endpoint in &metadata.rest_endpoints {
        let definition = serde_json::to_value(endpoint).unwrap_or_default();
        let object = |reason: &str| {
            Inconsistency::new("rest_endpoint", endpoint_name(&endpoint.name), reason, definition.clone())
        };
        if let Err(reason) = resolve(metadata, endpoint) {
            found.push(object(&format!("in endpoint {}: {reason}", endpoint.name)));
            continue;
        }
        good.push(endpoint);
        let segments: Vec<&str> = endpoint.url.trim_start_matches('/').split('/').collect();
        let variables: Vec<&&str> = segments.iter().filter(|segment| segment.starts_with(':')).collect();
        let twice = variables.iter().enumerate().any(|(at, segment)| variables[..at].contains(segment));
        if twice {
            let reason = format!("Duplicate variables found in endpoint path: {}", endpoint.url);
            found.push(Inconsistency { reason, ..object("") });
        }
        if segments.iter().any(|segment| matches!(*segment, "" | ":")) {
            let reason = format!("Empty segments or unnamed variables are not allowed: {}", endpoint.url);
            found.push(Inconsistency { reason, ..object("") });
        }
    }
    good.sort_by(|one, other| one.name.cmp(&other.name));
    found.extend(ambiguous(&good));
    found
}

/// # Errors
/// The query is not there, or is none that an address can stand for.
fn resolve(metadata: &Metadata, endpoint: &RestEndpoint) -> Result<(), String> {
    let wanted = &endpoint.definition.query;
    let (collection, name) = (&wanted.collection_name, &wanted.query_name);
    let found = metadata.query_collections.iter().find(|found| found.name == *collection);
    let found = found.ok_or_else(|| format!("collection with name {collection} does not exist"))?;
    let query = found.definition.queries.iter().find(|query| query.name == *name);
    let query = query.ok_or_else(|| format!("query with name {name} does not exist in collection {collection}"))?;
    // A text that cannot be read is told as such, once.
    let Ok(document) = parse::document(&query.query) else { return Ok(()) };
    match &document.definitions[..] {
        [Definition::OperationDefinition(found)] if found.operation_type == OperationType::Subscription => {
            Err(format!("query with name {name} is a subscription"))
        }
        [Definition::OperationDefinition(_)] => Ok(()),
        _ if has_one_operation(&document) => Ok(()),
        [] => Err(format!("query with name {name} has no definitions.")),
        _ => Err(format!("query with name {name} has multiple definitions.")),
    }
}

/// With its fragments, which Hasura's endpoints cannot have.
fn has_one_operation(document: &Document) -> bool {
    document.definitions.iter().filter(|found| found.as_operation_definition().is_some()).count() == 1
}

/// Endpoints that one request could mean, each group once.
fn ambiguous(endpoints: &[&RestEndpoint]) -> Vec<Inconsistency> {
    let mut told: Vec<bool> = vec![false; endpoints.len()];
    let mut found = Vec::new();
    for (at, first) in endpoints.iter().enumerate() {
        if told[at] {
            continue;
        }
        let rest = (at + 1..endpoints.len()).filter(|&other| overlap(first, endpoints[other]));
        let group: Vec<usize> = std::iter::once(at).chain(rest).collect();
        if group.len() == 1 {
            continue;
        }
        group.iter().for_each(|&member| told[member] = true);
        let group = || group.iter().map(|&member| endpoints[member]);
        let urls: Vec<&str> = group().map(|endpoint| endpoint.url.as_str()).collect();
        let conflicts: Vec<Value> =
            group().map(|endpoint| serde_json::to_value(endpoint).unwrap_or_default()).collect();
        found.push(Inconsistency {
            definition: Value::Null,
            reason: format!("Ambiguous URL paths: {}", urls.join(", ")),
            name: endpoint_name(&first.name),
            kind: "rest_endpoint",
            entity: None,
            conflicts: Some(conflicts),
        });
    }
    found
}

fn overlap(one: &RestEndpoint, other: &RestEndpoint) -> bool {
    let (a, b) = (one.url.trim_start_matches('/'), other.url.trim_start_matches('/'));
    a.split('/').count() == b.split('/').count()
        && one.methods.iter().any(|method| other.methods.contains(method))
        && a.split('/').zip(b.split('/')).all(|(a, b)| a == b || a.starts_with(':') || b.starts_with(':'))
}
