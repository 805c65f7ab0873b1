//! Boolean expressions: random ones, as permissions and requests write them, and which rows they hold for.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json, json};

use super::value::{Kind, Rng, Value, contains};
use super::viewer::Viewer;
use super::world::{Row, World};

/// Before a text that GraphQL writes without quotes.
pub const ENUM: char = '\u{1}';

pub const SESSION: [(&str, &str); 3] = [("x-hasura-num", "1"), ("x-hasura-text", "b'"), ("x-hasura-list", "{0,2}")];

const PARTS: [&str; 4] = ["a", "b'", "\"$", "é"];
const KEYS: [&str; 2] = ["a", "b"];
const ORDERED: [&str; 6] = ["_eq", "_neq", "_gt", "_lt", "_gte", "_lte"];

#[derive(Debug, Clone)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare(usize, &'static str, Value),
    In(usize, Vec<Value>, bool),
    Null(usize, bool),
    /// Part of a text.
    Like(usize, &'static str, bool),
    Contains(usize, Value),
    HasKey(usize, &'static str),
    Related(usize, Box<Condition>),
    Count(Box<Count>),
    /// The rest stands in permissions only. The text is the variable's, the value what it means.
    Session(usize, &'static str, &'static str, Value),
    Columns(usize, &'static str, usize, bool),
    Exists(usize, Box<Condition>),
}

/// `<relationship>_aggregate: {count: …}`.
#[derive(Debug, Clone)]
pub struct Count {
    pub relationship: usize,
    pub columns: Vec<usize>,
    pub distinct: bool,
    pub operator: &'static str,
    pub number: i64,
    pub filter: Option<Condition>,
}

/// Where an expression stands: about which table, and for whom; a permission's is for nobody.
#[derive(Clone, Copy)]
pub struct Scope<'w> {
    pub world: &'w World,
    pub table: usize,
    pub viewer: Option<&'w Viewer<'w>>,
    /// The permission's own table.
    root: usize,
}

/// A row and the permission's own row.
#[derive(Clone, Copy)]
pub struct About<'r> {
    pub row: &'r Row,
    root: &'r Row,
}

impl<'r> From<&'r Row> for About<'r> {
    fn from(row: &'r Row) -> Self {
        Self { row, root: row }
    }
}

impl<'w> Scope<'w> {
    pub fn permission(world: &'w World, table: usize) -> Self {
        Self { world, table, viewer: None, root: table }
    }

    pub fn request(world: &'w World, table: usize, viewer: &'w Viewer<'w>) -> Self {
        Self { world, table, viewer: Some(viewer), root: table }
    }

    fn at(self, table: usize) -> Self {
        Self { table, ..self }
    }

    pub fn columns(&self) -> Vec<usize> {
        let all = 0..self.world.tables[self.table].columns.len();
        all.filter(|&column| self.viewer.is_none_or(|viewer| viewer.sees_column(self.table, column))).collect()
    }

    pub fn relationships(&self) -> Vec<usize> {
        let found = &self.world.tables[self.table].relationships;
        let seen = |&at: &usize| self.viewer.is_none_or(|viewer| viewer.sees_table(found[at].target));
        (0..found.len()).filter(seen).collect()
    }

    pub fn counted(&self) -> Vec<usize> {
        let found = &self.world.tables[self.table].relationships;
        let counted = |viewer: &Viewer<'_>, at: usize| !found[at].single && viewer.counts(found[at].target);
        (0..found.len()).filter(|&at| self.viewer.is_some_and(|viewer| counted(viewer, at))).collect()
    }

    pub fn random(&self, rng: &mut Rng, depth: usize) -> Condition {
        let some =
            |rng: &mut Rng| (0..rng.below(4)).map(|_| self.random(rng, depth.saturating_sub(1))).collect::<Vec<_>>();
        if depth == 0 {
            return self.leaf(rng);
        }
        match rng.below(9) {
            0 => Condition::And(some(rng)),
            1 => Condition::Or(some(rng)),
            2 => Condition::Not(Box::new(self.random(rng, depth - 1))),
            3 | 4 => {
                let relationships = self.relationships();
                if relationships.is_empty() {
                    return self.leaf(rng);
                }
                let found = *rng.pick(&relationships);
                let target = self.world.tables[self.table].relationships[found].target;
                Condition::Related(found, Box::new(self.at(target).random(rng, depth - 1)))
            }
            5 if self.viewer.is_none() => {
                let table = rng.below(self.world.tables.len());
                Condition::Exists(table, Box::new(self.at(table).random(rng, depth - 1)))
            }
            5 | 6 if !self.counted().is_empty() => self.count(rng, depth),
            _ => self.leaf(rng),
        }
    }

