//! Columns of a catalog: what they ask of each other, and their generators.

use std::sync::Arc;

use postgres::catalog::{self, Catalog, Table};

use super::{
    Column, Spec, SpecError,
    checks::{Checks, Conditions, Constraint},
    guess, make, people, recipe,
    recipe::{Recipe, Shared},
    scalar::Against,
    stream,
    target::{Resolved, Target},
    words::{self, Words},
};

/// What holds for all columns.
#[derive(Debug, Clone)]
pub struct Settings {
    pub locale: String,
    /// What counts as now, in microseconds since 1970: part of the configuration, never the clock.
    pub now: i64,
}

/// What a column most likely means.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    pub spec: Spec,
    pub why: &'static str,
}

/// The checks of a table.
#[derive(Debug, Clone, Default)]
pub struct TableChecks {
    /// `(constraint, expression)`: rows may be refused by them.
    pub not_understood: Vec<(String, String)>,
    /// `(earlier, later)`: the second reads the first's cell.
    pub order: Vec<(String, String)>,
}

/// Guesses and compiles columns.
#[derive(Debug)]
pub struct Planner<'a> {
    catalog: &'a Catalog,
    shared: Result<Shared, SpecError>,
}

impl<'a> Planner<'a> {
    /// An unknown locale is reported by [`Planner::column`].
    pub fn new(catalog: &'a Catalog, settings: Settings) -> Self {
        let shared = Words::new(&settings.locale).map(|words| Shared {
            cities: Arc::new(people::cities(words.locale)),
            words: Arc::new(words),
            now: settings.now,
        });
        let shared = shared.ok_or_else(|| SpecError {
            message: format!("there is no locale `{}`", settings.locale),
            hint: Some(format!("known are {}", words::locales().collect::<Vec<_>>().join(", "))),
        });
        Self { catalog, shared }
    }

