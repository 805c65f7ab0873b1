//! Random data, permissions and queries: the statement's answer against a naive evaluator's, and documents that make no
//! sense against a parser that must not fall over.

use graphql::{Request, Session};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::support::{Shop, database_with};

type Child = (Option<usize>, Option<i64>, Option<String>, Option<bool>);

/// Rows of `child` and `parent`: numbers, texts and nulls out of few values, so that they often meet.
#[derive(Debug, Clone)]
struct Data {
    parents: Vec<(Option<i64>, Option<String>)>,
    children: Vec<Child>,
}

/// A condition on a row of `child` or `parent`.
#[derive(Debug, Clone)]
enum Condition {
    Number(&'static str, Option<i64>),
    In(Vec<i64>),
    Text(&'static str, String),
    Flag(bool),
    Null(&'static str, bool),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// Over the relationship: `parent` of a child, `children` of a parent.
    Related(Box<Condition>),
    /// `children_aggregate: {count: …}` of a parent; on a child, its parent's.
    Count(i64, Box<Condition>),
}

const OPERATORS: [&str; 6] = ["_eq", "_neq", "_gt", "_lt", "_gte", "_lte"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b'".to_owned()), Just("\"$1".to_owned()), Just("é\\".to_owned())]
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (prop::sample::select(&OPERATORS[..]), 0..4_i64)
            .prop_map(|(name, number)| Condition::Number(name, Some(number))),
        prop::collection::vec(0..4_i64, 0..3).prop_map(Condition::In),
        (prop::sample::select(&OPERATORS[..2]), text()).prop_map(|(name, text)| Condition::Text(name, text)),
        any::<bool>().prop_map(Condition::Flag),
        (prop::sample::select(&["n", "t"][..]), any::<bool>()).prop_map(|(name, wanted)| Condition::Null(name, wanted)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::Or),
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            inner.clone().prop_map(|inner| Condition::Related(Box::new(inner))),
            (0..3_i64, inner).prop_map(|(count, inner)| Condition::Count(count, Box::new(inner))),
        ]
    })
}

fn data() -> impl Strategy<Value = Data> {
    let parents = prop::collection::vec((prop::option::of(0..4_i64), prop::option::of(text())), 1..4);
    let child = (
        prop::option::of(0..3_usize),
        prop::option::of(0..4_i64),
        prop::option::of(text()),
        prop::option::of(any::<bool>()),
    );
    (parents, prop::collection::vec(child, 0..8)).prop_map(|(parents, mut children)| {
        for child in &mut children {
            child.0 = child.0.filter(|&parent| parent < parents.len());
        }
        Data { parents, children }
    })
}

#[derive(Debug, Clone)]
struct Case {
    data: Data,
    /// What the role may see of children and of parents.
    child_permission: Condition,
    parent_permission: Condition,
    limit: Option<u32>,
    filter: Condition,
    descending: bool,
    wanted: Option<u32>,
    offset: u32,
}

fn case() -> impl Strategy<Value = Case> {
    let permissions = (condition(), condition(), prop::option::of(1..5_u32));
    let query = (condition(), any::<bool>(), prop::option::of(0..5_u32), 0..3_u32);
    (data(), permissions, query).prop_map(|(data, (child, parent, limit), (filter, descending, wanted, offset))| Case {
        data,
        child_permission: child,
        parent_permission: parent,
        limit,
        filter,
        descending,
        wanted,
        offset,
    })
}

impl Condition {
    /// As metadata and variables write it; `child` says which table it is about.
    fn json(&self, child: bool, permission: bool) -> Value {
        let many = |items: &[Self]| items.iter().map(|item| item.json(child, permission)).collect::<Vec<_>>();
        match self {
            Self::Number(name, number) => json!({ "n": { *name: number } }),
            Self::In(numbers) => json!({ "n": { "_in": numbers } }),
            Self::Text(name, text) => json!({ "t": { *name: text } }),
            // Only children have a flag.
            Self::Flag(flag) if child => json!({ "f": { "_eq": flag } }),
            Self::Flag(flag) => json!({ "n": { "_is_null": flag } }),
            Self::Null(name, wanted) => json!({ *name: { "_is_null": wanted } }),
            Self::And(items) => json!({ "_and": many(items) }),
            Self::Or(items) => json!({ "_or": many(items) }),
            Self::Not(item) => json!({ "_not": item.json(child, permission) }),
            Self::Related(item) => json!({ if child { "parent" } else { "children" }: item.json(!child, permission) }),
            // Permissions know no aggregates.
            Self::Count(_, item) if permission || child => Self::Related(item.clone()).json(child, permission),
            Self::Count(count, item) => json!({ "children_aggregate":
                { "count": { "predicate": { "_gte": count }, "filter": item.json(true, permission) } } }),
        }
    }

