//! Reading metadata that may be damaged or old.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Metadata;

/// A part that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// `sources[0].tables[3].select_permissions[1]`; `.` when nothing could be read.
    pub path: String,
    pub reason: String,
    pub value: Value,
}

/// Whatever can be read of a value. An object that does not fit is left out; the rest stays.
pub fn read(value: Value) -> (Metadata, Vec<Unreadable>) {
    let mut left_out = Vec::new();
    let mut value = match upgrade(value.clone()) {
        Ok(value) => value,
        Err(reason) => return (Metadata::default(), vec![Unreadable { path: ".".to_owned(), reason, value }]),
    };
    loop {
        let error = match serde_path_to_error::deserialize::<_, Metadata>(&value) {
            Ok(metadata) => return (metadata, left_out),
            Err(error) => error,
        };
        let (steps, reason) = (steps(error.path()), error.inner().to_string());
        match cut(&mut value, &steps) {
            Some((path, cut)) => left_out.push(Unreadable { path, reason, value: cut }),
            None => {
                left_out.push(Unreadable { path: ".".to_owned(), reason, value });
                return (Metadata::default(), left_out);
            }
        }
    }
}

/// As [`read`], from JSON's text. What is whole and of today's version, as nearly always, becomes metadata without the
/// detour over a tree of values, which takes ten times the memory.
pub fn read_text(text: &str) -> (Metadata, Vec<Unreadable>) {
    #[derive(Deserialize)]
    struct Head {
        version: Option<Value>,
        sources: Option<serde::de::IgnoredAny>,
    }
    let head = serde_json::from_str::<Head>(text).ok();
    let current = head.is_some_and(|head| head.version.map_or(head.sources.is_some(), |version| version == 3));
    let whole = current.then(|| serde_json::from_str(text).ok()).flatten();
    match whole {
        Some(metadata) => (metadata, Vec::new()),
        None => read(serde_json::from_str(text).unwrap_or_default()),
    }
}

enum Step {
    Key(String),
    Index(usize),
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    let step = |segment: &serde_path_to_error::Segment| match segment {
        serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
        serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
        _ => None,
    };
    path.iter().map_while(step).collect()
}

/// Takes out the innermost list entry on the way, or the outermost field where there is no list.
fn cut(value: &mut Value, steps: &[Step]) -> Option<(String, Value)> {
    let last = steps.iter().rposition(|step| matches!(step, Step::Index(_))).unwrap_or(0);
    let mut place = value;
    let mut path = String::new();
    for step in &steps[..last.min(steps.len())] {
        place = match step {
            Step::Key(key) => place.get_mut(key)?,
            Step::Index(index) => place.get_mut(index)?,
        };
        write_step(&mut path, step);
    }
    let step = steps.get(last)?;
    write_step(&mut path, step);
    let cut = match step {
        Step::Key(key) => place.as_object_mut()?.remove(key)?,
        Step::Index(index) => place.as_array_mut().filter(|list| *index < list.len())?.remove(*index),
    };
    Some((path, cut))
}

fn write_step(path: &mut String, step: &Step) {
    match step {
        Step::Key(key) if path.is_empty() => path.push_str(key),
        Step::Key(key) => {
            path.push('.');
            path.push_str(key);
        }
        Step::Index(index) => path.push_str(&format!("[{index}]")),
    }
}

/// Metadata of version 1 or 2, which knew one database only, as version 3. Version 3 comes back as it is.
///
/// # Errors
/// It is no object, or of a version there never was; the reason as a sentence.
pub fn upgrade(value: Value) -> Result<Value, String> {
    let Value::Object(mut old) = value else { return Err("metadata is an object".to_owned()) };
    let version = match old.get("version") {
        None if old.contains_key("sources") => 3,
        None => 1,
        Some(version) => version.as_u64().unwrap_or(0),
    };
    if version == 3 {
        return Ok(Value::Object(old));
    }
    if version != 1 && version != 2 {
        return Err(format!("unexpected metadata version from storage: {version}"));
    }
    let tables = old.remove("tables").unwrap_or_else(|| json!([]));
    let functions = old.remove("functions").unwrap_or_else(|| json!([]));
    let functions = functions.as_array().into_iter().flatten().map(function).collect::<Vec<_>>();
    let mut source = serde_json::to_value(crate::Source::new("default")).unwrap_or_default();
    source["tables"] = tables;
    source["functions"] = functions.into();
    let mut new = Map::new();
    new.insert("version".to_owned(), 3.into());
    new.insert("sources".to_owned(), json!([source]));
    old.remove("version");
    // Was a part of version 1's allow-list: names instead of objects.
    if let Some(Value::Array(entries)) = old.get_mut("allowlist") {
        for entry in entries.iter_mut().filter(|entry| entry.is_string()) {
            *entry = json!({ "collection": entry });
        }
    }
    new.extend(old);
    Ok(Value::Object(new))
}

/// Version 1 listed functions by their names alone.
fn function(old: &Value) -> Value {
    if old.get("function").is_some() { old.clone() } else { json!({ "function": old }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QualifiedName;

    #[test]
    fn text_reads_as_its_value_does() {
        let table = json!({"table": "good", "select_permissions": [{"role": "a", "permission": {"columns": 7}}]});
        for value in [
            json!({"version": 3, "sources": [{"name": "default", "tables": [table]}]}),
            json!({"sources": [{"name": "default", "kind": "postgres", "tables": [{"table": "good"}]}]}),
            json!({"version": 2, "tables": [{"table": "good"}]}),
            json!({"tables": [{"table": "good"}], "allowlist": ["names"]}),
            json!({"version": 9}),
            json!([1]),
        ] {
            assert_eq!(read_text(&value.to_string()), read(value.clone()), "{value}");
        }
        assert_eq!(read_text("{").0, Metadata::default());
    }

    #[test]
    fn one_damaged_object_does_not_take_the_others_with_it() {
        let (metadata, left_out) = read(json!({
            "version": 3,
            "sources": [{"name": "default", "tables": [
                {"table": "good", "select_permissions": [
                    {"role": "a", "permission": {"columns": 7, "filter": {}}},
                    {"role": "b", "permission": {"columns": "*", "filter": {}}},
                ]},
                {"table": 3},
            ]}],
            "api_limits": {"disabled": "perhaps"},
        }));
        let paths: Vec<&str> = left_out.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["sources[0].tables[0].select_permissions[0]", "sources[0].tables[1]", "api_limits"]);
        let table = &metadata.sources[0].tables[0];
        assert_eq!((table.select_permissions.len(), table.select_permissions[0].role.as_str()), (1, "b"));
        for nothing in [json!(5), json!({"version": 9, "sources": []})] {
            let whole = Unreadable { path: ".".to_owned(), reason: left(&nothing), value: nothing.clone() };
            assert_eq!(read(nothing), (Metadata::default(), vec![whole]));
        }
    }

    fn left(value: &Value) -> String {
        upgrade(value.clone()).expect_err("it is no metadata")
    }

    #[test]
    fn older_versions_become_the_default_source() {
        for version in [None, Some(1), Some(2)] {
            let mut old = json!({"tables": [{"table": "users"}], "functions": ["f"], "remote_schemas": []});
            if let Some(version) = version {
                old["version"] = version.into();
            }
            let (metadata, left_out) = read(old);
            assert_eq!(left_out, []);
            let source = metadata.source("default").expect("there is one");
            assert!(source.table(&QualifiedName::new("public", "users")).is_some());
            assert!(source.function(&QualifiedName::new("public", "f")).is_some());
        }
        assert!(upgrade(json!({"version": 9})).is_err());
    }
}
