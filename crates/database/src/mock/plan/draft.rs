//! The first step of a plan: each chosen table with its links to parents and its columns' values.

use std::collections::BTreeSet;

use postgres::catalog::{self, Name, Table};

use super::{
    CONFIG, Inputs, display, links, name_of, partition,
    select::{self, Chosen},
    unique::{self, Tuple},
};
use crate::mock::{
    MockError, config,
    values::{self, Planner, Settings, Spec, TableChecks},
};

/// The kind of a column that chooses a parent's row.
pub(crate) const FOREIGN_KEY: &str = "foreignKey";
/// The kind of a column that the database fills by its DEFAULT.
pub(crate) const DEFAULT: &str = "default";

/// All chosen tables.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub tables: Vec<DraftTable<'a>>,
    pub notes: Vec<String>,
    pub seed: u64,
}

#[derive(Debug)]
pub(crate) struct DraftTable<'a> {
    pub table: &'a Table,
    pub wanted: u64,
    pub triggers: config::Triggers,
    /// In the order of COPY's columns; without those that the database fills.
    pub columns: Vec<DraftColumn<'a>>,
    pub links: Vec<Link>,
    pub tuples: Vec<Tuple>,
}

#[derive(Debug)]
pub(crate) struct DraftColumn<'a> {
    pub column: &'a catalog::Column,
    pub source: Source,
}

/// Where a column's cells come from.
#[derive(Debug)]
pub(crate) enum Source {
    Values {
        values: values::Column,
        mode: Mode,
    },
    /// Column `member` of the parent's key that `link` chose.
    Link {
        link: usize,
        member: usize,
    },
}

/// Which of a column's values, or of a link's parents, a row gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Any.
    Free,
    /// Number `row`: another one for each row.
    Row,
    /// A part of a [`Tuple`]: combinations differ.
    Member { tuple: usize, member: usize },
    /// Links only: one parent after the other, again and again, so that a parent's rows can be found by counting.
    Turn,
}

/// A choice among the rows of a parent table.
#[derive(Debug)]
pub(crate) struct Link {
    /// The constraint, or the column where only the configuration says so.
    pub name: String,
    /// Positions in [`DraftTable::columns`].
    pub columns: Vec<usize>,
    pub parent: Parent,
    /// Of the parent, in the order of `columns`.
    pub parent_columns: Vec<String>,
    pub mode: Mode,
    /// A share of rows, 0 to 1.
    pub nulls: f64,
    pub nullable: bool,
    pub skew: Skew,
    /// Another link that this one shares columns with, and what both parents have to agree in.
    pub partner: Option<Partner>,
}

/// Two parents of one row that must belong to the same third row: a task's user and project, to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partner {
    /// Position among the table's links; it chooses first.
    pub link: usize,
    /// The column of the first parent, and the one of this link's, that refer to the third table.
    pub columns: [String; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parent {
    /// Position in [`Draft::tables`].
    Chosen(usize),
    /// Rows that are there already.
    Present(Name),
    /// An empty table: NULL is all that can be said.
    Nothing,
}

/// How unevenly parents are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skew {
    Uniform,
    /// Much like Zipf's law: a few parents have many children.
    Zipf,
}

impl<'a> Draft<'a> {
    /// Chooses tables, links and values.
    ///
    /// # Errors
    /// [`MockError::Config`], [`MockError::Table`], [`MockError::Plan`].
    pub fn new(inputs: &Inputs<'a>) -> Result<Self, MockError> {
        let now = inputs.config.now().map_err(|problem| invalid(problem, None))?;
        let locale = inputs.config.locale.clone().unwrap_or_else(|| "en".to_owned());
        let planner = Planner::new(inputs.catalog, Settings { locale, now });
        let mut notes = Vec::new();
        let chosen = select::select(inputs, &mut notes)?;
        let names: Vec<Name> = chosen.iter().map(|chosen| name_of(chosen.table)).collect();
        let mut tables = Vec::new();
        for chosen in &chosen {
            let mut table = Builder { inputs, planner: &planner, names: &names, notes: &mut notes }.table(chosen)?;
            unique::decide(&mut table, &mut notes)?;
            tables.push(table);
        }
        links::take_turns(&mut tables)?;
        Ok(Self { tables, notes, seed: inputs.seed })
    }

    /// The keys that links need of tables that are not generated.
    pub fn wanted_keys(&self) -> BTreeSet<(Name, Vec<String>)> {
        let links = self.tables.iter().flat_map(|table| &table.links);
        links
            .filter_map(|link| match &link.parent {
                Parent::Present(name) => Some((name.clone(), link.parent_columns.clone())),
                _ => None,
            })
            .collect()
    }
}

impl DraftTable<'_> {
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|draft| draft.column.name == column)
    }
}

/// Builds one table.
pub(super) struct Builder<'b, 'a> {
    pub inputs: &'b Inputs<'a>,
    planner: &'b Planner<'a>,
    pub names: &'b [Name],
    pub notes: &'b mut Vec<String>,
}

/// By its name or an alias.
pub(super) fn is_foreign_key(spec: &Spec) -> bool {
    canonical(spec) == FOREIGN_KEY
}

/// The name of a kind that may be spelled by an alias.
fn canonical(spec: &Spec) -> &str {
    let same = |name: &&str| name.eq_ignore_ascii_case(&spec.kind);
    let kind = values::KINDS.iter().find(|kind| same(&kind.name) || kind.aliases.iter().any(&same));
    kind.map_or(spec.kind.as_str(), |kind| kind.name)
}

