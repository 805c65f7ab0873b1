//! What administrators ask beside metadata itself: dumps, clean-ups, exports of what nobody tracked.

use axum::body::Body;
use graphql::{Apis, Options};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::fake::Fake;
use crate::foreign::{PEOPLE, actions, apply, metadata};
use crate::socket::{Socket, serve};
use crate::support::{Shop, database_with};

const SCHEMA: &str = "CREATE TABLE customer (id int PRIMARY KEY, name text);
    CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer);
    CREATE VIEW named AS SELECT name FROM customer;
    INSERT INTO customer VALUES (1, 'Ada'), (2, '-- no comment')";

fn with_dump(options: &mut Options) {
    options.admin_secret = Some(project::Secret::new("hush".to_owned()));
    options.pg_dump = Some(testkit::installation().client_bin.join("pg_dump"));
}

async fn dump(shop: &Shop, secret: &str, body: Value) -> (u16, String) {
    let request = http::Request::post("/v1alpha1/pg_dump").header("x-hasura-admin-secret", secret);
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = shop.handle.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    if status == 200 {
        assert_eq!(response.headers()["content-type"], "application/sql; charset=utf-8");
    }
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn the_administrator_dumps_the_database() {
    let shop = database_with(SCHEMA, with_dump).await;
    let (status, whole) = dump(&shop, "hush", json!({"opts": ["-O", "-x", "--schema", "public"]})).await;
    assert_eq!(status, 200, "{whole}");
    for part in
        ["-- PostgreSQL database dump", "SET client_encoding", "COPY public.customer (id, name)", "2\t-- no comment"]
    {
        assert!(whole.contains(part), "{part}\n{whole}");
    }
    let clean = json!({"opts": ["-O", "-x", "--schema", "public"], "clean_output": true});
    let (_, cleaned) = dump(&shop, "hush", clean).await;
    assert!(cleaned.contains("CREATE TABLE public.customer") && cleaned.contains("2\t-- no comment"), "{cleaned}");
    assert!(!cleaned.contains("SET client_encoding") && !cleaned.contains("\n--") && !cleaned.contains("\n\n"));
    let (status, schema) = dump(&shop, "hush", json!({"opts": ["--schema-only", "-t", "customer"]})).await;
    assert_eq!(status, 200);
    assert!(schema.contains("CREATE TABLE public.customer") && !schema.contains("Ada") && !schema.contains("purchase"));
}

#[tokio::test]
async fn dumps_are_for_the_administrator_and_of_this_database() {
    let shop = database_with(SCHEMA, with_dump).await;
    let (status, body) = dump(&shop, "wrong", json!({"opts": []})).await;
    assert_eq!(status, 401, "{body}");
    for (opts, status, code) in [
        (json!(["--file=/tmp/x"]), 400, "not-supported"),
        (json!(["-dpostgres"]), 400, "not-supported"),
        (json!(["postgres"]), 500, "unexpected"),
        (json!(["--no-such-option"]), 500, "unexpected"),
        (json!("-O"), 400, "parse-failed"),
    ] {
        let (found, body) = dump(&shop, "hush", json!({"opts": opts})).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((found, body["code"].as_str()), (status, Some(code)), "{opts} {body}");
    }
    let shop = database_with(SCHEMA, |options| {
        with_dump(options);
        options.apis = Apis::of_names(["metadata"]).unwrap();
    })
    .await;
    assert_eq!(dump(&shop, "hush", json!({"opts": []})).await.0, 404);
    assert!(Apis::of_names(["metadata", "graphq"]).unwrap_err().contains("graphq"));
}

async fn told(shop: &Shop, body: Value) -> Value {
    let (status, answer) = metadata(shop, body).await;
    assert_eq!(status, 200, "{answer:#}");
    answer
}

#[tokio::test]
async fn an_export_of_what_nobody_tracked_gives_the_same_api() {
    let shop = database_with(SCHEMA, |_| {}).await;
    // A part is in the metadata, the rest is offered by itself.
    let permission = json!({"columns": ["name"], "filter": {}});
    let args = json!({"table": "customer", "role": "user", "permission": permission});
    told(&shop, json!({"type": "pg_create_select_permission", "args": args})).await;
    let before = shop.handle.schema_sdl();
    let exported = told(&shop, json!({"type": "export_metadata", "version": 2, "args": {}})).await;
    let tables = exported["metadata"]["sources"][0]["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 3, "{exported:#}");
    assert_eq!(tables[2]["object_relationships"][0]["using"], json!({"foreign_key_constraint_on": "customer_id"}));
    // Nothing was changed by it.
    shop.database.client().await.batch_execute("CREATE TABLE later (id int PRIMARY KEY)").await.unwrap();
    shop.handle.reload().await.unwrap();
    shop.data("{ later { id } }").await;

    let replace = |metadata: &Value| json!({"type": "replace_metadata", "version": 2, "args": {"metadata": metadata}});
    let answer = told(&shop, replace(&exported["metadata"])).await;
    let warning = &answer["warnings"][0];
    assert_eq!(warning["code"], "automatic-tracking-ended", "{answer:#}");
    let message = warning["message"].as_str().unwrap();
    assert!(message.contains("name them: later (") && !message.contains("customer"), "{message}");
    assert_eq!(shop.handle.schema_sdl(), before);
    // From now on the metadata is the whole truth, and there is nothing to warn of.
    let answer = told(&shop, replace(&exported["metadata"])).await;
    assert_eq!(answer, json!({"inconsistent_objects": [], "is_consistent": true}));
    let again = told(&shop, json!({"type": "export_metadata", "version": 2, "args": {}})).await;
    assert_eq!(again["metadata"], exported["metadata"]);
}

#[tokio::test]
async fn the_internal_state_says_what_came_of_the_metadata() {
    let shop = database_with(SCHEMA, |_| {}).await;
    let permission = json!({"columns": ["name"], "filter": {}});
    let args = json!({"table": "customer", "role": "user", "permission": permission});
    told(&shop, json!({"type": "pg_create_select_permission", "args": args})).await;
    let state = told(&shop, json!({"type": "dump_internal_state", "args": {}})).await;
    let table = &state["sources"]["default"]["tables"]["customer"];
    assert_eq!(table["columns"]["id"]["type"], "Int", "{state:#}");
    let may = json!({"user": {"select": true, "insert": false, "update": false, "delete": false}});
    assert_eq!((&table["role_permissions"], &state["roles"]), (&may, &json!(["user"])));
    let relationships = &state["sources"]["default"]["tables"]["purchase"]["relationships"];
    assert_eq!(relationships["customer"], json!({"type": "object", "table": "customer"}));
    assert_eq!((&state["automatic_tracking"], &state["inconsistent_objs"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn a_field_that_a_table_has_is_refused_to_an_action() {
    let shop = database_with(PEOPLE, |_| {}).await;
    let commands = |name: &str| {
        json!({"type": "bulk", "args": [
            {"type": "set_custom_types", "args": {"objects": [{"name": "Out", "fields": [{"name": "id", "type": "Int!"}]}]}},
            {"type": "create_action", "args": {"name": name, "definition":
                {"kind": "synchronous", "output_type": "Out!", "handler": "http://127.0.0.1:1/"}}},
        ]})
    };
    let (status, body) = metadata(&shop, commands("insert_people")).await;
    let message = "Encountered conflicting definitions in the selection set for 'mutation_root' for field \
                   'insert_people' defined in [action insert_people, table people in source default]. Fields must not \
                   be defined more than once across all sources.";
    assert_eq!(
        (status, &body["error"], &body["code"], &body["path"]),
        (500, &json!(message), &json!("unexpected"), &json!("$.args[1].args"))
    );
    // The other way round, too; and what an older program left does not keep the rest from being served.
    assert_eq!(metadata(&shop, commands("insert_extra")).await.0, 200);
    shop.database.client().await.batch_execute("CREATE TABLE extra (id int PRIMARY KEY)").await.unwrap();
    shop.handle.reload().await.unwrap();
    shop.data("{ extra { id } people { id } }").await;
    let inconsistent = told(&shop, json!({"type": "get_inconsistent_metadata", "args": {}})).await;
    assert_eq!(inconsistent["inconsistent_objects"][0]["name"], "action insert_extra", "{inconsistent:#}");
}

#[tokio::test]
async fn handlers_numbers_keep_their_digits() {
    let answer = r#"{"id": 2, "greeting": "hello", "amount": 12345678901234567890.1234567890, "whole": 1.0}"#;
    let handler = Fake::start(move |_| (200, vec![], answer.to_owned())).await;
    let shop = database_with(PEOPLE, |_| {}).await;
    apply(&shop, actions(&handler.url("/"))).await;
    apply(
        &shop,
        json!([
            {"type": "set_custom_types", "args": {
                "scalars": [{"name": "Exact"}],
                "objects": [{"name": "Sum", "fields": [
                    {"name": "amount", "type": "Exact!"}, {"name": "whole", "type": "Float"}, {"name": "id", "type": "Int!"}]},
                    {"name": "Reply", "fields": [{"name": "id", "type": "Int!"}, {"name": "greeting", "type": "String"}],
                     "relationships": [{"name": "person", "type": "object", "remote_table": "people", "field_mapping": {"id": "id"}}]}]}},
            {"type": "create_action", "args": {"name": "sum", "definition":
                {"type": "query", "output_type": "Sum!", "handler": handler.url("/")}}},
            {"type": "create_action", "args": {"name": "total", "definition":
                {"kind": "asynchronous", "output_type": "Sum!", "handler": handler.url("/")}}},
        ]),
    )
    .await;
    let text = async |query: &str| {
        let body = shop.handle.execute(&graphql::Session::admin(), &graphql::Request::new(query)).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let expected = r#"{"amount":12345678901234567890.1234567890,"whole":1.0}"#;
    assert_eq!(text("{ sum { amount whole } }").await, format!(r#"{{"data":{{"sum":{expected}}}}}"#));
    let begun: Value = serde_json::from_str(&text("mutation { total }").await).unwrap();
    let id = begun["data"]["total"].as_str().unwrap();
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let found = text(&format!("{{ total(id: \"{id}\") {{ output {{ amount whole }} errors }} }}")).await;
        if found == format!(r#"{{"data":{{"total":{{"output":{expected},"errors":null}}}}}}"#) {
            return;
        }
        assert!(found.contains(r#""output":null,"errors":null"#) && std::time::Instant::now() < limit, "{found}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn subscriptions_are_counted_as_requests() {
    let shop = database_with(PEOPLE, |_| {}).await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("a", "subscription { people { id } }", json!({})).await;
    socket.data("a").await;
    socket.start("b", "subscription { nobody { id } }", json!({})).await;
    socket.next().await;
    socket.start("c", "subscription {", json!({})).await;
    socket.next().await;
    let request = http::Request::get("/v1/metrics").body(Body::empty()).unwrap();
    let response = shop.handle.router().oneshot(request).await.unwrap();
    let text = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    for (kind, status, count) in
        [("subscription", "success", 1), ("subscription", "failed", 1), ("unknown", "failed", 1)]
    {
        let line =
            format!(r#"hasura_graphql_requests_total{{operation_type="{kind}",response_status="{status}"}} {count}"#);
        assert!(text.contains(&line), "{line}\n{text}");
    }
}

const EVENTS: &str =
    "INSERT INTO hdb_catalog.event_log (id, schema_name, table_name, trigger_name, payload, delivered, created_at)
     SELECT n, 'public', 'people', 't1', '{}', n < 6, now() - interval '2 hours' FROM generate_series(1, 7) AS n;
     UPDATE hdb_catalog.event_log SET archived = true WHERE NOT delivered;
     INSERT INTO hdb_catalog.event_invocation_logs (event_id, trigger_name) VALUES ('1', 't1')";

#[tokio::test]
async fn old_events_are_removed_by_hand() {
    let shop = database_with(PEOPLE, |options| options.events = None).await;
    let trigger = |more: Value| {
        let mut args =
            json!({"name": "t1", "table": "people", "webhook": "http://127.0.0.1:1/", "insert": {"columns": "*"}});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": "pg_create_event_trigger", "args": args})
    };
    for config in [json!({"schedule": "0 0 * * *"}), json!({"schedule": "never", "clear_older_than": 1})] {
        let (status, body) = metadata(&shop, trigger(json!({"cleanup_config": config}))).await;
        assert_eq!((status, &body["code"]), (400, &json!("parse-failed")), "{body}");
    }
    let config = json!({"schedule": "0 0 1 1 *", "clear_older_than": 1});
    told(&shop, trigger(json!({"cleanup_config": config}))).await;
    shop.database.client().await.batch_execute(EVENTS).await.unwrap();
    let clean = |name: &str, hours: i32| {
        let args = json!({"event_trigger_name": name, "clear_older_than": hours, "batch_size": 2, "clean_invocation_logs": true});
        json!({"type": "cleanup_event_trigger_logs", "args": args})
    };
    let (status, body) = metadata(&shop, clean("none", 1)).await;
    assert_eq!((status, &body["code"]), (400, &json!("not-exists")), "{body}");
    let answer = |events: i32, logs: i32| json!({"message": "success", "deleted_event_logs": events, "deleted_event_invocation_logs": logs});
    assert_eq!(told(&shop, clean("t1", 3)).await, answer(0, 0));
    assert_eq!(told(&shop, clean("t1", 1)).await, answer(5, 1));
    let count = "SELECT count(*) FROM hdb_catalog.event_log";
    // What was never delivered stays.
    assert_eq!(shop.database.client().await.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 2);

    let paused = async || {
        let exported = told(&shop, json!({"type": "export_metadata", "args": {}})).await;
        let tables = exported["sources"][0]["tables"].as_array().unwrap().clone();
        let table = tables.into_iter().find(|table| table["table"]["name"] == "people").unwrap();
        table["event_triggers"][0]["cleanup_config"]["paused"].clone()
    };
    let named = json!({"event_triggers": [{"source_name": "default", "event_triggers": ["t1"]}]});
    told(&shop, json!({"type": "pause_event_trigger_cleanups", "args": named})).await;
    assert_eq!(paused().await, json!(true));
    let all = json!({"event_triggers": {"sources": "*"}});
    told(&shop, json!({"type": "resume_event_trigger_cleanups", "args": all})).await;
    assert_eq!(paused().await, json!(false));
    for args in [
        json!({"event_triggers": {"sources": ["none"]}}),
        json!({"event_triggers": [{"source_name": "default", "event_triggers": ["none"]}]}),
    ] {
        let (status, body) = metadata(&shop, json!({"type": "pause_event_trigger_cleanups", "args": args})).await;
        assert_eq!((status, &body["code"]), (400, &json!("not-exists")), "{body}");
    }
}
