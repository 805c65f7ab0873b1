//! Relationships from foreign keys, and their names (docs/reference/graphql-naming.md states the rule).

use std::collections::HashMap;

use postgres::Ident;
use postgres::catalog::{self, Catalog, ForeignKey};

use super::{Insertion, Model, Relationship, TableId};

struct Candidate<'a> {
    name: String,
    /// What it is called when that name is taken.
    other_name: String,
    target: TableId,
    join: Vec<(&'a str, &'a str)>,
    single: bool,
    not_null: bool,
    insertion: Insertion,
}

/// Every relationship of a table, in order of name.
pub(super) fn of_table(
    model: &Model,
    catalog: &Catalog,
    table: &catalog::Table,
    positions: &HashMap<(&str, &str), TableId>,
) -> Vec<Relationship> {
    let forward = table.foreign_keys.iter().filter_map(|key| forward(table, key, positions));
    let reverse = catalog.referencing(table).filter_map(|(owner, key)| reverse(owner, key, positions));
    let candidates: Vec<Candidate<'_>> = forward.chain(reverse).collect();
    let mut wanted: HashMap<&str, usize> = HashMap::new();
    for candidate in &candidates {
        *wanted.entry(&candidate.name).or_default() += 1;
    }
    let id = positions[&(&*table.schema, &*table.name)];
    let is_column = |name: &str| model.tables[id].columns.iter().any(|column| column.name == name);
    let mut found: Vec<Relationship> = Vec::with_capacity(candidates.len());
    for candidate in &candidates {
        // Every relationship that wants a contested name gives way, so that none depends on the order of keys.
        let contested = wanted[candidate.name.as_str()] > 1 || is_column(&candidate.name);
        let name = if contested { &candidate.other_name } else { &candidate.name };
        let taken = is_column(name) || found.iter().any(|other| other.name == *name);
        if taken || !super::naming::is_name(name) {
            tracing::info!(table = table.name, relationship = name, "left out of GraphQL: its name cannot be used");
            continue;
        }
        found.push(candidate.named(name, model, id));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Candidate<'_> {
    fn named(&self, name: &str, model: &Model, here: TableId) -> Relationship {
        let quoted = |name: &str| Ident::new(name).to_string();
        let position = |table: TableId, name: &str| model.tables[table].column_of_sql(name).unwrap_or_default();
        let columns = self.join.iter().map(|(ours, theirs)| (position(here, ours), position(self.target, theirs)));
        Relationship {
            name: name.to_owned(),
            comment: None,
            target: self.target,
            columns: columns.collect(),
            insertion: self.insertion,
            join: self.join.iter().map(|(here, there)| (quoted(here), quoted(there))).collect(),
            single: self.single,
            not_null: self.not_null,
        }
    }
}

/// From the table that holds the key: one row at most.
fn forward<'a>(
    table: &'a catalog::Table,
    key: &'a ForeignKey,
    positions: &HashMap<(&str, &str), TableId>,
) -> Option<Candidate<'a>> {
    let target = *positions.get(&(&*key.references.schema, &*key.references.name))?;
    let stripped = match key.columns.as_slice() {
        [column] => column.strip_suffix("_id").filter(|rest| !rest.is_empty()),
        _ => None,
    };
    let not_null = |name: &String| table.column(name).is_some_and(|column| column.not_null);
    Some(Candidate {
        name: stripped.unwrap_or(&key.references.name).to_owned(),
        other_name: format!("{}_by_{}", key.references.name, key.columns.join("_")),
        target,
        join: pairs(&key.columns, &key.referenced_columns),
        single: true,
        insertion: Insertion::BeforeParent,
        // A key that is not enforced, or not yet validated, may point nowhere.
        not_null: key.validated && key.enforced && key.columns.iter().all(not_null),
    })
}

/// From the table that is pointed at: many rows, or one where the key's columns are unique.
fn reverse<'a>(
    owner: &'a catalog::Table,
    key: &'a ForeignKey,
    positions: &HashMap<(&str, &str), TableId>,
) -> Option<Candidate<'a>> {
    let target = *positions.get(&(&*owner.schema, &*owner.name))?;
    let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
    Some(Candidate {
        name: owner.name.clone(),
        other_name: format!("{}_by_{}", owner.name, key.columns.join("_")),
        target,
        join: pairs(&key.referenced_columns, &key.columns),
        single: owner.is_unique(&columns),
        not_null: false,
        insertion: Insertion::AfterParent,
    })
}

fn pairs<'a>(here: &'a [String], there: &'a [String]) -> Vec<(&'a str, &'a str)> {
    here.iter().map(String::as_str).zip(there.iter().map(String::as_str)).collect()
}