    /// The kind that a column's name, type and checks suggest.
    pub fn guess(&self, table: &Table, column: &catalog::Column) -> Guess {
        let resolved = Resolved::new(self.catalog, &column.r#type);
        let checks = Checks::of(&table.checks, &[]);
        let own = checks.column(&column.name);
        let constraint = own.and(&resolved.constraint).unwrap_or(own);
        guess::Subject { table, column, resolved: &resolved, constraint: &constraint }.guess()
    }

    /// Compiles a column. `before` are the columns that stand earlier in the row; `extra` are more check expressions,
    /// such as the bounds of the partitions.
    ///
    /// # Errors
    /// The entry names an unknown kind or option, or the kind has no value that the column takes.
    pub fn column(
        &self,
        table: &Table,
        column: &catalog::Column,
        spec: &Spec,
        before: &[&str],
        extra: &[String],
    ) -> Result<Column, SpecError> {
        let shared = self.shared.as_ref().map_err(Clone::clone)?;
        let resolved = Resolved::new(self.catalog, &column.r#type);
        let checks = Checks::of(&table.checks, extra);
        let own = checks.column(&column.name);
        let constraint = own.and(&resolved.constraint).ok_or_else(|| contradiction(&column.name))?;
        let kind = super::kinds::find(&spec.kind).ok_or_else(|| super::unknown(&spec.kind))?;
        let constraint = if kind.name == "null" { Constraint::default() } else { constraint };
        let mut against = against(&column.name, &checks, table, before);
        for (option, greater) in [("after", true), ("before", false)] {
            let Some(other) = spec.options.get(option).and_then(serde_json::Value::as_str) else { continue };
            let cell = before.iter().position(|name| *name == other).ok_or_else(|| SpecError {
                message: format!(
                    "`{option}` of {} names {other}, which does not stand earlier in the row",
                    column.name
                ),
                hint: Some(format!(
                    "let {other} have no `after` or `before` of its own, or a check that compares both"
                )),
            })?;
            against.push(Against { cell, greater, or_equal: true, equal: None, plus: None });
        }
        let nulls = nulls(column, spec, kind.name, &resolved, &constraint)?;
        let recipe = Recipe {
            shared,
            kind,
            options: &spec.options,
            resolved: &resolved,
            constraint: usable(constraint, &resolved),
            column: &column.name,
            group: people::group(&column.name),
            against,
            leads: leads(&column.name, &checks, &order(&checks, table)),
        };
        Ok(Column { generator: make(&recipe, spec)?, nulls })
    }

    /// What the table's checks ask between columns, and which of them are not understood.
    pub fn checks(&self, table: &Table) -> TableChecks {
        let checks = Checks::of(&table.checks, &[]);
        let mut not_understood = checks.not_understood.clone();
        for (name, constraint) in &checks.columns {
            let unreadable = |conditions: &Conditions| {
                conditions
                    .matches
                    .iter()
                    .any(|matched| recipe::compiled(&matched.pattern, matched.ignore_case).is_none())
            };
            if constraint.alternatives.iter().any(unreadable) {
                let found = table.checks.iter().find(|check| check.columns.contains(name));
                not_understood.extend(found.map(|check| (check.name.clone(), check.expression.clone())));
            }
        }
        let order = order(&checks, table);
        TableChecks { not_understood, order }
    }
}

/// Pairs of columns of which the second reads the first, without circles.
fn order(checks: &Checks, table: &Table) -> Vec<(String, String)> {
    let mut order: Vec<(String, String)> = Vec::new();
    let numbered = |name: &str| {
        table.column(name).is_some_and(|column| column.identity.is_some() || column.sequence.is_some())
            || table.primary_key.as_ref().is_some_and(|key| key.columns == [name.to_owned()])
    };
    for (earlier, later) in checks.relations.iter().map(sides).chain(guess::pairs(table)) {
        // A key is numbered and asks nobody: what must be smaller than it comes after it and asks.
        let pair = if numbered(&later) && !numbered(&earlier) { (later, earlier) } else { (earlier, later) };
        // Of two that ask for each other the first one decides.
        if pair.0 != pair.1 && !reaches(&order, &pair.1, &pair.0) && !order.contains(&pair) {
            order.push(pair);
        }
    }
    order
}

/// The smaller column is written first, the greater one after it.
fn sides(relation: &super::checks::Relation) -> (String, String) {
    let (left, right) = (relation.left.clone(), relation.right.clone());
    if relation.operator.starts_with('>') { (right, left) } else { (left, right) }
}

/// True when `to` stands after `from` in the order found so far.
fn reaches(order: &[(String, String)], from: &str, to: &str) -> bool {
    from == to || order.iter().any(|(earlier, later)| earlier == from && reaches(order, later, to))
}

/// The comparisons with columns that stand earlier in the row.
fn against(column: &str, checks: &Checks, table: &Table, before: &[&str]) -> Vec<Against> {
    let cell = |name: &str| before.iter().position(|other| *other == name);
    let mut found = Vec::new();
    for relation in &checks.relations {
        let (other, flipped) = match (relation.left == column, relation.right == column) {
            (true, false) => (&relation.right, false),
            (false, true) => (&relation.left, true),
            _ => continue,
        };
        let Some(cell) = cell(other) else { continue };
        let operator = relation.operator.as_str();
        found.push(Against {
            cell,
            greater: operator.starts_with('>') != flipped,
            or_equal: operator.ends_with('='),
            equal: match operator {
                "=" => Some(true),
                "<>" => Some(false),
                _ => None,
            },
            plus: relation.plus.as_ref().map(|plus| if flipped { negated(plus) } else { plus.clone() }),
        });
    }
    for (earlier, later) in guess::pairs(table) {
        let Some(cell) = cell(&earlier).filter(|_| later == column) else { continue };
        if !found.iter().any(|against| against.cell == cell) {
            found.push(Against { cell, greater: true, or_equal: true, equal: None, plus: None });
        }
    }
    found
}

/// The columns that must be greater than this one and are written after it: how long the chain from here is, and the
/// distance demanded.
fn leads(column: &str, checks: &Checks, order: &[(String, String)]) -> Vec<(u32, Option<String>)> {
    // The order has no circles.
    fn length(column: &str, order: &[(String, String)]) -> u32 {
        let after = order.iter().filter(|(earlier, _)| earlier == column);
        after.map(|(_, later)| length(later, order) + 1).max().unwrap_or(0)
    }
    let strict = |relation: &&super::checks::Relation| {
        !relation.operator.ends_with('=') && relation.operator != "<>" || relation.plus.is_some()
    };
    let led = checks.relations.iter().filter(strict).filter(|relation| {
        let pair = sides(relation);
        pair.0 == column && order.contains(&pair)
    });
    let distance = |relation: &super::checks::Relation| {
        let plus = relation.plus.clone();
        if relation.operator.starts_with('<') { plus.map(|plus| negated(&plus)) } else { plus }
    };
    led.map(|relation| (length(column, order), distance(relation))).collect()
}

/// The distance in the other direction.
fn negated(distance: &str) -> String {
    distance.strip_prefix('-').map_or_else(|| format!("-{distance}"), str::to_owned)
}

fn contradiction(column: &str) -> SpecError {
    SpecError { message: format!("the checks of {column} contradict each other: no value meets them"), hint: None }
}

/// Regular expressions on types other than text were compared with their text form: nothing to generate from.
fn usable(mut constraint: Constraint, resolved: &Resolved) -> Constraint {
    if !matches!(resolved.target, Target::Text { .. }) {
        for alternative in &mut constraint.alternatives {
            alternative.matches.clear();
        }
    }
    constraint
}

/// The share of nulls as a threshold.
fn nulls(
    column: &catalog::Column,
    spec: &Spec,
    kind: &str,
    resolved: &Resolved,
    constraint: &Constraint,
) -> Result<u64, SpecError> {
    let wanted = match spec.options.get("nulls") {
        None if kind == "null" => 1.0,
        None => 0.0,
        Some(value) => value.as_f64().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| SpecError {
            message: format!("`nulls` of {} must be a number from 0 to 1", column.name),
            hint: None,
        })?,
    };
    let refused = column.not_null || resolved.not_null || constraint.null() == Some(false);
    match (refused, constraint.null()) {
        (true, _) if wanted >= 1.0 => Err(SpecError {
            message: format!("{} does not take nulls", column.name),
            hint: Some("give it another `type`".to_owned()),
        }),
        (true, _) => Ok(0),
        (false, Some(true)) => Ok(u64::MAX),
        (false, _) => Ok(stream::threshold(wanted)),
    }
}
