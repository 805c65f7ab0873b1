//! The rules that nobody checks while triggers are off: foreign keys, and keys that are deferred.

use std::collections::BTreeSet;

use postgres::{
    Ident,
    catalog::{Catalog, ForeignKey, Key, Name, Table},
};
use tokio_postgres::Client;

use super::present::{full, quoted};
use crate::{
    Error,
    mock::{
        MockError,
        plan::{display, name_of},
    },
};

/// Checks every key from or to the tables whose rows have changed.
///
/// # Errors
/// [`MockError::Referenced`] for rows that are not mock data and lost what they referred to, [`MockError::Rejected`] for mock rows
/// that refer to nothing or come twice.
pub(super) async fn verify(
    client: &Client,
    catalog: &Catalog,
    changed: &BTreeSet<Name>,
    generated: &BTreeSet<Name>,
) -> Result<(), Error> {
    let mut lost = Vec::new();
    for table in catalog.tables.iter().filter(|table| table.partition_of.is_none()) {
        let name = name_of(table);
        let enforced = table.foreign_keys.iter().filter(|key| key.enforced && key.validated);
        for key in enforced.filter(|key| changed.contains(&name) || changed.contains(&key.references)) {
            if client.query_opt(&orphan(table, key), &[]).await?.is_none() {
                continue;
            }
            let told = format!("{} ({}) refers to {}", display(&name), key.name, display(&key.references));
            if generated.contains(&name) {
                return Err(MockError::Rejected {
                    table: display(&name),
                    message: format!("a row refers to nothing in {}", display(&key.references)),
                    detail: None,
                    constraint: Some(key.name.clone()),
                }
                .into());
            }
            lost.push(told);
        }
        if generated.contains(&name) {
            twice(client, table).await?;
        }
    }
    if lost.is_empty() { Ok(()) } else { Err(MockError::Referenced { keys: lost }.into()) }
}

/// Finds one row whose key refers to nothing.
fn orphan(table: &Table, key: &ForeignKey) -> String {
    let pairs = || key.columns.iter().zip(&key.referenced_columns);
    let same: Vec<String> =
        pairs().map(|(child, parent)| format!("child.{} = parent.{}", Ident::new(child), Ident::new(parent))).collect();
    let given: Vec<String> =
        key.columns.iter().map(|column| format!("child.{} IS NOT NULL", Ident::new(column))).collect();
    format!(
        "SELECT FROM {} child WHERE {} AND NOT EXISTS (SELECT FROM {} parent WHERE {}) LIMIT 1",
        quoted(table),
        given.join(" AND "),
        full(&key.references),
        same.join(" AND ")
    )
}

/// A deferrable key is checked by a trigger, and triggers are off.
async fn twice(client: &Client, table: &Table) -> Result<(), Error> {
    let keys = table.primary_key.iter().chain(&table.unique_keys).filter(|key| key.deferrable);
    for Key { name, columns, .. } in keys {
        let names: Vec<String> = columns.iter().map(|column| Ident::new(column).to_string()).collect();
        let given: Vec<String> = names.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let sql = format!(
            "SELECT FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
            quoted(table),
            given.join(" AND "),
            names.join(", ")
        );
        if client.query_opt(&sql, &[]).await?.is_some() {
            return Err(MockError::Rejected {
                table: display(&name_of(table)),
                message: "a key comes twice".to_owned(),
                detail: None,
                constraint: Some(name.clone()),
            }
            .into());
        }
    }
    Ok(())
}
