use graphql::Session;
use graphql::events::{self, Options, api};
use serde_json::{Value, json};

use super::{Answer, TABLE, stage};

const ALL: &str = r#"{"insert": {"columns": "*"}, "update": {"columns": "*"}, "delete": {"columns": "*"}}"#;

fn all() -> Value {
    serde_json::from_str(ALL).unwrap()
}

#[tokio::test]
async fn each_change_is_told_with_hasuras_payload_and_headers() {
    let mut stage = stage(TABLE).await;
    let mut args = all();
    args["headers"] =
        json!([{"name": "X-Value", "value": "v-{{TOKEN}}"}, {"name": "X-Env", "value_from_env": "TOKEN"}]);
    stage.trigger("t", args).await;
    let events = stage.start();
    stage
        .sql(
            "BEGIN; SET LOCAL \"hasura.user\" = '{\"x-hasura-role\":\"user\",\"x-hasura-user-id\":\"7\"}';
             SET LOCAL \"hasura.tracecontext\" = '{\"trace_id\":\"4bf92f3577b34da6\",\"span_id\":\"00f067aa0ba902b7\"}';
             INSERT INTO t VALUES (1, 'a', '{\"n\": 12345678901234567890.125}'); COMMIT",
        )
        .await;
    let insert = stage.receiver.next().await;
    assert_eq!((insert.method.as_str(), insert.uri.as_str()), ("POST", "/hook"));
    assert_eq!(insert.headers["content-type"], "application/json");
    assert!(insert.headers["user-agent"].to_str().unwrap().starts_with("hasura-graphql-engine/v2"));
    assert_eq!(
        (&insert.headers["x-value"], &insert.headers["x-env"]),
        (&"v-secret".parse().unwrap(), &"secret".parse().unwrap())
    );
    assert_eq!(insert.headers["x-b3-traceid"], "4bf92f3577b34da6");
    let mut body = insert.body;
    let id = body["id"].take();
    let created_at = body["created_at"].take();
    assert!(created_at.as_str().unwrap().ends_with('Z'), "{created_at}");
    let data = body["event"]["data"]["new"]["data"].take();
    assert_eq!(
        body,
        json!({
            "created_at": null,
            "delivery_info": {"current_retry": 0, "max_retries": 0},
            "event": {
                "op": "INSERT",
                "data": {"old": null, "new": {"id": 1, "name": "a", "data": null}},
                "session_variables": {"x-hasura-role": "user", "x-hasura-user-id": "7"},
                "trace_context": {"trace_id": "4bf92f3577b34da6", "span_id": "00f067aa0ba902b7"},
            },
            "id": null,
            "table": {"schema": "public", "name": "t"},
            "trigger": {"name": "t1"},
        })
    );
    assert!(data["n"].is_number());
    stage.sql("UPDATE t SET name = 'b'").await;
    let update = stage.receiver.next().await.body;
    assert_eq!(update["event"]["data"]["old"]["name"], "a");
    assert_eq!(update["event"]["data"]["new"]["name"], "b");
    assert_eq!(update["event"]["session_variables"], Value::Null);
    stage.sql("DELETE FROM t").await;
    let delete = stage.receiver.next().await.body;
    assert_eq!((&delete["event"]["op"], &delete["event"]["data"]["new"]), (&json!("DELETE"), &Value::Null));
    stage.until("FROM hdb_catalog.event_log WHERE delivered AND locked IS NULL AND tries = 1", 3).await;
    events.stop().await;

    let log = stage
        .client
        .query_one(
            "SELECT status, request, response FROM hdb_catalog.event_invocation_logs WHERE event_id = $1",
            &[&id.as_str().unwrap()],
        )
        .await
        .unwrap();
    let (status, request, response): (i32, Value, Value) = (log.get(0), log.get(1), log.get(2));
    assert_eq!((status, &request["version"], &request["payload"]["id"]), (200, &json!("2"), &id));
    let shown = request["headers"].as_array().unwrap();
    assert!(shown.contains(&json!({"name": "X-Env", "value_from_env": "TOKEN"})), "{shown:?}");
    assert!(!request.to_string().contains("\"secret\""), "a value from the environment stays out of the log");
    assert_eq!(response["type"], "webhook_response");
    assert_eq!((&response["data"]["status"], &response["data"]["body"]), (&json!(200), &json!("{\"ok\":true}")));
}

