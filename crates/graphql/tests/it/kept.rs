//! Objects of the metadata that name others: kept queries, endpoints, roles that inherit.

use graphql::Session;
use graphql::api::{Endpoint, answer};
use serde_json::{Value, json};

use crate::support::{Shop, shop};

async fn post(shop: &Shop, endpoint: Endpoint, body: Value) -> (u16, Value) {
    let answer = answer(&shop.handle, &Session::admin(), endpoint, body.to_string().as_bytes()).await;
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
}

async fn told(shop: &Shop, kind: &str, args: Value) -> (u16, Value) {
    post(shop, Endpoint::Metadata, json!({"type": kind, "args": args})).await
}

async fn must(shop: &Shop, kind: &str, args: Value) -> Value {
    let (status, body) = told(shop, kind, args).await;
    assert_eq!(status, 200, "{kind}: {body:#}");
    body
}

/// Why a command is refused: its message, or the reasons of what it would make inconsistent.
async fn reasons(shop: &Shop, kind: &str, args: Value) -> Vec<String> {
    let (status, body) = told(shop, kind, args).await;
    assert_ne!(status, 200, "{kind}");
    match body["internal"].as_array() {
        Some(found) => found.iter().map(|found| found["reason"].as_str().unwrap().to_owned()).collect(),
        None => vec![body["error"].as_str().unwrap().to_owned()],
    }
}

async fn keep(shop: &Shop, queries: &[(&str, &str)]) {
    let queries: Vec<Value> = queries.iter().map(|(name, query)| json!({"name": name, "query": query})).collect();
    must(shop, "create_query_collection", json!({"name": "app", "definition": {"queries": queries}})).await;
}

fn endpoint(name: &str, url: &str, query: &str) -> Value {
    let definition = json!({"query": {"collection_name": "app", "query_name": query}});
    json!({"name": name, "url": url, "methods": ["GET"], "definition": definition})
}

#[tokio::test]
async fn kept_queries_are_looked_up_in_the_schema() {
    let shop = shop().await;
    keep(
        &shop,
        &[("fine", "query ($id: Int!) { users(where: {id: {_eq: $id}}) { ...F } } fragment F on users { name }")],
    )
    .await;
    must(&shop, "add_collection_to_allowlist", json!({"collection": "app"})).await;
    for (query, problem) in [
        ("{ nope { id } }", "$.nope: field 'nope' not found in object 'query_root'"),
        ("{ users { nope orders { nope } } }", "$.users.orders.nope: field 'nope' not found in object 'orders'"),
        ("{ users }", "$.users: object of type 'users' must have a selection set"),
        ("{ users { id { x } } }", "$.users.id: scalar 'Int' does not accept a selection set"),
        ("query ($x: nope) { users { id } }", "$.x: type 'nope' not found in the schema"),
        ("query {", "not a valid graphql query"),
    ] {
        let args = json!({"collection_name": "app", "query_name": "new", "query": query});
        let (status, body) = told(&shop, "add_query_to_collection", args).await;
        assert_eq!((status, &body["code"]), (500, &json!("unexpected")), "{query}");
        let found = &body["internal"][0];
        assert_eq!(
            (&found["type"], &found["name"]),
            (&json!("query_collections"), &json!("query_collections new in app"))
        );
        let reason = found["reason"].as_str().unwrap();
        let start = "Inconsistent object: In query collection \"app\" the query \"new\" is invalid with the following \
                     error(s): \"";
        assert!(reason.starts_with(start) && reason.contains(problem), "{reason}");
        assert!(reason.ends_with(". This query is in allowlist."), "{reason}");
    }
    // A column that such a query reads cannot go unseen.
    let drop = json!({"sql": "ALTER TABLE users RENAME name TO title"});
    let (status, body) = post(&shop, Endpoint::QueryV2, json!({"type": "run_sql", "args": drop})).await;
    assert_eq!((status, &body["error"]), (500, &json!("cannot continue due to newly found inconsistent metadata")));
    assert_eq!(shop.data("{ users(limit: 1) { name } }").await, json!({"users": [{"name": "Ada"}]}));
}

