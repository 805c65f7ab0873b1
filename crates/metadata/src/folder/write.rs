//! From JSON to files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::read::{is_empty, parse};
use super::yaml::emit;
use super::{Error, KINDS, actions, read, swap};

/// What a write did. Paths are relative to the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    pub created: Vec<PathBuf>,
    pub changed: Vec<PathBuf>,
    pub removed: Vec<PathBuf>,
    /// Files that say the same as before; they keep their bytes, comments included.
    pub kept: usize,
}

impl Written {
    pub fn is_unchanged(&self) -> bool {
        self.created.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// The files of config version 3, by their path in the folder.
pub fn files(metadata: &Value) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    files.insert("version.yaml".into(), "version: 3\n".to_owned());
    for kind in &KINDS {
        let empty = if kind.list { json!([]) } else { json!({}) };
        let value = metadata.get(kind.key).filter(|value| !value.is_null()).unwrap_or(&empty);
        let value = match (kind.key, value) {
            ("graphql_schema_introspection", value) if is_empty(value) => json!({"disabled_for_roles": []}),
            ("remote_schemas", value) => value.as_array().into_iter().flatten().map(remote_schema).collect(),
            _ => value.clone(),
        };
        files.insert(kind.file.into(), emit(&value));
    }
    for (name, text) in actions::files(metadata) {
        files.insert(name.into(), text);
    }
    let sources = metadata["sources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<Value> = sources.iter().map(|source| database(source, &mut files)).collect();
    files.insert("databases/databases.yaml".into(), emit(&Value::from(listed)));
    files
}

/// Keys in the order in which Hasura's command line writes them; others follow.
fn ordered(value: &Value, first: &[&str]) -> Map<String, Value> {
    let mut made = Map::new();
    for key in first {
        if let Some(found) = value.get(key) {
            made.insert((*key).to_owned(), found.clone());
        }
    }
    for (key, found) in value.as_object().into_iter().flatten() {
        made.entry(key.clone()).or_insert_with(|| found.clone());
    }
    made
}

fn remote_schema(schema: &Value) -> Value {
    ordered(schema, &["name", "definition", "comment", "permissions", "remote_relationships"]).into()
}

/// One entry of `databases.yaml`; its tables and functions become files.
fn database(source: &Value, files: &mut BTreeMap<PathBuf, String>) -> Value {
    let first = ["name", "kind", "configuration", "query_tags", "customization", "health_check"];
    let mut made = ordered(source, &first);
    let (tables, functions) = (made.shift_remove("tables"), made.shift_remove("functions"));
    let name = file_part(source["name"].as_str().unwrap_or("default"));
    let mut put = |kind: &str, list: &Value, key: &str| {
        let folder = PathBuf::from(format!("databases/{name}/{kind}"));
        let mut includes = Vec::new();
        for item in list.as_array().into_iter().flatten() {
            let file = unused(files, &folder, &object_name(&item[key]));
            includes.push(Value::String(format!("!include {file}")));
            files.insert(folder.join(file), emit(item));
        }
        files.insert(folder.join(format!("{kind}.yaml")), emit(&Value::from(includes)));
        Value::String(format!("!include {name}/{kind}/{kind}.yaml"))
    };
    made.insert("tables".to_owned(), put("tables", tables.as_ref().unwrap_or(&Value::Null), "table"));
    if let Some(functions) = functions.filter(|functions| !is_empty(functions)) {
        made.insert("functions".to_owned(), put("functions", &functions, "function"));
    }
    made.into()
}

/// `public_users`.
fn object_name(name: &Value) -> String {
    let text = |key: &str| name.get(key).and_then(Value::as_str);
    match name {
        Value::String(name) => file_part(&format!("public_{name}")),
        Value::Array(parts) => file_part(&parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("_")),
        _ => {
            let schema = text("schema").or_else(|| text("dataset")).unwrap_or_default();
            file_part(&format!("{schema}_{}", text("name").unwrap_or_default()))
        }
    }
}

/// A name may hold anything; a path may not.
fn file_part(name: &str) -> String {
    let name = name.replace(['/', '\\', '\0', '\n'], "-");
    if name.starts_with('.') { format!("_{name}") } else { name }
}

/// `a_b` of the schema `c` and `b_c`… may meet, as may names that differ in case on some systems.
fn unused(files: &BTreeMap<PathBuf, String>, folder: &Path, name: &str) -> String {
    let taken = |file: &str| {
        let lower = file.to_lowercase();
        let same =
            |path: &PathBuf| path.file_name().is_some_and(|found| found.to_string_lossy().to_lowercase() == lower);
        ["tables.yaml", "functions.yaml"].contains(&lower.as_str())
            || files.keys().filter(|path| path.parent() == Some(folder)).any(same)
    };
    let plain = format!("{name}.yaml");
    if !taken(&plain) {
        return plain;
    }
    let numbered = (2..).map(|number| format!("{name}_{number}.yaml"));
    numbered.into_iter().find(|file| !taken(file)).unwrap_or(plain)
}

/// Makes a folder hold this metadata and no other: files of objects that are gone are removed, files that nobody here
/// writes stay. It happens at once: a crash leaves the old folder or the new one.
///
/// # Errors
/// A file cannot be read or written; then the folder is as it was.
pub fn write(folder: &Path, metadata: &Value) -> Result<Written, Error> {
    let old = swap::owned(folder)?;
    let mut new = files(metadata);
    keep_actions(folder, metadata, &old, &mut new);
    let mut written = Written::default();
    for (path, text) in &mut new {
        match old.get(path) {
            None => written.created.push(path.clone()),
            Some(before) if before == text => written.kept += 1,
            Some(before) if same(path, before, text) => {
                text.clone_from(before);
                written.kept += 1;
            }
            Some(_) => written.changed.push(path.clone()),
        }
    }
    written.removed = old.into_keys().filter(|path| !new.contains_key(path)).collect();
    if !written.is_unchanged() {
        swap::replace(folder, &new, &written.removed)?;
    }
    Ok(written)
}

/// Says the same in other words.
fn same(path: &Path, before: &str, after: &str) -> bool {
    let yaml = path.extension().is_some_and(|extension| extension == "yaml");
    match (yaml, parse(before), parse(after)) {
        (true, Ok(before), Ok(after)) => before == after || is_empty(&before) && is_empty(&after),
        _ => false,
    }
}

/// Actions stand in two files of which only both together say anything.
fn keep_actions(folder: &Path, metadata: &Value, old: &BTreeMap<PathBuf, String>, new: &mut BTreeMap<PathBuf, String>) {
    let names = ["actions.graphql", "actions.yaml"].map(PathBuf::from);
    let Ok(before) = read(folder) else { return };
    let equal = |key: &str| match (&before[key], &metadata[key]) {
        (before, after) if is_empty(before) => is_empty(after),
        (before, after) => crate::diff::changes(before, after).is_empty(),
    };
    if equal("actions") && equal("custom_types") {
        for name in names {
            if let Some(text) = old.get(&name) {
                new.insert(name, text.clone());
            }
        }
    }
}
