//! Databases: there is one, `default`, and it can be asked what is in it.

use metadata::{QualifiedName, SourceCustomization};
use postgres::catalog::{self, Catalog, TableKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arguments::{default_source, parse};
use super::draft::{Draft, SOURCE, refuse, success};
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct Add {
    name: String,
    #[serde(default)]
    configuration: Option<Value>,
    #[serde(default)]
    customization: Option<SourceCustomization>,
    #[serde(default)]
    health_check: Option<Value>,
    #[serde(default)]
    replace_configuration: bool,
}

fn only_one(name: &str) -> Result<(), Failure> {
    if name == SOURCE {
        return Ok(());
    }
    Err(refuse(Code::NotSupported, format!("only the source \"{SOURCE}\" is served, not \"{name}\"")))
}

/// `pg_add_source`: the one there is may only be described anew.
pub fn add(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Add>(arguments)?;
    only_one(&new.name)?;
    if !new.replace_configuration {
        return Err(refuse(Code::AlreadyExists, format!("source with name \"{}\" already exists", new.name)));
    }
    describe(draft, new)
}

/// `pg_update_source`.
pub fn update(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let new = parse::<Add>(arguments)?;
    describe(draft, new)
}

fn describe(draft: &mut Draft, new: Add) -> Result<Value, Failure> {
    let source = draft.source_mut(&new.name)?;
    if let Some(configuration) = new.configuration {
        source.configuration = configuration;
    }
    if let Some(customization) = new.customization {
        source.customization = customization;
    }
    if new.health_check.is_some() {
        source.health_check = new.health_check;
    }
    draft.touch(format!("source {}", new.name));
    Ok(success())
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// `pg_drop_source`.
pub fn drop(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let name = parse::<Named>(arguments)?.name;
    draft.source(&name)?;
    Err(refuse(Code::NotSupported, format!("the source \"{name}\" cannot be dropped")))
}

/// `rename_source`.
pub fn rename(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let name = parse::<Named>(arguments)?.name;
    draft.source(&name)?;
    Err(refuse(Code::NotSupported, format!("the source \"{name}\" cannot be renamed")))
}

/// `list_source_kinds`.
pub fn kinds() -> Value {
    json!({ "sources": [{ "builtin": true, "display_name": "Postgres", "kind": "postgres", "available": true }] })
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "default_source")]
    source: String,
    #[serde(default)]
    table: Option<QualifiedName>,
    #[serde(default)]
    name: Option<QualifiedName>,
    #[serde(default)]
    omit_tracked: bool,
    #[serde(default)]
    tables: Option<Vec<QualifiedName>>,
}

impl Asked {
    fn table(&self) -> Result<&QualifiedName, Failure> {
        let found = self.table.as_ref().or(self.name.as_ref());
        found.ok_or_else(|| Failure::new(Code::ParseFailed, "$", "key \"table\" not found"))
    }
}

fn is_own(table: &catalog::Table) -> bool {
    !matches!(table.schema.as_str(), "hdb_catalog" | "hdb_views" | "nself") && table.extension.is_none()
}

/// `get_source_tables`: the names of all tables that can be tracked.
pub fn tables(draft: &Draft, arguments: &Value) -> Result<Value, Failure> {
    let asked = parse::<Asked>(arguments)?;
    draft.source(&asked.source)?;
    let found = draft.catalog.tables.iter().filter(|table| is_own(table));
    Ok(found.map(|table| json!({ "name": table.name, "schema": table.schema })).collect())
}

/// `get_table_info`: a table's columns and keys.
pub fn table_info(draft: &Draft, arguments: &Value) -> Result<Value, Failure> {
    let asked = parse::<Asked>(arguments)?;
    draft.source(&asked.source)?;
    let name = asked.table()?;
    let Some(table) = draft.catalog.table(&name.schema, &name.name) else { return Ok(Value::Null) };
    let kind = match table.kind {
        TableKind::View | TableKind::MaterialisedView => "view",
        TableKind::Table | TableKind::Partitioned | TableKind::Foreign => "table",
    };
    let columns = table.columns.iter().map(|column| {
        json!({
            "name": column.name,
            "type": column.r#type.sql,
            "nullable": !column.not_null,
            "description": column.comment,
            "insertable": column.generated.is_none() && table.is_insertable(),
            "updatable": column.generated.is_none() && table.is_updatable(),
        })
    });
    let keys = table.foreign_keys.iter().map(|key| {
        let mapping = key.columns.iter().zip(&key.referenced_columns);
        let mapping: Map<String, Value> = mapping.map(|(from, to)| (from.clone(), to.as_str().into())).collect();
        let definition = json!({
            "column_mapping": mapping,
            "foreign_table": { "name": key.references.name, "schema": key.references.schema },
        });
        (key.name.clone(), definition)
    });
    Ok(json!({
        "name": { "name": table.name, "schema": table.schema },
        "type": kind,
        "columns": columns.collect::<Vec<_>>(),
        "primary_key": table.primary_key.as_ref().map(|key| &key.columns),
        "foreign_keys": keys.collect::<Map<_, _>>(),
        "description": table.comment,
        "insertable": table.is_insertable(),
        "updatable": table.is_updatable(),
        "deletable": table.is_deletable(),
    }))
}