#[tokio::test]
async fn a_rolled_back_change_is_told_to_nobody() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    let events = stage.start();
    stage.sql("BEGIN; INSERT INTO t VALUES (1); ROLLBACK; INSERT INTO t VALUES (2)").await;
    assert_eq!(stage.receiver.next().await.body["event"]["data"]["new"]["id"], 2);
    events.stop().await;
    stage.receiver.nothing();
    assert_eq!(stage.count("FROM hdb_catalog.event_log").await, 1);
}

#[tokio::test]
async fn columns_choose_which_updates_count_and_what_is_sent() {
    let mut stage = stage(TABLE).await;
    let args = json!({
        "update": {"columns": ["name"], "payload": ["id"]},
        "delete": {"columns": "*", "payload": ["name"]},
    });
    stage.trigger("t", args).await;
    let events = stage.start();
    stage
        .sql("INSERT INTO t VALUES (1, 'a'); UPDATE t SET id = 2; UPDATE t SET name = name; UPDATE t SET name = NULL")
        .await;
    let update = stage.receiver.next().await.body;
    assert_eq!(update["event"]["data"], json!({"old": {"id": 2}, "new": {"id": 2}}));
    stage.sql("DELETE FROM t").await;
    assert_eq!(stage.receiver.next().await.body["event"]["data"], json!({"old": {"name": null}, "new": null}));
    events.stop().await;
    stage.receiver.nothing();
}

#[tokio::test]
async fn rows_without_equality_and_partitions_have_triggers_too() {
    let mut stage = stage(
        "CREATE TABLE t (id int, data json, at point);
         CREATE TABLE p (id int, day date) PARTITION BY RANGE (day);
         CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')",
    )
    .await;
    stage.trigger("t", json!({"update": {"columns": "*"}})).await;
    stage.trigger("p", json!({"name": "p1", "insert": {"columns": "*"}})).await;
    let events = stage.start();
    stage.sql("INSERT INTO t VALUES (1, '{}', '(1,2)'); UPDATE t SET at = at; UPDATE t SET data = '[]'").await;
    assert_eq!(stage.receiver.next().await.body["event"]["data"]["new"]["data"], json!([]));
    stage.sql("INSERT INTO p VALUES (1, '2024-01-05')").await;
    let body = stage.receiver.next().await.body;
    assert_eq!((&body["table"]["name"], &body["trigger"]["name"]), (&json!("p"), &json!("p1")));
    events.stop().await;
    stage.receiver.nothing();
}

#[tokio::test]
async fn a_failure_is_tried_again_as_often_as_asked() {
    let mut stage = stage(TABLE).await;
    let mut args = all();
    args["retry_conf"] = json!({"num_retries": 2, "interval_sec": 0});
    stage.trigger("t", args).await;
    stage.receiver.answer([Answer::Status(500), Answer::Status(404), Answer::Status(503)]);
    let events = stage.start();
    stage.sql("INSERT INTO t VALUES (1)").await;
    for retry in 0..3 {
        let info = stage.receiver.next().await.body["delivery_info"].clone();
        assert_eq!(info, json!({"current_retry": retry, "max_retries": 2}));
    }
    stage.until("FROM hdb_catalog.event_log WHERE error AND NOT delivered AND tries = 3 AND locked IS NULL", 1).await;
    let kinds =
        "FROM hdb_catalog.event_invocation_logs WHERE response->>'type' = 'client_error' AND trigger_name = 't1'";
    assert_eq!(stage.count(kinds).await, 3);
    events.stop().await;
    stage.receiver.nothing();
}

