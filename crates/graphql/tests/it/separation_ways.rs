//! Ways around a role's permissions that are less plain: kept plans, limits, Relay, REST, relationships over sources,
//! functions, rows in the way of nested ones.

use axum::body::Body;
use base64::Engine as _;
use graphql::{Request, Session};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::separation::{bank, clerk, user};
use super::socket::{Socket, TRANSPORT, serve};
use super::support::Shop;

async fn ask(shop: &Shop, session: &Session, query: &str) -> Value {
    shop.ask_as(session, &Request::new(query)).await
}

async fn unknown(shop: &Shop, session: &Session, query: &str) {
    let answer = ask(shop, session, query).await;
    let message = answer["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{query}\n{answer:#}"));
    assert!(message.contains("not found in type"), "{query}: {message}");
}

fn command(kind: &str, args: Value) -> Value {
    let mut args = args;
    args["source"] = json!("default");
    json!({ "type": format!("pg_{kind}"), "args": args })
}

async fn permit(shop: &Shop, role: &str, table: &str, permission: Value) {
    let args = json!({ "table": table, "role": role, "permission": permission });
    shop.command(command("create_select_permission", args)).await;
}

/// `both` sees every account's id by one role, and by the other its own accounts whole.
async fn inherit(shop: &Shop) -> Session {
    let own = json!({ "owner_id": { "_eq": "X-Hasura-User-Id" } });
    permit(shop, "balances", "account", json!({ "columns": ["balance"], "filter": {} })).await;
    // A role that others inherit from keeps a permission.
    permit(shop, "balances", "kind", json!({ "columns": ["name"], "filter": {} })).await;
    permit(shop, "owners", "account", json!({ "columns": ["id", "owner_id", "email"], "filter": own })).await;
    let args = json!({ "role_name": "both", "role_set": ["balances", "owners"] });
    shop.command(json!({ "type": "add_inherited_role", "args": args })).await;
    Session::role("both").with("x-hasura-user-id", "1")
}