/// `get_source_trackables`-like list of functions that can be tracked: they return rows of a table.
pub fn trackables(draft: &Draft, arguments: &Value) -> Result<Value, Failure> {
    let asked = parse::<Asked>(arguments)?;
    let source = draft.source(&asked.source)?;
    let name = |schema: &str, name: &str| QualifiedName::new(schema, name);
    let tables =
        draft.catalog.tables.iter().filter(|table| is_own(table)).map(|table| name(&table.schema, &table.name));
    let tables = tables.filter(|name| source.table(name).is_none());
    let functions = draft.catalog.functions.iter().filter(|function| function.extension.is_none());
    let functions = functions.filter(|function| returns_rows(&draft.catalog, function));
    let functions = functions.map(|function| name(&function.schema, &function.name));
    let functions = functions.filter(|name| source.function(name).is_none());
    Ok(json!({ "tables": tables.collect::<Vec<_>>(), "functions": functions.collect::<Vec<_>>() }))
}

fn returns_rows(catalog: &Catalog, function: &catalog::Function) -> bool {
    let returned = function.returns.as_ref();
    returned.is_some_and(|typed| catalog.table(&typed.schema, &typed.name).is_some())
        && !matches!(function.schema.as_str(), "hdb_catalog" | "nself")
}

/// `pg_suggest_relationships`: what the foreign keys between tracked tables would give.
pub fn suggest(draft: &Draft, arguments: &Value) -> Result<Value, Failure> {
    let asked = parse::<Asked>(arguments)?;
    let source = draft.source(&asked.source)?;
    let wanted = |name: &QualifiedName| {
        source.table(name).is_some() && asked.tables.as_ref().is_none_or(|tables| tables.contains(name))
    };
    let mut found = Vec::new();
    for table in &draft.catalog.tables {
        let from = QualifiedName::new(&table.schema, &table.name);
        for key in &table.foreign_keys {
            let to = QualifiedName::new(&key.references.schema, &key.references.name);
            if source.table(&from).is_none() || source.table(&to).is_none() {
                continue;
            }
            let (here, there) = (&key.columns, &key.referenced_columns);
            let single = table.is_unique(&here.iter().map(String::as_str).collect::<Vec<_>>());
            if wanted(&from) && !(asked.omit_tracked && has_object(source, &from, here)) {
                found.push(json!({
                    "type": "object",
                    "from": { "table": from, "columns": here, "constraint_name": key.name },
                    "to": { "table": to, "columns": there },
                }));
            }
            if wanted(&to) && !(asked.omit_tracked && has_reverse(source, &to, &from, here)) {
                found.push(json!({
                    "type": if single { "object" } else { "array" },
                    "from": { "table": to, "columns": there },
                    "to": { "table": from, "columns": here, "constraint_name": key.name },
                }));
            }
        }
    }
    Ok(json!({ "relationships": found }))
}

fn has_object(source: &metadata::Source, table: &QualifiedName, columns: &[String]) -> bool {
    use metadata::{ForeignKeyOn, ObjectUsing};
    source.table(table).is_some_and(|table| {
        table
            .object_relationships
            .iter()
            .any(|found| matches!(&found.using, ObjectUsing::ForeignKey(ForeignKeyOn::Own(own)) if own == columns))
    })
}

fn has_reverse(source: &metadata::Source, table: &QualifiedName, from: &QualifiedName, columns: &[String]) -> bool {
    use metadata::{ArrayUsing, ForeignKeyOn, ObjectUsing, RemoteColumns};
    let same = |remote: &RemoteColumns| remote.table == *from && remote.columns == columns;
    source.table(table).is_some_and(|table| {
        table
            .array_relationships
            .iter()
            .any(|found| matches!(&found.using, ArrayUsing::ForeignKey(remote) if same(remote)))
            || table.object_relationships.iter().any(
                |found| matches!(&found.using, ObjectUsing::ForeignKey(ForeignKeyOn::Remote(remote)) if same(remote)),
            )
    })
}
