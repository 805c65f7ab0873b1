//! What a role may write: never a row that its permissions forbid, by whatever way.

use graphql::api::{self, Endpoint};
use graphql::session::Session;
use graphql::{Handle, Request};
use serde_json::{Value, json};

use super::support::{Shop, database_with};

const SQL: &str = "
CREATE TABLE owner (id int PRIMARY KEY, name text UNIQUE, secret text DEFAULT 'hidden');
CREATE TABLE note (id serial PRIMARY KEY, owner_id int NOT NULL REFERENCES owner, body text, written_by text, UNIQUE (owner_id, body));
CREATE TABLE hidden (id serial PRIMARY KEY, owner_id int REFERENCES owner);
CREATE FUNCTION touch_notes() RETURNS SETOF note LANGUAGE sql VOLATILE AS 'UPDATE note SET body = body || ''!'' RETURNING *';
INSERT INTO owner VALUES (1, 'one'), (2, 'two');
INSERT INTO note (owner_id, body, written_by) VALUES (1, 'mine', 'x'), (2, 'theirs', 'x');
";

async fn notes() -> Shop {
    let shop = database_with(SQL, |_| {}).await;
    let own = json!({"owner_id": "X-Hasura-User-Id"});
    let table = |name: &str, more: Value| {
        let mut table = json!({"table": {"schema": "public", "name": name}});
        table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        table
    };
    let permission = |permission: Value| json!([{"role": "user", "permission": permission}]);
    let tables = json!([
        table(
            "owner",
            json!({
                "array_relationships": [{"name": "notes", "using": {"foreign_key_constraint_on": {"table": {"schema": "public", "name": "note"}, "column": "owner_id"}}}],
                "insert_permissions": permission(json!({"columns": ["id", "name"], "check": {"id": "X-Hasura-User-Id"}})),
                "select_permissions": permission(json!({"columns": ["id", "name"], "filter": {"id": "X-Hasura-User-Id"}})),
            })
        ),
        table(
            "note",
            json!({
                "object_relationships": [{"name": "owner", "using": {"foreign_key_constraint_on": "owner_id"}}],
                "insert_permissions": permission(json!({"columns": ["id", "owner_id", "body"], "check": own, "set": {"written_by": "X-Hasura-User-Id"}})),
                "select_permissions": permission(json!({"columns": ["id", "owner_id", "body"], "filter": own})),
                "update_permissions": permission(json!({"columns": ["owner_id", "body"], "filter": own, "check": own})),
                "delete_permissions": permission(json!({"filter": own})),
            })
        ),
        table(
            "hidden",
            json!({
                "object_relationships": [{"name": "owner", "using": {"foreign_key_constraint_on": "owner_id"}}],
            })
        ),
    ]);
    let functions =
        json!([{"function": {"schema": "public", "name": "touch_notes"}, "configuration": {"exposed_as": "mutation"}}]);
    let source =
        json!({"name": "default", "kind": "postgres", "tables": tables, "functions": functions, "configuration": {}});
    let command = json!({"type": "replace_metadata", "args": {"version": 3, "sources": [source]}});
    let answer = api::answer(&shop.handle, &Session::admin(), Endpoint::Metadata, command.to_string().as_bytes()).await;
    assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
    shop
}

async fn ask(handle: &Handle, query: &str) -> Value {
    let session = Session::role("user").with("x-hasura-user-id", "1");
    match handle.execute(&session, &Request::new(query)).await {
        Ok(body) => serde_json::from_slice(&body).unwrap(),
        Err(failure) => serde_json::from_slice(&failure.to_body(false)).unwrap(),
    }
}

async fn refused(shop: &Shop, query: &str) {
    let before = state(shop).await;
    let body = ask(&shop.handle, query).await;
    assert!(body.get("errors").is_some(), "{query}\n{body:#}");
    assert_eq!(before, state(shop).await, "{query}");
}

/// A check of the permission stopped it.
async fn unchecked(shop: &Shop, query: &str) {
    let before = state(shop).await;
    let body = ask(&shop.handle, query).await;
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "permission-error", "{query}\n{body:#}");
    assert_eq!(error["message"], "check constraint of an insert/update permission has failed");
    assert_eq!(before, state(shop).await, "{query}");
}

