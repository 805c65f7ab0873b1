//! Some rows before and after.

use futures::TryStreamExt;
use postgres::Ident;
use postgres::catalog::{Catalog, TableKind};
use serde::Serialize;
use tokio_postgres::Client;

use super::plan::{Action, Plan, TablePlan};
use super::rewrite::Rows;
use super::rules;
use crate::copy::RewriteRow;
use crate::{Error, text};

/// What a run would do to some rows.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    pub tables: Vec<Sample>,
}

/// Some rows of a table, the columns that change only.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    pub table: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Change>>,
}

/// A value before and after; none is NULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Plan {
    /// The first `rows` rows of every table that changes. `client` writes values as [`copy::settle`](crate::copy::settle)
    /// says.
    ///
    /// # Errors
    /// The database, or a value that a rule cannot take.
    pub async fn preview(&self, client: &Client, catalog: &Catalog, rows: usize) -> Result<Preview, Error> {
        let mut tables = Vec::new();
        for table in catalog.tables.iter().filter(|table| table.partition_of.is_none()) {
            let Some(plan) = self.table(&table.schema, &table.name) else { continue };
            let changes = plan.columns.iter().any(|column| column.cell.is_some());
            if plan.action != Action::Rewrite || !changes || table.kind == TableKind::Foreign {
                continue;
            }
            tables.push(self.sample(client, plan, &table.schema, &table.name, rows).await?);
        }
        Ok(Preview { tables })
    }

    async fn sample(
        &self,
        client: &Client,
        plan: &TablePlan,
        schema: &str,
        table: &str,
        rows: usize,
    ) -> Result<Sample, Error> {
        let columns: Vec<String> = plan.columns.iter().map(|column| column.name.clone()).collect();
        let names: Vec<String> = columns.iter().map(|name| Ident::new(name).to_string()).collect();
        let name = Ident::new(schema).dot(table);
        let sql = format!("COPY (SELECT {} FROM {name} LIMIT {rows}) TO STDOUT", names.join(", "));
        let shown: Vec<usize> = (0..columns.len()).filter(|at| plan.columns[*at].cell.is_some()).collect();
        let mut rewrite = Rows::new(self, plan, schema, table, &columns)?;
        let (mut lines, mut changes, mut new) = (text::Lines::new(), Vec::new(), Vec::new());
        let stream = client.copy_out(&sql).await?;
        futures::pin_mut!(stream);
        while let Some(chunk) = stream.try_next().await? {
            lines.push(&chunk, |line| {
                new.clear();
                rewrite.row(line, &mut new)?;
                let (before, after) = (values(line), values(&new));
                let change = |at: &usize| Change { before: before[*at].clone(), after: after[*at].clone() };
                changes.push(shown.iter().map(change).collect());
                Ok::<(), Error>(())
            })?;
        }
        Ok(Sample {
            table: rules::table_name(schema, table),
            columns: shown.into_iter().map(|at| columns[at].clone()).collect(),
            rows: changes,
        })
    }
}

fn values(line: &[u8]) -> Vec<Option<String>> {
    text::fields(line).map(|field| field.text().map(|value| String::from_utf8_lossy(&value).into_owned())).collect()
}
