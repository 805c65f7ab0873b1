//! From files to JSON.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Error, KINDS, actions};

/// The metadata of a folder, or of a file as `export_metadata` gives it.
///
/// # Errors
/// There is none, or a file cannot be read or understood; the file is named.
pub fn read(path: &Path) -> Result<Value, Error> {
    if path.is_file() {
        return exported(path);
    }
    let sources = path.join("databases/databases.yaml");
    let mut metadata = Map::new();
    metadata.insert("version".to_owned(), json!(3));
    if sources.is_file() {
        metadata.insert("sources".to_owned(), databases(path, &sources)?);
    } else if path.join("tables.yaml").is_file() {
        metadata.insert("sources".to_owned(), version_2(path)?);
    } else {
        return Err(Error::Missing { path: path.to_owned() });
    }
    for kind in &KINDS {
        let file = path.join(kind.file);
        let Some(value) = optional(&file)? else { continue };
        if kind.list != value.is_array() || !(value.is_array() || value.is_object()) {
            let wanted = if kind.list { "a list" } else { "an object" };
            return Err(Error::content(&file, format!("it should hold {wanted}")));
        }
        if !is_empty(&value) {
            metadata.insert(kind.key.to_owned(), value);
        }
    }
    actions::read(path, &mut metadata)?;
    Ok(in_order(metadata))
}

/// Nothing in it, or only empty things.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// As Hasura's export has the keys.
fn in_order(mut metadata: Map<String, Value>) -> Value {
    const ORDER: [&str; 6] = ["version", "sources", "remote_schemas", "query_collections", "allowlist", "actions"];
    let mut ordered = Map::new();
    for key in ORDER.into_iter().chain(["custom_types"]).chain(KINDS.iter().map(|kind| kind.key)) {
        if let Some(value) = metadata.shift_remove(key) {
            ordered.insert(key.to_owned(), value);
        }
    }
    ordered.extend(metadata);
    ordered.into()
}

/// `export_metadata`'s answer, version 1 (`{"version": 3, …}`) or 2 (`{"resource_version", "metadata"}`).
fn exported(path: &Path) -> Result<Value, Error> {
    let mut value = required(path)?;
    if let Some(inner) = value.get_mut("metadata") {
        value = inner.take();
    }
    if value.get("tables").is_some() && value.get("sources").is_none() {
        return Ok(upgrade(value));
    }
    if value.get("sources").is_some() { Ok(value) } else { Err(Error::content(path, "it has no key 'sources'")) }
}

/// Version 2 of the metadata: what belongs to the one database moves into a source.
fn upgrade(mut value: Value) -> Value {
    let mut take = |key: &str| value.get_mut(key).map(Value::take).unwrap_or_default();
    let source = source(take("tables"), take("functions"));
    let mut metadata = value.as_object_mut().map(std::mem::take).unwrap_or_default();
    metadata.retain(|key, value| !["version", "tables", "functions"].contains(&key.as_str()) && !value.is_null());
    metadata.insert("version".to_owned(), json!(3));
    metadata.insert("sources".to_owned(), json!([source]));
    in_order(metadata)
}

fn version_2(folder: &Path) -> Result<Value, Error> {
    let tables = required(&folder.join("tables.yaml"))?;
    let functions = optional(&folder.join("functions.yaml"))?.unwrap_or_default();
    Ok(json!([source(tables, functions)]))
}

fn source(tables: Value, functions: Value) -> Value {
    let list = |value: Value| if value.is_array() { value } else { json!([]) };
    let mut source = json!({"name": "default", "kind": "postgres", "tables": list(tables)});
    if let (Value::Array(functions), Some(source)) = (functions, source.as_object_mut())
        && !functions.is_empty()
    {
        source.insert("functions".to_owned(), functions.into());
    }
    source["configuration"] = json!({"connection_info": {
        "database_url": {"from_env": "HASURA_GRAPHQL_DATABASE_URL"},
        "isolation_level": "read-committed",
        "use_prepared_statements": true,
    }});
    source
}

