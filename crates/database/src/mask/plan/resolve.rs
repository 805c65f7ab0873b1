//! From rules by name to rules by column: built-in ones, inheritance, foreign keys.

use std::collections::BTreeMap;

use postgres::catalog::{Catalog, Table, TableKind};

use super::{Action, Draft, DraftColumn};
use crate::mask::builtin::{self, Known};
use crate::mask::cell::Demands;
use crate::mask::classes::{Classes, planned, unique};
use crate::mask::rules::{Rules, TableRules};
use crate::mask::shape::Shape;
use crate::mask::{ColumnName, Finding, MaskError, Rule, detect, rules};

/// Every name in the file is one of the database's.
///
/// # Errors
/// [`MaskError::Unknown`].
pub(super) fn check_names(catalog: &Catalog, given: &Rules) -> Result<(), MaskError> {
    let unknown = |what: String| Err(MaskError::Unknown { what, file: given.file.clone() });
    let find = |name: &str| planned(catalog).into_iter().find(|table| is_called(table, name));
    for (name, rules) in &given.tables {
        let Some(table) = find(name) else {
            return unknown(format!("the table {name}{}", hint(catalog, name)));
        };
        if let TableRules::Columns(columns) = rules
            && let Some(column) = columns.keys().find(|column| table.column(column).is_none())
        {
            return unknown(format!("the column {name}.{column}"));
        }
        if given.skip.contains(name) {
            let problem = format!("{name} has rules and stands under `skip:` too");
            return Err(MaskError::Rules { file: given.file.clone(), problem });
        }
    }
    if let Some(name) = given.skip.iter().find(|name| find(name).is_none()) {
        return unknown(format!("the table {name} (under `skip:`){}", hint(catalog, name)));
    }
    let accepted = |name: &str| {
        name.rsplit_once('.')
            .is_some_and(|(table, column)| find(table).is_some_and(|table| table.column(column).is_some()))
    };
    match given.accept.iter().find(|name| !accepted(name)) {
        Some(name) => unknown(format!("the column {name} (under `accept:`)")),
        None => Ok(()),
    }
}

fn is_called(table: &Table, name: &str) -> bool {
    name == rules::table_name(&table.schema, &table.name) || name == format!("{}.{}", table.schema, table.name)
}

/// A partition or a view has rows that others decide about.
fn hint(catalog: &Catalog, name: &str) -> &'static str {
    match catalog.tables.iter().find(|table| is_called(table, name)) {
        Some(table) if table.partition_of.is_some() => " as a table of its own: it is a partition",
        Some(table) if matches!(table.kind, TableKind::View | TableKind::MaterialisedView) => {
            " as a table: it is a view"
        }
        _ => "",
    }
}

/// A table with the rules that stand for it alone.
pub(super) fn draft<'a>(catalog: &'a Catalog, table: &'a Table, given: &Rules) -> Draft<'a> {
    let known = builtin::known(&table.schema, &table.name);
    let said = super::table_rules(catalog, given, table);
    let action = match (&known, said.first()) {
        _ if given.skips(&table.schema, &table.name) => Action::Keep,
        (_, Some(TableRules::Empty)) => Action::Empty,
        (_, Some(TableRules::Columns(_))) | (Some(Known::Columns(_)) | None, None) => Action::Rewrite,
        (Some(Known::Keep), None) => Action::Keep,
        (Some(Known::Empty), None) => Action::Empty,
    };
    let of_file = |column: &str| {
        said.iter().find_map(|rules| match rules {
            TableRules::Columns(columns) => columns.get(column).cloned(),
            TableRules::Empty => None,
        })
    };
    let of_known = |column: &str| match &known {
        Some(Known::Columns(columns)) => columns.iter().find(|(name, _)| *name == column).map(|(_, rule)| rule.clone()),
        _ => None,
    };
    let columns = table.columns.iter().map(|column| DraftColumn {
        shape: detect::shape(catalog, column),
        rule: of_file(&column.name).or_else(|| of_known(&column.name)),
        kind: None,
    });
    Draft { table, action, columns: columns.collect() }
}

/// True where the file or the built-in rules say something about the whole table.
pub(super) fn is_decided(draft: &Draft<'_>) -> bool {
    draft.action != Action::Rewrite || draft.columns.iter().all(|column| column.rule.is_some())
}