#[tokio::test]
async fn an_inherited_role_learns_no_hidden_cell() {
    let shop = bank().await;
    let both = inherit(&shop).await;
    let seen = ask(
        &shop,
        &both,
        "{ account(order_by: [{balance: asc}]) { id owner_id email balance }
           key: account_by_pk(id: 2) { balance } own: account_by_pk(id: 1) { balance }
           distinct: account(distinct_on: [owner_id], order_by: [{owner_id: asc}, {balance: desc}]) { balance }
           guess: account(where: {email: {_like: \"two%\"}}) { balance }
           not: account(where: {_not: {email: {_like: \"one%\"}}}) { balance }
           nulls: account(where: {email: {_is_null: true}}) { balance } }",
    )
    .await;
    let data = &seen["data"];
    let hidden = json!({ "id": null, "owner_id": null, "email": null, "balance": 20 });
    assert_eq!(data["account"][2], hidden, "{seen:#}");
    assert_eq!((&data["key"], &data["own"]), (&Value::Null, &json!({ "balance": 10 })));
    assert_eq!(data["distinct"], json!([{ "balance": 10 }, { "balance": 20 }]));
    assert_eq!((&data["guess"], &data["not"]), (&json!([]), &json!([{ "balance": 0 }])));
    assert_eq!(data["nulls"], json!([{ "balance": 20 }]));
}

#[tokio::test]
async fn relays_ids_hide_what_an_inherited_role_does_not_see() {
    let shop = bank().await;
    let both = inherit(&shop).await;
    let relay = async |query: &str| shop.ask_as(&both, &Request { relay: true, ..Request::new(query) }).await;
    let decoded = |text: &Value| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let answer =
        relay("{ account_connection(order_by: {balance: asc}) { edges { cursor node { id balance } } } }").await;
    let edges = answer["data"]["account_connection"]["edges"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    let ids: Vec<Value> = edges.iter().map(|edge| decoded(&edge["node"]["id"])[3].clone()).collect();
    assert_eq!(ids, [json!(3), json!(1), Value::Null], "{answer:#}");
    let cursors: Vec<Value> = edges.iter().map(|edge| decoded(&edge["cursor"])["id"].clone()).collect();
    assert_eq!(cursors, [json!(3), json!(1), Value::Null], "{answer:#}");
    for (key, expected) in [(1, json!({ "balance": 10 })), (2, Value::Null)] {
        let id = base64::engine::general_purpose::STANDARD.encode(format!("[1, \"public\", \"account\", {key}]"));
        let answer = relay(&format!("{{ node(id: \"{id}\") {{ ... on account {{ balance }} }} }}")).await;
        assert_eq!(answer["data"]["node"], expected, "{answer:#}");
    }
}

#[tokio::test]
async fn a_kept_plan_ends_with_the_permission_it_was_made_for() {
    let shop = bank().await;
    let both = inherit(&shop).await;
    let query = "{ account(order_by: {balance: asc}) { balance } }";
    assert_eq!(ask(&shop, &both, query).await["data"]["account"].as_array().unwrap().len(), 3);
    assert_eq!(ask(&shop, &user(1), query).await["data"]["account"].as_array().unwrap().len(), 2);
    // The parent's permission becomes narrower, then goes; the inheriting role follows.
    let drop = command("drop_select_permission", json!({ "table": "account", "role": "balances" }));
    shop.command(drop.clone()).await;
    unknown(&shop, &both, query).await;
    let poor = json!({ "columns": ["balance"], "filter": { "balance": { "_lt": 5 } } });
    permit(&shop, "balances", "account", poor).await;
    assert_eq!(ask(&shop, &both, query).await["data"]["account"], json!([{ "balance": 0 }, { "balance": null }]));
    let drop = command("drop_select_permission", json!({ "table": "account", "role": "user" }));
    shop.command(drop).await;
    unknown(&shop, &user(1), query).await;
    permit(&shop, "user", "account", json!({ "columns": ["balance"], "filter": { "id": { "_eq": 2 } } })).await;
    assert_eq!(ask(&shop, &user(1), query).await["data"]["account"], json!([{ "balance": 20 }]));
}

#[tokio::test]
async fn a_permissions_limit_holds_wherever_rows_are_read() {
    let shop = bank().await;
    let columns = json!({ "columns": ["id"], "filter": {}, "limit": 1, "allow_aggregations": true });
    for table in ["account", "note"] {
        permit(&shop, "few", table, columns.clone()).await;
    }
    shop.database.client().await.batch_execute("INSERT INTO note VALUES (3, 1, 'more')").await.unwrap();
    let few = Session::role("few");
    let answer = ask(
        &shop,
        &few,
        "{ account(limit: 9, order_by: {id: asc}) { id notes(limit: 9) { id } jottings(limit: 9) { id } }
           account_aggregate(limit: 9) { nodes { notes_aggregate { nodes { id } aggregate { count } } } }
           rich(args: {minimum: 0}, limit: 9) { id } rich_aggregate(args: {minimum: 0}) { nodes { id } } }",
    )
    .await;
    let data = &answer["data"];
    let length = |value: &Value| value.as_array().unwrap_or_else(|| panic!("{answer:#}")).len();
    let lists = [
        &data["account"],
        &data["account"][0]["notes"],
        &data["account"][0]["jottings"],
        &data["account_aggregate"]["nodes"],
        &data["account_aggregate"]["nodes"][0]["notes_aggregate"]["nodes"],
        &data["rich"],
        &data["rich_aggregate"]["nodes"],
    ];
    assert_eq!(lists.map(length), [1; 7], "{answer:#}");
    for page in ["first: 9", "last: 9", ""] {
        let arguments = if page.is_empty() { String::new() } else { format!("({page})") };
        let query = format!("{{ account_connection{arguments} {{ edges {{ cursor }} }} }}");
        let answer = shop.ask_as(&few, &Request { relay: true, ..Request::new(query) }).await;
        assert_eq!(length(&answer["data"]["account_connection"]["edges"]), 1, "{page}: {answer:#}");
    }
    let address = serve(&shop.handle).await;
    let mut socket = Socket::connect(&address, TRANSPORT, json!({ "x-hasura-role": "few" })).await;
    let stream = "subscription { account_stream(batch_size: 9, cursor: {initial_value: {id: 0}}) { id } }";
    socket.start("s", stream, json!({})).await;
    assert_eq!(socket.data("s").await["account_stream"], json!([{ "id": 1 }]));
}

#[tokio::test]
async fn a_function_that_changes_rows_shows_those_of_the_role() {
    let shop = bank().await;
    let args = json!({ "function": "empty_all", "role": "user" });
    shop.command(command("create_function_permission", args)).await;
    let query = "mutation { empty_all(order_by: {id: asc}) { id balance notes { id } } }";
    let expected = json!([{ "id": 1, "balance": 0, "notes": [{ "id": 1 }] }, { "id": 3, "balance": 0, "notes": [] }]);
    assert_eq!(ask(&shop, &user(1), query).await["data"]["empty_all"], expected);
    unknown(&shop, &user(1), "mutation { empty_all { secret } }").await;
    unknown(&shop, &user(1), "mutation { empty_all(where: {secret: {_eq: \"alpha\"}}) { id } }").await;
    unknown(&shop, &user(1), "mutation { empty_all_aggregate { aggregate { count } } }").await;
    assert!(ask(&shop, &clerk(), query).await["errors"].is_array(), "the right to call it is the user's");
}

#[tokio::test]
async fn relationships_over_sources_keep_to_both_ends() {
    let shop = bank().await;
    for (table, name, target, mapping) in [
        ("account", "safes", "vault", json!({ "id": "account_id" })),
        ("note", "owner", "account", json!({ "account_id": "id" })),
        ("account", "twins", "account", json!({ "secret": "secret" })),
        ("vault", "papers", "note", json!({ "account_id": "account_id" })),
    ] {
        let to =
            json!({ "source": "default", "table": target, "relationship_type": "array", "field_mapping": mapping });
        let args = json!({ "table": table, "name": name, "definition": { "to_source": to } });
        shop.command(command("create_remote_relationship", args)).await;
    }
    for query in [
        "{ account { safes { id } } }",
        "{ account { safes_aggregate { aggregate { count } } } }",
        // They start from a column that the role does not see.
        "{ note { owner { id } } }",
        "{ account { twins { id } } }",
    ] {
        unknown(&shop, &user(1), query).await;
    }
    let query = "{ account(order_by: {id: asc}) { id safes { id } twins { id } } }";
    let answer = ask(&shop, &clerk(), query).await;
    let expected = json!([
        { "id": 1, "safes": [{ "id": 1 }], "twins": [{ "id": 1 }] },
        { "id": 2, "safes": [], "twins": [{ "id": 2 }] },
        { "id": 3, "safes": [], "twins": [{ "id": 3 }] },
    ]);
    assert_eq!(answer["data"]["account"], expected, "{answer:#}");
    for query in [
        "{ account { safes { code } } }",
        "{ account { safes { papers { id } } } }",
        "{ account { safes_aggregate { aggregate { count } } } }",
    ] {
        unknown(&shop, &clerk(), query).await;
    }
}

#[tokio::test]
async fn stored_queries_are_of_the_session_that_asks() {
    let shop = bank().await;
    let queries = json!([{ "name": "one", "query": "query ($id: Int!) { account_by_pk(id: $id) { id balance } }" }]);
    let collection = json!({ "name": "stored", "definition": { "queries": queries } });
    shop.command(json!({ "type": "create_query_collection", "args": collection })).await;
    let query = json!({ "query": { "collection_name": "stored", "query_name": "one" } });
    let endpoint = json!({ "name": "one", "url": "account/:id", "methods": ["GET", "POST"], "definition": query });
    shop.command(json!({ "type": "create_rest_endpoint", "args": endpoint })).await;
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = http::Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = shop.handle.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let one = [("x-hasura-role", "user"), ("x-hasura-user-id", "1")];
    assert_eq!(get("/api/rest/account/1", &one).await, json!({ "account_by_pk": { "id": 1, "balance": 10 } }));
    assert_eq!(get("/api/rest/account/2", &one).await, json!({ "account_by_pk": null }));
    let answer = get("/api/rest/account/2?x-hasura-user-id=2&x-hasura-role=admin", &one).await;
    assert!(answer.get("account_by_pk").is_none_or(Value::is_null), "{answer}");
    let clerk = [("x-hasura-role", "clerk")];
    let answer = get("/api/rest/account/2", &clerk).await;
    assert!(answer.get("account_by_pk").is_none(), "a column that the clerk does not see: {answer}");
}

#[tokio::test]
async fn nested_rows_are_not_hung_on_others_rows() {
    let shop = bank().await;
    let note = |columns: &str, account: &str| {
        format!(
            "mutation {{ insert_note_one(object: {{id: 9, body: \"x\", account: {{data: {account},
                on_conflict: {{constraint: account_pkey, update_columns: [{columns}]}}}}}}) {{ id account {{ id }} }} }}"
        )
    };
    let below = "mutation { insert_account_one(object: {id: 2, owner_id: 1, notes: {data: [{id: 9, body: \"x\"}]}},
        on_conflict: {constraint: account_pkey, update_columns: [balance]}) { id } }";
    for query in [
        note("balance", "{id: 2, owner_id: 1, balance: 5}"),
        note("owner_id", "{id: 2, owner_id: 1}"),
        note("", "{id: 2, owner_id: 1}"),
        below.to_owned(),
    ] {
        let answer = ask(&shop, &user(1), &query).await;
        assert!(answer["errors"].is_array(), "{query}\n{answer:#}");
        let state = "SELECT (SELECT count(*) FROM note) || ' ' || (SELECT balance FROM account WHERE id = 2)";
        let state: String = shop.database.client().await.query_one(state, &[]).await.unwrap().get(0);
        assert_eq!(state, "2 20", "{query}");
    }
    let answer = ask(&shop, &user(1), &note("balance", "{id: 1, owner_id: 1, balance: 5}")).await;
    assert_eq!(answer["data"]["insert_note_one"], json!({ "id": 9, "account": { "id": 1 } }), "{answer:#}");
}