impl<'a> Builder<'_, 'a> {
    fn table(&mut self, chosen: &Chosen<'a>) -> Result<DraftTable<'a>, MockError> {
        let table = chosen.table;
        let config = self.inputs.config.table(&table.schema, &table.name);
        let mut specs = Vec::new();
        for (name, value) in config.iter().flat_map(|config| &config.columns) {
            let at = |problem: String| invalid(format!("tables.{}.columns.{name}: {problem}", shown(table)), None);
            let column = table.column(name).ok_or_else(|| at("the table has no such column".to_owned()))?;
            let spec = config::spec(value).map_err(at)?;
            if column.generated.is_some() && canonical(&spec) != DEFAULT {
                return Err(at("the database computes it: it takes no value".to_owned()));
            }
            specs.push((name.as_str(), spec));
        }
        let checks = self.planner.checks(table);
        for (constraint, expression) in &checks.not_understood {
            self.notes.push(format!("{}: the check {constraint} is not understood: {expression}", shown(table)));
        }
        let order = order(table, &specs, &checks);
        let sketches = self.sketches(table, &specs)?;
        let mut columns: Vec<DraftColumn<'a>> = Vec::new();
        let conditions = partition::conditions(self.inputs.catalog, table);
        for column in order {
            let linked = sketches.iter().enumerate().find_map(|(link, sketch)| {
                let member = sketch.columns.iter().position(|name| *name == column.name)?;
                Some(Source::Link { link, member })
            });
            let source = match linked {
                Some(source) => source,
                None => {
                    let before: Vec<&str> = columns.iter().map(|draft| draft.column.name.as_str()).collect();
                    let spec = specs.iter().find(|(name, _)| *name == column.name).map(|(_, spec)| spec);
                    let extra: Vec<String> = conditions
                        .iter()
                        .filter(|(name, _)| *name == column.name)
                        .map(|(_, condition)| condition.clone())
                        .collect();
                    self.values(table, column, spec, &before, &extra)?
                }
            };
            columns.push(DraftColumn { column, source });
        }
        let mut draft = DraftTable {
            table,
            wanted: chosen.wanted,
            triggers: config.map(|config| config.triggers).unwrap_or_default(),
            columns,
            links: Vec::new(),
            tuples: Vec::new(),
        };
        for sketch in sketches {
            let columns = sketch.columns.iter().filter_map(|name| draft.position(name)).collect();
            draft.links.push(Link { columns, ..sketch.link });
        }
        Ok(draft)
    }

    fn values(
        &self,
        table: &Table,
        column: &catalog::Column,
        spec: Option<&Spec>,
        before: &[&str],
        extra: &[String],
    ) -> Result<Source, MockError> {
        let mut used = spec.cloned().unwrap_or_else(|| self.planner.guess(table, column).spec);
        let highest = self.inputs.present.of(table).and_then(|present| present.maxima.get(&column.name));
        if canonical(&used) == "sequence"
            && !used.options.contains_key("start")
            && let Some(&highest) = highest
        {
            used.options.insert("start".to_owned(), start_above(highest).into());
        }
        match self.planner.column(table, column, &used, before, extra) {
            Ok(values) => Ok(Source::Values { values, mode: Mode::Free }),
            Err(error) if spec.is_some() => {
                Err(invalid(format!("tables.{}.columns.{}: {}", shown(table), column.name, error.message), error.hint))
            }
            Err(error) => Err(MockError::Plan {
                table: shown(table),
                problem: format!("no values are known for {}: {}", column.name, error.message),
                fix: format!(
                    "say what it holds in {CONFIG}, or leave the table out with `count: 0`{}",
                    error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default()
                ),
            }),
        }
    }
}

/// The columns that COPY writes, each after those it depends on, else as declared.
fn order<'a>(table: &'a Table, specs: &[(&str, Spec)], checks: &TableChecks) -> Vec<&'a catalog::Column> {
    let by_default =
        |column: &catalog::Column| specs.iter().any(|(name, spec)| *name == column.name && canonical(spec) == DEFAULT);
    let mut columns: Vec<&catalog::Column> =
        table.columns.iter().filter(|column| column.generated.is_none() && !by_default(column)).collect();
    // Each pass settles at least one pair; a circle of conditions ends it.
    for _ in 0..checks.order.len() {
        let mut moved = false;
        for (earlier, later) in &checks.order {
            let position = |name: &str| columns.iter().position(|column| column.name == name);
            if let (Some(first), Some(second)) = (position(earlier), position(later))
                && second < first
            {
                let column = columns.remove(second);
                columns.insert(first, column);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    columns
}

/// The number at which mock rows begin above others: a round one, so that a few rows more or less elsewhere change nothing.
fn start_above(highest: i64) -> i64 {
    let mut boundary: i64 = 1000;
    while boundary <= highest {
        boundary = boundary.saturating_mul(10);
    }
    // In a column for small numbers there may be no room for a round one.
    if highest < 1 {
        1
    } else if boundary > i64::from(i16::MAX) && highest < 30_000 {
        highest + 1
    } else {
        boundary + 1
    }
}

pub(super) fn shown(table: &Table) -> String {
    display(&name_of(table))
}

pub(super) fn invalid(problem: String, hint: Option<String>) -> MockError {
    MockError::Config { file: CONFIG.into(), problem, hint }
}

#[cfg(test)]
mod tests {
    use super::start_above;

    #[test]
    fn mock_rows_begin_at_round_numbers() {
        assert_eq!([-3, 0, 3, 999, 1000, 1500].map(start_above), [1, 1, 1001, 1001, 10_001, 10_001]);
        assert_eq!([29_000, 31_000, 1_000_000].map(start_above), [29_001, 100_001, 10_000_001]);
    }
}
