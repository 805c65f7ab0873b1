//! Which plans outlive a change of the schema.

use graphql::{Request, Session};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Shop, shop};

/// Role and query.
const ASKED: [(&str, &str); 9] = [
    ("admin", "{ products { id name } }"),
    ("admin", "{ users { id name manager { name } } }"),
    ("user", "{ users { id name } }"),
    ("user", "{ orders { id user { name } } }"),
    ("admin", "{ tasks(where: {state: {_eq: open}}) { id state } }"),
    ("admin", "mutation { update_products(where: {name: {_eq: \"Cup\"}}, _set: {stock: 1}) { affected_rows } }"),
    ("admin", "{ messages { sender { name } } }"),
    ("guest", "{ mixed { select } }"),
    ("admin", "{ __type(name: \"users\") { name } }"),
];

const PRODUCTS: usize = 0;
const USERS: usize = 1;
const OWN_USERS: usize = 2;
const OWN_ORDERS: usize = 3;
const TASKS: usize = 4;
const UPDATE_PRODUCTS: usize = 5;
const MESSAGES: usize = 6;
const GUEST: usize = 7;
/// What the schema is may always be another.
const INTROSPECTION: usize = 8;

/// Requests whose plan was not there.
async fn misses(shop: &Shop) -> u64 {
    let request = http::Request::get("/v1/metrics").body(axum::body::Body::empty()).unwrap();
    let response = shop.handle.router().oneshot(request).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("nself_graphql_plan_cache_misses_total "));
    line.unwrap().parse().unwrap()
}

/// Asks all; the answers, and which of them had to be planned.
async fn ask(shop: &Shop) -> (Vec<Value>, Vec<usize>) {
    let (mut answers, mut planned) = (Vec::new(), Vec::new());
    for (number, (role, query)) in ASKED.into_iter().enumerate() {
        let session = if role == "admin" { Session::admin() } else { Session::role(role) };
        let before = misses(shop).await;
        answers.push(shop.ask_as(&session.with("x-hasura-user-id", "2"), &Request::new(query)).await);
        if misses(shop).await > before {
            planned.push(number);
        }
    }
    (answers, planned)
}

async fn sql(shop: &Shop, sql: &str) {
    shop.database.client().await.batch_execute(sql).await.unwrap();
    shop.handle.reload().await.unwrap();
}

async fn command(shop: &Shop, kind: &str, mut args: Value) {
    args["source"] = json!("default");
    shop.command(json!({ "type": format!("pg_{kind}"), "args": args })).await;
}

async fn permit(shop: &Shop, table: &str, role: &str, columns: Value, filter: Value) {
    let permission = json!({ "columns": columns, "filter": filter });
    let args = json!({ "table": table, "role": role, "permission": permission });
    command(shop, "create_select_permission", args).await;
}

async fn prepared() -> Shop {
    let shop = shop().await;
    sql(
        &shop,
        "CREATE TABLE task_state (value text PRIMARY KEY, comment text);
         INSERT INTO task_state VALUES ('open', NULL), ('done', NULL);
         CREATE TABLE tasks (id int PRIMARY KEY, state text REFERENCES task_state)",
    )
    .await;
    command(&shop, "set_table_is_enum", json!({ "table": "task_state", "is_enum": true })).await;
    permit(&shop, "users", "user", json!(["id", "name"]), json!({ "id": "X-Hasura-User-Id" })).await;
    permit(&shop, "orders", "user", json!(["id"]), json!({ "order_lines": { "quantity": { "_gt": 0 } } })).await;
    permit(&shop, "products", "other", json!("*"), json!({})).await;
    permit(&shop, "mixed", "guest", json!("*"), json!({ "_exists": { "_table": "logs", "_where": {} } })).await;
    let (answers, planned) = ask(&shop).await;
    assert!(answers.iter().all(|answer| answer.get("errors").is_none()), "{answers:#?}");
    assert_eq!(planned.len(), ASKED.len());
    assert!(ask(&shop).await.1.is_empty());
    shop
}

async fn check(shop: &Shop, what: &str, dropped: &[usize]) -> Vec<Value> {
    let (answers, planned) = ask(shop).await;
    let mut wanted = dropped.to_vec();
    wanted.push(INTROSPECTION);
    assert_eq!(planned, wanted, "{what}");
    answers
}