#[tokio::test]
async fn refusals_tell_no_keys_of_hidden_rows() {
    let shop = bank().await;
    shop.database.client().await.batch_execute("DELETE FROM note; UPDATE account SET balance = 0").await.unwrap();
    // What still hangs on the account is nothing the user sees.
    let answer = ask(&shop, &user(1), "mutation { delete_account_by_pk(id: 1) { id } }").await.to_string();
    assert!(answer.contains("constraint-violation") && !answer.contains("Key ("), "{answer}");
    let answer = ask(&shop, &user(1), "mutation { insert_note_one(object: {id: 9, account_id: 7}) { id } }").await;
    assert!(!answer.to_string().contains("Key ("), "{answer}");
    // Nor does a session without the variable of a condition, a check or a preset get any further.
    let nobody = Session::role("user");
    for query in [
        "mutation { update_account(where: {}, _set: {balance: 1}) { affected_rows } }",
        "mutation { insert_account(objects: {id: 9, owner_id: 1}) { affected_rows } }",
        "mutation { delete_account(where: {}) { affected_rows } }",
        "{ note { id } }",
    ] {
        let answer = ask(&shop, &nobody, query).await.to_string();
        assert!(answer.contains("missing session variable"), "{query}: {answer}");
    }
}

#[tokio::test]
async fn streams_of_an_inherited_role_start_from_what_it_sees() {
    let shop = bank().await;
    inherit(&shop).await;
    let address = serve(&shop.handle).await;
    let headers = json!({ "x-hasura-role": "both", "x-hasura-user-id": "1" });
    let mut socket = Socket::connect(&address, TRANSPORT, headers).await;
    let stream = "subscription { account_stream(batch_size: 9, cursor: {initial_value: {id: 0}}) { id balance } }";
    socket.start("s", stream, json!({})).await;
    let expected = json!([{ "id": 1, "balance": 10 }, { "id": 3, "balance": 0 }]);
    assert_eq!(socket.data("s").await["account_stream"], expected);
}