    /// SQL's three values: none is unknown.
    fn holds(&self, row: Row, world: &World<'_>, permission: bool) -> Option<bool> {
        match self {
            Self::Number(name, number) => compare(name, world.number(row), *number),
            // For PostgreSQL not even the unknown is in an empty list.
            Self::In(numbers) if numbers.is_empty() => Some(false),
            Self::In(numbers) => world.number(row).map(|number| numbers.contains(&number)),
            Self::Text(name, text) => compare(name, world.text(row), Some(text.clone())),
            Self::Flag(flag) => match row {
                Row::Child(child) => world.data.children[child].3.map(|found| found == *flag),
                Row::Parent(_) => Some(world.number(row).is_none() == *flag),
            },
            Self::Null("n", wanted) => Some(world.number(row).is_none() == *wanted),
            Self::Null(_, wanted) => Some(world.text(row).is_none() == *wanted),
            Self::And(items) => all(items.iter().map(|item| item.holds(row, world, permission))),
            Self::Or(items) => {
                all(items.iter().map(|item| item.holds(row, world, permission).map(|found| !found))).map(|found| !found)
            }
            Self::Not(item) => item.holds(row, world, permission).map(|found| !found),
            Self::Related(item) => Some(
                world
                    .related(row, permission)
                    .into_iter()
                    .any(|other| item.holds(other, world, permission) == Some(true)),
            ),
            Self::Count(_, item) if permission || matches!(row, Row::Child(_)) => {
                Self::Related(item.clone()).holds(row, world, permission)
            }
            Self::Count(count, item) => {
                let related = world.related(row, permission);
                let found =
                    related.into_iter().filter(|&other| item.holds(other, world, permission) == Some(true)).count();
                Some(i64::try_from(found).unwrap() >= *count)
            }
        }
    }
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

fn compare<T: PartialOrd>(operator: &str, left: Option<T>, right: Option<T>) -> Option<bool> {
    let (left, right) = (left?, right?);
    Some(match operator {
        "_eq" => left == right,
        "_neq" => left != right,
        "_gt" => left > right,
        "_lt" => left < right,
        "_gte" => left >= right,
        _ => left <= right,
    })
}

#[derive(Debug, Clone, Copy)]
enum Row {
    Parent(usize),
    Child(usize),
}

struct World<'c> {
    data: &'c Data,
    case: &'c Case,
}