    fn count(&self, rng: &mut Rng, depth: usize) -> Condition {
        let relationship = *rng.pick(&self.counted());
        let inside = self.at(self.world.tables[self.table].relationships[relationship].target);
        Condition::Count(Box::new(Count {
            relationship,
            columns: rng.some(&inside.columns(), 2),
            distinct: rng.percent(30),
            operator: rng.pick::<&str>(&ORDERED),
            number: i64::try_from(rng.below(3)).unwrap(),
            filter: rng.percent(50).then(|| inside.random(rng, depth - 1)),
        }))
    }

    fn leaf(&self, rng: &mut Rng) -> Condition {
        let columns = self.columns();
        if columns.is_empty() || rng.percent(8) {
            return Condition::And(Vec::new());
        }
        let column = *rng.pick(&columns);
        let found = &self.world.tables[self.table].columns;
        let kind = found[column].kind;
        let operator = if kind.sorts() { *rng.pick(&ORDERED) } else { *rng.pick(&ORDERED[..2]) };
        if self.viewer.is_none() && rng.percent(40) {
            let same: Vec<usize> = columns.into_iter().filter(|&other| found[other].kind == kind).collect();
            let own = &self.world.tables[self.root].columns;
            let roots: Vec<usize> = (0..own.len()).filter(|&other| own[other].kind == kind).collect();
            return match (kind, rng.below(4)) {
                (Kind::Int, 0) => Condition::Session(column, operator, SESSION[0].0, Value::Int(1)),
                (Kind::Text, 0) => {
                    Condition::Session(column, operator, SESSION[1].0, Value::Text(SESSION[1].1.to_owned()))
                }
                (Kind::Int, 1) => Condition::Session(column, "_in", SESSION[2].0, Value::Ints(vec![0, 2])),
                (_, 2) if !roots.is_empty() => Condition::Columns(column, operator, *rng.pick(&roots), true),
                _ => Condition::Columns(column, operator, *rng.pick(&same), false),
            };
        }
        match (rng.below(6), kind) {
            (0, _) => Condition::Null(column, rng.percent(50)),
            (1, _) => Condition::In(column, (0..rng.below(3)).map(|_| kind.random(rng)).collect(), rng.percent(40)),
            (2, Kind::Text) => Condition::Like(column, rng.pick::<&str>(&PARTS), rng.percent(30)),
            (2 | 3, Kind::Json | Kind::Ints) => Condition::Contains(column, kind.random(rng)),
            (4, Kind::Json) => Condition::HasKey(column, rng.pick::<&str>(&KEYS)),
            _ => Condition::Compare(column, operator, kind.random(rng)),
        }
    }
}

