//! Custom claims: parts of the user's GraphQL object that tokens carry as `x-hasura-<name>`.
//!
//! A path is what Nhost's settings have: `profile.organisation.id`, `teams[].team.id`, `metadata.plan`. One that goes
//! through a list gives a list, with brackets or without. All paths are asked for in one query, as the administrator.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Handle;

/// Why the claims could not be asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ClaimsError(pub String);

/// Asks GraphQL as the administrator; gives `data`.
pub trait CustomClaims: std::fmt::Debug + Send + Sync {
    fn ask(&self, query: String, variables: Value) -> BoxFuture<'_, Result<Value, ClaimsError>>;
}

/// The claims of a user. When they cannot be asked for, that is logged and there are none, as upstream does.
pub(crate) async fn custom(handle: &Handle, user: Uuid) -> Map<String, Value> {
    let options = handle.options();
    let Some(source) = options.claims.as_ref().filter(|_| !options.custom_claims.is_empty()) else {
        return Map::new();
    };
    let query = query(&options.custom_claims);
    match source.ask(query, json!({ "id": user })).await {
        Ok(data) => extract(&options.custom_claims, &data["user"]),
        Err(error) => {
            tracing::error!(%error, "custom claims cannot be asked for");
            Map::new()
        }
    }
}

/// One selection set for all paths.
fn query(paths: &BTreeMap<String, String>) -> String {
    let mut tree = Tree::default();
    for path in paths.values() {
        let mut node = &mut tree;
        for step in steps(path) {
            // Metadata is a JSON column: what is below it is not GraphQL's.
            let below = node;
            node = below.0.entry(step.name.to_owned()).or_default();
            if step.name == "metadata" {
                break;
            }
        }
    }
    let mut text = "query CustomClaims($id: uuid!) { user(id: $id)".to_owned();
    tree.write(&mut text);
    text.push_str(" }");
    text
}

#[derive(Default)]
struct Tree(BTreeMap<String, Tree>);

impl Tree {
    fn write(&self, out: &mut String) {
        if self.0.is_empty() {
            return;
        }
        out.push_str(" {");
        for (name, below) in &self.0 {
            out.push(' ');
            out.push_str(name);
            below.write(out);
        }
        out.push_str(" }");
    }
}

struct Step<'a> {
    name: &'a str,
    pick: Pick,
}

#[derive(Clone, Copy, PartialEq)]
enum Pick {
    Whole,
    /// `[]` or `[*]`
    Each,
    At(usize),
}

/// `a.b[].c[0]`, with or without `$.` at its beginning. Steps that are no names are left out by the settings' check.
fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let path = path.strip_prefix('$').unwrap_or(path);
    path.split('.').filter(|part| !part.is_empty()).map(|part| {
        let (name, index) = part.split_once('[').unwrap_or((part, ""));
        let pick = match index.trim_end_matches(']') {
            "" if index.is_empty() => Pick::Whole,
            "" | "*" => Pick::Each,
            number => number.parse().map_or(Pick::Each, Pick::At),
        };
        Step { name, pick }
    })
}

/// Whether a path consists of names and indices, so that it can stand in a query.
pub(crate) fn is_path(path: &str) -> bool {
    let name = |name: &str| {
        name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    let all: Vec<&str> = steps(path).map(|step| step.name).collect();
    // What is below the JSON column is none of GraphQL's names.
    let asked = all.iter().position(|step| *step == "metadata").map_or(&*all, |at| &all[..at]);
    !all.is_empty() && asked.iter().all(|step| name(step))
}

fn extract(paths: &BTreeMap<String, String>, user: &Value) -> Map<String, Value> {
    let mut claims = Map::new();
    for (name, path) in paths {
        let (mut found, mut many) = (vec![user.clone()], false);
        for step in steps(path) {
            let lists = found.iter().any(Value::is_array);
            many |= lists || step.pick == Pick::Each;
            let each = found.into_iter().flat_map(|value| pick(&value, if lists { Pick::Each } else { Pick::Whole }));
            found = each.flat_map(|value| pick(&value[step.name], step.pick)).collect();
        }
        let value = if many { Some(Value::Array(found)) } else { found.pop() };
        if let Some(text) = value.as_ref().and_then(encode) {
            claims.insert(format!("x-hasura-{}", name.to_ascii_lowercase()), text.into());
        }
    }
    claims
}

fn pick(value: &Value, pick: Pick) -> Vec<Value> {
    match (pick, value) {
        (Pick::Each, Value::Array(all)) => all.clone(),
        (Pick::At(index), Value::Array(all)) => all.get(index).cloned().into_iter().collect(),
        (Pick::Whole, value) => vec![value.clone()],
        _ => Vec::new(),
    }
}

/// Scalars as text, lists as PostgreSQL writes arrays; nothing for null.
fn encode(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => {
            let parts: Vec<String> = all.iter().filter(|value| !value.is_null()).map(Value::to_string).collect();
            Some(format!("{{{}}}", parts.join(",")))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect()
    }

    #[test]
    fn one_query_for_all_paths() {
        let paths =
            paths(&[("a", "profile.id"), ("b", "$.profile.name"), ("c", "teams[].team.id"), ("d", "metadata.x.y")]);
        assert_eq!(
            query(&paths),
            "query CustomClaims($id: uuid!) { user(id: $id) { metadata profile { id name } teams { team { id } } } }"
        );
    }

    #[test]
    fn values() {
        let paths = paths(&[
            ("Org", "profile.org"),
            ("teams", "teams[].id"),
            ("first", "teams[0].id"),
            ("plan", "metadata.plan"),
            ("level", "profile.level"),
            ("none", "profile.missing"),
            ("names", "teams.names.n"),
            ("dashed", "metadata.a-b"),
        ]);
        let user = json!({"profile": {"org": "x", "level": 3}, "teams": [{"id": "a\"b", "names": [{"n": 1}]}, {"id": "c", "names": [{"n": 2}, {"n": 3}]}], "metadata": {"plan": true, "a-b": "d"}});
        let expected = json!({
            "x-hasura-org": "x", "x-hasura-teams": "{\"a\\\"b\",\"c\"}", "x-hasura-first": "a\"b", "x-hasura-plan": "true",
            "x-hasura-level": "3", "x-hasura-names": "{1,2,3}", "x-hasura-dashed": "d",
        });
        let got = extract(&paths, &user);
        assert_eq!(Value::Object(got.clone()).as_object().map(Map::len), Some(7));
        for (name, value) in expected.as_object().into_iter().flatten() {
            assert_eq!(got.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for bad in ["", "$", "a b", "a.{b}", "a)b", "1a"] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
