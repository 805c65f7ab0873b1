//! Random queries, and smaller ones that might fail alike.

use super::condition::{Condition, Scope};
use super::value::{Kind, Rng, Value};
use super::viewer::Viewer;
use super::world::World;

#[derive(Debug, Clone)]
pub struct Query {
    /// Decides how the same is written: in place or as variables, with fragments or without.
    pub style: u64,
    pub roots: Vec<(String, Root)>,
}

#[derive(Debug, Clone)]
pub enum Root {
    Rows(usize, Arguments, Selection),
    Key(usize, Vec<Value>, Selection),
    Aggregate(usize, Arguments, Aggregate),
}

#[derive(Debug, Clone, Default)]
pub struct Arguments {
    pub filter: Option<Condition>,
    pub order: Vec<Order>,
    pub distinct: Vec<usize>,
    pub limit: Option<usize>,
    pub offset: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Order {
    /// Object relationships that lead to the table whose value it is.
    pub path: Vec<usize>,
    pub target: Target,
    pub direction: Direction,
}

#[derive(Debug, Clone)]
pub enum Target {
    Column(usize),
    Count(usize),
    Fold(usize, &'static str, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    pub name: &'static str,
    pub ascending: bool,
    pub nulls_first: bool,
}

pub type Selection = Vec<(String, Field)>;

#[derive(Debug, Clone)]
pub enum Field {
    TypeName,
    Column(usize),
    Object(usize, Selection),
    Array(usize, Arguments, Selection),
    Aggregate(usize, Arguments, Aggregate),
}

#[derive(Debug, Clone, Default)]
pub struct Aggregate {
    pub counts: Vec<(String, Vec<usize>, bool)>,
    pub folds: Vec<(String, &'static str, Vec<usize>)>,
    pub nodes: Option<Selection>,
}

const DIRECTIONS: [Direction; 6] = [
    Direction { name: "asc", ascending: true, nulls_first: false },
    Direction { name: "desc", ascending: false, nulls_first: true },
    Direction { name: "asc_nulls_first", ascending: true, nulls_first: true },
    Direction { name: "asc_nulls_last", ascending: true, nulls_first: false },
    Direction { name: "desc_nulls_first", ascending: false, nulls_first: true },
    Direction { name: "desc_nulls_last", ascending: false, nulls_first: false },
];

/// Which columns an aggregate function takes.
pub fn folds(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Int | Kind::Numeric => &["sum", "min", "max"],
        Kind::Text | Kind::Time => &["min", "max"],
        _ => &[],
    }
}

/// Makes queries for one viewer.
pub struct Maker<'w> {
    pub world: &'w World,
    pub viewer: &'w Viewer<'w>,
    pub rng: Rng,
}

impl Maker<'_> {
    /// None where the viewer sees no table.
    pub fn query(&mut self) -> Option<Query> {
        let seen: Vec<usize> = (0..self.world.tables.len()).filter(|&at| self.viewer.sees_table(at)).collect();
        if seen.is_empty() {
            return None;
        }
        let mut roots = Vec::new();
        for number in 0..1 + self.rng.below(3) {
            let table = *self.rng.pick(&seen);
            let root = match self.rng.below(5) {
                0 => Root::Key(table, self.key(table), self.selection(table, 2)),
                1 | 2 if self.viewer.counts(table) => {
                    let aggregate = self.aggregate(table, 2);
                    Root::Aggregate(table, self.arguments(table), aggregate)
                }
                _ => Root::Rows(table, self.arguments(table), self.selection(table, 3)),
            };
            roots.push((format!("root_{number}"), root));
        }
        Some(Query { style: self.rng.next(), roots })
    }

    fn key(&mut self, table: usize) -> Vec<Value> {
        let found = &self.world.tables[table];
        let keys = found.keys();
        if !keys.is_empty() && self.rng.percent(85) {
            return self.rng.pick(&keys).clone();
        }
        found.key.iter().map(|&at| found.columns[at].kind.random(&mut self.rng)).collect()
    }

