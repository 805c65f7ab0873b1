//! Live queries: what is sent when, and what PostgreSQL is asked.

use std::time::Duration;

use graphql::live;
use serde_json::json;

use crate::socket::{LEGACY, LIMIT, Socket, TRANSPORT, serve};
use crate::support::{Shop, database_with};

const TABLES: &str = "
    CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE article (id int PRIMARY KEY, author_id int NOT NULL REFERENCES author, title text NOT NULL);
    CREATE TABLE note (text text);
    CREATE VIEW titles AS SELECT author.name, article.title FROM article JOIN author ON author.id = author_id;
    CREATE TABLE part (id int, kind text) PARTITION BY LIST (kind);
    CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
    CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY);
    INSERT INTO author VALUES (1, 'Ann'), (2, 'Bob');
    INSERT INTO article VALUES (1, 1, 'one');";

async fn library() -> Shop {
    database_with(TABLES, |_| {}).await
}

impl Shop {
    async fn sql(&self, statement: &str) {
        self.database.client().await.batch_execute(statement).await.unwrap();
    }

    /// Until changes are told by the log, so that what follows is not found by polling.
    async fn until_followed(&self) {
        let client = self.database.client().await;
        let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active";
        let limit = std::time::Instant::now() + LIMIT;
        while client.query_one(slots, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(std::time::Instant::now() < limit, "the log is not followed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The query that follows the change to the log.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    /// When the last statement of the engine's connections began.
    async fn last_statement(&self) -> Vec<String> {
        let client = self.database.client().await;
        let rows = client
            .query(
                "SELECT pid::text || ' ' || query_start::text FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                   AND query_start IS NOT NULL ORDER BY 1",
                &[],
            )
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The same, once all that begins with the engine has been asked.
    async fn last_statement_of_the_start(&self) -> Vec<String> {
        loop {
            let before = self.last_statement().await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            if self.last_statement().await == before {
                return before;
            }
        }
    }
}

#[tokio::test]
async fn a_change_is_sent_in_both_protocols() {
    let shop = library().await;
    let address = serve(&shop.handle).await;
    for protocol in [TRANSPORT, LEGACY] {
        let mut socket = Socket::connect(&address, protocol, json!({})).await;
        socket.start("1", "subscription { author(order_by: {id: asc}) { name } }", json!({})).await;
        assert_eq!(socket.data("1").await, json!({ "author": [{ "name": "Ann" }, { "name": "Bob" }] }));
        shop.sql("UPDATE author SET name = 'Eve' WHERE id = 2").await;
        assert_eq!(socket.data("1").await, json!({ "author": [{ "name": "Ann" }, { "name": "Eve" }] }));
        shop.sql("UPDATE author SET name = 'Bob' WHERE id = 2").await;
        socket.until("1", &json!({ "author": [{ "name": "Ann" }, { "name": "Bob" }] })).await;
        socket.stop("1").await;
        shop.sql("UPDATE author SET name = 'Bob' WHERE id = 2").await;
        socket.nothing().await;
    }
}

#[tokio::test]
async fn nothing_is_asked_while_nothing_changes() {
    let shop = database_with(TABLES, |options| options.live.refetch = Duration::from_millis(50)).await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    for id in 1..=20 {
        let query = "subscription($id: Int!) { author_by_pk(id: $id) { name } }";
        socket.start(&id.to_string(), query, json!({ "id": id })).await;
    }
    for _ in 1..=20 {
        assert_eq!(socket.next().await["type"], "next");
    }
    shop.until_followed().await;
    let before = shop.last_statement_of_the_start().await;
    // Another table's change and a transaction that is undone ask nothing either.
    shop.sql("INSERT INTO note VALUES ('x')").await;
    shop.sql("BEGIN; UPDATE author SET name = 'no'; ROLLBACK").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(shop.last_statement().await, before);
    // Only who sees the change is told.
    shop.sql("UPDATE author SET name = 'Eve' WHERE id = 2").await;
    assert_eq!(socket.data("2").await, json!({ "author_by_pk": { "name": "Eve" } }));
    socket.nothing().await;
}

#[tokio::test]
async fn views_partitions_and_relationships_are_followed() {
    let shop = library().await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("view", "subscription { titles { name title } }", json!({})).await;
    assert_eq!(socket.data("view").await, json!({ "titles": [{ "name": "Ann", "title": "one" }] }));
    socket.start("part", "subscription { part { id } }", json!({})).await;
    assert_eq!(socket.data("part").await, json!({ "part": [] }));
    shop.until_followed().await;
    shop.sql("INSERT INTO part VALUES (1, 'a')").await;
    assert_eq!(socket.data("part").await, json!({ "part": [{ "id": 1 }] }));
    shop.sql("UPDATE author SET name = 'Eve' WHERE id = 1").await;
    assert_eq!(socket.data("view").await, json!({ "titles": [{ "name": "Eve", "title": "one" }] }));
    socket.stop("view").await;
    socket.start("rel", "subscription { author_by_pk(id: 2) { article { title } } }", json!({})).await;
    assert_eq!(socket.data("rel").await, json!({ "author_by_pk": { "article": [] } }));
    shop.sql("INSERT INTO article VALUES (2, 2, 'two')").await;
    assert_eq!(socket.data("rel").await, json!({ "author_by_pk": { "article": [{ "title": "two" }] } }));
}

#[tokio::test]
async fn what_the_log_does_not_tell_is_polled() {
    let fast = |options: &mut graphql::Options| options.live.refetch = Duration::from_millis(50);
    let shop = database_with(TABLES, fast).await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("1", "subscription { scratch { id } }", json!({})).await;
    assert_eq!(socket.data("1").await, json!({ "scratch": [] }));
    shop.until_followed().await;
    shop.sql("INSERT INTO scratch VALUES (1)").await;
    assert_eq!(socket.data("1").await, json!({ "scratch": [{ "id": 1 }] }));
}

#[tokio::test]
async fn polling_is_a_setting() {
    let polling = |options: &mut graphql::Options| {
        options.live.source = live::Source::Polling;
        options.live.refetch = Duration::from_millis(50);
    };
    let shop = database_with(TABLES, polling).await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("1", "subscription { author_by_pk(id: 1) { name } }", json!({})).await;
    assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Ann" } }));
    shop.sql("UPDATE author SET name = 'Eve' WHERE id = 1").await;
    assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Eve" } }));
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
    let slots: i64 = shop.database.client().await.query_one(slots, &[]).await.unwrap().get(0);
    assert_eq!(slots, 0);
}

#[tokio::test]
async fn one_mistake_does_not_spoil_the_others() {
    let shop = library().await;
    shop.sql("CREATE TABLE number (id int PRIMARY KEY, text text)").await;
    shop.handle.reload().await.unwrap();
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    let query = "subscription($like: String!) { author(where: {name: {_regex: $like}}) { name } }";
    for (id, pattern) in [("good", "^A"), ("bad", "("), ("fine", "^B")] {
        socket.start(id, query, json!({ "like": pattern })).await;
    }
    let mut found = std::collections::BTreeMap::new();
    while found.len() < 3 {
        let message = socket.next().await;
        found.insert(message["id"].as_str().unwrap().to_owned(), message["payload"].clone());
    }
    assert_eq!(found["good"], json!({ "data": { "author": [{ "name": "Ann" }] } }));
    assert_eq!(found["fine"], json!({ "data": { "author": [{ "name": "Bob" }] } }));
    assert_eq!(found["bad"]["errors"][0]["extensions"]["code"], "data-exception");
}

#[tokio::test]
async fn equal_subscriptions_are_one() {
    let shop = library().await;
    let address = serve(&shop.handle).await;
    let mut first = Socket::admin(&address).await;
    let mut second = Socket::admin(&address).await;
    for socket in [&mut first, &mut second] {
        socket.start("1", "subscription { author_by_pk(id: 1) { name } }", json!({})).await;
        assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Ann" } }));
    }
    // The first is not told again what it knows.
    first.nothing().await;
    shop.sql("UPDATE author SET name = 'Eve' WHERE id = 1").await;
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Eve" } }));
    }
}

#[tokio::test]
async fn a_changed_schema_keeps_what_still_fits() {
    let shop = library().await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("1", "subscription { author_by_pk(id: 1) { name } }", json!({})).await;
    assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Ann" } }));
    socket.start("2", "subscription { note { text } }", json!({})).await;
    assert_eq!(socket.data("2").await, json!({ "note": [] }));
    shop.sql("DROP TABLE note").await;
    shop.handle.reload().await.unwrap();
    let message = socket.next().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("2")), "{message}");
    assert_eq!(message["payload"][0]["message"], "field 'note' not found in type: 'subscription_root'");
    socket.nothing().await;
    shop.sql("UPDATE author SET name = 'Eve' WHERE id = 1").await;
    assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Eve" } }));
}

#[tokio::test]
async fn many_of_one_shape_are_asked_together() {
    let shop = library().await;
    shop.sql("INSERT INTO author SELECT g, 'a' || g FROM generate_series(3, 350) g").await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    let query = "subscription($id: Int!) { author_by_pk(id: $id) { id name } }";
    for id in 1..=350 {
        socket.start(&id.to_string(), query, json!({ "id": id })).await;
    }
    for _ in 1..=350 {
        let message = socket.next().await;
        assert_eq!(message["payload"]["data"]["author_by_pk"]["id"].to_string(), message["id"].as_str().unwrap());
    }
    shop.until_followed().await;
    shop.sql("UPDATE author SET name = 'x'").await;
    for _ in 1..=350 {
        let message = socket.next().await;
        assert_eq!(message["payload"]["data"]["author_by_pk"]["name"], "x");
    }
    socket.nothing().await;
}

const STREAM: &str = "subscription($from: Int!, $size: Int!) {
    author_stream(batch_size: $size, cursor: {initial_value: {id: $from}, ordering: ASC}) { id }
}";