fn databases(folder: &Path, file: &Path) -> Result<Value, Error> {
    let value = required(file)?;
    let Value::Array(sources) = value else { return Err(Error::content(file, "it should hold a list")) };
    let mut read = Vec::with_capacity(sources.len());
    for source in sources {
        let Value::Object(mut source) = source else {
            return Err(Error::content(file, "each database is an object"));
        };
        for key in ["tables", "functions"] {
            if let Some(value) = source.get_mut(key) {
                *value = Includes::new(folder).list(file, value.take())?;
            }
        }
        source.retain(|key, value| key != "functions" || value.as_array().is_none_or(|list| !list.is_empty()));
        for value in source.values_mut() {
            *value = Includes::new(folder).inside(file, value.take())?;
        }
        read.push(source_in_order(source));
    }
    Ok(read.into())
}

/// As Hasura's export has the keys of a source.
fn source_in_order(mut source: Map<String, Value>) -> Value {
    let mut ordered = Map::new();
    for key in ["name", "kind", "tables", "functions", "native_queries", "stored_procedures", "logical_models"] {
        if let Some(value) = source.shift_remove(key) {
            ordered.insert(key.to_owned(), value);
        }
    }
    ordered.extend(source);
    ordered.into()
}

/// How deep files may name files.
const DEPTH: u8 = 16;

/// Follows `!include`.
struct Includes<'a> {
    folder: &'a Path,
    depth: u8,
}

impl<'a> Includes<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, depth: 0 }
    }

    /// A value of `tables` or `functions`: the name of a file (with `!include `, or as a tag, which the parser has
    /// taken away), or the thing itself.
    fn list(&self, from: &Path, value: Value) -> Result<Value, Error> {
        match value {
            Value::String(text) => {
                let (inner, file) = self.open(from, text.strip_prefix("!include ").unwrap_or(&text))?;
                inner.list(&file, required(&file)?)
            }
            Value::Array(list) => list.into_iter().map(|value| self.list(from, value)).collect(),
            other => self.inside(from, other),
        }
    }

    /// `"!include …"` anywhere deeper.
    fn inside(&self, from: &Path, value: Value) -> Result<Value, Error> {
        match value {
            Value::String(text) => match text.strip_prefix("!include ") {
                Some(name) => {
                    let (inner, file) = self.open(from, name)?;
                    inner.inside(&file, required(&file)?)
                }
                None => Ok(text.into()),
            },
            Value::Array(list) => list.into_iter().map(|value| self.inside(from, value)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, value)| Ok((key, self.inside(from, value)?))).collect(),
            other => Ok(other),
        }
    }

    /// A file that another names; one outside the folder may not be named.
    fn open(&self, from: &Path, name: &str) -> Result<(Self, PathBuf), Error> {
        let name = name.trim();
        if self.depth == DEPTH {
            return Err(Error::content(from, format!("files name files more than {DEPTH} deep, {name} at last")));
        }
        let mut path = from.parent().unwrap_or(self.folder).to_path_buf();
        for component in Path::new(name).components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::ParentDir if path != self.folder && path.starts_with(self.folder) => drop(path.pop()),
                _ => return Err(Error::content(from, format!("it includes {name}, which is outside the folder"))),
            }
        }
        Ok((Self { folder: self.folder, depth: self.depth + 1 }, path))
    }
}

pub(super) fn optional(path: &Path) -> Result<Option<Value>, Error> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Error::io("read", path))?,
    };
    let value = parse(&text).map_err(|why| Error::content(path, why))?;
    Ok(Some(value).filter(|value| !value.is_null()))
}

fn required(path: &Path) -> Result<Value, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    parse(&text).map_err(|why| Error::content(path, why))
}

/// YAML as Hasura's command line reads it, of which JSON is a part. A text with only comments is null.
///
/// # Errors
/// What is wrong, with line and column.
pub fn parse(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Null);
    }
    if text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let options = serde_saphyr::options! { budget: None, strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}