#[tokio::test]
async fn a_webhook_may_ask_for_a_later_time_even_when_no_try_is_left() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    stage.receiver.answer([Answer::RetryAfter(429, "1"), Answer::RetryAfter(429, "soon")]);
    let events = stage.start();
    stage.sql("INSERT INTO t VALUES (1)").await;
    assert_eq!(stage.receiver.next().await.body["delivery_info"]["current_retry"], 0);
    assert_eq!(stage.receiver.next().await.body["delivery_info"]["current_retry"], 1);
    stage.until("FROM hdb_catalog.event_log WHERE error AND tries = 2", 1).await;
    events.stop().await;
}

#[tokio::test]
async fn a_webhook_that_is_away_or_slow_is_logged_without_a_status() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", json!({"insert": {"columns": "*"}, "webhook": "http://127.0.0.1:9/x?token=hidden"})).await;
    let slow = json!({"name": "slow", "delete": {"columns": "*"}, "retry_conf": {"timeout_sec": 1}});
    stage.trigger("t", slow).await;
    stage.receiver.answer([Answer::Hang]);
    let events = stage.start();
    stage.sql("INSERT INTO t VALUES (1); DELETE FROM t").await;
    stage
        .until("FROM hdb_catalog.event_invocation_logs WHERE status IS NULL AND response->>'type' = 'client_error'", 2)
        .await;
    assert_eq!(stage.count("FROM hdb_catalog.event_invocation_logs WHERE response::text LIKE '%timeout%'").await, 1);
    assert_eq!(stage.count("FROM hdb_catalog.event_invocation_logs WHERE response::text LIKE '%hidden%'").await, 0);
    events.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_is_killed_while_it_delivers() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    stage.receiver.answer([Answer::Hang, Answer::Hang]);
    let killed = stage.start_with(Options { workers: 2, batch: 2, ..Options::default() });
    stage.sql("INSERT INTO t SELECT n FROM generate_series(1, 5) AS n").await;
    stage.receiver.next().await;
    stage.receiver.next().await;
    stage.until("FROM hdb_catalog.event_log WHERE locked IS NOT NULL", 2).await;
    // As abruptly as a kill: nothing is put back.
    drop(killed);
    stage
        .until("FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'nself events'", 0)
        .await;
    assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE locked IS NOT NULL").await, 2);
    let next = stage.start();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(stage.receiver.next().await.body["event"]["data"]["new"]["id"].as_i64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    stage.until("FROM hdb_catalog.event_log WHERE delivered", 5).await;
    next.stop().await;
    stage.receiver.nothing();
}

#[tokio::test]
async fn two_servers_share_the_work_and_one_leaves_the_others_events_alone() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    stage.receiver.answer([Answer::Hang]);
    let first = stage.start();
    stage.sql("INSERT INTO t VALUES (1)").await;
    stage.receiver.next().await;
    let second = stage.start();
    stage.sql("INSERT INTO t SELECT n FROM generate_series(2, 20) AS n").await;
    for _ in 2..=20 {
        stage.receiver.next().await;
    }
    stage.until("FROM hdb_catalog.event_log WHERE delivered", 19).await;
    second.stop().await;
    stage.receiver.nothing();
    stage.receiver.let_go();
    first.stop().await;
    assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE delivered AND tries = 1").await, 20);
}

#[tokio::test]
async fn a_server_that_stops_puts_back_what_it_could_not_end() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    stage.receiver.answer([Answer::Hang]);
    let events = stage.start_with(Options { grace: std::time::Duration::ZERO, ..Options::default() });
    stage.sql("INSERT INTO t VALUES (1)").await;
    stage.receiver.next().await;
    events.stop().await;
    assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE locked IS NULL AND NOT delivered AND tries = 0").await, 1);
}

