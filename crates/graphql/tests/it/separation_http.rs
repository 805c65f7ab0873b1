//! The same over HTTP and WebSocket: the older API, subscriptions, and who may ask what.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::fake::Fake;
use super::separation::{bank, bank_with};
use super::socket::{LEGACY, Socket, TRANSPORT, serve};
use super::support::Shop;

/// Without a secret everybody is admin, and may be any other role.
fn of(id: &str) -> [(&str, &str); 2] {
    [("x-hasura-role", "user"), ("x-hasura-user-id", id)]
}

async fn send(shop: &Shop, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let mut request = http::Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = shop.handle.router().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn verb(shop: &Shop, kind: &str, args: Value) -> (u16, Value) {
    send(shop, "/v1/query", &of("1"), &json!({ "type": kind, "args": args })).await
}

#[tokio::test]
async fn the_older_api_shows_and_changes_no_more() {
    let shop = bank().await;
    let select = |more: Value| {
        let mut args = json!({ "table": "account", "columns": ["id"] });
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    let own = json!([{ "id": 1 }, { "id": 3 }]);
    assert_eq!(verb(&shop, "select", select(json!({ "order_by": "id" }))).await, (200, own));
    let all = verb(&shop, "select", json!({ "table": "account", "columns": ["*"], "where": { "id": 1 } })).await;
    assert_eq!(all, (200, json!([{ "id": 1, "owner_id": 1, "balance": 10 }])));
    assert_eq!(verb(&shop, "count", json!({ "table": "account" })).await, (200, json!({ "count": 2 })));
    let nothing =
        verb(&shop, "update", json!({ "table": "account", "where": { "id": 2 }, "$set": { "balance": 1 } })).await;
    assert_eq!(nothing, (200, json!({ "affected_rows": 0 })));
    let nothing = verb(&shop, "delete", json!({ "table": "account", "where": { "balance": { "$gt": 0 } } })).await;
    assert_eq!(nothing, (200, json!({ "affected_rows": 0 })));
    for (kind, args) in [
        ("select", select(json!({ "columns": ["secret"] }))),
        ("select", select(json!({ "where": { "secret": "alpha" } }))),
        ("select", select(json!({ "where": { "$not": { "secret": { "$like": "a%" } } } }))),
        ("select", select(json!({ "where": { "balance": { "$ceq": "id" }, "id": { "$cgt": ["$", "kind"] } } }))),
        ("select", select(json!({ "where": { "vaults": {} } }))),
        ("select", select(json!({ "where": { "hint": "a" } }))),
        ("select", select(json!({ "where": { "coffers": {} } }))),
        ("select", select(json!({ "where": { "$exists": { "_table": "vault", "_where": { "code": "1234" } } } }))),
        ("select", select(json!({ "where": { "$exists": { "_table": "account", "_where": { "secret": "beta" } } } }))),
        ("select", select(json!({ "order_by": "secret" }))),
        ("select", select(json!({ "columns": [{ "name": "vaults", "columns": ["id"] }] }))),
        ("select", select(json!({ "columns": [{ "name": "notes", "columns": ["account_id"] }] }))),
        (
            "select",
            select(json!({ "columns": [{ "name": "notes", "columns": ["id"],
                "where": { "id": { "$ceq": ["$", "account_id"] } } }] })),
        ),
        ("select", json!({ "table": "vault", "columns": ["*"] })),
        ("select", json!({ "table": { "schema": "hdb_catalog", "name": "hdb_metadata" }, "columns": ["*"] })),
        ("count", json!({ "table": "account", "distinct": ["secret"] })),
        ("count", json!({ "table": "vault" })),
        ("insert", json!({ "table": "account", "objects": [{ "id": 9, "owner_id": 2 }] })),
        ("insert", json!({ "table": "account", "objects": [{ "id": 9, "owner_id": 1, "secret": "x" }] })),
        ("insert", json!({ "table": "audit", "objects": [{ "id": 9 }] })),
        ("insert", json!({ "table": "account", "objects": [{ "id": 9, "owner_id": 1 }], "returning": ["secret"] })),
        (
            "insert",
            json!({ "table": "account", "objects": [{ "id": 1, "owner_id": 1 }],
                "on_conflict": { "action": "update", "constraint": "account_pkey" } }),
        ),
        ("update", json!({ "table": "account", "where": {}, "$set": { "owner_id": 2 } })),
        ("update", json!({ "table": "account", "where": {}, "$set": { "secret": "x" } })),
        ("update", json!({ "table": "account", "where": { "secret": "alpha" }, "$set": { "balance": 1 } })),
        ("update", json!({ "table": "note", "where": {}, "$set": { "body": "x" } })),
        ("delete", json!({ "table": "note", "where": {} })),
        ("run_sql", json!({ "sql": "SELECT 1" })),
        ("export_metadata", json!({})),
    ] {
        let (status, answer) = verb(&shop, kind, args.clone()).await;
        assert!((400..500).contains(&status), "{kind} {args}: {status} {answer}");
    }
    let exists = json!({ "$exists": { "_table": "account", "_where": { "id": 2 } } });
    assert_eq!(verb(&shop, "select", select(json!({ "where": exists }))).await, (200, json!([])));
}

#[tokio::test]
async fn the_older_apis_keys_are_no_sql() {
    let shop = bank().await;
    for alias in [
        "x\" FROM account AS a), (SELECT json_agg(v) FROM vault v) AS \"y",
        "x'y",
        "a\\",
        "$1",
        &format!("{}\"'\\", "long".repeat(20)),
        &format!("{}', (SELECT json_agg(v)::text FROM vault v), '", "long".repeat(20)),
    ] {
        let column = json!({ "name": "notes", "alias": alias, "columns": ["id"] });
        let (status, answer) =
            verb(&shop, "select", json!({ "table": "account", "columns": ["id", column], "where": { "id": 1 } })).await;
        assert_eq!((status, &answer), (200, &json!([{ "id": 1, alias: [{ "id": 1 }] }])), "{alias}");
    }
}

#[tokio::test]
async fn only_the_administrator_sees_postgresqls_words() {
    let shop = bank().await;
    let taken = json!({ "type": "insert", "args": { "table": "account",
        "objects": [{ "id": 9, "owner_id": 1, "email": "two@x" }] } });
    let bulk = json!({ "type": "bulk", "args": [taken] });
    let going = json!({ "type": "bulk_keep_going", "args": [taken] });
    for body in [&taken, &bulk, &going] {
        let (_, answer) = send(&shop, "/v1/query", &of("1"), body).await;
        let text = answer.to_string();
        assert!(
            text.contains("Uniqueness violation") && !text.contains("two@x") && !text.contains("internal"),
            "{text}"
        );
    }
    // What the engine does not know is for developers.
    let broken = "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'inner words about %', (SELECT string_agg(secret, ',') FROM account); END $$;
        CREATE TRIGGER broken BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION broken();";
    shop.database.client().await.batch_execute(broken).await.unwrap();
    let note = json!({ "type": "insert", "args": { "table": "note", "objects": [{ "id": 9, "account_id": 1 }] } });
    let going = json!({ "type": "bulk_keep_going", "args": [note] });
    for body in [&note, &going] {
        let text = send(&shop, "/v1/query", &of("1"), body).await.1.to_string();
        assert!(text.contains("database query error") && !text.contains("inner words"), "{text}");
        let text = send(&shop, "/v1/query", &[], body).await.1.to_string();
        assert!(text.contains("inner words"), "{text}");
    }
}

#[tokio::test]
async fn subscribers_get_their_own_rows() {
    let shop = bank().await;
    let address = serve(&shop.handle).await;
    let query = "subscription { account(order_by: {id: asc}) { id balance notes { body } } }";
    let join = |role: &str, id: &str| json!({ "x-hasura-role": role, "x-hasura-user-id": id });
    let mut one = Socket::connect(&address, TRANSPORT, join("user", "1")).await;
    let mut two = Socket::connect(&address, LEGACY, join("user", "2")).await;
    let mut clerk = Socket::connect(&address, TRANSPORT, join("clerk", "1")).await;
    for socket in [&mut one, &mut two] {
        socket.start("a", query, json!({})).await;
    }
    clerk.start("a", "subscription { account(order_by: {id: asc}) { id secret } }", json!({})).await;
    let mine =
        json!([{ "id": 1, "balance": 10, "notes": [{ "body": "mine" }] }, { "id": 3, "balance": 0, "notes": [] }]);
    assert_eq!(one.data("a").await["account"], mine);
    assert_eq!(two.data("a").await["account"], json!([{ "id": 2, "balance": 20, "notes": [{ "body": "theirs" }] }]));
    assert_eq!(clerk.data("a").await["account"][1], json!({ "id": 2, "secret": "beta" }));
    // Nobody is told of a change to what it does not see.
    shop.database.client().await.batch_execute("UPDATE account SET balance = 21 WHERE id = 2").await.unwrap();
    assert_eq!(two.data("a").await["account"][0]["balance"], 21);
    one.nothing().await;
    for hidden in [
        "subscription { account { secret } }",
        "subscription { vault { id } }",
        "subscription { account(where: {secret: {_eq: \"alpha\"}}) { id } }",
        "subscription { account_stream(batch_size: 1, cursor: {initial_value: {secret: \"\"}}) { id } }",
        "subscription { account_aggregate { aggregate { count } } }",
    ] {
        one.start("h", hidden, json!({})).await;
        assert_eq!(one.next().await["type"], "error", "{hidden}");
    }
}

#[tokio::test]
async fn streams_and_parameters_are_kept_apart() {
    let shop = bank().await;
    let address = serve(&shop.handle).await;
    let query =
        "subscription ($after: Int!) { account_stream(batch_size: 5, cursor: {initial_value: {id: $after}}) { id } }";
    let by_key = "subscription ($id: Int!) { account_by_pk(id: $id) { id } }";
    let mut sockets = Vec::new();
    for id in ["1", "2"] {
        let headers = json!({ "x-hasura-role": "user", "x-hasura-user-id": id });
        let mut socket = Socket::connect(&address, TRANSPORT, headers).await;
        socket.start("s", query, json!({ "after": 0 })).await;
        sockets.push(socket);
    }
    assert_eq!(sockets[0].data("s").await["account_stream"], json!([{ "id": 1 }, { "id": 3 }]));
    assert_eq!(sockets[1].data("s").await["account_stream"], json!([{ "id": 2 }]));
    for (socket, expected) in sockets.iter_mut().zip([Value::Null, json!({ "id": 2 })]) {
        socket.stop("s").await;
        socket.start("k", by_key, json!({ "id": 2 })).await;
        assert_eq!(socket.data("k").await["account_by_pk"], expected);
    }
}

#[tokio::test]
async fn a_lost_permission_ends_a_subscription() {
    let shop = bank().await;
    let address = serve(&shop.handle).await;
    let headers = json!({ "x-hasura-role": "clerk" });
    let mut clerk = Socket::connect(&address, TRANSPORT, headers).await;
    clerk.start("a", "subscription { account { secret } }", json!({})).await;
    clerk.data("a").await;
    let args = json!({ "source": "default", "table": "account", "role": "clerk" });
    shop.command(json!({ "type": "pg_drop_select_permission", "args": args })).await;
    assert_eq!(clerk.next().await["type"], "error");
    shop.database.client().await.batch_execute("UPDATE account SET secret = 'new'").await.unwrap();
    clerk.nothing().await;
}

/// An engine that a hook tells every session to be user 1.
async fn guarded(change: impl FnOnce(&mut graphql::Options)) -> (Shop, Fake) {
    let answer = json!({ "X-Hasura-Role": "user", "X-Hasura-User-Id": "1" }).to_string();
    let fake = Fake::start(move |_| (200, vec![], answer.clone())).await;
    let hook = graphql::access::Hook::new(fake.url("/"));
    let shop = bank_with(|options| {
        options.admin_secret = None;
        change(options);
    })
    .await;
    // The metadata is made while everybody is admin; a second engine on the same database is not so open.
    let mut options = graphql::Options::new(postgres::Pool::new(shop.database.config(), 4));
    options.admin_secret = Some(project::Secret::new("hush".to_owned()));
    options.auth_hook = Some(hook);
    options.events = None;
    let handle = graphql::Service::start(options).await.unwrap();
    (Shop { handle, database: shop.database }, fake)
}

#[tokio::test]
async fn headers_of_a_client_change_no_session() {
    let (shop, _hook) = guarded(|_| {}).await;
    let query = json!({ "query": "{ account(order_by: {id: asc}) { id } }" });
    let own = json!([{ "id": 1 }, { "id": 3 }]);
    for headers in [
        vec![],
        vec![("x-hasura-role", "admin"), ("x-hasura-user-id", "2")],
        vec![("x-hasura-role", "clerk"), ("X-Hasura-User-Id", "2"), ("x-hasura-is-admin", "true")],
        vec![("authorization", "Bearer x"), ("x-hasura-use-backend-only-permissions", "true")],
    ] {
        let (_, answer) = send(&shop, "/v1/graphql", &headers, &query).await;
        assert_eq!(answer["data"]["account"], own, "{headers:?}: {answer}");
    }
    let audit = json!({ "query": "mutation { insert_audit(objects: {id: 1}) { affected_rows } }" });
    let backend = [("x-hasura-use-backend-only-permissions", "true")];
    let (_, answer) = send(&shop, "/v1/graphql", &backend, &audit).await;
    assert!(answer["errors"].is_array(), "without the secret: {answer}");
    let trusted = [backend[0], ("x-hasura-admin-secret", "hush"), ("x-hasura-role", "user")];
    let (_, answer) = send(&shop, "/v1/graphql", &trusted, &audit).await;
    assert_eq!(answer["data"]["insert_audit"]["affected_rows"], 1, "{answer}");
    for (path, body) in [
        ("/v1/metadata", json!({ "type": "export_metadata", "args": {} })),
        ("/v1/query", json!({ "type": "run_sql", "args": { "sql": "SELECT 1" } })),
        (
            "/v1/query",
            json!({ "type": "bulk", "args": [{ "type": "bulk", "args": [{ "type": "clear_metadata", "args": {} }] }] }),
        ),
        ("/v1/query", json!([{ "type": "replace_metadata", "args": {} }])),
        ("/v1/query", json!({ "type": "pg_run_sql", "args": { "sql": "SELECT 1" } })),
        ("/v2/query", json!({ "type": "run_sql", "args": { "sql": "SELECT 1" } })),
        (
            "/v2/query",
            json!({ "type": "bulk_keep_going", "args": [{ "type": "run_sql", "args": { "sql": "SELECT 1" } }] }),
        ),
        (
            "/v1/graphql/explain",
            json!({ "query": { "query": "{ account { id } }" }, "user": { "x-hasura-role": "admin" } }),
        ),
    ] {
        let (status, answer) = send(&shop, path, &[("x-hasura-role", "admin")], &body).await;
        assert!((400..500).contains(&status) && answer["code"] == "access-denied", "{path} {body}: {status} {answer}");
    }
}

#[tokio::test]
async fn a_batch_of_requests_is_of_one_session() {
    let (shop, _hook) = guarded(|_| {}).await;
    let query = |text: &str| json!({ "query": text });
    let batch = json!([
        query("{ account { id } }"),
        query("{ vault { id } }"),
        query("mutation { delete_account(where: {}) { affected_rows } }")
    ]);
    let (_, answer) = send(&shop, "/v1/graphql", &[("x-hasura-role", "admin")], &batch).await;
    assert_eq!(answer[0]["data"]["account"].as_array().unwrap().len(), 2);
    assert!(answer[1]["errors"].is_array());
    assert_eq!(answer[2]["data"]["delete_account"]["affected_rows"], 1, "the empty one alone");
}

#[tokio::test]
async fn services_are_told_the_session_and_no_headers_like_it() {
    let (shop, _hook) = guarded(|_| {}).await;
    let service = Fake::start(|_| (200, vec![], json!({ "done": true }).to_string())).await;
    let secret = [("x-hasura-admin-secret", "hush")];
    for command in [
        json!({ "type": "set_custom_types", "args": { "objects": [{ "name": "Done", "fields": [{ "name": "done", "type": "Boolean" }] }] } }),
        json!({ "type": "create_action", "args": { "name": "act", "definition": { "kind": "synchronous", "type": "mutation",
            "handler": service.url("/"), "output_type": "Done!", "forward_client_headers": true } } }),
        json!({ "type": "create_action_permission", "args": { "action": "act", "role": "user" } }),
    ] {
        let (status, answer) = send(&shop, "/v1/metadata", &secret, &command).await;
        assert_eq!(status, 200, "{answer}");
    }
    let act = json!({ "query": "mutation { act { done } }" });
    let headers = [("x-hasura-user-id", "2"), ("X-Hasura-Role", "admin"), ("x-hasura-org", "7"), ("cookie", "a=b")];
    let (_, answer) = send(&shop, "/v1/graphql", &headers, &act).await;
    assert_eq!(answer["data"]["act"]["done"], true, "{answer}");
    let (_, answer) = send(&shop, "/v1/graphql", &[secret[0], headers[2]], &act).await;
    assert_eq!(answer["data"]["act"]["done"], true, "{answer}");
    let asked = service.requests();
    let told: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(told["session_variables"], json!({ "x-hasura-role": "user", "x-hasura-user-id": "1" }));
    assert_eq!(asked[0].headers["cookie"], "a=b");
    for request in &asked {
        assert!(request.headers.keys().all(|name| !name.as_str().starts_with("x-hasura-")), "{:?}", request.headers);
    }
}

#[tokio::test]
async fn an_inherited_role_compares_no_column_that_it_does_not_see() {
    let shop = bank().await;
    let permission = |role: &str, permission: Value| {
        let args = json!({ "source": "default", "table": "account", "role": role, "permission": permission });
        json!({ "type": "pg_create_select_permission", "args": args })
    };
    let own = json!({ "owner_id": { "_eq": "X-Hasura-User-Id" } });
    for command in [
        permission("names", json!({ "columns": ["id"], "filter": {} })),
        permission("owners", json!({ "columns": ["id", "owner_id"], "filter": own })),
        json!({ "type": "add_inherited_role", "args": { "role_name": "both", "role_set": ["names", "owners"] } }),
    ] {
        shop.command(command).await;
    }
    // Account 2 belongs to user 2, which user 1 is not told, however it asks.
    let both = [("x-hasura-role", "both"), ("x-hasura-user-id", "1")];
    let select = async |expression: Value| {
        let args = json!({ "table": "account", "columns": ["id"], "where": expression, "order_by": "id" });
        send(&shop, "/v1/query", &both, &json!({ "type": "select", "args": args })).await
    };
    for expression in [
        json!({ "owner_id": { "$ceq": "id" } }),
        json!({ "id": { "$ceq": "owner_id" } }),
        json!({ "id": { "$ceq": ["$", "owner_id"] } }),
    ] {
        assert_eq!(select(expression.clone()).await, (200, json!([{ "id": 1 }])), "{expression}");
    }
    let query = |text: &str| json!({ "query": text });
    let text = "{ account(order_by: [{owner_id: desc_nulls_last}, {id: asc}], where: {owner_id: {_is_null: false}}) { id owner_id } }";
    let (_, answer) = send(&shop, "/v1/graphql", &both, &query(text)).await;
    assert_eq!(answer["data"]["account"], json!([{ "id": 1, "owner_id": 1 }, { "id": 3, "owner_id": 1 }]));
    let hidden = "{ account(where: {owner_id: {_eq: 2}}) { id } }";
    assert_eq!(send(&shop, "/v1/graphql", &both, &query(hidden)).await.1, json!({ "data": { "account": [] } }));
}

#[tokio::test]
async fn nobody_keeps_the_metadata_waiting() {
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION slow();";
    let shop = bank_with(|options| options.statement_timeout = Some(std::time::Duration::from_millis(300))).await;
    shop.database.client().await.batch_execute(slow).await.unwrap();
    let note = json!({ "type": "insert", "args": { "table": "note", "objects": [{ "id": 9, "account_id": 1 }] } });
    let (status, answer) = send(&shop, "/v1/query", &of("1"), &note).await;
    assert!(status >= 400 && answer["code"] == "timeout", "{status} {answer}");
}