    fn scope(&self, table: usize) -> Scope<'_> {
        Scope::request(self.world, table, self.viewer)
    }

    pub fn condition(&mut self, table: usize, depth: usize) -> Condition {
        let mut rng = self.rng.clone();
        let condition = self.scope(table).random(&mut rng, depth);
        self.rng = rng;
        condition
    }

    pub fn selection(&mut self, table: usize, depth: usize) -> Selection {
        let columns = self.scope(table).columns();
        let relationships = self.scope(table).relationships();
        let counted = self.scope(table).counted();
        let mut selection = Vec::new();
        for number in 0..1 + self.rng.below(4) {
            let field = match self.rng.below(8) {
                0 => Field::TypeName,
                1..=3 if depth > 0 && !relationships.is_empty() => {
                    let relationship = *self.rng.pick(&relationships);
                    let found = &self.world.tables[table].relationships[relationship];
                    let (target, single) = (found.target, found.single);
                    let inside = self.selection(target, depth - 1);
                    match single {
                        true => Field::Object(relationship, inside),
                        false => Field::Array(relationship, self.arguments(target), inside),
                    }
                }
                4 if depth > 0 && !counted.is_empty() => {
                    let relationship = *self.rng.pick(&counted);
                    let target = self.world.tables[table].relationships[relationship].target;
                    Field::Aggregate(relationship, self.arguments(target), self.aggregate(target, depth - 1))
                }
                _ => Field::Column(*self.rng.pick(&columns)),
            };
            let key = if self.rng.percent(5) { format!("{}{number}", "k".repeat(70)) } else { format!("k{number}") };
            selection.push((key, field));
        }
        selection
    }

    fn aggregate(&mut self, table: usize, depth: usize) -> Aggregate {
        let columns = self.scope(table).columns();
        let mut aggregate = Aggregate::default();
        for number in 0..1 + self.rng.below(2) {
            let counted = self.rng.some(&columns, 2);
            aggregate.counts.push((format!("count_{number}"), counted, self.rng.percent(40)));
        }
        for name in self.rng.some(&["sum", "min", "max"], 2) {
            let fits = |&at: &usize| folds(self.world.tables[table].columns[at].kind).contains(&name);
            let columns: Vec<usize> = columns.iter().copied().filter(fits).collect();
            let columns = self.rng.some(&columns, 2);
            if !columns.is_empty() {
                aggregate.folds.push((format!("{name}_of"), name, columns));
            }
        }
        if self.rng.percent(50) {
            aggregate.nodes = Some(self.selection(table, depth));
        }
        aggregate
    }

    /// The order is total: it ends with the key.
    fn arguments(&mut self, table: usize) -> Arguments {
        let filter = self.rng.percent(60).then(|| self.condition(table, 3));
        let mut arguments = Arguments { filter, ..Arguments::default() };
        let found = &self.world.tables[table].columns;
        if self.rng.percent(20) {
            let columns = self.scope(table).columns();
            let sorted: Vec<usize> = columns.into_iter().filter(|&at| found[at].kind.sorts()).collect();
            arguments.distinct = self.rng.some(&sorted, 2);
        }
        let mut own = arguments.distinct.clone();
        for _ in 0..self.rng.below(3) {
            let order = self.order(table);
            if let (Target::Column(column), true) = (&order.target, order.path.is_empty()) {
                own.push(*column);
            } else if arguments.distinct.is_empty() {
                arguments.order.push(order);
            }
        }
        own.extend(&self.world.tables[table].key);
        for (at, column) in own.iter().enumerate() {
            if !own[..at].contains(column) {
                let direction = *self.rng.pick(&DIRECTIONS);
                arguments.order.push(Order { path: Vec::new(), target: Target::Column(*column), direction });
            }
        }
        arguments.limit = self.rng.percent(30).then(|| self.rng.below(4));
        arguments.offset = self.rng.percent(20).then(|| self.rng.below(3));
        arguments
    }

    fn order(&mut self, table: usize) -> Order {
        let (mut table, mut path) = (table, Vec::new());
        loop {
            let found = &self.world.tables[table].relationships;
            let single: Vec<usize> =
                self.scope(table).relationships().into_iter().filter(|&at| found[at].single).collect();
            if single.is_empty() || path.len() > 2 || self.rng.percent(55) {
                break;
            }
            let next = *self.rng.pick(&single);
            path.push(next);
            table = found[next].target;
        }
        let direction = *self.rng.pick(&DIRECTIONS);
        let counted = self.scope(table).counted();
        if !counted.is_empty() && self.rng.percent(40) {
            let relationship = *self.rng.pick(&counted);
            let target = self.world.tables[table].relationships[relationship].target;
            let folded = self.scope(target).columns().into_iter().flat_map(|column| {
                let kind = self.world.tables[target].columns[column].kind;
                folds(kind).iter().map(move |name| (*name, column))
            });
            let folded: Vec<(&'static str, usize)> = folded.collect();
            let target = match folded.is_empty() || self.rng.percent(40) {
                true => Target::Count(relationship),
                false => {
                    let (name, column) = *self.rng.pick(&folded);
                    Target::Fold(relationship, name, column)
                }
            };
            return Order { path, target, direction };
        }
        let found = &self.world.tables[table].columns;
        let sorted: Vec<usize> = self.scope(table).columns().into_iter().filter(|&at| found[at].kind.sorts()).collect();
        Order { path, target: Target::Column(*self.rng.pick(&sorted)), direction }
    }
}