#[tokio::test]
async fn many_events_are_sent_with_bounded_concurrency() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    stage.sql("INSERT INTO t SELECT n FROM generate_series(1, 300) AS n").await;
    stage.receiver.answer(std::iter::repeat_n(Answer::Hang, 300));
    let events = stage.start_with(Options { workers: 7, batch: 5, ..Options::default() });
    for _ in 0..7 {
        stage.receiver.next().await;
    }
    stage.until("FROM hdb_catalog.event_log WHERE locked IS NOT NULL", 7).await;
    stage.receiver.nothing();
    stage.receiver.let_go();
    stage.until("FROM hdb_catalog.event_log WHERE delivered", 300).await;
    events.stop().await;
    assert_eq!(stage.count("FROM hdb_catalog.event_invocation_logs").await, 300);
}

#[tokio::test]
async fn transforms_change_the_request_and_the_logged_answer() {
    let mut stage = stage(TABLE).await;
    let args = json!({
        "insert": {"columns": "*", "payload": ["id", "name"]},
        "request_transform": {
            "version": 2,
            "template_engine": "Kriti",
            "method": "PUT",
            "body": {"action": "transform", "template": "{{ $body.event.data.new }}"},
            "query_params": {"foo": "bar"},
            "request_headers": {"remove_headers": ["user-agent"], "add_headers": {"foo": "{{$session_variables?['x-hasura-role']}}"}},
        },
        "response_transform": {"version": 2, "template_engine": "Kriti", "body": {"action": "transform", "template": "{{$body.ok}}"}},
    });
    stage.trigger("t", args).await;
    let events = stage.start();
    stage
        .sql("BEGIN; SET LOCAL \"hasura.user\" = '{\"x-hasura-role\":\"user\"}'; INSERT INTO t VALUES (1, 'a'); COMMIT")
        .await;
    let request = stage.receiver.next().await;
    assert_eq!((request.method.as_str(), request.uri.as_str()), ("PUT", "/hook?foo=bar"));
    assert_eq!(request.body, json!({"id": 1, "name": "a"}));
    assert_eq!(request.headers["foo"], "user");
    assert!(!request.headers.contains_key("user-agent"));
    stage.until("FROM hdb_catalog.event_invocation_logs WHERE response->'data'->>'body' = 'true' AND request->'payload'->>'id' = '1'", 1).await;
    events.stop().await;
}

#[tokio::test]
async fn manual_events_and_sending_again() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", json!({"enable_manual": true})).await;
    stage.trigger("t", json!({"name": "closed", "insert": {"columns": "*"}})).await;
    let session = Session::role("user").with("x-hasura-user-id", "1");
    let invoke = |name: &str| json!({"name": name, "payload": {"some_key": "some_value"}});
    let refused =
        api::invoke_event_trigger(&stage.client, &stage.metadata, &session, &invoke("closed")).await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("not-supported", "manual mode is not enabled for event trigger")
    );
    let unknown =
        api::invoke_event_trigger(&stage.client, &stage.metadata, &session, &invoke("none")).await.unwrap_err();
    assert_eq!(
        (unknown.code.as_str(), unknown.message.as_str()),
        ("not-exists", "event trigger \"none\" does not exist")
    );

    let made = api::invoke_event_trigger(&stage.client, &stage.metadata, &session, &invoke("t1")).await.unwrap();
    let events = stage.start();
    let body = stage.receiver.next().await.body;
    assert_eq!(body["id"], made["event_id"]);
    assert_eq!(body["event"]["op"], "MANUAL");
    assert_eq!(body["event"]["data"], json!({"old": null, "new": {"some_key": "some_value"}}));
    assert_eq!(body["event"]["session_variables"], json!({"x-hasura-role": "user", "x-hasura-user-id": "1"}));
    stage.until("FROM hdb_catalog.event_log WHERE delivered", 1).await;

    api::redeliver_event(&stage.client, &json!({"event_id": made["event_id"]})).await.unwrap();
    let again = stage.receiver.next().await.body;
    assert_eq!((&again["id"], &again["delivery_info"]["current_retry"]), (&made["event_id"], &json!(0)));
    stage.until("FROM hdb_catalog.event_invocation_logs", 2).await;
    let missing = api::redeliver_event(&stage.client, &json!({"event_id": "x"})).await.unwrap_err();
    assert_eq!((missing.code.as_str(), missing.message.as_str()), ("not-exists", "event not found"));

    let args = json!({"name": "t1", "status": "processed"});
    let logs = api::get_event_logs(&stage.client, &stage.metadata, &args).await.unwrap();
    let logs: Value = serde_json::from_str(logs.get()).unwrap();
    assert_eq!(
        (logs.as_array().unwrap().len(), &logs[0]["id"], &logs[0]["delivered"]),
        (1, &made["event_id"], &json!(true))
    );
    let logs = api::get_event_invocation_logs(&stage.client, &stage.metadata, &json!({"name": "t1", "limit": 1}))
        .await
        .unwrap();
    let logs: Value = serde_json::from_str(logs.get()).unwrap();
    assert_eq!((logs.as_array().unwrap().len(), &logs[0]["http_status"]), (1, &json!(200)));
    let one = api::get_event_by_id(&stage.client, &json!({"event_id": made["event_id"]})).await.unwrap();
    let one: Value = serde_json::from_str(one.get()).unwrap();
    assert_eq!((&one["event"]["id"], one["invocations"].as_array().unwrap().len()), (&made["event_id"], 2));
    events.stop().await;
}