/// Ids of a stream's batches until there are so many.
async fn streamed(socket: &mut Socket, id: &str, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let data = socket.data(id).await;
        let rows = data["author_stream"].as_array().unwrap().clone();
        assert!(!rows.is_empty() && rows.len() <= 10, "{data}");
        ids.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
    }
    ids
}

#[tokio::test]
async fn a_stream_tells_every_row_once() {
    let shop = library().await;
    shop.sql("INSERT INTO author SELECT g, 'a' || g FROM generate_series(3, 95) g").await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("1", STREAM, json!({ "from": 0, "size": 10 })).await;
    assert_eq!(streamed(&mut socket, "1", 95).await, (1..=95).collect::<Vec<i64>>());
    socket.nothing().await;
    shop.until_followed().await;
    shop.sql("INSERT INTO author VALUES (96, 'x'), (97, 'y')").await;
    assert_eq!(streamed(&mut socket, "1", 2).await, [96, 97]);
    // A row before the cursor is not told, nor is a row told again.
    shop.sql("UPDATE author SET name = 'z' WHERE id = 97; DELETE FROM author WHERE id = 50").await;
    socket.nothing().await;
    // Nor does another schema begin it anew.
    shop.sql("CREATE TABLE other (id int)").await;
    shop.handle.reload().await.unwrap();
    socket.nothing().await;
    shop.sql("INSERT INTO author VALUES (98, 'x')").await;
    assert_eq!(streamed(&mut socket, "1", 1).await, [98]);
}

