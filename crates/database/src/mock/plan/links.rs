//! The links of a table: which parents its foreign keys choose, and what becomes of keys that share columns.

use std::cmp::Reverse;

use postgres::catalog::{ForeignKey, Name, Table};

use super::{
    CONFIG, Present, display,
    draft::{Builder, DraftTable, Link, Mode, Parent, Partner, Skew, Source, invalid, is_foreign_key, shown},
    name_of, select,
};
use crate::mock::{MockError, values::Spec};

/// A link before its columns have positions.
pub(super) struct Sketch {
    pub link: Link,
    pub columns: Vec<String>,
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

impl Builder<'_, '_> {
    /// The table's foreign keys. Those that may not be null come first, and of these the ones with many columns: each column
    /// follows the first key that it stands in, and later keys take what is left to them.
    pub(super) fn sketches(&mut self, table: &Table, specs: &[(&str, Spec)]) -> Result<Vec<Sketch>, MockError> {
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
            let others =
                |name: &Name| *name != key.references && table.foreign_keys.iter().any(|key| key.references == *name);
            inner.filter(|inner| others(&inner.references)).count()
        };
        keys.sort_by_key(|key| {
            let nullable = key.columns.iter().filter(|column| nullable(column)).count();
            let mixed = nullable > 0 && nullable < key.columns.len();
            (mixed, nullable > 0, Reverse(key.columns.len()), Reverse(leads(key)))
        });
        let mut sketches: Vec<Sketch> = Vec::new();
        for key in keys {
            let taken =
                |column: &&String| sketches.iter().any(|sketch| sketch.columns.contains(*column)) || own(column);
            let (bound, free): (Vec<&String>, Vec<&String>) = key.columns.iter().partition(taken);
            let open: Vec<String> =
                free.iter().filter(|column| nullable(column)).map(|&column| column.clone()).collect();
            if free.is_empty() {
                // What the other keys imply; loading checks it.
                continue;
            }
            if bound.is_empty() && (open.is_empty() || open.len() == free.len()) {
                let options = key.columns.iter().find_map(|column| spec(column));
                sketches.push(self.sketch(table, key, options)?);
            } else if bound.is_empty() || !self.follow(&mut sketches, key) {
                if open.is_empty()
                    && let Some(partner) = self.partner(&sketches, key)
                {
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
                        problem: format!(
                            "{} shares columns with another foreign key, and no parents fit both",
                            key.name
                        ),
                        fix: format!("leave the table out with `count: 0` in {CONFIG}"),
                    });
                }
                // One null is enough for the whole key to refer to nothing.
                self.notes.push(format!(
                    "{}: {} is always null, {} shares columns",
                    shown(table),
                    open.join(", "),
                    key.name
                ));
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

/// Lets the parents of partners take their own parents in turn.
pub(super) fn take_turns(tables: &mut [DraftTable<'_>]) -> Result<(), MockError> {
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