#[tokio::test]
async fn the_database_follows_the_metadata() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    let functions = "FROM pg_proc WHERE proname LIKE 'notify\\_hasura\\_%'";
    assert_eq!(stage.count(functions).await, 3);
    let versions =
        "SELECT string_agg(xmin::text || oid::text, ',' ORDER BY oid) FROM pg_proc WHERE proname LIKE 'notify%'";
    let before: String = stage.client.query_one(versions, &[]).await.unwrap().get(0);
    stage.install(Some(&stage.metadata)).await;
    assert_eq!(stage.client.query_one(versions, &[]).await.unwrap().get::<_, String>(0), before, "nothing to do");

    // A new column belongs to `*`.
    stage.sql("ALTER TABLE t ADD COLUMN more int DEFAULT 5").await;
    stage.install(Some(&stage.metadata)).await;
    stage.sql("INSERT INTO t VALUES (1)").await;
    let more: i32 = stage
        .client
        .query_one("SELECT (payload->'data'->'new'->'more')::int FROM hdb_catalog.event_log", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(more, 5);

    let old = stage.metadata.clone();
    let replace = json!({"name": "t1", "table": "t", "webhook": "http://h", "delete": {"columns": "*"}, "replace": true, "trigger_on_replication": true});
    api::create_event_trigger(&mut stage.metadata, &|_, _| true, &stage.environment, &replace).unwrap();
    stage.install(Some(&old)).await;
    assert_eq!(stage.count(functions).await, 1);
    assert_eq!(stage.count("FROM pg_trigger WHERE tgname = 'notify_hasura_t1_DELETE' AND tgenabled = 'A'").await, 1);

    let old = stage.metadata.clone();
    api::delete_event_trigger(&mut stage.metadata, &json!({"name": "t1"})).unwrap();
    stage.install(Some(&old)).await;
    assert_eq!(stage.count(functions).await, 0);
    assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE archived").await, 1);
    let events = stage.start();
    stage.sql("INSERT INTO t VALUES (2)").await;
    events.stop().await;
    stage.receiver.nothing();
}