async fn state(shop: &Shop) -> String {
    let query = "SELECT coalesce((SELECT json_agg(n ORDER BY id) FROM note n)::text, '') || coalesce((SELECT json_agg(o ORDER BY id) FROM owner o)::text, '')";
    shop.database.client().await.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn inserts_are_checked() {
    let shop = notes().await;
    unchecked(&shop, r#"mutation { insert_note_one(object: {owner_id: 2, body: "x"}) { id } }"#).await;
    unchecked(
        &shop,
        r#"mutation { insert_note(objects: [{owner_id: 1, body: "x"}, {owner_id: 2, body: "y"}]) { affected_rows } }"#,
    )
    .await;
    unchecked(
        &shop,
        r#"mutation { insert_note(objects: [{owner_id: 2, body: "y"}]) { returning { owner { name } } } }"#,
    )
    .await;
    refused(&shop, r#"mutation { insert_note_one(object: {owner_id: 1, written_by: "me"}) { id } }"#).await;
    refused(&shop, r#"mutation { insert_owner_one(object: {id: 1, secret: "s"}) { id } }"#).await;
    refused(&shop, "mutation { insert_hidden_one(object: {}) { id } }").await;
    refused(&shop, "mutation { insert_note_one(object: {owner_id: 1}) { written_by } }").await;
    let body = ask(
        &shop.handle,
        r#"mutation { insert_note(objects: [{owner_id: 1, body: "x"}]) { returning { body owner { name } } } }"#,
    )
    .await;
    assert_eq!(body["data"]["insert_note"]["returning"], json!([{"body": "x", "owner": {"name": "one"}}]));
    assert!(state(&shop).await.contains(r#""body":"x","written_by":"1""#), "the permission's own value");
}

#[tokio::test]
async fn nested_inserts_are_checked_at_every_depth() {
    let shop = notes().await;
    let client = shop.database.client().await;
    client.batch_execute("DELETE FROM note; DELETE FROM owner WHERE id = 1").await.unwrap();
    unchecked(&shop, r#"mutation { insert_owner_one(object: {id: 3, notes: {data: [{body: "x"}]}}) { id } }"#).await;
    unchecked(&shop, r#"mutation { insert_note_one(object: {body: "x", owner: {data: {id: 3}}}) { id } }"#).await;
    refused(&shop, r#"mutation { insert_owner_one(object: {id: 1, notes: {data: [{written_by: "x"}]}}) { id } }"#)
        .await;
    // No permission to update: a row that is there cannot be taken over, nor its key be learnt.
    refused(&shop, r#"mutation { insert_note_one(object: {body: "x", owner: {data: {id: 2, name: "two"}, on_conflict: {constraint: owner_pkey, update_columns: [name]}}}) { owner_id } }"#).await;
    let body = ask(
        &shop.handle,
        r#"mutation { insert_owner_one(object: {id: 1, notes: {data: [{body: "x"}]}}) { notes { owner_id body } } }"#,
    )
    .await;
    assert_eq!(body["data"]["insert_owner_one"]["notes"], json!([{"owner_id": 1, "body": "x"}]));
}

#[tokio::test]
async fn a_row_in_the_way_is_changed_only_by_who_may() {
    let shop = notes().await;
    let upsert = |id: i32, owner: i32, columns: &str| {
        format!(
            r#"mutation {{ insert_note(objects: [{{id: {id}, owner_id: {owner}, body: "new"}}], on_conflict: {{constraint: note_pkey, update_columns: [{columns}]}}) {{ affected_rows returning {{ id body }} }} }}"#
        )
    };
    // Note 2 is another's: it stays, and is not shown.
    for columns in ["body", "owner_id, body", ""] {
        let before = state(&shop).await;
        let body = ask(&shop.handle, &upsert(2, 1, columns)).await;
        assert_eq!(body["data"]["insert_note"], json!({"affected_rows": 0, "returning": []}), "{columns}: {body}");
        assert_eq!(before, state(&shop).await);
    }
    // One's own may not become another's.
    unchecked(&shop, &upsert(1, 2, "owner_id")).await;
    refused(&shop, &upsert(1, 1, "written_by")).await;
    let body = ask(&shop.handle, &upsert(1, 1, "body")).await;
    assert_eq!(body["data"]["insert_note"]["returning"], json!([{"id": 1, "body": "new"}]));
}

#[tokio::test]
async fn updates_and_deletions_reach_own_rows_only() {
    let shop = notes().await;
    let body = ask(
        &shop.handle,
        r#"mutation { update_note(where: {}, _set: {body: "changed"}) { affected_rows returning { id } } }"#,
    )
    .await;
    assert_eq!(body["data"]["update_note"], json!({"affected_rows": 1, "returning": [{"id": 1}]}));
    for query in [
        r#"mutation { a: update_note_by_pk(pk_columns: {id: 2}, _set: {body: "z"}) { id } }"#,
        "mutation { a: delete_note_by_pk(id: 2) { id body } }",
    ] {
        assert_eq!(ask(&shop.handle, query).await["data"]["a"], Value::Null, "{query}");
    }
    let many = r#"mutation { update_note_many(updates: [{where: {id: {_eq: 2}}, _set: {body: "z"}}, {where: {owner: {id: {_eq: 2}}}, _set: {body: "z"}}]) { affected_rows } }"#;
    let none = json!({"affected_rows": 0});
    assert_eq!(ask(&shop.handle, many).await["data"]["update_note_many"], json!([none, none]));
    unchecked(&shop, "mutation { update_note(where: {}, _set: {owner_id: 2}) { affected_rows } }").await;
    unchecked(&shop, "mutation { update_note(where: {}, _inc: {owner_id: 1}) { returning { owner { id } } } }").await;
    refused(&shop, r#"mutation { update_note(where: {}, _set: {written_by: "z"}) { affected_rows } }"#).await;
    refused(&shop, r#"mutation { update_note(where: {written_by: {_eq: "x"}}, _set: {body: "z"}) { affected_rows } }"#)
        .await;
    refused(&shop, r#"mutation { update_owner(where: {}, _set: {name: "z"}) { affected_rows } }"#).await;
    let body = ask(&shop.handle, "mutation { delete_note(where: {}) { affected_rows returning { id } } }").await;
    assert_eq!(body["data"]["delete_note"], json!({"affected_rows": 1, "returning": [{"id": 1}]}));
    assert!(state(&shop).await.contains("theirs"));
}

#[tokio::test]
async fn a_function_that_writes_needs_a_permission_of_its_own() {
    let shop = notes().await;
    refused(&shop, "mutation { touch_notes { id } }").await;
    let data = shop.ask("mutation { touch_notes { body } }", json!({})).await;
    assert_eq!(data["data"]["touch_notes"].as_array().map(Vec::len), Some(2), "{data}");
}

#[tokio::test]
async fn a_session_without_the_variable_writes_nothing() {
    let shop = notes().await;
    let request = Request::new(r#"mutation { delete_note(where: {}) { affected_rows } }"#);
    let failure = shop.handle.execute(&Session::role("user"), &request).await.unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("not-found", "missing session variable: \"x-hasura-user-id\"")
    );
    let failure = shop.handle.execute(&Session::role("stranger"), &request).await.unwrap_err();
    assert_eq!(failure.message, "no mutations exist");
}

#[tokio::test]
async fn the_older_api_keeps_to_the_same_permissions() {
    let shop = notes().await;
    let session = Session::role("user").with("x-hasura-user-id", "1");
    let run = async |command: Value| {
        let answer = api::answer(&shop.handle, &session, Endpoint::QueryV1, command.to_string().as_bytes()).await;
        (answer.status.as_u16(), serde_json::from_slice::<Value>(&answer.body).unwrap())
    };
    let select =
        json!({"type": "select", "args": {"table": "note", "columns": ["id", {"name": "owner", "columns": ["*"]}]}});
    assert_eq!(run(select).await, (200, json!([{"id": 1, "owner": {"id": 1, "name": "one"}}])));
    assert_eq!(run(json!({"type": "count", "args": {"table": "note"}})).await, (200, json!({"count": 1})));
    for (kind, args) in [
        ("insert", json!({"table": "note", "objects": [{"owner_id": 2, "body": "x"}]})),
        ("insert", json!({"table": "note", "objects": [{"owner_id": 1, "written_by": "x"}]})),
        ("update", json!({"table": "note", "$set": {"owner_id": 2}, "where": {}})),
        ("update", json!({"table": "note", "$set": {"body": "z"}, "where": {"written_by": "x"}})),
        ("select", json!({"table": "note", "columns": ["written_by"]})),
        ("select", json!({"table": "hidden", "columns": ["id"]})),
        ("delete", json!({"table": "owner", "where": {}})),
    ] {
        let before = state(&shop).await;
        let (status, body) = run(json!({"type": kind, "args": args})).await;
        assert_eq!(status, 400, "{kind} {args}: {body}");
        assert_eq!(before, state(&shop).await, "{kind} {args}");
    }
    let deleted = run(json!({"type": "delete", "args": {"table": "note", "where": {"owner": {"id": {"$gt": 0}}}, "returning": ["id"]}})).await;
    assert_eq!(deleted, (200, json!({"affected_rows": 1, "returning": [{"id": 1}]})));
}