impl World<'_> {
    fn number(&self, row: Row) -> Option<i64> {
        match row {
            Row::Parent(at) => self.data.parents[at].0,
            Row::Child(at) => self.data.children[at].1,
        }
    }

    fn text(&self, row: Row) -> Option<String> {
        match row {
            Row::Parent(at) => self.data.parents[at].1.clone(),
            Row::Child(at) => self.data.children[at].2.clone(),
        }
    }

    /// A permission looks at every row, a query only at those it may see.
    fn related(&self, row: Row, permission: bool) -> Vec<Row> {
        let rows: Vec<Row> = match row {
            Row::Child(at) => self.data.children[at].0.map(Row::Parent).into_iter().collect(),
            Row::Parent(parent) => {
                let children = self.data.children.iter().enumerate();
                children.filter(|(_, child)| child.0 == Some(parent)).map(|(at, _)| Row::Child(at)).collect()
            }
        };
        rows.into_iter().filter(|&row| permission || self.visible(row)).collect()
    }

    fn visible(&self, row: Row) -> bool {
        let permission = match row {
            Row::Child(_) => &self.case.child_permission,
            Row::Parent(_) => &self.case.parent_permission,
        };
        permission.holds(row, self, true) == Some(true)
    }

    /// The answer, computed row by row.
    fn answer(&self) -> Value {
        let case = self.case;
        let matching = |row: Row| self.visible(row) && case.filter.holds(row, self, false) == Some(true);
        let children: Vec<usize> = (0..self.data.children.len()).filter(|&at| matching(Row::Child(at))).collect();
        let count = children.len();
        let sum: Option<i64> =
            children.iter().filter_map(|&at| self.data.children[at].1).fold(None, |sum, n| Some(sum.unwrap_or(0) + n));
        let mut sorted = children.clone();
        // Nulls are greater than everything, as in PostgreSQL.
        sorted.sort_by_key(|&at| self.data.children[at].1.unwrap_or(i64::MAX));
        if case.descending {
            sorted.sort_by_key(|&at| std::cmp::Reverse(self.data.children[at].1.unwrap_or(i64::MAX)));
        }
        let limit = [case.wanted, case.limit].into_iter().flatten().min().map_or(usize::MAX, |limit| limit as usize);
        let rows: Vec<Value> = sorted
            .into_iter()
            .skip(case.offset as usize)
            .take(limit)
            .map(|at| {
                let parent = self.related(Row::Child(at), false).first().map(|&parent| {
                    let Row::Parent(at) = parent else { unreachable!() };
                    let siblings = self.related(parent, false).len();
                    json!({ "id": at, "children_aggregate": { "aggregate": { "count": siblings } } })
                });
                json!({ "id": at, "n": self.data.children[at].1, "t": self.data.children[at].2, "parent": parent })
            })
            .collect();
        json!({ "child": rows, "child_aggregate": { "aggregate": { "count": count, "sum": { "n": sum } } } })
    }
}

const TABLES: &str = "
    CREATE TABLE parent (id int PRIMARY KEY, n int, t text COLLATE \"C\");
    CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, n int, t text COLLATE \"C\", f boolean);";

const QUERY: &str = "query ($where: child_bool_exp!, $n: order_by!, $limit: Int, $offset: Int) {
    child(where: $where, order_by: [{n: $n}, {id: asc}], limit: $limit, offset: $offset) {
        id n t parent { id children_aggregate { aggregate { count } } }
    }
    child_aggregate(where: $where) { aggregate { count sum { n } } }
}";

async fn tables() -> Shop {
    let shop = database_with(TABLES, |_| {}).await;
    for (action, arguments) in [
        ("track_table", json!({ "table": "parent" })),
        ("track_table", json!({ "table": "child" })),
        (
            "create_object_relationship",
            json!({ "table": "child", "name": "parent", "using": { "foreign_key_constraint_on": "parent_id" } }),
        ),
        (
            "create_array_relationship",
            json!({ "table": "parent", "name": "children",
            "using": { "foreign_key_constraint_on": { "table": "child", "column": "parent_id" } } }),
        ),
    ] {
        let mut arguments = arguments;
        arguments["source"] = json!("default");
        shop.command(json!({ "type": format!("pg_{action}"), "args": arguments })).await;
    }
    shop
}

async fn fill(shop: &Shop, case: &Case, number: usize) -> Session {
    let client = shop.database.client().await;
    client.batch_execute("TRUNCATE parent, child").await.unwrap();
    for (at, (n, t)) in case.data.parents.iter().enumerate() {
        let (id, n) = (i32::try_from(at).unwrap(), n.map(|n| i32::try_from(n).unwrap()));
        client.execute("INSERT INTO parent VALUES ($1, $2, $3)", &[&id, &n, t]).await.unwrap();
    }
    for (at, (parent, n, t, f)) in case.data.children.iter().enumerate() {
        let (id, n) = (i32::try_from(at).unwrap(), n.map(|n| i32::try_from(n).unwrap()));
        let parent = parent.map(|parent| i32::try_from(parent).unwrap());
        client.execute("INSERT INTO child VALUES ($1, $2, $3, $4, $5)", &[&id, &parent, &n, t, f]).await.unwrap();
    }
    let role = format!("role{number}");
    for (table, columns, filter, limit) in [
        ("parent", vec!["id", "n", "t"], case.parent_permission.json(false, true), None),
        ("child", vec!["id", "parent_id", "n", "t", "f"], case.child_permission.json(true, true), case.limit),
    ] {
        let mut permission = json!({ "columns": columns, "filter": filter, "allow_aggregations": true });
        if let Some(limit) = limit {
            permission["limit"] = json!(limit);
        }
        let arguments = json!({ "source": "default", "table": table, "role": role, "permission": permission });
        shop.command(json!({ "type": "pg_create_select_permission", "args": arguments })).await;
    }
    let permission = json!({ "filter": case.child_permission.json(true, true) });
    let arguments = json!({ "source": "default", "table": "child", "role": role, "permission": permission });
    shop.command(json!({ "type": "pg_create_delete_permission", "args": arguments })).await;
    Session::role(role)
}