#[tokio::test]
async fn mistakes_are_told_as_hasura_tells_them() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", all()).await;
    let mut create = |args: Value| {
        let mut all = json!({"name": "x", "table": "t", "webhook": "http://h", "insert": {"columns": "*"}});
        all.as_object_mut().unwrap().extend(args.as_object().unwrap().clone());
        let columns = |_: &metadata::QualifiedName, column: &str| ["id", "name"].contains(&column);
        let failure = api::create_event_trigger(&mut stage.metadata, &columns, &stage.environment, &all).unwrap_err();
        (failure.code.as_str(), failure.message)
    };
    let parse = |message: &str| ("parse-failed", message.to_owned());
    assert_eq!(
        create(json!({"insert": null, "webhook": null})),
        parse("atleast one amongst insert/update/delete/enable_manual spec must be provided")
    );
    assert_eq!(create(json!({"name": "a b"})), parse("only alphanumeric and underscore and hyphens allowed for name"));
    assert_eq!(create(json!({"name": "a".repeat(43)})), parse("event trigger name can be at most 42 characters"));
    assert_eq!(create(json!({"webhook": null})), parse("must provide webhook or webhook_from_env"));
    assert_eq!(
        create(json!({"webhook_from_env": "E"})),
        parse("only one of webhook or webhook_from_env should be given")
    );
    assert_eq!(create(json!({"insert": {"columns": []}})), parse("found empty column specification"));
    assert_eq!(
        create(json!({"name": "t1"})),
        ("already-exists", "Event trigger with name \"t1\" already exists".to_owned())
    );
    assert_eq!(create(json!({"insert": {"columns": ["gone"]}})), ("not-exists", "\"gone\" does not exist".to_owned()));
    assert_eq!(
        create(json!({"webhook": null, "webhook_from_env": "NONE"})),
        ("not-found", "environment variable 'NONE' not set".to_owned())
    );
    assert_eq!(create(json!({"table": "none"})).0, "not-exists");
    assert_eq!(create(json!({"replace": true})), ("not-exists", "event trigger \"x\" does not exist".to_owned()));
}

#[tokio::test]
async fn old_events_are_cleaned_up() {
    let mut stage = stage(TABLE).await;
    let mut args = all();
    args["cleanup_config"] =
        json!({"schedule": "0 0 1 1 *", "batch_size": 2, "clear_older_than": 1, "clean_invocation_logs": true});
    stage.trigger("t", args).await;
    stage
        .sql(
            "INSERT INTO hdb_catalog.event_log (id, schema_name, table_name, trigger_name, payload, delivered, created_at)
             SELECT n, 'public', 't', 't1', '{}', true, now() - interval '2 hours' FROM generate_series(1, 5) AS n;
             INSERT INTO hdb_catalog.event_log (id, schema_name, table_name, trigger_name, payload, delivered)
             VALUES ('fresh', 'public', 't', 't1', '{}', true);
             INSERT INTO hdb_catalog.event_invocation_logs (event_id, trigger_name) VALUES ('1', 't1'), ('fresh', 't1');
             INSERT INTO hdb_catalog.hdb_event_log_cleanups (trigger_name, scheduled_at, status)
             VALUES ('t1', now() at time zone 'utc' - interval '1 day', 'scheduled'),
                    ('t1', now() at time zone 'utc' - interval '1 hour', 'scheduled')",
        )
        .await;
    let events = stage.start();
    stage.until("FROM hdb_catalog.hdb_event_log_cleanups WHERE status = 'completed' AND deleted_event_logs = 5 AND deleted_event_invocation_logs = 1", 1).await;
    assert_eq!(stage.count("FROM hdb_catalog.event_log").await, 1);
    assert_eq!(stage.count("FROM hdb_catalog.hdb_event_log_cleanups WHERE status = 'dead'").await, 1);
    stage.until("FROM hdb_catalog.hdb_event_log_cleanups WHERE status = 'scheduled'", 50).await;
    events.stop().await;
}

#[tokio::test]
async fn a_database_that_hasura_has_used_is_taken_over() {
    let stage = stage("").await;
    stage.sql("DROP SCHEMA hdb_catalog CASCADE").await;
    stage.sql(include_str!("hasura_v2_21.sql")).await;
    stage.sql(events::CATALOG_SQL).await;
    stage.sql(events::CATALOG_SQL).await;
    assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE id = 'kept'").await, 1);
    assert_eq!(stage.count("FROM pg_indexes WHERE schemaname = 'hdb_catalog' AND tablename = 'event_log'").await, 3);
}
