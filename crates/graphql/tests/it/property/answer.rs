//! What a query must give, computed row by row.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::condition::Scope;
use super::query::{Aggregate, Arguments, Field, Order, Query, Root, Selection, Target};
use super::value::Value;
use super::viewer::Viewer;
use super::world::{Row, World};

#[derive(Clone, Copy)]
pub struct Evaluator<'w> {
    pub world: &'w World,
    pub viewer: &'w Viewer<'w>,
}

impl<'w> Evaluator<'w> {
    pub fn query(&self, query: &Query) -> Json {
        let roots = query.roots.iter().map(|(key, root)| {
            let value = match root {
                Root::Rows(table, arguments, selection) => {
                    let rows = self.every(*table);
                    self.list(*table, rows, arguments, selection)
                }
                Root::Key(table, key, selection) => {
                    let found = &self.world.tables[*table];
                    let row = self.every(*table).into_iter().find(|row| found.key_of(row) == *key);
                    row.filter(|row| self.sees(*table, row))
                        .map_or(Json::Null, |row| self.object(*table, row, selection))
                }
                Root::Aggregate(table, arguments, aggregate) => {
                    let rows = self.every(*table);
                    self.aggregate(*table, rows, arguments, aggregate)
                }
            };
            (key.clone(), value)
        });
        Json::Object(roots.collect())
    }

