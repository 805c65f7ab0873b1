//! What happens to every column of a database, decided before the first row is read.

mod resolve;

use std::collections::BTreeMap;
use std::sync::Arc;

use postgres::catalog::{Catalog, Column, Table, TableKind};
use serde::Serialize;
use tokio_postgres::Client;

use super::cell::{Cell, Maker};
use super::classes::{planned, root};
use super::detect::{self, Suspect};
use super::key::Key;
use super::originals::Originals;
use super::rules::{self, Rules, TableRules};
use super::shape::Shape;
use super::{ColumnName, Finding, MaskError, Rule};
use crate::Error;

/// What is done with each table, ready to rewrite rows.
pub struct Plan {
    /// By schema and name. Partitions stand under their own names with their root's plan.
    pub(super) tables: BTreeMap<(String, String), Arc<TablePlan>>,
    pub(super) originals: Originals,
    pub(super) rules: Rules,
    /// Views, sequences and functions hold no rows; a foreign table's rows stay where they are.
    summary: Summary,
}

/// One table's part of a [`Plan`].
pub(super) struct TablePlan {
    pub action: Action,
    pub columns: Vec<ColumnPlan>,
}

/// What happens to a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Copied, with the rules of its columns.
    Rewrite,
    /// Copied as they are.
    Keep,
    /// Left behind.
    Empty,
}

/// One column's part of a [`Plan`].
pub(super) struct ColumnPlan {
    pub name: String,
    pub shape: Shape,
    pub rule: Option<Rule>,
    pub cell: Option<Cell>,
    /// The columns that decide by how many days its dates move.
    pub subject: Vec<String>,
    /// Nobody has decided about it: its values are looked at on their way.
    pub watched: bool,
    /// A replacement that equals an original is a leak.
    pub telling: bool,
}

/// A plan as people and programs see it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    pub tables: Vec<TableSummary>,
}

/// A table of a [`Summary`].
#[derive(Debug, Clone, Serialize)]
pub struct TableSummary {
    /// As the rules file writes it.
    pub table: String,
    pub action: Action,
    /// Rules that change values, by column.
    pub columns: BTreeMap<String, Rule>,
}

/// What a plan is made from.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub rules: Rules,
    pub key: Key,
    /// A bcrypt hash that takes the place of everybody's password; none: nobody has one.
    pub password: Option<String>,
}

/// A table's rules before they are checked against one another.
pub(super) struct Draft<'a> {
    pub table: &'a Table,
    pub action: Action,
    /// By place in the table's columns.
    pub columns: Vec<DraftColumn>,
}

pub(super) struct DraftColumn {
    pub shape: Shape,
    pub rule: Option<Rule>,
    pub kind: Option<super::Kind>,
}

impl Plan {
    /// Reads the rules against the database that `client` is connected to, and looks at columns that have none.
    ///
    /// # Errors
    /// [`MaskError::Unclassified`] when a column without a rule looks personal; [`MaskError::Unknown`],
    /// [`MaskError::Unsuitable`] when a rule does not fit.
    pub async fn prepare(client: &Client, catalog: &Catalog, recipe: &Recipe) -> Result<Self, Error> {
        let (drafts, found) = Self::draft(client, catalog, recipe).await?;
        if !found.is_empty() {
            return Err(MaskError::Unclassified { found, file: recipe.rules.file.clone() }.into());
        }
        Ok(Self::build(catalog, drafts, recipe)?)
    }

    /// The columns that look personal and have no rule. None is a good answer.
    ///
    /// # Errors
    /// A rule that does not fit, or the database.
    pub async fn findings(client: &Client, catalog: &Catalog, recipe: &Recipe) -> Result<Vec<Finding>, Error> {
        Ok(Self::draft(client, catalog, recipe).await?.1)
    }

