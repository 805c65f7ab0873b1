//! The first step of a plan: each chosen table with its links to parents and its columns' values.

use std::{cmp::Reverse, collections::BTreeSet};

use postgres::catalog::{self, ForeignKey, Name, Table};

use super::{
    CONFIG, Inputs, Present, display, name_of, partition,
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
        take_turns(&mut tables)?;
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

/// Lets the parents of partners take their own parents in turn.
fn take_turns(tables: &mut [DraftTable<'_>]) -> Result<(), MockError> {
    let mut wanted: Vec<(usize, String, String)> = Vec::new();
    for table in tables.iter() {
        for link in &table.links {
            let Some(partner) = &link.partner else { continue };
            for (link, column) in [&table.links[partner.link], link].into_iter().zip(&partner.columns) {
                if let Parent::Chosen(parent) = link.parent {
                    wanted.push((parent, column.clone(), shown(table.table)));
                }
            }
        }
    }
    for (parent, column, child) in wanted {
        let parent = &mut tables[parent];
        let linked = parent.position(&column).and_then(|at| match parent.columns[at].source {
            Source::Link { link, .. } => Some(link),
            Source::Values { .. } => None,
        });
        let fits = |link: &&mut Link| matches!(link.mode, Mode::Free | Mode::Turn | Mode::Member { member: 0, .. });
        let Some(link) = linked.map(|link| &mut parent.links[link]).filter(fits) else {
            return Err(MockError::Plan {
                table: child,
                problem: format!("two foreign keys meet in {}.{column}, and no rows fit both", shown(parent.table)),
                fix: format!("leave the table out with `count: 0` in {CONFIG}"),
            });
        };
        link.nulls = 0.0;
        // The first member of a tuple takes turns already.
        if link.mode == Mode::Free {
            link.mode = Mode::Turn;
        }
    }
    Ok(())
}

impl DraftTable<'_> {
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|draft| draft.column.name == column)
    }
}

/// Builds one table.
struct Builder<'b, 'a> {
    inputs: &'b Inputs<'a>,
    planner: &'b Planner<'a>,
    names: &'b [Name],
    notes: &'b mut Vec<String>,
}

/// A link before its columns have positions.
struct Sketch {
    link: Link,
    columns: Vec<String>,
    parent: Name,
}

/// A key that refers to nothing: these columns of it are null.
fn nothing(key: &ForeignKey, columns: Vec<String>) -> Sketch {
    let link = Link {
        name: key.name.clone(),
        columns: Vec::new(),
        parent: Parent::Nothing,
        parent_columns: Vec::new(),
        mode: Mode::Free,
        nulls: 0.0,
        nullable: true,
        skew: Skew::Uniform,
        partner: None,
    };
    Sketch { link, columns, parent: key.references.clone() }
}

/// By its name or an alias.
fn is_foreign_key(spec: &Spec) -> bool {
    canonical(spec) == FOREIGN_KEY
}

