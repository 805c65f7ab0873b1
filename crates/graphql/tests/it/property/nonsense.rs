//! Documents and conditions that make no sense, against a parser that must not fall over.

use graphql::{Request, Session};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{Shop, database_with};

const TABLES: &str = "
    CREATE TABLE parent (id int PRIMARY KEY, n int, t text COLLATE \"C\");
    CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, n int, t text COLLATE \"C\", f boolean);";

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