    async fn draft<'a>(
        client: &Client,
        catalog: &'a Catalog,
        recipe: &Recipe,
    ) -> Result<(Vec<Draft<'a>>, Vec<Finding>), Error> {
        resolve::check_names(catalog, &recipe.rules)?;
        let mut drafts: Vec<Draft<'a>> =
            planned(catalog).into_iter().map(|table| resolve::draft(catalog, table, &recipe.rules)).collect();
        resolve::spread(catalog, &mut drafts)?;
        resolve::check_references(&drafts)?;
        let (places, suspects) = suspects(&drafts);
        let verdicts = detect::look(client, &suspects, recipe.rules.strict).await?;
        let mut found = Vec::new();
        for ((table, column), verdict) in places.into_iter().zip(verdicts) {
            drafts[table].columns[column].kind = verdict.kind;
            found.extend(verdict.finding);
        }
        // A foreign table has no rows here, but who reads it in the copy reads the originals.
        for draft in drafts.iter().filter(|draft| draft.table.kind == TableKind::Foreign && !resolve::is_decided(draft))
        {
            for column in &draft.table.columns {
                found.push(Finding {
                    column: ColumnName::new(&draft.table.schema, &draft.table.name, &column.name),
                    why: "a foreign table shows another server's rows; say `empty` or `keep` of the table".to_owned(),
                    suggestion: Rule::Keep,
                });
            }
        }
        resolve::alike(catalog, &drafts, &mut found);
        Ok((drafts, found))
    }

    fn build(catalog: &Catalog, drafts: Vec<Draft<'_>>, recipe: &Recipe) -> Result<Self, MaskError> {
        let maker = Arc::new(Maker::new(recipe.key.clone(), recipe.password.clone()));
        let demands = resolve::demands(catalog, &drafts)?;
        let mut tables = BTreeMap::new();
        let mut summary = Summary::default();
        for (draft, demands) in drafts.iter().zip(demands) {
            let columns = draft
                .table
                .columns
                .iter()
                .zip(draft.columns.iter().zip(demands))
                .map(|(column, (decided, demands))| column_plan(&maker, draft, column, decided, &demands))
                .collect::<Result<Vec<_>, MaskError>>()?;
            summary.tables.push(table_summary(draft));
            let plan = Arc::new(TablePlan { action: draft.action, columns });
            tables.insert((draft.table.schema.clone(), draft.table.name.clone()), plan);
        }
        for table in catalog.tables.iter().filter(|table| table.partition_of.is_some()) {
            let parent = root(catalog, table);
            if let Some(plan) = tables.get(&(parent.schema.clone(), parent.name.clone())) {
                let plan = Arc::clone(plan);
                tables.insert((table.schema.clone(), table.name.clone()), plan);
            }
        }
        Ok(Self { tables, originals: Originals::default(), rules: recipe.rules.clone(), summary })
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Nothing has come into being in `catalog` since the plan was made.
    ///
    /// # Errors
    /// [`MaskError::UnknownTable`].
    pub(super) fn covers(&self, catalog: &Catalog) -> Result<(), MaskError> {
        for table in planned(catalog) {
            let known = self.table(&table.schema, &table.name).is_some_and(|plan| {
                table.columns.iter().all(|column| {
                    plan.columns
                        .iter()
                        .any(|known| known.name == column.name && known.shape == Shape::of(catalog, column))
                })
            });
            if !known {
                return Err(MaskError::UnknownTable { table: rules::table_name(&table.schema, &table.name) });
            }
        }
        Ok(())
    }

    pub(super) fn table(&self, schema: &str, table: &str) -> Option<&TablePlan> {
        self.tables.get(&(schema.to_owned(), table.to_owned())).map(AsRef::as_ref)
    }
}

