//! Queries as GraphQL.

use graphql::Request;
use serde_json::{Map, Value as Json, json};

use super::condition::{ENUM, Scope};
use super::query::{Aggregate, Arguments, Field, Order, Query, Root, Selection, Target};
use super::value::{Rng, is_name};
use super::viewer::Viewer;
use super::world::World;

/// Writes one request.
pub struct Text<'w> {
    world: &'w World,
    viewer: &'w Viewer<'w>,
    rng: Rng,
    /// Everything in place.
    plain: bool,
    out: String,
    declared: Vec<String>,
    variables: Map<String, Json>,
    fragments: Vec<String>,
}

impl<'w> Text<'w> {
    pub fn new(world: &'w World, viewer: &'w Viewer<'w>, style: u64) -> Self {
        Self {
            world,
            viewer,
            rng: Rng::new(style),
            plain: style == 0,
            out: String::new(),
            declared: Vec::new(),
            variables: Map::new(),
            fragments: Vec::new(),
        }
    }

    pub fn query(mut self, query: &Query) -> Request {
        for (key, root) in &query.roots {
            let (Root::Rows(table, ..) | Root::Key(table, ..) | Root::Aggregate(table, ..)) = root;
            let name = &self.world.tables[*table].name;
            match root {
                Root::Rows(_, arguments, selection) => {
                    self.out += &format!(" {key}: {name}");
                    self.arguments(*table, arguments);
                    self.selection(*table, selection);
                }
                Root::Key(_, key_values, selection) => {
                    self.out += &format!(" {key}: {name}_by_pk(");
                    let found = &self.world.tables[*table];
                    for (&at, value) in found.key.iter().zip(key_values) {
                        self.out += &format!("{}: {} ", found.columns[at].name, value.json());
                    }
                    self.out += ")";
                    self.selection(*table, selection);
                }
                Root::Aggregate(_, arguments, aggregate) => {
                    self.out += &format!(" {key}: {name}_aggregate");
                    self.arguments(*table, arguments);
                    self.aggregate(*table, aggregate);
                }
            }
        }
        self.request("query")
    }

    /// What was written, as the only operation.
    pub fn request(self, operation: &str) -> Request {
        let Self { out, declared, variables, fragments, .. } = self;
        let declared = if declared.is_empty() { String::new() } else { format!("({})", declared.join(", ")) };
        let query = format!("{operation} Q{declared} {{{out} }} {}", fragments.join(" "));
        Request { variables, ..Request::new(query) }
    }

    pub fn push(&mut self, text: &str) {
        self.out += text;
    }

    /// Whether something that may be written in two ways is.
    fn either(&mut self) -> bool {
        !self.plain && self.rng.percent(30)
    }

    /// A value in place, or as a variable of that type.
    pub fn value(&mut self, value: &Json, type_name: &str) {
        if writable(value) && !self.either() {
            self.out += &literal(value);
            return;
        }
        let name = format!("v{}", self.declared.len());
        self.declared.push(format!("${name}: {type_name}"));
        self.variables.insert(name.clone(), plain(value));
        self.out += &format!("${name}");
    }

    pub fn filter(&mut self, table: usize, json: &Json) {
        let name = self.world.tables[table].name.clone();
        self.out += "where: ";
        self.value(json, &format!("{name}_bool_exp!"));
        self.out += " ";
    }

    fn arguments(&mut self, table: usize, arguments: &Arguments) {
        let name = self.world.tables[table].name.clone();
        let start = self.out.len();
        if let Some(filter) = &arguments.filter {
            let json = filter.json(&Scope::request(self.world, table, self.viewer));
            self.filter(table, &json);
        }
        if !arguments.order.is_empty() {
            let items: Vec<Json> = arguments.order.iter().map(|order| self.order(table, order)).collect();
            self.out += "order_by: ";
            self.value(&json!(items), &format!("[{name}_order_by!]"));
            self.out += " ";
        }
        if !arguments.distinct.is_empty() {
            let columns = arguments.distinct.iter();
            let columns: Vec<String> =
                columns.map(|&at| format!("{ENUM}{}", self.world.tables[table].columns[at].name)).collect();
            self.out += "distinct_on: ";
            self.value(&json!(columns), &format!("[{name}_select_column!]"));
            self.out += " ";
        }
        for (name, found) in [("limit", arguments.limit), ("offset", arguments.offset)] {
            if let Some(found) = found {
                self.out += &format!("{name}: ");
                self.value(&json!(found), "Int");
                self.out += " ";
            }
        }
        if self.out.len() > start {
            self.out.insert(start, '(');
            self.out += ")";
        }
    }

