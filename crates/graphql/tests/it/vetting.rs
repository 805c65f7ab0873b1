//! `validate_input`: a webhook's word before anything is written.

use graphql::{Request, Session};
use serde_json::{Value, json};

use crate::fake::Fake;
use crate::support::{Shop, database_with};

const SQL: &str = "
    CREATE TABLE writer (id int PRIMARY KEY, full_name text, owner text);
    CREATE TABLE book (id int PRIMARY KEY, writer_id int REFERENCES writer, title text);
    INSERT INTO writer VALUES (7, 'Old', 'x');
";

/// Who may do what it says about names that hold `bad`.
async fn library(webhook: Value) -> Shop {
    let shop = database_with(SQL, |options| {
        options.auto_track = false;
        let environment = [("HOOK_TOKEN".to_owned(), "secret-token".to_owned())];
        options.environment = std::sync::Arc::new(environment.into());
    })
    .await;
    let with = |permission: Value| {
        let mut permission = permission;
        permission["validate_input"] = webhook.clone();
        json!([{"role": "user", "permission": permission}])
    };
    let select = json!([{"role": "user", "permission": {"columns": "*", "filter": {}}}]);
    let key = json!({"foreign_key_constraint_on": {"column": "writer_id", "table": "book"}});
    let tables = json!([
        {"table": "writer", "array_relationships": [{"name": "books", "using": key}],
         "configuration": {"column_config": {"full_name": {"custom_name": "fullName"}}},
         "select_permissions": select,
         "insert_permissions": with(json!({"check": {}, "columns": ["id", "full_name"], "set": {"owner": "x-hasura-user-id"}})),
         "update_permissions": with(json!({"columns": ["full_name"], "filter": {}})),
         "delete_permissions": with(json!({"filter": {}}))},
        {"table": "book", "select_permissions": select, "insert_permissions": with(json!({"check": {}, "columns": "*"}))},
    ]);
    let source = json!({"name": "default", "kind": "postgres", "configuration": {}, "tables": tables});
    shop.command(json!({"type": "replace_metadata", "args": {"version": 3, "sources": [source]}})).await;
    shop
}

fn hook(url: String) -> Value {
    let headers = json!([{"name": "X-Token", "value_from_env": "HOOK_TOKEN"}]);
    json!({"type": "http", "definition": {"url": url, "headers": headers, "timeout": 5, "forward_client_headers": true}})
}

async fn judge() -> Fake {
    Fake::start(|asked| match String::from_utf8_lossy(&asked.body) {
        body if body.contains("bad") => (400, vec![], json!({"message": "no bad words"}).to_string()),
        body if body.contains("odd") => (400, vec![], "{}".to_owned()),
        body if body.contains("down") => (503, vec![], String::new()),
        _ => (200, vec![], String::new()),
    })
    .await
}

async fn ask(shop: &Shop, query: &str, variables: Value) -> Value {
    let mut session = Session::role("user");
    session.set("x-hasura-user-id", "u1".to_owned());
    let headers = [("x-request-of".parse().unwrap(), "the-client".parse().unwrap())];
    session.headers = std::sync::Arc::new(http::HeaderMap::from_iter(headers));
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    shop.ask_as(&session, &Request { variables, ..Request::new(query) }).await
}

/// `data.input` of every question so far.
fn inputs(fake: &Fake) -> Vec<Value> {
    let body = |asked: crate::fake::Asked| serde_json::from_slice::<Value>(&asked.body).unwrap();
    fake.requests().into_iter().map(|asked| body(asked)["data"]["input"].clone()).collect()
}

#[tokio::test]
async fn inserts_are_shown_by_table_with_what_is_nested() {
    let fake = judge().await;
    let shop = library(hook(fake.url("/check"))).await;
    let query = "mutation ($rows: [writer_insert_input!]!) { insert_writer(objects: $rows) { affected_rows } }";
    let rows = json!([
        {"id": 1, "fullName": "Ann", "books": {"data": [{"id": 1, "title": "One"}, {"id": 2, "title": null}]}},
        {"id": 2, "fullName": "Bob"}
    ]);
    let answer = ask(&shop, query, json!({"rows": rows})).await;
    assert_eq!(answer, json!({"data": {"insert_writer": {"affected_rows": 4}}}));
    let books = json!([{"id": 1, "title": "One"}, {"id": 2, "title": null}]);
    let writers = json!([{"id": 1, "full_name": "Ann", "books": {"data": books}}, {"id": 2, "full_name": "Bob"}]);
    assert_eq!(inputs(&fake), [writers, books]);
    let first = &fake.requests()[0];
    let body: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!((&body["version"], &body["role"]), (&json!(1), &json!("user")));
    assert_eq!(body["session_variables"], json!({"x-hasura-role": "user", "x-hasura-user-id": "u1"}));
    assert_eq!(
        (&first.headers["x-token"], &first.headers["x-request-of"]),
        (&"secret-token".parse().unwrap(), &"the-client".parse().unwrap())
    );
    // The same plan with other values is shown those.
    let rows = json!([{"id": 3, "fullName": "Cyd", "books": {"data": [{"id": 3, "title": "Three"}, {"id": 4, "title": null}]}}, {"id": 4, "fullName": "bad"}]);
    let answer = ask(&shop, query, json!({"rows": rows})).await;
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["message"], &error["extensions"]["code"]),
        (&json!("no bad words"), &json!("validation-failed"))
    );
    assert_eq!(answer["errors"][0]["extensions"]["path"], "$");
    let count = shop.data("{ writer_aggregate { aggregate { count } } }").await;
    assert_eq!(count["writer_aggregate"]["aggregate"]["count"], 3, "nothing was written");
}