    fn every(&self, table: usize) -> Vec<&'w Row> {
        self.world.tables[table].rows.iter().collect()
    }

    fn sees(&self, table: usize, row: &Row) -> bool {
        self.viewer.sees_row(self.world, table, row)
    }

    fn cell(&self, table: usize, row: &Row, column: usize) -> Value {
        self.viewer.cell(self.world, table, row, column)
    }

    /// Those the viewer sees and asks for, sorted, without a limit.
    fn wanted(&self, table: usize, rows: Vec<&'w Row>, arguments: &Arguments) -> Vec<&'w Row> {
        let scope = Scope::request(self.world, table, self.viewer);
        let passes = |row: &&'w Row| {
            let filter = arguments.filter.as_ref().map_or(Some(true), |filter| filter.holds(&scope, (*row).into()));
            self.sees(table, row) && filter == Some(true)
        };
        let mut rows: Vec<&Row> = rows.into_iter().filter(passes).collect();
        rows.sort_by(|a, b| {
            let orders = arguments
                .order
                .iter()
                .map(|order| sorted(order, &self.order_value(table, a, order), &self.order_value(table, b, order)));
            orders.fold(Ordering::Equal, Ordering::then)
        });
        if !arguments.distinct.is_empty() {
            let mut seen: Vec<Vec<Value>> = Vec::new();
            rows.retain(|row| {
                let cells: Vec<Value> = arguments.distinct.iter().map(|&at| self.cell(table, row, at)).collect();
                let new = !seen.contains(&cells);
                seen.push(cells);
                new
            });
        }
        rows.drain(..arguments.offset.unwrap_or(0).min(rows.len()));
        rows
    }

    fn order_value(&self, table: usize, row: &Row, order: &Order) -> Value {
        let (mut table, mut row) = (table, Some(row));
        for &relationship in &order.path {
            let target = self.world.tables[table].relationships[relationship].target;
            let found = row.and_then(|row| self.world.related(table, row, relationship).first().copied());
            row = found.map(|at| &self.world.tables[target].rows[at]).filter(|row| self.sees(target, row));
            table = target;
        }
        let related = |relationship: usize| {
            let target = self.world.tables[table].relationships[relationship].target;
            let found = row.map(|row| self.world.related(table, row, relationship)).unwrap_or_default().into_iter();
            let rows = found.map(|at| &self.world.tables[target].rows[at]);
            (target, rows.filter(|row| self.sees(target, row)).collect::<Vec<_>>())
        };
        match order.target {
            Target::Column(column) => row.map_or(Value::Null, |row| self.cell(table, row, column)),
            Target::Count(relationship) => Value::Int(i64::try_from(related(relationship).1.len()).unwrap()),
            Target::Fold(relationship, name, column) => {
                let (target, rows) = related(relationship);
                self.fold(target, &rows, name, column)
            }
        }
    }

    fn fold(&self, table: usize, rows: &[&Row], name: &str, column: usize) -> Value {
        let cells = rows.iter().map(|row| self.cell(table, row, column)).filter(|cell| !cell.is_null());
        let chosen = |wanted: Ordering| move |a: Value, b: Value| if b.compared(&a) == Some(wanted) { b } else { a };
        let found = match name {
            "min" => cells.reduce(chosen(Ordering::Less)),
            "max" => cells.reduce(chosen(Ordering::Greater)),
            _ => cells.reduce(|a, b| match (a, b) {
                (Value::Int(a), Value::Int(b)) => Value::Int(a + b),
                (Value::Numeric(a), Value::Numeric(b)) => Value::Numeric(a + b),
                (a, _) => panic!("no sum of {a:?}"),
            }),
        };
        found.unwrap_or(Value::Null)
    }

    fn list(&self, table: usize, rows: Vec<&'w Row>, arguments: &Arguments, selection: &Selection) -> Json {
        let limits = [arguments.limit, self.viewer.limit(table)];
        let limit = limits.into_iter().flatten().min().unwrap_or(usize::MAX);
        let rows = self.wanted(table, rows, arguments).into_iter().take(limit);
        rows.map(|row| self.object(table, row, selection)).collect()
    }

    /// The permission's limit is for the nodes alone.
    fn aggregate(&self, table: usize, rows: Vec<&'w Row>, arguments: &Arguments, aggregate: &Aggregate) -> Json {
        let wanted = self.wanted(table, rows, arguments);
        let rows: Vec<&Row> = wanted.iter().copied().take(arguments.limit.unwrap_or(usize::MAX)).collect();
        let mut found = Map::new();
        for (key, columns, distinct) in &aggregate.counts {
            found.insert(key.clone(), json!(self.viewer.count(self.world, table, &rows, columns, *distinct)));
        }
        for (key, name, columns) in &aggregate.folds {
            let columns = columns.iter().map(|&at| {
                (self.world.tables[table].columns[at].name.clone(), self.fold(table, &rows, name, at).json())
            });
            found.insert(key.clone(), Json::Object(columns.collect()));
        }
        let mut whole = Map::from_iter([("aggregate".to_owned(), Json::Object(found))]);
        if let Some(nodes) = &aggregate.nodes {
            let shown = rows.iter().take(self.viewer.limit(table).unwrap_or(usize::MAX));
            whole.insert("nodes".to_owned(), shown.map(|row| self.object(table, row, nodes)).collect());
        }
        Json::Object(whole)
    }

    pub fn object(&self, table: usize, row: &Row, selection: &Selection) -> Json {
        let found = &self.world.tables[table];
        let fields = selection.iter().map(|(key, field)| {
            let related = |relationship: &usize| {
                let target = found.relationships[*relationship].target;
                let rows = self.world.related(table, row, *relationship).into_iter();
                (target, rows.map(|at| &self.world.tables[target].rows[at]).collect::<Vec<_>>())
            };
            let value = match field {
                Field::TypeName => json!(found.name),
                Field::Column(column) => self.cell(table, row, *column).json(),
                Field::Object(relationship, selection) => {
                    let (target, rows) = related(relationship);
                    let row = rows.into_iter().find(|row| self.sees(target, row));
                    row.map_or(Json::Null, |row| self.object(target, row, selection))
                }
                Field::Array(relationship, arguments, selection) => {
                    let (target, rows) = related(relationship);
                    self.list(target, rows, arguments, selection)
                }
                Field::Aggregate(relationship, arguments, aggregate) => {
                    let (target, rows) = related(relationship);
                    self.aggregate(target, rows, arguments, aggregate)
                }
            };
            (key.clone(), value)
        });
        Json::Object(fields.collect())
    }
}

fn sorted(order: &Order, a: &Value, b: &Value) -> Ordering {
    let nulls = if order.direction.nulls_first { Ordering::Less } else { Ordering::Greater };
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        (false, false) => {
            let found = a.compared(b).unwrap_or(Ordering::Equal);
            if order.direction.ascending { found } else { found.reverse() }
        }
    }
}