#[tokio::test]
async fn a_change_of_the_database_drops_the_plans_it_touches() {
    let shop = prepared().await;
    sql(&shop, "CREATE TABLE zebras (id int PRIMARY KEY)").await;
    check(&shop, "a new table, last of all", &[]).await;
    sql(&shop, "ALTER TABLE products ADD COLUMN colour text").await;
    check(&shop, "a column of products", &[PRODUCTS, UPDATE_PRODUCTS]).await;
    sql(&shop, "ALTER TABLE order_lines ADD COLUMN colour text").await;
    check(&shop, "a table that a permission looks into over a relationship", &[OWN_ORDERS]).await;
    sql(&shop, "ALTER TABLE logs ADD COLUMN colour text").await;
    check(&shop, "a table that a permission looks into by itself", &[GUEST]).await;
    sql(&shop, "INSERT INTO task_state VALUES ('held', NULL)").await;
    check(&shop, "a row of an enum table", &[TASKS]).await;
    sql(&shop, "DROP TABLE zebras; DROP VIEW happy_users").await;
    check(&shop, "other tables dropped, which moves the rest", &[]).await;
    sql(&shop, "DROP TABLE line_notes").await;
    check(&shop, "what a table that a permission looks into refers to", &[OWN_ORDERS]).await;
    sql(&shop, "ALTER TABLE users RENAME COLUMN mood TO temper").await;
    check(&shop, "a column renamed", &[USERS, OWN_USERS, OWN_ORDERS, MESSAGES]).await;
    sql(&shop, "DELETE FROM task_state WHERE value = 'open'").await;
    let answers = check(&shop, "an enum's value is no more", &[TASKS]).await;
    assert_eq!(answers[TASKS]["errors"][0]["extensions"]["code"], "validation-failed");
    sql(&shop, "ALTER TABLE users ALTER COLUMN id TYPE bigint").await;
    let users = [USERS, OWN_USERS, OWN_ORDERS, TASKS, MESSAGES];
    check(&shop, "a column's type", &users).await;
}

#[tokio::test]
async fn a_change_of_the_metadata_drops_the_plans_it_touches() {
    let shop = prepared().await;
    permit(&shop, "products", "guest", json!("*"), json!({})).await;
    check(&shop, "another role's permission", &[]).await;
    permit(&shop, "users", "guest", json!("*"), json!({})).await;
    check(&shop, "the same role's permission on another table", &[]).await;
    command(&shop, "drop_select_permission", json!({ "table": "users", "role": "user" })).await;
    let answers = check(&shop, "a permission is taken away", &[OWN_USERS, OWN_ORDERS]).await;
    for number in [OWN_USERS, OWN_ORDERS] {
        assert_eq!(answers[number]["errors"][0]["extensions"]["code"], "validation-failed");
        assert!(answers[number].get("data").is_none());
    }
    permit(&shop, "users", "user", json!(["id", "name"]), json!({ "id": { "_eq": -1 } })).await;
    let answers = check(&shop, "a permission is given", &[OWN_USERS, OWN_ORDERS]).await;
    assert_eq!(answers[OWN_USERS], json!({ "data": { "users": [] } }));
    let custom = json!({ "table": "products", "configuration": { "custom_root_fields": { "select": "goods" } } });
    command(&shop, "set_table_customization", custom).await;
    let answers = check(&shop, "a custom root field", &[PRODUCTS, UPDATE_PRODUCTS]).await;
    assert_eq!(answers[PRODUCTS]["errors"][0]["extensions"]["code"], "validation-failed");
    let custom = json!({ "table": "products", "configuration": {} });
    command(&shop, "set_table_customization", custom).await;
    check(&shop, "and its end", &[PRODUCTS, UPDATE_PRODUCTS]).await;
    let custom = json!({ "table": "users", "configuration": { "custom_name": "people",
        "custom_root_fields": { "select": "users" } } });
    command(&shop, "set_table_customization", custom).await;
    check(&shop, "a custom name", &[USERS, OWN_USERS, OWN_ORDERS, MESSAGES]).await;
    command(&shop, "rename_relationship", json!({ "table": "messages", "name": "sender", "new_name": "from" })).await;
    let answers = check(&shop, "a relationship's name", &[MESSAGES]).await;
    assert_eq!(answers[MESSAGES]["errors"][0]["extensions"]["code"], "validation-failed");
    command(&shop, "untrack_table", json!({ "table": "products", "cascade": true })).await;
    // The relationships that led there are gone with it.
    let touched = [PRODUCTS, USERS, OWN_USERS, OWN_ORDERS, UPDATE_PRODUCTS, MESSAGES];
    let answers = check(&shop, "a table is no longer tracked", &touched).await;
    assert_eq!(answers[PRODUCTS]["errors"][0]["extensions"]["code"], "validation-failed");
}