#[tokio::test]
async fn plain_rows_from_a_variable_are_shown_too() {
    let fake = judge().await;
    let shop = library(hook(fake.url("/check"))).await;
    let query = "mutation ($rows: [book_insert_input!]!) { insert_book(objects: $rows) { affected_rows } }";
    let rows = json!([{"id": 1, "title": "One"}, {"id": 2, "title": "bad"}]);
    let answer = ask(&shop, query, json!({"rows": rows})).await;
    assert_eq!(answer["errors"][0]["message"], "no bad words");
    assert_eq!(inputs(&fake), [rows]);
    // Who has no permissions asks nobody.
    let answer = shop.ask(query, json!({"rows": [{"id": 1, "title": "bad"}]})).await;
    assert_eq!(answer["data"]["insert_book"]["affected_rows"], 1);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn updates_and_deletions_are_shown_as_their_arguments() {
    let fake = judge().await;
    let shop = library(hook(fake.url("/check"))).await;
    let query = "mutation ($id: Int!, $to: writer_set_input) {
        update_writer(where: {id: {_eq: $id}}, _set: $to) { affected_rows }
        update_writer_by_pk(pk_columns: {id: $id}, _set: {fullName: \"B\"}) { id }
        update_writer_many(updates: [{where: {}, _set: {fullName: \"C\"}}]) { affected_rows }
        delete_writer_by_pk(id: $id) { fullName }
        delete_writer(where: {id: {_gt: 100}}) { affected_rows } }";
    let answer = ask(&shop, query, json!({"id": 7, "to": {"fullName": "A"}})).await;
    assert_eq!(answer["data"]["delete_writer_by_pk"]["fullName"], "C", "{answer}");
    let expected = [
        json!([{"where": {"id": {"_eq": 7}}, "_set": {"fullName": "A"}}]),
        json!([{"pk_columns": {"id": 7}, "_set": {"fullName": "B"}}]),
        json!([{"where": {}, "_set": {"fullName": "C"}}]),
        json!([{"pk_columns": {"id": 7}}]),
        json!([{"where": {"id": {"_gt": 100}}}]),
    ];
    assert_eq!(inputs(&fake), expected);
    let answer =
        ask(&shop, "mutation { delete_writer(where: {fullName: {_eq: \"bad\"}}) { affected_rows } }", json!({})).await;
    assert_eq!(answer["errors"][0]["message"], "no bad words");
}

#[tokio::test]
async fn a_webhook_that_fails_is_our_failure_and_nothing_is_written() {
    let fake = judge().await;
    let shop = library(hook(fake.url("/check"))).await;
    let insert =
        |title: &str| format!("mutation {{ insert_book_one(object: {{id: 1, title: \"{title}\"}}) {{ id }} }}");
    for (title, message) in [
        ("odd", "received invalid response from input validation webhook"),
        ("down", "internal error when validating input data"),
    ] {
        let answer = ask(&shop, &insert(title), json!({})).await;
        let error = &answer["errors"][0];
        assert_eq!((&error["message"], &error["extensions"]["code"]), (&json!(message), &json!("unexpected")));
    }
    let closed = library(hook("http://127.0.0.1:9".to_owned())).await;
    let answer = ask(&closed, &insert("One"), json!({})).await;
    assert_eq!(answer["errors"][0]["message"], "http exception when validating input data");
    assert!(!answer.to_string().contains("secret-token"));
    assert_eq!(shop.data("{ book { id } }").await, json!({"book": []}));
}

#[tokio::test]
async fn a_permission_whose_webhook_cannot_be_read_is_none() {
    let fake = judge().await;
    let shop = library(hook(fake.url("/check"))).await;
    let permission =
        json!({"check": {}, "columns": "*", "validate_input": {"type": "smtp", "definition": {"url": "x"}}});
    let args = json!({"source": "default", "table": "book", "role": "other", "permission": permission});
    let command = json!({"type": "pg_create_insert_permission", "args": args});
    use tower::ServiceExt as _;
    let request = http::Request::post("/v1/metadata").body(axum::body::Body::from(command.to_string())).unwrap();
    let response = shop.handle.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 400);
}
