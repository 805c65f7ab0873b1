//! The folder against all metadata of Hasura's own fixtures, where they are at hand.

use std::path::{Path, PathBuf};

use metadata::{Metadata, folder};
use serde_json::{Value, json};

fn fixtures() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/hasura/fixtures");
    root.is_dir().then_some(root)
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

/// Everything that looks like metadata: what `replace_metadata` takes, and single triggers, actions and permissions.
fn collect(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => {
            let args = &value["args"];
            match map.get("type").and_then(Value::as_str) {
                Some("replace_metadata") => found.push(args.get("metadata").unwrap_or(args).clone()),
                Some("create_event_trigger" | "pg_create_event_trigger") => {
                    found.push(in_table(json!({"event_triggers": [args]})));
                }
                Some("create_action") => found.push(json!({"sources": [], "actions": [args]})),
                Some("set_custom_types") => found.push(json!({"sources": [], "custom_types": args})),
                Some("create_select_permission" | "pg_create_select_permission") => {
                    found.push(in_table(json!({"select_permissions": [args]})));
                }
                Some("create_insert_permission" | "pg_create_insert_permission") => {
                    found.push(in_table(json!({"insert_permissions": [args]})));
                }
                Some("add_remote_schema") => found.push(json!({"sources": [], "remote_schemas": [args]})),
                Some("create_rest_endpoint") => found.push(json!({"sources": [], "rest_endpoints": [args]})),
                Some("create_query_collection") => found.push(json!({"sources": [], "query_collections": [args]})),
                _ => {}
            }
            map.values().for_each(|item| collect(item, found));
        }
        _ => {}
    }
}

fn in_table(mut table: Value) -> Value {
    table["table"] = json!({"schema": "public", "name": "t"});
    json!({"sources": [{"name": "default", "kind": "postgres", "tables": [table]}]})
}

#[test]
fn everything_in_the_fixtures_survives_the_folder() {
    let Some(root) = fixtures() else { return };
    let mut files = Vec::new();
    yaml_files(&root, &mut files);
    let mut found = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let options = serde_saphyr::options! { budget: None, strict_booleans: true };
        if let Ok(value) = serde_saphyr::from_str_with_options::<Value>(&text, options) {
            collect(&value, &mut found);
        }
    }
    assert!(found.len() > 250, "{} pieces of metadata in {} files", found.len(), files.len());
    let parent = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for (number, value) in found.iter().enumerate() {
        // Wrong on purpose in places; what the types read must come back as it was.
        let Ok(mut typed) = serde_json::from_value::<Metadata>(value.clone()) else { continue };
        typed.version = 3;
        for action in &mut typed.actions {
            // The folder says what is meant when nothing is said.
            if action.definition.operation == metadata::ActionType::Mutation {
                action.definition.kind.get_or_insert_default();
            }
        }
        let expected = serde_json::to_value(&typed).unwrap();
        let folder = parent.path().join(number.to_string());
        folder::write(&folder, &expected).unwrap();
        let read = folder::read(&folder).unwrap_or_else(|error| panic!("{error:?}\n{expected:#}"));
        let again = serde_json::to_value(serde_json::from_value::<Metadata>(read.clone()).unwrap()).unwrap();
        assert_eq!(sorted(again), sorted(expected.clone()), "{read:#}");
        let changes = metadata::diff::changes(
            &expected,
            &serde_json::from_value::<Metadata>(read).map(|typed| serde_json::to_value(typed).unwrap()).unwrap(),
        );
        assert!(changes.is_empty(), "{changes:#?}");
        checked += 1;
    }
    assert!(checked > 200, "{checked} of {}", found.len());
}

/// Objects without the order of their keys.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}