/// Gives columns that foreign keys connect the same rule.
///
/// # Errors
/// [`MaskError::Unsuitable`] when they have different ones.
pub(super) fn spread(catalog: &Catalog, drafts: &mut [Draft<'_>]) -> Result<(), MaskError> {
    let tables: Vec<&Table> = drafts.iter().map(|draft| draft.table).collect();
    for group in Classes::new(catalog, &tables).groups() {
        let mut found: Option<(ColumnName, Rule)> = None;
        for (at, column) in &group {
            let draft = &drafts[*at];
            let Some(rule) = rule_of(draft, column) else { continue };
            let name = ColumnName::new(&draft.table.schema, &draft.table.name, column);
            if rule == Rule::Null && !is_referenced(catalog, draft.table, column) {
                continue;
            }
            match &found {
                Some((other, before)) if *before != rule => {
                    let problem = format!(
                        "a foreign key ties it to {other}, which has another rule: their rows would not join any more"
                    );
                    return Err(MaskError::Unsuitable { column: name, problem });
                }
                _ => found = Some((name, rule)),
            }
        }
        let Some((name, rule)) = found else { continue };
        if group.len() > 1
            && matches!(rule, Rule::Shift { .. } | Rule::Noise { .. } | Rule::Json { .. } | Rule::Password | Rule::Null)
        {
            let problem = "a foreign key compares it; keep, fake, mask, hash or template keep rows joined".to_owned();
            return Err(MaskError::Unsuitable { column: name, problem });
        }
        for (at, column) in &group {
            let draft = &mut drafts[*at];
            if draft.action != Action::Rewrite {
                if rule.changes() && draft.action == Action::Keep {
                    let problem =
                        format!("{} references it or is referenced by it, and is kept as it is", draft.table.name);
                    return Err(MaskError::Unsuitable { column: name, problem });
                }
                continue;
            }
            let place = draft.table.columns.iter().position(|candidate| candidate.name == *column);
            if let Some(decided) = place.map(|place| &mut draft.columns[place]) {
                decided.rule.get_or_insert_with(|| rule.clone());
            }
        }
    }
    Ok(())
}

/// A table that is copied cannot point to rows that are left behind.
///
/// # Errors
/// [`MaskError::Unsuitable`].
pub(super) fn check_references(drafts: &[Draft<'_>]) -> Result<(), MaskError> {
    let left_behind = |schema: &str, name: &str| {
        drafts
            .iter()
            .any(|draft| draft.action == Action::Empty && draft.table.schema == schema && draft.table.name == name)
    };
    for draft in drafts.iter().filter(|draft| draft.action != Action::Empty) {
        for key in &draft.table.foreign_keys {
            let cut = || key.columns.iter().any(|column| rule_of(draft, column) == Some(Rule::Null));
            if left_behind(&key.references.schema, &key.references.name) && !cut() {
                let column = ColumnName::new(&draft.table.schema, &draft.table.name, &key.columns[0]);
                let target = rules::table_name(&key.references.schema, &key.references.name);
                let problem = format!(
                    "it points to {target}, whose rows are left behind; null it, or leave this table `empty` too"
                );
                return Err(MaskError::Unsuitable { column, problem });
            }
        }
    }
    Ok(())
}

fn rule_of(draft: &Draft<'_>, column: &str) -> Option<Rule> {
    let place = draft.table.columns.iter().position(|candidate| candidate.name == column)?;
    draft.columns[place].rule.clone().filter(|_| draft.action == Action::Rewrite)
}

fn is_referenced(catalog: &Catalog, table: &Table, column: &str) -> bool {
    catalog.referencing(table).any(|(_, key)| key.referenced_columns.iter().any(|name| name == column))
}

/// Of columns that foreign keys connect, only the one that the others reference is told.
pub(super) fn alike(catalog: &Catalog, drafts: &[Draft<'_>], found: &mut Vec<Finding>) {
    let tables: Vec<&Table> = drafts.iter().map(|draft| draft.table).collect();
    let mut groups: BTreeMap<ColumnName, usize> = BTreeMap::new();
    for (number, group) in Classes::new(catalog, &tables).groups().into_iter().enumerate() {
        for (at, column) in group {
            groups.insert(ColumnName::new(&tables[at].schema, &tables[at].name, &column), number);
        }
    }
    let referenced = |finding: &Finding| {
        let column = &finding.column;
        catalog.table(&column.schema, &column.table).is_some_and(|table| is_referenced(catalog, table, &column.column))
    };
    let heads: Vec<usize> = found
        .iter()
        .filter(|finding| referenced(finding))
        .filter_map(|finding| groups.get(&finding.column).copied())
        .collect();
    found.retain(|finding| {
        referenced(finding) || groups.get(&finding.column).is_none_or(|group| !heads.contains(group))
    });
}

/// What each column of each draft demands; columns that foreign keys connect demand the same.
///
/// # Errors
/// [`MaskError::Unsuitable`] when a rule changes columns of different types that are compared.
pub(super) fn demands(catalog: &Catalog, drafts: &[Draft<'_>]) -> Result<Vec<Vec<Demands>>, MaskError> {
    let tables: Vec<&Table> = drafts.iter().map(|draft| draft.table).collect();
    let mut all: Vec<Vec<Demands>> = drafts.iter().map(own_demands).collect();
    for group in Classes::new(catalog, &tables).groups() {
        let places: Vec<(usize, usize)> = group
            .iter()
            .filter_map(|(at, column)| Some((*at, tables[*at].columns.iter().position(|found| found.name == *column)?)))
            .collect();
        let mut shared: Option<Demands> = None;
        for (at, place) in &places {
            let own = &all[*at][*place];
            shared = Some(match shared {
                None => own.clone(),
                Some(before) => match narrower(&before.shape, &own.shape) {
                    Some(shape) => Demands {
                        shape,
                        unique: before.unique || own.unique,
                        fold: before.fold || own.fold,
                        nullable: own.nullable,
                        kind: before.kind.or(own.kind),
                    },
                    None if drafts[*at].columns[*place].rule.as_ref().is_some_and(Rule::changes) => {
                        let table = tables[*at];
                        return Err(MaskError::Unsuitable {
                            column: ColumnName::new(&table.schema, &table.name, &table.columns[*place].name),
                            problem: "a foreign key compares it with a column of another type".to_owned(),
                        });
                    }
                    None => before,
                },
            });
        }
        let Some(shared) = shared else { continue };
        for (at, place) in places {
            let own = &mut all[at][place];
            *own = Demands { nullable: own.nullable, shape: padded_as(&own.shape, &shared.shape), ..shared.clone() };
        }
    }
    Ok(all)
}

fn own_demands(draft: &Draft<'_>) -> Vec<Demands> {
    let each = draft.table.columns.iter().zip(&draft.columns).map(|(column, decided)| {
        let (unique, folded) = unique(draft.table, &column.name);
        let fold = folded || matches!(decided.shape.element(), Shape::Text { fold: true, .. });
        let kind = match &decided.rule {
            Some(Rule::Fake { kind: Some(kind) }) => Some(*kind),
            _ => detect::named(draft.table, &column.name, &decided.shape).or(decided.kind),
        };
        Demands { shape: decided.shape.clone(), unique, fold, nullable: !column.not_null, kind }
    });
    each.collect()
}

/// The shape that suits both; none when they are of different kinds.
fn narrower(one: &Shape, other: &Shape) -> Option<Shape> {
    let least = |one: Option<usize>, other: Option<usize>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    match (one, other) {
        (Shape::Text { longest: one, fold, padded }, Shape::Text { longest: other, fold: folds, padded: pads }) => {
            Some(Shape::Text { longest: least(*one, *other), fold: *fold || *folds, padded: *padded || *pads })
        }
        (Shape::Integer { largest: one }, Shape::Integer { largest: other }) => {
            Some(Shape::Integer { largest: *one.min(other) })
        }
        (Shape::Decimal { .. }, Shape::Decimal { .. }) => Some(one.clone()),
        _ => (one == other).then(|| one.clone()),
    }
}

/// Only the column that is `character(n)` itself has blanks to take off.
fn padded_as(own: &Shape, shared: &Shape) -> Shape {
    match (own, shared) {
        (Shape::Text { padded, .. }, Shape::Text { longest, fold, .. }) => {
            Shape::Text { longest: *longest, fold: *fold, padded: *padded }
        }
        _ => shared.clone(),
    }
}
