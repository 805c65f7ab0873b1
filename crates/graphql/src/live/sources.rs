//! From what a statement mentions to what must change for its result to change.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Pool;

use super::batch::{Mentions, Name};
use crate::failure::{Code, Failure};

const READS: &str = include_str!("../../../../assets/sql/live_sources.sql");

/// What a subscription depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Tables that rows are stored in, partitions among them.
    tables: BTreeSet<Name>,
    /// A function may read any table.
    any: bool,
    /// Something in it changes without a word in the log: a materialised view, an unlogged or foreign table, the
    /// server's own catalog, the clock.
    pub polled: bool,
}

/// The tables of one transaction.
#[derive(Debug, Clone, Default)]
pub struct Changes(BTreeMap<String, BTreeSet<String>>);

impl Changes {
    pub fn add(&mut self, schema: &str, table: &str) {
        if self.contains(schema, table) {
            return;
        }
        self.0.entry(schema.to_owned()).or_default().insert(table.to_owned());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, schema: &str, table: &str) -> bool {
        self.0.get(schema).is_some_and(|tables| tables.contains(table))
    }
}

impl Sources {
    /// Asks the catalog what the mentioned views read and which partitions tables have.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub async fn find(pool: &Pool, mentions: &Mentions) -> Result<Self, Failure> {
        let failed = |error: &dyn std::error::Error| {
            tracing::warn!(%error, "what a subscription reads cannot be found out");
            Failure::new(Code::Unexpected, "$", "connection error")
        };
        let client = pool.get().await.map_err(|error| failed(&error))?;
        let split = |names: &BTreeSet<Name>| -> (Vec<String>, Vec<String>) { names.iter().cloned().unzip() };
        let (schemas, names) = split(&mentions.names);
        let (function_schemas, functions) = split(&mentions.functions);
        let statement = client.prepare_cached(READS).await.map_err(|error| failed(&error))?;
        let rows = client
            .query(&statement, &[&schemas, &names, &function_schemas, &functions])
            .await
            .map_err(|error| failed(&error))?;
        let mut sources = Self { any: !mentions.functions.is_empty(), ..Self::default() };
        for row in &rows {
            sources.any |= row.get::<_, bool>("any_table");
            sources.polled |= row.get::<_, bool>("unheard");
            if let (Some(schema), Some(name)) = (row.get("schema"), row.get("name")) {
                sources.tables.insert((schema, name));
            }
        }
        Ok(sources)
    }

    /// Whether a transaction may have changed the result.
    pub fn hears(&self, changes: &Changes) -> bool {
        self.any || self.tables.iter().any(|(schema, name)| changes.contains(schema, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_tables_wake_a_subscription() {
        let mut changes = Changes::default();
        changes.add("public", "b");
        let reads =
            |name: &str| Sources { tables: [("public".to_owned(), name.to_owned())].into(), ..Sources::default() };
        assert!(reads("b").hears(&changes) && !reads("a").hears(&changes));
        assert!(Sources { any: true, ..Sources::default() }.hears(&changes));
    }
}