impl Condition {
    /// As metadata has it, and as variables have it.
    pub fn json(&self, scope: &Scope<'_>) -> Json {
        let table = &scope.world.tables[scope.table];
        let name = |column: usize| {
            let column = &table.columns[column];
            if scope.viewer.is_none() { column.sql.clone() } else { column.name.clone() }
        };
        let about =
            |column: usize, operator: &str, value: Json| object(name(column), object(operator.to_owned(), value));
        let many = |items: &[Self]| items.iter().map(|item| item.json(scope)).collect::<Vec<_>>();
        match self {
            Self::And(items) => joined(many(items)),
            Self::Or(items) => json!({ "_or": many(items) }),
            Self::Not(item) => json!({ "_not": item.json(scope) }),
            Self::Compare(column, operator, value) => about(*column, operator, value.json()),
            Self::In(column, values, not) => {
                let values = values.iter().map(Value::json).collect::<Vec<_>>();
                about(*column, if *not { "_nin" } else { "_in" }, json!(values))
            }
            Self::Null(column, wanted) => about(*column, "_is_null", json!(wanted)),
            Self::Like(column, part, not) => {
                about(*column, if *not { "_nlike" } else { "_like" }, json!(format!("%{part}%")))
            }
            Self::Contains(column, value) => about(*column, "_contains", value.json()),
            Self::HasKey(column, key) => about(*column, "_has_key", json!(key)),
            Self::Related(relationship, item) => {
                let found = &table.relationships[*relationship];
                object(found.name.clone(), item.json(&scope.at(found.target)))
            }
            Self::Count(count) => {
                let found = &table.relationships[count.relationship];
                let target = &scope.world.tables[found.target];
                let mut inner = json!({ "predicate": { count.operator: count.number } });
                if !count.columns.is_empty() {
                    let names = count.columns.iter().map(|&at| format!("{ENUM}{}", target.columns[at].name));
                    inner["arguments"] = json!(names.collect::<Vec<_>>());
                }
                if count.distinct {
                    inner["distinct"] = json!(true);
                }
                if let Some(filter) = &count.filter {
                    inner["filter"] = filter.json(&scope.at(found.target));
                }
                object(format!("{}_aggregate", found.name), json!({ "count": inner }))
            }
            Self::Session(column, operator, variable, _) => about(*column, operator, json!(variable)),
            Self::Columns(column, operator, other, root) => {
                let operator = operator.replacen('_', "_c", 1);
                let other = match root {
                    true => json!(["$", scope.world.tables[scope.root].columns[*other].sql]),
                    false => json!(name(*other)),
                };
                about(*column, &operator, other)
            }
            Self::Exists(other, item) => {
                let found = &scope.world.tables[*other];
                let qualified = json!({ "schema": found.schema, "name": found.sql });
                json!({ "_exists": { "_table": qualified, "_where": item.json(&scope.at(*other)) } })
            }
        }
    }

    /// SQL's three values: none is unknown.
    pub fn holds(&self, scope: &Scope<'_>, about: About<'_>) -> Option<bool> {
        let world = scope.world;
        let cell = |column: usize| match scope.viewer {
            Some(viewer) => viewer.cell(world, scope.table, about.row, column),
            None => about.row[column].clone(),
        };
        let visible = |table: usize, row: &Row| scope.viewer.is_none_or(|viewer| viewer.sees_row(world, table, row));
        let flip = |found: Option<bool>, not: bool| found.map(|found| found != not);
        match self {
            Self::And(items) => all(items.iter().map(|item| item.holds(scope, about))),
            Self::Or(items) => flip(all(items.iter().map(|item| flip(item.holds(scope, about), true))), true),
            Self::Not(item) => flip(item.holds(scope, about), true),
            Self::Compare(column, operator, value) => compare(operator, &cell(*column), value),
            Self::Session(column, "_in", _, Value::Ints(values)) => {
                let Value::Int(found) = cell(*column) else { return None };
                Some(values.contains(&found))
            }
            Self::Session(column, operator, _, value) => compare(operator, &cell(*column), value),
            // Not even the unknown is in an empty list.
            Self::In(_, values, not) if values.is_empty() => Some(*not),
            Self::In(column, values, not) => {
                let found = cell(*column);
                flip((!found.is_null()).then(|| values.contains(&found)), *not)
            }
            Self::Null(column, wanted) => Some(cell(*column).is_null() == *wanted),
            Self::Like(column, part, not) => match cell(*column) {
                Value::Text(text) => Some(text.contains(part) != *not),
                _ => None,
            },
            Self::Contains(column, part) => match (cell(*column), part) {
                (Value::Json(whole), Value::Json(part)) => Some(contains(&whole, part)),
                (Value::Ints(whole), Value::Ints(part)) => Some(part.iter().all(|item| whole.contains(item))),
                _ => None,
            },
            Self::HasKey(column, key) => match cell(*column) {
                Value::Json(Json::Object(fields)) => Some(fields.contains_key(*key)),
                Value::Json(Json::Array(items)) => Some(items.contains(&json!(key))),
                Value::Json(other) => Some(other == json!(key)),
                _ => None,
            },
            Self::Columns(column, operator, other, root) => {
                let other = if *root { about.root[*other].clone() } else { cell(*other) };
                compare(operator, &cell(*column), &other)
            }
            Self::Related(relationship, item) => {
                let target = world.tables[scope.table].relationships[*relationship].target;
                let holds = |&at: &usize| {
                    let row = &world.tables[target].rows[at];
                    visible(target, row) && item.holds(&scope.at(target), About { row, ..about }) == Some(true)
                };
                Some(world.related(scope.table, about.row, *relationship).iter().any(holds))
            }
            Self::Exists(table, item) => {
                let rows = &world.tables[*table].rows;
                Some(rows.iter().any(|row| item.holds(&scope.at(*table), About { row, ..about }) == Some(true)))
            }
            Self::Count(count) => {
                let target = world.tables[scope.table].relationships[count.relationship].target;
                let inside = scope.at(target);
                let related = world.related(scope.table, about.row, count.relationship).into_iter();
                let rows: Vec<&Row> = related.map(|at| &world.tables[target].rows[at]).collect();
                let passes = |row: &&Row| {
                    let filter =
                        count.filter.as_ref().map_or(Some(true), |filter| filter.holds(&inside, (*row).into()));
                    visible(target, row) && filter == Some(true)
                };
                let rows: Vec<&Row> = rows.into_iter().filter(passes).collect();
                let viewer = scope.viewer.expect("permissions have no aggregates");
                let found = viewer.count(world, target, &rows, &count.columns, count.distinct);
                compare(count.operator, &Value::Int(found), &Value::Int(count.number))
            }
        }
    }