#[tokio::test]
async fn endpoints_are_checked() {
    let shop = shop().await;
    let queries = [
        ("one", "query ($id: Int!) { users_by_pk(id: $id) { id } }"),
        ("live", "subscription { users { id } }"),
        ("two", "query a { users { id } } query b { users { id } }"),
    ];
    let (status, body) = {
        let queries: Vec<Value> = queries.iter().map(|(name, query)| json!({"name": name, "query": query})).collect();
        told(&shop, "create_query_collection", json!({"name": "app", "definition": {"queries": queries}})).await
    };
    assert_eq!(status, 500, "{body}");
    keep(&shop, &queries[..2]).await;
    must(&shop, "create_rest_endpoint", endpoint("one", "users/:id", "one")).await;
    for (new, reason) in [
        (
            endpoint("a", "a", "zz"),
            "Inconsistent object: in endpoint a: query with name zz does not exist in collection app",
        ),
        (endpoint("b", "b", "live"), "Inconsistent object: in endpoint b: query with name live is a subscription"),
        (endpoint("c", "c/:a/:a", "one"), "Duplicate variables found in endpoint path: c/:a/:a"),
        (endpoint("d", "d//x", "one"), "Empty segments or unnamed variables are not allowed: d//x"),
        (endpoint("z", "users/me", "one"), "Ambiguous URL paths: users/:id, users/me"),
    ] {
        assert_eq!(reasons(&shop, "create_rest_endpoint", new).await, [reason]);
    }
    let found = must(&shop, "get_inconsistent_metadata", json!({})).await;
    assert_eq!(found, json!({"is_consistent": true, "inconsistent_objects": []}));
}

#[tokio::test]
async fn parents_of_inherited_roles_are_there() {
    let shop = shop().await;
    let permission = json!({"table": "users", "role": "reader", "permission": {"columns": ["id"], "filter": {}}});
    must(&shop, "pg_create_select_permission", permission).await;
    let found =
        reasons(&shop, "add_inherited_role", json!({"role_name": "all", "role_set": ["reader", "ghost"]})).await;
    let expected = "Inconsistent object: in inherited role all: the following parent role(s) are not found: ghost which \
                    are required to construct the inherited role: \"all\"";
    assert_eq!(found, [expected]);
    must(&shop, "add_inherited_role", json!({"role_name": "all", "role_set": ["reader"]})).await;
}

#[tokio::test]
async fn what_reads_alone_may_run_at_once() {
    let shop = shop().await;
    let bulk = |read_only: bool| {
        let step = json!({"type": "run_sql", "args": {"sql": "SELECT 1 AS one", "read_only": read_only}});
        json!({"type": "concurrent_bulk", "args": [step.clone(), step]})
    };
    let rows = json!({"result_type": "TuplesOk", "result": [["one"], ["1"]]});
    assert_eq!(post(&shop, Endpoint::QueryV2, bulk(true)).await, (200, json!([rows, rows])));
    let refusal = "Only read-only queries are allowed in a concurrent_bulk";
    let expected = json!({"path": "$", "error": refusal, "code": "unexpected"});
    assert_eq!(post(&shop, Endpoint::QueryV2, bulk(false)).await, (500, expected));
    let body = json!({"type": "export_metadata", "resource_version": 99, "args": {}});
    let expected = "metadata resource version referenced (99) did not match current version";
    let expected = json!({"path": "$", "error": expected, "code": "conflict"});
    assert_eq!(post(&shop, Endpoint::Metadata, body).await, (409, expected));
}

#[tokio::test]
async fn tables_that_cannot_be_tracked_are_warnings() {
    let shop = shop().await;
    must(&shop, "clear_metadata", json!({})).await;
    must(&shop, "pg_track_table", json!({"table": "users"})).await;
    let args = json!({"tables": [{"table": "users"}, {"table": "orders"}, {"table": "ghost"}]});
    let warning = |message: &str, table: &str| {
        let name = format!("table {table} in source default");
        json!({"code": "track-table-failed", "message": message, "name": name, "type": "table"})
    };
    let expected = json!([
        warning("view/table already tracked: \"users\"", "users"),
        warning("Inconsistent object: no such table/view exists in source: \"ghost\"", "ghost"),
    ]);
    let strict = json!({"tables": args["tables"], "allow_warnings": false});
    let (status, body) = told(&shop, "pg_track_tables", strict).await;
    assert_eq!((status, &body["code"], &body["internal"]), (400, &json!("metadata-warnings"), &expected));
    let found = must(&shop, "pg_track_tables", args.clone()).await;
    assert_eq!(found, json!({"message": "success", "warnings": expected}));
    shop.data("{ orders { id } }").await;
    let (status, body) = told(&shop, "pg_track_tables", args).await;
    assert_eq!((status, &body["error"]), (400, &json!("all tables failed to track")));
    let gone = must(&shop, "pg_untrack_tables", json!({"tables": [{"table": "orders"}, {"table": "users"}]})).await;
    assert_eq!(gone, json!({"message": "success"}));
}
