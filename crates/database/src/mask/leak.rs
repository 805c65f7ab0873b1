//! The leak check: after the rows are written and before anybody sees them, what is there now is joined with the hashes of
//! what was replaced. It shares nothing with the rewriting but the list of columns.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use postgres::Ident;
use postgres::catalog::{Catalog, Table, TableKind};
use tokio_postgres::Client;

use super::originals::SHORTEST;
use super::plan::{Action, ColumnPlan, Plan};
use super::rewrite::parts;
use super::shape::Shape;
use super::{ColumnName, Leak, MaskError, Rule, detect};
use crate::{Error, text};

/// Words of a name that stand together.
const WORDS: usize = 3;

/// What the check looked at.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Checked {
    /// Originals that were looked for.
    pub originals: usize,
    pub columns: usize,
    /// Values that were looked at.
    pub values: u64,
}

impl Plan {
    /// Looks for originals in the database that `client` is connected to.
    ///
    /// # Errors
    /// [`MaskError::Leaked`].
    pub async fn check(&self, client: &Client, catalog: &Catalog) -> Result<Checked, Error> {
        self.check_some(client, catalog, &|_| true).await
    }

    /// The same in some tables.
    pub(super) async fn check_some(
        &self,
        client: &Client,
        catalog: &Catalog,
        wanted: &(dyn Fn(&Table) -> bool + Sync),
    ) -> Result<Checked, Error> {
        let mut checked = Checked { originals: self.originals.len(), ..Checked::default() };
        let mut leaks: BTreeMap<ColumnName, u64> = BTreeMap::new();
        for table in catalog
            .tables
            .iter()
            .filter(|table| table.kind == TableKind::Table && table.extension.is_none() && wanted(table))
        {
            let Some(plan) = self.table(&table.schema, &table.name) else { continue };
            let columns: Vec<&ColumnPlan> = plan
                .columns
                .iter()
                .filter(|column| plan.action != Action::Empty && is_looked_at(column))
                .filter(|column| !self.rules.accepts(&table.schema, &table.name, &column.name))
                .collect();
            if columns.is_empty() {
                continue;
            }
            checked.columns += columns.len();
            let names: Vec<String> = columns.iter().map(|column| Ident::new(&column.name).to_string()).collect();
            let sql = format!(
                "COPY (SELECT {} FROM ONLY {}) TO STDOUT",
                names.join(", "),
                Ident::new(&table.schema).dot(&table.name)
            );
            let counts = self.count(client, &sql, &columns, &mut checked.values).await?;
            for (column, values) in columns.iter().zip(counts).filter(|(_, values)| *values > 0) {
                leaks.insert(ColumnName::new(&table.schema, &table.name, &column.name), values);
            }
        }
        if leaks.is_empty() {
            return Ok(checked);
        }
        let found = leaks.into_iter().map(|(column, values)| Leak { column, values }).collect();
        Err(MaskError::Leaked { found }.into())
    }

    async fn count(
        &self,
        client: &Client,
        sql: &str,
        columns: &[&ColumnPlan],
        values: &mut u64,
    ) -> Result<Vec<u64>, Error> {
        let mut counts = vec![0; columns.len()];
        let mut lines = text::Lines::new();
        let rows = client.copy_out(sql).await?;
        futures::pin_mut!(rows);
        while let Some(chunk) = rows.try_next().await? {
            lines.push(&chunk, |line| {
                for ((field, column), count) in text::fields(line).zip(columns).zip(&mut counts) {
                    let Some(value) = field.text() else { continue };
                    *values += 1;
                    if self.is_leak(column, &String::from_utf8_lossy(&value)) {
                        *count += 1;
                    }
                }
                Ok::<(), Error>(())
            })?;
        }
        Ok(counts)
    }

    fn is_leak(&self, column: &ColumnPlan, value: &str) -> bool {
        let mut found = false;
        parts(&column.shape, value, &mut |part| {
            found = found || self.originals.hold(part) || (column.rule.is_none() && self.holds_inside(part));
        });
        found
    }

    /// An original somewhere inside a longer text: an address, a number, two or three words that stand together.
    fn holds_inside(&self, text: &str) -> bool {
        if text.len() < SHORTEST {
            return false;
        }
        let trim = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '+').to_owned();
        let words: Vec<String> = text.split_whitespace().map(trim).filter(|word| !word.is_empty()).collect();
        let together = |length: usize| words.windows(length).any(|window| self.originals.hold(&window.join(" ")));
        (1..=WORDS).any(together)
            || text
                .split(|c: char| {
                    c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '\'' | '(' | ')' | ':' | '=')
                })
                .any(|token| detect::is_email(token) && self.originals.hold(token.trim_matches('.')))
            || self.holds_number(text)
    }

    /// A number whose digits are parted in any way.
    fn holds_number(&self, text: &str) -> bool {
        let part = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+');
        text.split(|c: char| !part(c)).filter(|run| run.len() >= 9).any(|run| self.originals.hold(run))
    }
}

/// Columns that nothing was changed in and that can hold a text, and replacements that nobody else has by chance.
fn is_looked_at(column: &ColumnPlan) -> bool {
    match &column.rule {
        None => column.shape.holds_text() && column.shape != Shape::Bytes,
        Some(Rule::Json { .. } | Rule::Hash { .. } | Rule::Template { .. }) => true,
        Some(_) => column.telling || column.shape == Shape::Json,
    }
}