#[tokio::test]
async fn streams_of_one_shape_stand_where_each_of_them_is() {
    let shop = library().await;
    shop.sql("INSERT INTO author SELECT g, 'a' || g FROM generate_series(3, 40) g").await;
    let address = serve(&shop.handle).await;
    let mut sockets = Vec::new();
    for from in [0, 10, 30] {
        let mut socket = Socket::admin(&address).await;
        socket.start("1", STREAM, json!({ "from": from, "size": 7 })).await;
        sockets.push((from, socket));
    }
    for (from, socket) in &mut sockets {
        let expected: Vec<i64> = (*from + 1..=40).collect();
        assert_eq!(streamed(socket, "1", expected.len()).await, expected);
        socket.nothing().await;
    }
}

#[tokio::test]
async fn after_a_restart_everything_is_asked_again() {
    let shop = library().await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::admin(&address).await;
    socket.start("1", "subscription { author_by_pk(id: 1) { name } }", json!({})).await;
    assert_eq!(socket.data("1").await, json!({ "author_by_pk": { "name": "Ann" } }));
    shop.until_followed().await;
    // As a restart does it: every connection ends, the replication too.
    let client = shop.database.client().await;
    client
        .batch_execute(
            "UPDATE author SET name = 'Eve' WHERE id = 1;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    socket.until("1", &json!({ "author_by_pk": { "name": "Eve" } })).await;
    shop.until_followed().await;
    shop.sql("UPDATE author SET name = 'Ann' WHERE id = 1").await;
    socket.until("1", &json!({ "author_by_pk": { "name": "Ann" } })).await;
}

#[tokio::test]
async fn a_database_can_be_dropped_under_subscribers() {
    let shop = library().await;
    let mut socket = Socket::admin(&serve(&shop.handle).await).await;
    socket.start("1", "subscription { author { name } }", json!({})).await;
    socket.data("1").await;
    shop.until_followed().await;
    let name = shop.database.name();
    let (client, connection) = shop.database.server().config("postgres").connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let end = "SELECT count(pg_terminate_backend(active_pid)) FROM pg_replication_slots WHERE database = $1";
    assert_eq!(client.query_one(end, &[&name]).await.unwrap().get::<_, i64>(0), 1);
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = $1";
    while client.query_one(slots, &[&name]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The feed would have come back by now, if it did not wait on purpose.
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", postgres::Ident::new(name))).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it() {
    let slow = |options: &mut graphql::Options| options.live.write_timeout = Duration::from_millis(500);
    let shop = database_with(TABLES, slow).await;
    shop.sql("INSERT INTO author SELECT g, repeat('x', 1000) FROM generate_series(3, 3000) g").await;
    let address = serve(&shop.handle).await;
    let mut asleep = Socket::admin(&address).await;
    let mut awake = Socket::admin(&address).await;
    // Each result is 3 MB: more than what the system holds between the two.
    for id in 0..20 {
        asleep.start(&id.to_string(), "subscription { author { id name } }", json!({})).await;
    }
    awake.start("1", "subscription { author_aggregate { aggregate { count } } }", json!({})).await;
    assert_eq!(awake.data("1").await["author_aggregate"]["aggregate"]["count"], 3000);
    for round in 1..=5 {
        shop.sql(&format!("INSERT INTO author VALUES ({}, 'x')", 10_000 + round)).await;
        assert_eq!(awake.data("1").await["author_aggregate"]["aggregate"]["count"], 3000 + round);
    }
    // It is gone before it has read all.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut read = 0;
    while let Ok(message) = asleep.try_next().await {
        read += usize::from(message["type"] == "next");
    }
    assert!(read < 20, "{read}");
}

impl Shop {
    /// Runs a command of the metadata API.
    async fn metadata(&self, command: serde_json::Value) {
        use tower::ServiceExt;
        let request = http::Request::post("/v1/metadata").body(axum::body::Body::from(command.to_string())).unwrap();
        let response = self.handle.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(status, 200, "{command}: {}", String::from_utf8_lossy(&body));
    }

    /// `user` may read the articles of the author it is.
    async fn permit(&self) {
        self.metadata(json!({ "type": "pg_track_table", "args": { "table": "article" } })).await;
        let permission =
            json!({ "columns": ["id", "title"], "filter": { "author_id": { "_eq": "X-Hasura-User-Id" } } });
        let args = json!({ "table": "article", "role": "user", "permission": permission });
        self.metadata(json!({ "type": "pg_create_select_permission", "args": args })).await;
    }
}

fn user(id: &str) -> serde_json::Value {
    json!({ "x-hasura-role": "user", "x-hasura-user-id": id })
}

#[tokio::test]
async fn nobody_is_told_of_rows_of_others() {
    let shop = library().await;
    shop.permit().await;
    let address = serve(&shop.handle).await;
    let mut ann = Socket::connect(&address, TRANSPORT, user("1")).await;
    let mut bob = Socket::connect(&address, TRANSPORT, user("2")).await;
    let live = "subscription { article(order_by: {id: asc}) { title } }";
    let stream = "subscription { article_stream(batch_size: 5, cursor: {initial_value: {id: 0}}) { title } }";
    ann.start("live", live, json!({})).await;
    assert_eq!(ann.data("live").await, json!({ "article": [{ "title": "one" }] }));
    ann.start("stream", stream, json!({})).await;
    assert_eq!(ann.data("stream").await, json!({ "article_stream": [{ "title": "one" }] }));
    bob.start("stream", stream, json!({})).await;
    bob.start("live", live, json!({})).await;
    assert_eq!(bob.data("live").await, json!({ "article": [] }));
    bob.nothing().await;
    shop.sql("INSERT INTO article VALUES (2, 1, 'of Ann')").await;
    for _ in 0..2 {
        assert!(ann.next().await["payload"].to_string().contains("of Ann"));
    }
    bob.nothing().await;
    shop.sql("INSERT INTO article VALUES (3, 2, 'of Bob')").await;
    for _ in 0..2 {
        assert!(bob.next().await["payload"].to_string().contains("of Bob"));
    }
    ann.nothing().await;
    // What the role cannot see it cannot subscribe to.
    ann.start("other", "subscription { article { author_id } }", json!({})).await;
    assert_eq!(ann.next().await["type"], "error");
    ann.start("author", "subscription { author { name } }", json!({})).await;
    assert_eq!(ann.next().await["type"], "error");
}

#[tokio::test]
async fn who_loses_the_right_is_told_and_gets_no_more() {
    let shop = library().await;
    shop.permit().await;
    let address = serve(&shop.handle).await;
    let mut ann = Socket::connect(&address, TRANSPORT, user("1")).await;
    let mut admin = Socket::admin(&address).await;
    for socket in [&mut ann, &mut admin] {
        socket.start("1", "subscription { article { title } }", json!({})).await;
        assert_eq!(socket.data("1").await, json!({ "article": [{ "title": "one" }] }));
    }
    let args = json!({ "table": "article", "role": "user" });
    shop.metadata(json!({ "type": "pg_drop_select_permission", "args": args })).await;
    let message = ann.next().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{message}");
    shop.sql("INSERT INTO article VALUES (2, 1, 'secret')").await;
    assert_eq!(admin.data("1").await["article"].as_array().unwrap().len(), 2);
    ann.nothing().await;
}

#[tokio::test]
async fn a_narrower_right_counts_at_once() {
    let shop = library().await;
    shop.permit().await;
    let address = serve(&shop.handle).await;
    let mut ann = Socket::connect(&address, TRANSPORT, user("1")).await;
    ann.start("1", "subscription { article { title } }", json!({})).await;
    assert_eq!(ann.data("1").await, json!({ "article": [{ "title": "one" }] }));
    let nothing = json!({ "columns": ["title"], "filter": { "id": { "_gt": 100 } } });
    let args = json!({ "table": "article", "role": "user" });
    let drop = json!({ "type": "pg_drop_select_permission", "args": args });
    let create = json!({ "type": "pg_create_select_permission", "args": { "table": "article", "role": "user", "permission": nothing } });
    shop.metadata(json!({ "type": "bulk", "args": [drop, create] })).await;
    assert_eq!(ann.data("1").await, json!({ "article": [] }));
}