impl Query {
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller: Vec<Self> = Vec::new();
        for at in 0..self.roots.len() {
            if self.roots.len() > 1 {
                let mut query = self.clone();
                query.roots.remove(at);
                smaller.push(query);
            }
            for root in self.roots[at].1.smaller() {
                let mut query = self.clone();
                query.roots[at].1 = root;
                smaller.push(query);
            }
        }
        if self.style != 0 {
            smaller.push(Self { style: 0, ..self.clone() });
        }
        smaller
    }
}

impl Root {
    fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Rows(table, arguments, selection) => {
                let fewer =
                    arguments.smaller().into_iter().map(|arguments| Self::Rows(*table, arguments, selection.clone()));
                let less = smaller_selection(selection).into_iter();
                fewer.chain(less.map(|selection| Self::Rows(*table, arguments.clone(), selection))).collect()
            }
            Self::Key(table, key, selection) => {
                let less = smaller_selection(selection).into_iter();
                less.map(|selection| Self::Key(*table, key.clone(), selection)).collect()
            }
            Self::Aggregate(table, arguments, aggregate) => {
                let fewer = arguments
                    .smaller()
                    .into_iter()
                    .map(|arguments| Self::Aggregate(*table, arguments, aggregate.clone()));
                let less = aggregate.smaller().into_iter();
                fewer.chain(less.map(|aggregate| Self::Aggregate(*table, arguments.clone(), aggregate))).collect()
            }
        }
    }
}

impl Arguments {
    /// The end of the order stays: without it there is no one answer.
    fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        if let Some(filter) = &self.filter {
            let filters = std::iter::once(None).chain(filter.smaller().into_iter().map(Some));
            smaller.extend(filters.map(|filter| Self { filter, ..self.clone() }));
        }
        if !self.distinct.is_empty() {
            smaller.push(Self { distinct: Vec::new(), ..self.clone() });
        }
        for at in 0..self.order.len() {
            let order = &self.order[at];
            if !order.path.is_empty() || !matches!(order.target, Target::Column(_)) {
                let mut fewer = self.clone();
                fewer.order.remove(at);
                smaller.push(fewer);
            }
        }
        if self.limit.is_some() {
            smaller.push(Self { limit: None, ..self.clone() });
        }
        if self.offset.is_some() {
            smaller.push(Self { offset: None, ..self.clone() });
        }
        smaller
    }
}

impl Aggregate {
    fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for at in 0..self.folds.len() {
            let mut fewer = self.clone();
            fewer.folds.remove(at);
            smaller.push(fewer);
        }
        if self.counts.len() > 1 {
            let mut fewer = self.clone();
            fewer.counts.pop();
            smaller.push(fewer);
        }
        if let Some(nodes) = &self.nodes {
            let nodes = std::iter::once(None).chain(smaller_selection(nodes).into_iter().map(Some));
            smaller.extend(nodes.map(|nodes| Self { nodes, ..self.clone() }));
        }
        smaller
    }
}

fn smaller_selection(selection: &Selection) -> Vec<Selection> {
    let mut smaller = Vec::new();
    for (at, (key, field)) in selection.iter().enumerate() {
        if selection.len() > 1 {
            let mut fewer = selection.clone();
            fewer.remove(at);
            smaller.push(fewer);
        }
        let inside: Vec<Field> = match field {
            Field::Object(relationship, inside) => {
                smaller_selection(inside).into_iter().map(|inside| Field::Object(*relationship, inside)).collect()
            }
            Field::Array(relationship, arguments, inside) => {
                let fewer = arguments.smaller().into_iter();
                let fewer = fewer.map(|arguments| Field::Array(*relationship, arguments, inside.clone()));
                let less = smaller_selection(inside).into_iter();
                fewer.chain(less.map(|inside| Field::Array(*relationship, arguments.clone(), inside))).collect()
            }
            Field::Aggregate(relationship, arguments, aggregate) => {
                let fewer = arguments.smaller().into_iter();
                let fewer = fewer.map(|arguments| Field::Aggregate(*relationship, arguments, aggregate.clone()));
                let less = aggregate.smaller().into_iter();
                fewer
                    .chain(less.map(|aggregate| Field::Aggregate(*relationship, arguments.clone(), aggregate)))
                    .collect()
            }
            Field::TypeName | Field::Column(_) => Vec::new(),
        };
        for field in inside {
            let mut selection = selection.clone();
            selection[at] = (key.clone(), field);
            smaller.push(selection);
        }
    }
    smaller
}