#[tokio::test]
async fn answers_are_those_of_a_naive_evaluator() {
    let shop = tables().await;
    let mut runner = TestRunner::new(Config::default());
    for number in 0..60 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let session = fill(&shop, &case, number).await;
        let variables = json!({
            "where": case.filter.json(true, false),
            "n": if case.descending { "desc" } else { "asc" },
            "limit": case.wanted,
            "offset": case.offset,
        });
        let Value::Object(variables) = variables else { unreachable!() };
        let request = Request { variables, ..Request::new(QUERY) };
        let answer = shop.ask_as(&session, &request).await;
        let expected = World { data: &case.data, case: &case }.answer();
        assert_eq!(answer["data"], expected, "{answer:#}\n{case:#?}");
        // What is deleted is what was counted, and nothing else.
        let mutation = "mutation ($where: child_bool_exp!) { delete_child(where: $where) { affected_rows } }";
        let variables = json!({ "where": case.filter.json(true, false) }).as_object().unwrap().clone();
        let answer = shop.ask_as(&session, &Request { variables, ..Request::new(mutation) }).await;
        let count = &expected["child_aggregate"]["aggregate"]["count"];
        assert_eq!(&answer["data"]["delete_child"]["affected_rows"], count, "{answer:#}\n{case:#?}");
    }
}

/// Pieces that documents are made of, in no order.
fn document() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        prop::sample::select(
            &[
                "child",
                "parent",
                "id",
                "n",
                "where:",
                "order_by:",
                "_and:",
                "_or:",
                "_not:",
                "_eq:",
                "_in:",
                "limit:",
                "... on child",
                "...F",
                "fragment F on child",
                "query",
                "mutation",
                "subscription",
                "$v",
                "$v: Int",
                "@include(if: $v)",
                "@skip(if: true)",
                "null",
                "1",
                "-1",
                "1e999",
                "\"x\"",
                "\"\"\"",
                "asc",
                "children_aggregate",
                "aggregate",
                "count",
                "nodes",
                "a:",
                "__schema",
                "__type(name:"
            ][..],
        )
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
}

/// Any JSON, with names of the schema among its keys.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        4 => prop::sample::select(&["n", "t", "f", "parent", "_and", "_or", "_not", "_eq", "_in", "_gt", "_is_null", "_like", "children_aggregate", "count", "predicate", "filter"][..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    leaf.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

#[tokio::test]
async fn nonsense_is_refused_in_order() {
    let shop = tables().await;
    let mut runner = TestRunner::new(Config::default());
    let session = Session::admin();
    for _ in 0..400 {
        let query = document().new_tree(&mut runner).unwrap().current();
        let answer = shop.ask_as(&session, &Request::new(query.clone())).await;
        in_order(&answer, &query);
    }
    for _ in 0..400 {
        let condition = value().new_tree(&mut runner).unwrap().current();
        let variables = [("w".to_owned(), condition.clone())].into_iter().collect();
        let query = "query ($w: child_bool_exp) { child(where: $w) { id } }";
        let answer = shop.ask_as(&session, &Request { variables, ..Request::new(query) }).await;
        in_order(&answer, &condition.to_string());
    }
}

/// Data, or an error that is not the engine's own fault.
fn in_order(answer: &Value, asked: &str) {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    let known = ["validation-failed", "data-exception", "parse-failed", "not-supported"];
    assert!(answer.get("data").is_some() || code.is_some_and(|code| known.contains(&code)), "{asked}\n{answer:#}");
}
