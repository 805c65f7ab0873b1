//! What differs between two states of the metadata, object by object.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Where: `sources.default.tables.public.users.select_permissions.user.permission.columns`.
    pub path: String,
    pub kind: Kind,
    /// What was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Added,
    Removed,
    Changed,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
        })
    }
}

/// What leads from `old` to `new`. Lists of things with names are compared by name, lists of plain texts as sets: their
/// order means nothing in metadata. What is empty is as good as not there.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(old), Some(new), &mut changes);
    changes
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Keys whose empty object means something: `"filter": {}` lets every row through, no filter at all is none.
const MEANINGFUL: [&str; 2] = ["filter", "check"];

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    let meaningful = path.rsplit('.').next().is_some_and(|key| MEANINGFUL.contains(&key));
    let there = |value: Option<&Value>| {
        value.is_some_and(|value| if meaningful { !value.is_null() } else { !is_nothing(value) })
    };
    let mut tell = |kind, old: Option<&Value>, new: Option<&Value>| {
        changes.push(Change { path: path.to_owned(), kind, old: old.cloned(), new: new.cloned() });
    };
    match (there(old), there(new)) {
        (false, false) => return,
        (false, true) => return tell(Kind::Added, None, new),
        (true, false) => return tell(Kind::Removed, old, None),
        (true, true) => {}
    }
    match (old, new) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            for (key, value) in before {
                compare(&join(path, key), Some(value), after.get(key), changes);
            }
            for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                compare(&join(path, key), None, Some(value), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => lists(path, before, after, changes),
        (old, new) if old != new => tell(Kind::Changed, old, new),
        _ => {}
    }
}

fn lists(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let names = |list: &[Value]| list.iter().map(name).collect::<Option<Vec<String>>>();
    let (Some(old_names), Some(new_names)) = (names(before), names(after)) else {
        let plain = |list: &[Value]| list.iter().all(Value::is_string);
        let same = if plain(before) && plain(after) && !path.ends_with("arguments") {
            before.len() == after.len() && before.iter().all(|item| after.contains(item))
        } else {
            before == after
        };
        if !same {
            let (old, new) = (Some(before.into()), Some(after.into()));
            changes.push(Change { path: path.to_owned(), kind: Kind::Changed, old, new });
        }
        return;
    };
    for (name, value) in old_names.iter().zip(before) {
        let found = new_names.iter().position(|other| other == name).map(|index| &after[index]);
        compare(&join(path, name), Some(value), found, changes);
    }
    for (name, value) in new_names.iter().zip(after).filter(|(name, _)| !old_names.contains(name)) {
        compare(&join(path, name), None, Some(value), changes);
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What tells things of one list apart.
fn name(value: &Value) -> Option<String> {
    let qualified = |value: &Value| match value {
        Value::String(name) => Some(format!("public.{name}")),
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            Some(format!("{}.{}", text("schema").unwrap_or("public"), text("name")?))
        }
        _ => None,
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let object = value.get("table").or_else(|| value.get("function"));
    object
        .and_then(qualified)
        .or_else(|| text("role"))
        .or_else(|| text("name"))
        .or_else(|| text("role_name"))
        .or_else(|| text("collection"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_matched_by_name_and_empty_things_are_nothing() {
        let old = json!({"sources": [{"name": "default", "tables": [
            {"table": {"schema": "public", "name": "a"}, "select_permissions": [
                {"role": "user", "permission": {"columns": ["id", "name"], "filter": {}}}]},
            {"table": {"schema": "public", "name": "b"}},
        ]}], "actions": []});
        let new = json!({"sources": [{"name": "default", "tables": [
            {"table": {"schema": "public", "name": "c"}},
            {"table": {"schema": "public", "name": "a"}, "select_permissions": [
                {"role": "user", "permission": {"columns": ["name", "id"], "filter": {"id": {"_eq": 1}}}}]},
        ]}], "cron_triggers": []});
        let found: Vec<String> =
            changes(&old, &new).iter().map(|change| format!("{} {}", change.kind, change.path)).collect();
        assert_eq!(
            found,
            [
                "+ sources.default.tables.public.a.select_permissions.user.permission.filter.id",
                "- sources.default.tables.public.b",
                "+ sources.default.tables.public.c",
            ]
        );
        assert!(changes(&old, &old).is_empty());
    }

    #[test]
    fn an_empty_filter_is_not_no_filter() {
        let old = json!({"permission": {"filter": {}}});
        let found = changes(&old, &json!({"permission": {}}));
        assert_eq!((found.len(), found[0].kind), (1, Kind::Removed));
    }
}
