//! Which tables get mock rows, and how many.

use std::collections::BTreeMap;

use postgres::catalog::{Catalog, Name, Table, TableKind};

use super::{Inputs, display, name_of};
use crate::mock::{MockError, config::DEFAULT_COUNT};

/// Schemas of services: their tables get rows only when the configuration names them, or when a table with mock rows refers to
/// one that is empty.
const SERVICES: [&str; 2] = ["auth", "storage"];
/// Schemas that hold what nself itself keeps.
const HIDDEN: [&str; 4] = ["nself", "hdb_catalog", "hdb_views", "mail"];

/// A table that was chosen, with the rows it should get.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    pub table: &'a Table,
    pub wanted: u64,
}

/// True for a table that mock rows can be written to: not a view, a partition, or part of an extension.
pub(crate) fn is_candidate(table: &Table) -> bool {
    matches!(table.kind, TableKind::Table | TableKind::Partitioned)
        && table.partition_of.is_none()
        && table.extension.is_none()
        && !HIDDEN.contains(&table.schema.as_str())
}

/// True for a service's table that no table outside the services refers to.
pub(crate) fn is_service(catalog: &Catalog, table: &Table) -> bool {
    SERVICES.contains(&table.schema.as_str())
        && !catalog.referencing(table).any(|(child, _)| !SERVICES.contains(&child.schema.as_str()))
}

/// The table a person means by `users` or `public.users`.
pub(crate) fn find<'a>(catalog: &'a Catalog, wanted: &str) -> Result<&'a Table, MockError> {
    let (schema, name) = wanted.split_once('.').unwrap_or(("public", wanted));
    let table = catalog.table(schema, name).or_else(|| catalog.table("public", wanted));
    table.filter(|table| is_candidate(table)).ok_or_else(|| {
        let known: Vec<String> =
            catalog.tables.iter().filter(|table| is_candidate(table)).map(|table| display(&name_of(table))).collect();
        let near = known.iter().map(|name| (strsim::jaro_winkler(name, wanted), name));
        let near = near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
        MockError::Table { wanted: wanted.to_owned(), near: near.map(|(_, name)| name.clone()) }
    })
}

/// The chosen tables in order of name, and notes for the person about those that stay as they are.
pub(super) fn select<'a>(inputs: &Inputs<'a>, notes: &mut Vec<String>) -> Result<Vec<Chosen<'a>>, MockError> {
    let catalog = inputs.catalog;
    for name in inputs.config.tables.keys() {
        find(catalog, name).map_err(|error| configured(name, error))?;
    }
    let mut chosen: BTreeMap<Name, Chosen<'a>> = BTreeMap::new();
    let mut queue: Vec<&'a Table> = Vec::new();
    if inputs.only.is_empty() {
        queue.extend(catalog.tables.iter().filter(|table| {
            is_candidate(table)
                && (!SERVICES.contains(&table.schema.as_str())
                    || inputs.config.table(&table.schema, &table.name).is_some())
        }));
    } else {
        for wanted in inputs.only {
            queue.push(find(catalog, wanted)?);
        }
    }
    let asked = queue.len();
    let mut at = 0;
    while let Some(&table) = queue.get(at) {
        at += 1;
        let name = name_of(table);
        if chosen.contains_key(&name) {
            continue;
        }
        let wanted = wanted(inputs, table, !inputs.only.is_empty() && at <= asked, notes);
        if wanted == 0 {
            continue;
        }
        chosen.insert(name, Chosen { table, wanted });
        // Parents without a row come along.
        let parents = table.foreign_keys.iter().filter_map(|key| {
            let parent = catalog.table(&key.references.schema, &key.references.name)?;
            let empty = inputs.present.of(parent).is_none_or(|present| present.own == 0 && present.mock == 0);
            (is_candidate(parent) && empty).then_some(parent)
        });
        queue.extend(parents);
    }
    Ok(chosen.into_values().collect())
}

/// How many rows the table should get; 0 leaves it alone.
fn wanted(inputs: &Inputs<'_>, table: &Table, named: bool, notes: &mut Vec<String>) -> u64 {
    let config = inputs.config.table(&table.schema, &table.name);
    let count = config.and_then(|config| config.count);
    let own = inputs.present.of(table).map_or(0, |present| present.own);
    if count == Some(0) && !named {
        return 0;
    }
    // Rows that a person or a seed put there are worth more than ours: such a table is filled only by an explicit wish.
    if count.is_none() && own > 0 && !named {
        let rows = if own == 1 { "1 row".to_owned() } else { format!("{own} rows") };
        notes.push(format!("{} is left alone: it has {rows} of its own", display(&name_of(table))));
        return 0;
    }
    let usual = inputs.config.count.unwrap_or(DEFAULT_COUNT);
    inputs.preset.map_or_else(|| count.filter(|count| *count > 0).unwrap_or(usual), |preset| preset.rows())
}

/// The same error, as one of the configuration file.
fn configured(name: &str, error: MockError) -> MockError {
    match error {
        MockError::Table { near, .. } => MockError::Config {
            file: super::CONFIG.into(),
            problem: format!("`tables` names {name}, and the database has no such table"),
            hint: near.map(|near| format!("did you mean {near}?")),
        },
        other => other,
    }
}