/// The name of a kind that may be spelled by an alias.
fn canonical(spec: &Spec) -> &str {
    let same = |name: &&str| name.eq_ignore_ascii_case(&spec.kind);
    let kind = values::KINDS.iter().find(|kind| same(&kind.name) || kind.aliases.iter().any(|alias| same(&alias)));
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

    /// The table's foreign keys. Those that may not be null come first, and of these the ones with many columns: each column
    /// follows the first key that it stands in, and later keys take what is left to them.
    fn sketches(&mut self, table: &Table, specs: &[(&str, Spec)]) -> Result<Vec<Sketch>, MockError> {
        let spec = |column: &str| specs.iter().find(|(name, _)| *name == column).map(|(_, spec)| spec);
        let own = |column: &String| spec(column).is_some_and(|spec| !is_foreign_key(spec));
        let nullable = |name: &String| table.column(name).is_some_and(|column| !column.not_null);
        let mut keys: Vec<&ForeignKey> = table.foreign_keys.iter().filter(|key| key.enforced).collect();
        // A street, which has an area itself, before the area.
        let leads = |key: &ForeignKey| {
            let parent = self.inputs.catalog.table(&key.references.schema, &key.references.name);
            let inner = parent.into_iter().flat_map(|parent| {
                let firm = |column: &String| parent.column(column).is_some_and(|column| column.not_null);
                parent.foreign_keys.iter().filter(move |inner| inner.columns.iter().all(firm))
            });
            let others = |name: &Name| *name != key.references && table.foreign_keys.iter().any(|key| key.references == *name);
            inner.filter(|inner| others(&inner.references)).count()
        };
        keys.sort_by_key(|key| {
            let nullable = key.columns.iter().filter(|column| nullable(column)).count();
            let mixed = nullable > 0 && nullable < key.columns.len();
            (mixed, nullable > 0, Reverse(key.columns.len()), Reverse(leads(key)))
        });
        let mut sketches: Vec<Sketch> = Vec::new();
        for key in keys {
            let taken = |column: &&String| sketches.iter().any(|sketch| sketch.columns.contains(*column)) || own(column);
            let (bound, free): (Vec<&String>, Vec<&String>) = key.columns.iter().partition(taken);
            let open: Vec<String> = free.iter().filter(|column| nullable(column)).map(|&column| column.clone()).collect();
            if free.is_empty() {
                // What the other keys imply; loading checks it.
                continue;
            }
            if bound.is_empty() && (open.is_empty() || open.len() == free.len()) {
                let options = key.columns.iter().find_map(|column| spec(column));
                sketches.push(self.sketch(table, key, options)?);
            } else if bound.is_empty() || !self.follow(&mut sketches, key) {
                if open.is_empty() && let Some(partner) = self.partner(&sketches, key) {
                    let mut sketch = self.sketch(table, key, None)?;
                    let free: Vec<usize> =
                        (0..key.columns.len()).filter(|&at| free.contains(&&key.columns[at])).collect();
                    sketch.columns = free.iter().map(|&at| key.columns[at].clone()).collect();
                    sketch.link.parent_columns = free.iter().map(|&at| key.referenced_columns[at].clone()).collect();
                    sketch.link.partner = Some(partner);
                    sketches.push(sketch);
                    continue;
                }
                if open.is_empty() {
                    return Err(MockError::Plan {
                        table: shown(table),
                        problem: format!("{} shares columns with another foreign key, and no parents fit both", key.name),
                        fix: format!("leave the table out with `count: 0` in {CONFIG}"),
                    });
                }
                // One null is enough for the whole key to refer to nothing.
                self.notes.push(format!("{}: {} is always null, {} shares columns", shown(table), open.join(", "), key.name));
                sketches.push(nothing(key, open));
            }
        }
        for (name, spec) in specs.iter().filter(|(_, spec)| is_foreign_key(spec)) {
            let column = (*name).to_owned();
            let linked = sketches.iter().any(|sketch| sketch.columns.contains(&column));
            if !linked && !table.foreign_keys.iter().any(|key| key.columns.contains(&column)) {
                sketches.push(self.declared(table, name, spec)?);
            }
        }
        Ok(sketches)
    }

    /// Lets the free columns of a key follow a parent that is chosen already, when that parent itself refers to the key's table
    /// by the columns they share: the house's area is its street's area.
    fn follow(&self, sketches: &mut [Sketch], key: &ForeignKey) -> bool {
        for sketch in sketches {
            let Some(parent) = self.inputs.catalog.table(&sketch.parent.schema, &sketch.parent.name) else { continue };
            let through = parent.foreign_keys.iter().filter(|other| other.references == key.references);
            for other in through {
                // Which of the parent's columns holds what each column of the key has to hold.
                let source = |target: &String| {
                    let at = other.referenced_columns.iter().position(|column| column == target)?;
                    Some(other.columns[at].clone())
                };
                let sources: Option<Vec<String>> = key.referenced_columns.iter().map(source).collect();
                let Some(sources) = sources else { continue };
                let fits = key.columns.iter().zip(&sources).all(|(column, source)| {
                    let at = sketch.columns.iter().position(|other| other == column);
                    let not_null = parent.column(source).is_some_and(|column| column.not_null);
                    not_null && at.is_none_or(|at| sketch.link.parent_columns[at] == *source)
                });
                let shared = key.columns.iter().any(|column| sketch.columns.contains(column));
                if !fits || !shared {
                    continue;
                }
                for (column, source) in key.columns.iter().zip(sources) {
                    if !sketch.columns.contains(column) {
                        sketch.columns.push(column.clone());
                        sketch.link.parent_columns.push(source);
                    }
                }
                return true;
            }
        }
        false
    }

    /// A parent that is chosen already and shares one column with the key, where that column refers to the same third table on
    /// both sides.
    fn partner(&self, sketches: &[Sketch], key: &ForeignKey) -> Option<Partner> {
        let catalog = self.inputs.catalog;
        let single = |table: &Name, column: &str| {
            let table = catalog.table(&table.schema, &table.name)?;
            let keys = table.foreign_keys.iter().find(|key| key.columns.len() == 1 && key.columns[0] == column);
            keys.map(|key| (key.references.clone(), key.referenced_columns.clone()))
        };
        sketches.iter().enumerate().find_map(|(link, sketch)| {
            let shared: Vec<usize> =
                (0..key.columns.len()).filter(|&at| sketch.columns.contains(&key.columns[at])).collect();
            let [at] = shared[..] else { return None };
            let first = sketch.columns.iter().position(|column| *column == key.columns[at])?;
            let columns = [sketch.link.parent_columns.get(first)?.clone(), key.referenced_columns[at].clone()];
            let third = single(&sketch.parent, &columns[0])?;
            let known = |name: &Name| self.names.contains(name);
            let all = known(&sketch.parent) && known(&key.references) && known(&third.0);
            (all && single(&key.references, &columns[1])? == third).then_some(Partner { link, columns })
        })
    }

    fn sketch(&self, table: &Table, key: &ForeignKey, spec: Option<&Spec>) -> Result<Sketch, MockError> {
        if let Some(named) = spec.and_then(|spec| spec.options.get("table")).and_then(|value| value.as_str()) {
            let parent = select::find(self.inputs.catalog, named)?;
            if name_of(parent) != key.references {
                let problem = format!(
                    "tables.{}.columns.{}: the foreign key {} refers to {}, not to {named}",
                    shown(table),
                    key.columns[0],
                    key.name,
                    display(&key.references)
                );
                return Err(invalid(problem, None));
            }
        }
        self.link(table, &key.name, key.columns.clone(), &key.references, key.referenced_columns.clone(), spec)
    }

    /// A foreign key that only the configuration knows.
    fn declared(&self, table: &Table, column: &str, spec: &Spec) -> Result<Sketch, MockError> {
        let at = |problem: &str| invalid(format!("tables.{}.columns.{column}: {problem}", shown(table)), None);
        let text = |option: &str| spec.options.get(option).and_then(|value| value.as_str());
        let named = text("table").ok_or_else(|| at("`table` is missing: the parent's name"))?;
        let parent = select::find(self.inputs.catalog, named)?;
        let key = match text("column") {
            Some(column) => column.to_owned(),
            None => match parent.primary_key.as_ref().map(|key| key.columns.as_slice()) {
                Some([column]) => column.clone(),
                _ => return Err(at("`column` is missing: the parent's key is not one column")),
            },
        };
        if parent.column(&key).is_none() {
            return Err(at("the parent has no such column"));
        }
        self.link(table, column, vec![column.to_owned()], &name_of(parent), vec![key], Some(spec))
    }

    fn link(
        &self,
        table: &Table,
        name: &str,
        columns: Vec<String>,
        parent: &Name,
        parent_columns: Vec<String>,
        spec: Option<&Spec>,
    ) -> Result<Sketch, MockError> {
        let nullable = columns.iter().all(|name| table.column(name).is_some_and(|column| !column.not_null));
        let is_self = *parent == name_of(table);
        let option = |name: &str| spec.and_then(|spec| spec.options.get(name));
        let nulls = match option("nulls").and_then(serde_json::Value::as_f64) {
            Some(share) if nullable => share.clamp(0.0, 1.0),
            // A tree needs more than one root to look like one that grew.
            None if nullable && is_self => 0.1,
            _ => 0.0,
        };
        let skew = match option("distribution").and_then(serde_json::Value::as_str) {
            None | Some("zipf") => Skew::Zipf,
            Some("uniform") => Skew::Uniform,
            Some(other) => {
                let problem =
                    format!("tables.{}.columns.{}: there is no distribution {other}", shown(table), columns[0]);
                return Err(invalid(problem, Some("a foreign key is chosen by zipf or uniform".to_owned())));
            }
        };
        let chosen = self.names.iter().position(|name| name == parent);
        let wanted = parent.clone();
        let parent = match chosen {
            Some(index) => Parent::Chosen(index),
            None if has_rows(self.inputs.present, parent) => Parent::Present(parent.clone()),
            None if nullable => Parent::Nothing,
            None => {
                return Err(MockError::Plan {
                    table: shown(table),
                    problem: format!("{} refers to {}, which has no rows and gets none", columns[0], display(parent)),
                    fix: format!(
                        "give {} a count above 0 in {CONFIG}, or {} the count 0",
                        display(parent),
                        shown(table)
                    ),
                });
            }
        };
        let link = Link {
            name: name.to_owned(),
            columns: Vec::new(),
            parent,
            parent_columns,
            mode: Mode::Free,
            nulls,
            nullable,
            skew,
            partner: None,
        };
        Ok(Sketch { link, columns, parent: wanted })
    }
}

fn has_rows(present: &Present, name: &Name) -> bool {
    present.tables.get(name).is_some_and(|table| table.own + table.mock > 0)
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