/// Columns to look at, and where their drafts are.
fn suspects<'a>(drafts: &[Draft<'a>]) -> (Vec<(usize, usize)>, Vec<Suspect<'a>>) {
    let mut places = Vec::new();
    let mut suspects = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        if draft.action != Action::Rewrite || draft.table.kind == TableKind::Foreign {
            continue;
        }
        for (place, (column, decided)) in draft.table.columns.iter().zip(&draft.columns).enumerate() {
            let classified = match decided.rule {
                None => false,
                Some(Rule::Fake { kind: None }) => true,
                Some(_) => continue,
            };
            if detect::is_computed(column) {
                continue;
            }
            places.push((at, place));
            suspects.push(Suspect { table: draft.table, column, shape: decided.shape.clone(), classified });
        }
    }
    (places, suspects)
}

fn column_plan(
    maker: &Arc<Maker>,
    draft: &Draft<'_>,
    column: &Column,
    decided: &DraftColumn,
    demands: &super::cell::Demands,
) -> Result<ColumnPlan, MaskError> {
    let table = draft.table;
    let name = || ColumnName::new(&table.schema, &table.name, &column.name);
    let unsuitable = |problem: &str| MaskError::Unsuitable { column: name(), problem: problem.to_owned() };
    let rule = decided.rule.as_ref().filter(|rule| rule.changes() && draft.action == Action::Rewrite);
    let cell = match rule {
        None => None,
        Some(_) if detect::is_computed(column) => {
            return Err(unsuitable("it is computed from other columns; give those a rule"));
        }
        Some(_) if table.partitioning.as_ref().is_some_and(|by| by.columns.contains(&column.name)) => {
            return Err(unsuitable("the table is partitioned by it, and a row would belong to another partition"));
        }
        Some(rule) => Some(Cell::new(maker, rule, demands).map_err(|problem| unsuitable(&problem))?),
    };
    let subject = match rule {
        Some(Rule::Shift { by: Some(by), .. }) if table.column(by).is_none() => {
            return Err(unsuitable(&format!("the table has no column {by}")));
        }
        Some(Rule::Shift { by: Some(by), .. }) => vec![by.clone()],
        Some(Rule::Shift { by: None, .. } | Rule::Fake { .. })
            if matches!(decided.shape, Shape::Date | Shape::Timestamp) =>
        {
            table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let kind = match rule {
        Some(Rule::Fake { kind }) => kind.or(demands.kind),
        _ => None,
    };
    let small = matches!(decided.shape.element(), Shape::Integer { .. } | Shape::Decimal { .. } | Shape::Float);
    Ok(ColumnPlan {
        name: column.name.clone(),
        shape: decided.shape.clone(),
        rule: rule.cloned(),
        cell,
        subject,
        watched: draft.action == Action::Rewrite
            && decided.rule.is_none()
            && decided.shape.holds_text()
            && !detect::is_computed(column),
        telling: kind.is_some_and(super::Kind::is_telling) && !small,
    })
}

fn table_summary(draft: &Draft<'_>) -> TableSummary {
    let changed = |(column, decided): (&Column, &DraftColumn)| {
        let rule = decided.rule.as_ref().filter(|rule| rule.changes())?;
        // What `fake` will be taken for.
        let rule = match rule {
            Rule::Fake { kind: None } if decided.shape != Shape::Json => Rule::Fake { kind: decided.kind },
            rule => rule.clone(),
        };
        Some((column.name.clone(), rule))
    };
    let columns = draft.table.columns.iter().zip(&draft.columns).filter_map(changed);
    TableSummary {
        table: rules::table_name(&draft.table.schema, &draft.table.name),
        action: draft.action,
        columns: if draft.action == Action::Rewrite { columns.collect() } else { BTreeMap::new() },
    }
}

/// What the file says about a table, its parents' rules included where it inherits.
pub(super) fn table_rules<'r>(catalog: &Catalog, rules: &'r Rules, table: &Table) -> Vec<&'r TableRules> {
    let mut found: Vec<&TableRules> = rules.table(&table.schema, &table.name).into_iter().collect();
    for parent in table.inherits.iter().filter_map(|name| catalog.table(&name.schema, &name.name)) {
        found.extend(table_rules(catalog, rules, parent));
    }
    found
}