    fn order(&self, table: usize, order: &Order) -> Json {
        let (mut at, mut keys) = (table, Vec::new());
        for &relationship in &order.path {
            let found = &self.world.tables[at].relationships[relationship];
            keys.push(found.name.clone());
            at = found.target;
        }
        let found = &self.world.tables[at];
        let aggregate = |relationship: &usize| format!("{}_aggregate", found.relationships[*relationship].name);
        match &order.target {
            Target::Column(column) => keys.push(found.columns[*column].name.clone()),
            Target::Count(relationship) => keys.extend([aggregate(relationship), "count".to_owned()]),
            Target::Fold(relationship, name, column) => {
                let target = &self.world.tables[found.relationships[*relationship].target];
                keys.extend([aggregate(relationship), (*name).to_owned(), target.columns[*column].name.clone()]);
            }
        }
        let direction = json!(format!("{ENUM}{}", order.direction.name));
        keys.into_iter().rev().fold(direction, |inner, key| Json::Object([(key, inner)].into_iter().collect()))
    }

    pub fn selection(&mut self, table: usize, selection: &Selection) {
        let name = self.world.tables[table].name.clone();
        let start = self.out.len();
        for (key, field) in selection {
            self.field(table, key, field);
        }
        let inside = self.out.split_off(start);
        if self.either() {
            let fragment = format!("F{}", self.fragments.len());
            self.fragments.push(format!("fragment {fragment} on {name} {{{inside} }}"));
            self.out += &format!(" {{ ...{fragment} }}");
        } else if self.either() {
            self.out += &format!(" {{ ... on {name} {{{inside} }} }}");
        } else {
            self.out += &format!(" {{{inside} }}");
        }
    }

    fn field(&mut self, table: usize, key: &str, field: &Field) {
        let found = &self.world.tables[table];
        let name = |relationship: &usize| found.relationships[*relationship].name.as_str();
        let target = |relationship: &usize| found.relationships[*relationship].target;
        match field {
            Field::TypeName => self.out += &format!(" {key}: __typename"),
            Field::Column(column) => self.out += &format!(" {key}: {}", found.columns[*column].name),
            Field::Object(relationship, selection) => {
                self.out += &format!(" {key}: {}", name(relationship));
                self.selection(target(relationship), selection);
            }
            Field::Array(relationship, arguments, selection) => {
                self.out += &format!(" {key}: {}", name(relationship));
                self.arguments(target(relationship), arguments);
                self.selection(target(relationship), selection);
            }
            Field::Aggregate(relationship, arguments, aggregate) => {
                self.out += &format!(" {key}: {}_aggregate", name(relationship));
                self.arguments(target(relationship), arguments);
                self.aggregate(target(relationship), aggregate);
            }
        }
    }

    fn aggregate(&mut self, table: usize, aggregate: &Aggregate) {
        let columns = &self.world.tables[table].columns;
        let names = |found: &[usize]| found.iter().map(|&at| columns[at].name.as_str()).collect::<Vec<_>>().join(" ");
        self.out += " { aggregate {";
        for (key, counted, distinct) in &aggregate.counts {
            self.out += &format!(" {key}: count(distinct: {distinct}");
            if !counted.is_empty() {
                self.out += &format!(" columns: [{}]", names(counted));
            }
            self.out += ")";
        }
        for (key, name, folded) in &aggregate.folds {
            self.out += &format!(" {key}: {name} {{ {} }}", names(folded));
        }
        self.out += " }";
        if let Some(nodes) = &aggregate.nodes {
            self.out += " nodes";
            self.selection(table, nodes);
        }
        self.out += " }";
    }
}

/// True where GraphQL can write it: it knows no odd keys.
fn writable(value: &Json) -> bool {
    match value {
        Json::Object(fields) => fields.iter().all(|(key, value)| is_name(key) && writable(value)),
        Json::Array(items) => items.iter().all(writable),
        _ => true,
    }
}

fn literal(value: &Json) -> String {
    match value {
        Json::String(text) => match text.strip_prefix(ENUM) {
            Some(name) => name.to_owned(),
            None => value.to_string(),
        },
        Json::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {}", literal(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn plain(value: &Json) -> Json {
    match value {
        Json::String(text) => json!(text.strip_prefix(ENUM).unwrap_or(text)),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}
