//! Which tables are served, and how they are called.

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::{ColumnConfig, CustomRootFields, QualifiedName, Table, TableConfig};
use serde::Deserialize;
use serde_json::Value;

use super::arguments::{default_source, parse};
use super::depend::{self, Object};
use super::draft::{Draft, refuse, success};
use crate::failure::{Code, Failure};

#[derive(Deserialize)]
struct Track {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(default)]
    is_enum: bool,
    #[serde(default)]
    configuration: Option<TableConfig>,
    #[serde(default)]
    apollo_federation_config: Option<Value>,
}

/// `track_table`: the name alone, or an object with it under `table`.
pub fn track(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let track = if arguments.get("table").is_some() {
        parse::<Track>(arguments)?
    } else {
        let table = parse::<QualifiedName>(arguments)?;
        let source = default_source();
        Track { source, table, is_enum: false, configuration: None, apollo_federation_config: None }
    };
    track_one(draft, track)?;
    Ok(success())
}

fn track_one(draft: &mut Draft, track: Track) -> Result<(), Failure> {
    let name = track.table.clone();
    let source = draft.source(&track.source)?;
    if source.table(&name).is_some() {
        return Err(refuse(Code::AlreadyTracked, format!("view/table already tracked: \"{name}\"")));
    }
    if source.function(&name).is_some() {
        return Err(refuse(Code::NotSupported, format!("function with name \"{name}\" already exists")));
    }
    let mut table = Table::new(track.table);
    table.is_enum = track.is_enum;
    table.configuration = track.configuration.unwrap_or_default();
    table.apollo_federation_config = track.apollo_federation_config;
    draft.auto.hidden.remove(&name);
    draft.source_mut(&track.source)?.tables.push(Arc::new(table));
    draft.touch_table(&name);
    Ok(())
}

#[derive(Deserialize)]
struct Untrack {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(default)]
    cascade: Option<bool>,
}

/// `untrack_table`.
pub fn untrack(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    untrack_one(draft, &parse::<Untrack>(arguments)?)?;
    Ok(success())
}

fn untrack_one(draft: &mut Draft, untrack: &Untrack) -> Result<(), Failure> {
    let name = &untrack.table;
    let is_tracked = draft.source(&untrack.source)?.table(name).is_some();
    let by_itself = draft.auto.on && !draft.auto.hidden.contains(name);
    let is_served = by_itself && name.schema == "public" && draft.catalog.table(&name.schema, &name.name).is_some();
    if !is_tracked && !is_served {
        return Err(refuse(Code::AlreadyUntracked, format!("view/table already untracked: \"{name}\"")));
    }
    let dropped = Object::Table(name.clone());
    let dependents = depend::outside(&draft.metadata, &draft.catalog, std::slice::from_ref(&dropped));
    depend::purge(draft, &dependents, untrack.cascade.unwrap_or(false))?;
    if is_tracked {
        draft.source_mut(&untrack.source)?.tables.retain(|table| table.table != *name);
    }
    if draft.auto.on {
        draft.auto.hidden.insert(name.clone());
    }
    Ok(())
}

#[derive(Deserialize)]
struct SetEnum {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    is_enum: bool,
}

/// `set_table_is_enum`.
pub fn set_enum(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<SetEnum>(arguments)?;
    draft.table_mut(&set.source, &set.table)?.is_enum = set.is_enum;
    draft.touch_table(&set.table);
    Ok(success())
}

#[derive(Deserialize)]
struct Customise {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(default)]
    configuration: Option<TableConfig>,
}

/// `set_table_customization`.
pub fn customise(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Customise>(arguments)?;
    draft.table_mut(&set.source, &set.table)?.configuration = set.configuration.unwrap_or_default();
    draft.touch_table(&set.table);
    Ok(success())
}

#[derive(Deserialize)]
struct CustomFields {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(default)]
    custom_root_fields: CustomRootFields,
    #[serde(default)]
    custom_column_names: BTreeMap<String, String>,
}

/// `set_table_custom_fields`, the older form of `set_table_customization`.
pub fn custom_fields(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<CustomFields>(arguments)?;
    let named = set.custom_column_names.into_iter();
    let column_config = named.map(|(column, name)| (column, ColumnConfig { custom_name: Some(name), comment: None }));
    draft.table_mut(&set.source, &set.table)?.configuration = TableConfig {
        column_config: column_config.collect(),
        custom_root_fields: set.custom_root_fields,
        ..TableConfig::default()
    };
    draft.touch_table(&set.table);
    Ok(success())
}

#[derive(Deserialize)]
struct Federate {
    #[serde(default = "default_source")]
    source: String,
    table: QualifiedName,
    #[serde(default)]
    apollo_federation_config: Option<Value>,
}

/// `set_apollo_federation_config`.
pub fn federate(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let set = parse::<Federate>(arguments)?;
    draft.table_mut(&set.source, &set.table)?.apollo_federation_config = set.apollo_federation_config;
    Ok(success())
}
