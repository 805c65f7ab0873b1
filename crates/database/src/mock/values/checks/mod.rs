//! CHECK constraints, read so that generated rows meet them.
//!
//! A check becomes a disjunction of branches. Where all its branches speak of the same column, that column gets them
//! as alternatives; else one branch is chosen for the whole table, the one that asks for the fewest nulls. What is not
//! understood is listed: rows may then be refused by the database, and the configuration has to say more.

mod constraint;
mod literal;
mod meaning;
mod parse;

use std::collections::BTreeMap;

use postgres::catalog::Check;

pub use constraint::{Bound, Conditions, Constraint, Literal, Match};
pub use literal::interval;
pub use meaning::Relation;
use meaning::{Branch, branches};

/// What all checks of a table (or a domain) ask.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// By column; a domain's value is called `value`.
    pub columns: BTreeMap<String, Constraint>,
    pub relations: Vec<Relation>,
    /// Name and expression of the constraints that could not be read, or that contradict others.
    pub not_understood: Vec<(String, String)>,
}

/// The name that a domain's check uses for its value.
pub const VALUE: &str = "value";

impl Checks {
    /// Reads named expressions, as `pg_get_expr` writes them.
    pub fn new<'a>(checks: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut read = Self::default();
        let mut mixed = Vec::new();
        for (name, expression) in checks {
            // What is understood of a conjunction holds even if the rest is not.
            let conjuncts = parse::parse(expression).map_or_else(Vec::new, conjuncts);
            let mut understood = !conjuncts.is_empty();
            for conjunct in conjuncts {
                let Some(ways) = branches(&conjunct, false).filter(|ways| !ways.is_empty()) else {
                    understood = false;
                    continue;
                };
                match single_column(&ways) {
                    Some((column, constraint)) => understood &= read.merge(&column, &constraint),
                    None => mixed.push((name, expression, ways)),
                }
            }
            if !understood {
                read.not_understood.push((name.to_owned(), expression.to_owned()));
            }
        }
        for (name, expression, mut ways) in mixed {
            ways.sort_by_key(|way| way.columns.values().filter(|conditions| conditions.null == Some(true)).count());
            if !ways.iter().any(|way| read.adopt(way)) {
                read.not_understood.push((name.to_owned(), expression.to_owned()));
            }
        }
        read
    }

    /// Of a catalog's constraints; those that are not enforced count too, since somebody meant them.
    pub fn of(checks: &[Check], more: &[String]) -> Self {
        let own = checks.iter().map(|check| (check.name.as_str(), check.expression.as_str()));
        Self::new(own.chain(more.iter().map(|expression| ("partition", expression.as_str()))))
    }

    fn merge(&mut self, column: &str, constraint: &Constraint) -> bool {
        let merged = self.columns.get(column).cloned().unwrap_or_default().and(constraint);
        let Some(merged) = merged else { return false };
        self.columns.insert(column.to_owned(), merged);
        true
    }

    /// Takes a branch over several columns when nothing known contradicts it.
    fn adopt(&mut self, way: &Branch) -> bool {
        let mut next = self.clone();
        let fits = way
            .columns
            .iter()
            .all(|(column, conditions)| next.merge(column, &Constraint { alternatives: vec![conditions.clone()] }));
        if fits {
            next.relations.extend(way.relations.iter().cloned());
            *self = next;
        }
        fits
    }

    /// The constraint of a column; none asked is one alternative without conditions.
    pub fn column(&self, name: &str) -> Constraint {
        self.columns.get(name).cloned().unwrap_or_default()
    }
}

/// The parts of a conjunction, however it nests.
fn conjuncts(expression: parse::Expr) -> Vec<parse::Expr> {
    match expression {
        parse::Expr::And(items) => items.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// The alternatives for the one column that all branches speak of.
fn single_column(ways: &[Branch]) -> Option<(String, Constraint)> {
    let column = ways.first()?.columns.keys().next()?.clone();
    let mut alternatives = Vec::new();
    for way in ways {
        if !way.relations.is_empty() || way.columns.len() != 1 {
            return None;
        }
        alternatives.push(way.columns.get(&column)?.clone());
    }
    // `c IS NULL OR c > 0`: null passes the second alternative anyway.
    if alternatives.iter().any(|alternative| alternative.null != Some(true)) {
        alternatives.retain(|alternative| alternative.null != Some(true));
    }
    Some((column, Constraint { alternatives }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