    /// Smaller ones that might fail alike.
    pub fn smaller(&self) -> Vec<Self> {
        let boxed = |items: Vec<Self>, make: &dyn Fn(Box<Self>) -> Self| {
            items.into_iter().map(|item| make(Box::new(item))).collect::<Vec<_>>()
        };
        match self {
            Self::And(items) | Self::Or(items) => {
                let mut smaller = items.clone();
                for at in 0..items.len() {
                    let make = |items: Vec<Self>| {
                        if matches!(self, Self::And(_)) { Self::And(items) } else { Self::Or(items) }
                    };
                    let mut fewer = items.clone();
                    fewer.remove(at);
                    smaller.push(make(fewer));
                    for item in items[at].smaller() {
                        let mut items = items.clone();
                        items[at] = item;
                        smaller.push(make(items));
                    }
                }
                smaller
            }
            Self::Not(item) => {
                let mut smaller = vec![(**item).clone()];
                smaller.extend(boxed(item.smaller(), &Self::Not));
                smaller
            }
            Self::Related(at, item) => boxed(item.smaller(), &|item| Self::Related(*at, item)),
            Self::Exists(at, item) => boxed(item.smaller(), &|item| Self::Exists(*at, item)),
            Self::Count(count) => match &count.filter {
                Some(filter) => {
                    let filters = std::iter::once(None).chain(filter.smaller().into_iter().map(Some));
                    filters.map(|filter| Self::Count(Box::new(Count { filter, ..(**count).clone() }))).collect()
                }
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

fn object(key: String, value: Json) -> Json {
    Json::Object([(key, value)].into_iter().collect())
}

/// One object where the keys allow it, else a list: both mean the same.
fn joined(items: Vec<Json>) -> Json {
    let mut whole = Map::new();
    for item in &items {
        for (key, value) in item.as_object().into_iter().flatten() {
            if whole.insert(key.clone(), value.clone()).is_some() {
                return json!({ "_and": items });
            }
        }
    }
    if items.len().is_multiple_of(2) { Json::Object(whole) } else { json!({ "_and": items }) }
}

fn all(items: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for item in items {
        match item {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

fn compare(operator: &str, left: &Value, right: &Value) -> Option<bool> {
    let found = left.compared(right)?;
    Some(match operator {
        "_eq" => found == Ordering::Equal,
        "_neq" => found != Ordering::Equal,
        "_gt" => found == Ordering::Greater,
        "_lt" => found == Ordering::Less,
        "_gte" => found != Ordering::Less,
        _ => found != Ordering::Greater,
    })
}
