//! The metadata API: what it keeps, what it refuses, and that SQL and metadata change together or not at all.

mod follow;
mod killed;

use graphql::Session;
use graphql::api::{Endpoint, answer};
use serde_json::{Value, json};

use crate::support::{Shop, database_with};

const LIBRARY: &str = "
    CREATE TABLE author (id serial PRIMARY KEY, name text UNIQUE, age int);
    CREATE TABLE article (id serial PRIMARY KEY, title text, author_id int REFERENCES author);
    INSERT INTO author (name, age) VALUES ('Ada', 36), ('Bea', 40);
    INSERT INTO article (title, author_id) VALUES ('one', 1), ('two', 2);";

/// Nothing is tracked.
async fn library() -> Shop {
    database_with(LIBRARY, |options| options.auto_track = false).await
}

impl Shop {
    async fn post(&self, endpoint: Endpoint, session: &Session, body: Value) -> (u16, Value) {
        let answer = answer(&self.handle, session, endpoint, body.to_string().as_bytes()).await;
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
    }

    async fn told(&self, kind: &str, args: Value) -> (u16, Value) {
        self.post(Endpoint::Metadata, &Session::admin(), json!({"type": kind, "args": args})).await
    }

    async fn must(&self, kind: &str, args: Value) -> Value {
        let (status, body) = self.told(kind, args).await;
        assert_eq!(status, 200, "{kind}: {body:#}");
        body
    }

    async fn run_sql(&self, sql: &str, cascade: bool) -> (u16, Value) {
        let body = json!({"type": "run_sql", "args": {"sql": sql, "cascade": cascade}});
        self.post(Endpoint::QueryV2, &Session::admin(), body).await
    }

    async fn export(&self) -> Value {
        self.must("export_metadata", json!({})).await
    }

    /// Both tables with a relationship each way and a permission that uses one.
    async fn track(&self) {
        self.must("pg_track_table", json!({"source": "default", "table": "author"})).await;
        self.must("pg_track_table", json!({"table": {"schema": "public", "name": "article"}})).await;
        let using = json!({"foreign_key_constraint_on": "author_id"});
        self.must("pg_create_object_relationship", json!({"table": "article", "name": "writer", "using": using})).await;
        let using = json!({"foreign_key_constraint_on": {"table": "article", "column": "author_id"}});
        self.must("pg_create_array_relationship", json!({"table": "author", "name": "works", "using": using})).await;
        let permission = json!({"columns": ["id", "title"], "filter": {"writer": {"name": {"_eq": "X-Hasura-Name"}}}});
        let args = json!({"table": "article", "role": "reader", "permission": permission});
        self.must("pg_create_select_permission", args).await;
    }
}

fn refused(answer: (u16, Value)) -> (u16, String, String, String) {
    let (status, body) = answer;
    let text = |key: &str| body[key].as_str().unwrap_or_else(|| panic!("{body:#}")).to_owned();
    (status, text("code"), text("path"), text("error"))
}

fn refusal(code: &str, path: &str, message: &str) -> (u16, String, String, String) {
    (400, code.to_owned(), path.to_owned(), message.to_owned())
}

#[tokio::test]
async fn what_is_tracked_is_served_and_kept() {
    let shop = library().await;
    assert!(shop.ask("{ author { id } }", json!({})).await.get("errors").is_some());
    shop.track().await;
    let data = shop.data("{ author(where: {name: {_eq: \"Ada\"}}) { name works { title writer { age } } } }").await;
    assert_eq!(data, json!({"author": [{"name": "Ada", "works": [{"title": "one", "writer": {"age": 36}}]}]}));
    let exported = shop.export().await;
    let tables = &exported["sources"][0]["tables"];
    assert_eq!(tables[0]["table"], json!({"name": "article", "schema": "public"}));
    assert_eq!(tables[1]["array_relationships"][0]["name"], "works");
    // Another engine on the same database sees the same.
    let pool = postgres::Pool::new(shop.database.config(), 2);
    let second = graphql::Service::start(graphql::Options::new(pool)).await.unwrap();
    let request = graphql::Request::new("{ article_by_pk(id: 2) { writer { name } } }");
    let body = second.execute(&Session::admin(), &request).await.unwrap();
    assert_eq!(&body[..], br#"{"data":{"article_by_pk":{"writer":{"name":"Bea"}}}}"#);
}

#[tokio::test]
async fn mistakes_are_told_in_hasuras_words() {
    let shop = library().await;
    shop.track().await;
    let before = shop.export().await;
    let again = shop.told("pg_track_table", json!({"table": "author"})).await;
    assert_eq!(refused(again), refusal("already-tracked", "$.args", "view/table already tracked: \"author\""));
    let missing = shop.told("pg_drop_select_permission", json!({"table": "author", "role": "x"})).await;
    let message = "select permission on \"author\" for role \"x\" does not exist";
    assert_eq!(refused(missing), refusal("permission-denied", "$.args", message));
    let unknown = shop.told("pg_set_table_is_enum", json!({"table": "nowhere", "is_enum": true})).await;
    let message = "table \"nowhere\" does not exist in source: default";
    assert_eq!(refused(unknown), refusal("not-exists", "$.args", message));
    let empty = json!({"table": "author", "role": "", "permission": {"columns": "*", "filter": {}}});
    let empty = shop.told("pg_create_select_permission", empty).await;
    assert_eq!(refused(empty), refusal("parse-failed", "$.role", "empty string not allowed"));
    let using = json!({"foreign_key_constraint_on": "title"});
    let wrong = json!({"table": "article", "name": "titled", "using": using});
    let (status, body) = shop.told("pg_create_object_relationship", wrong).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid-configuration")), "{body:#}");
    assert_eq!(body["internal"][0]["name"], "object_relation titled in table article in source default");
    assert_eq!(shop.export().await, before, "what is refused changes nothing");
}

#[tokio::test]
async fn only_the_administrator_may() {
    let shop = library().await;
    let session = Session::role("reader");
    let nothing = refusal("access-denied", "$.args", "restricted access : admin only");
    for kind in ["run_sql", "export_metadata", "pg_track_table", "clear_metadata"] {
        for endpoint in [Endpoint::Metadata, Endpoint::QueryV1, Endpoint::QueryV2] {
            let body = json!({"type": kind, "args": {"sql": "SELECT 1"}});
            assert_eq!(refused(shop.post(endpoint, &session, body).await), nothing, "{kind}");
        }
    }
    let hidden = json!({"type": "bulk", "args": [{"type": "run_sql", "args": {"sql": "DROP TABLE article"}}]});
    let (status, body) = shop.post(Endpoint::QueryV1, &session, hidden).await;
    assert_eq!((status, &body["path"]), (400, &json!("$.args[0].args")));
}

#[tokio::test]
async fn a_bulk_request_is_all_or_nothing() {
    let shop = library().await;
    let steps = json!([
        {"type": "track_table", "args": "author"},
        {"type": "run_sql", "args": {"sql": "CREATE TABLE shelf (id int PRIMARY KEY)"}},
        {"type": "track_table", "args": {"schema": "public", "name": "shelf"}},
        {"type": "track_table", "args": "nowhere"},
    ]);
    let (status, body) = shop.post(Endpoint::QueryV1, &Session::admin(), json!({"type": "bulk", "args": steps})).await;
    assert_eq!((status, &body["path"]), (400, &json!("$.args[3].args")), "{body:#}");
    assert_eq!(shop.export().await["sources"][0]["tables"], json!([]));
    let (_, found) = shop.run_sql("SELECT to_regclass('shelf')", false).await;
    assert_eq!(found["result"][1], json!(["NULL"]));
    let args = json!([
        {"type": "pg_track_table", "args": {"table": "author"}},
        {"type": "pg_track_table", "args": {"table": "nowhere"}},
        {"type": "pg_track_table", "args": {"table": "article"}},
    ]);
    let answers = shop.must("bulk_keep_going", args).await;
    assert_eq!((&answers[0]["message"], &answers[2]["message"]), (&json!("success"), &json!("success")));
    assert_eq!(answers[1]["code"], "invalid-configuration");
    assert_eq!(shop.export().await["sources"][0]["tables"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn metadata_follows_renames() {
    let shop = library().await;
    shop.track().await;
    let sql = "ALTER TABLE author RENAME COLUMN name TO full_name; ALTER TABLE author RENAME TO writer;
        ALTER TABLE article RENAME COLUMN author_id TO writer_id;";
    assert_eq!(shop.run_sql(sql, false).await.0, 200);
    let exported = shop.export().await;
    let [article, writer] = exported["sources"][0]["tables"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(writer["table"]["name"], "writer");
    assert_eq!(article["object_relationships"][0]["using"], json!({"foreign_key_constraint_on": "writer_id"}));
    let using = &writer["array_relationships"][0]["using"]["foreign_key_constraint_on"];
    assert_eq!(using["column"], "writer_id");
    let filter = &article["select_permissions"][0]["permission"]["filter"];
    assert_eq!(*filter, json!({"writer": {"full_name": {"_eq": "X-Hasura-Name"}}}));
    let request = graphql::Request::new("{ article { title } }");
    let session = Session::role("reader").with("x-hasura-name", "Bea");
    let body = shop.handle.execute(&session, &request).await.unwrap();
    assert_eq!(&body[..], br#"{"data":{"article":[{"title":"two"}]}}"#);
}

#[tokio::test]
async fn what_others_need_is_not_dropped_without_cascade() {
    let shop = library().await;
    shop.track().await;
    let message = "cannot drop due to the following dependent objects: permission article.reader.select in source \
        \"default\", relationship article.writer in source \"default\"";
    let dropped = refused(shop.run_sql("DROP TABLE author CASCADE", false).await);
    assert_eq!(dropped, refusal("dependency-error", "$.args", message));
    shop.data("{ author { name } }").await;
    let untracked = shop.told("pg_untrack_table", json!({"table": "author"})).await;
    assert_eq!(refused(untracked), refusal("dependency-error", "$.args", message));
    let permission = json!({"check": {}, "set": {"title": "untitled"}});
    let args = json!({"table": "article", "role": "reader", "permission": permission});
    shop.must("pg_create_insert_permission", args).await;
    let retyped = refused(shop.run_sql("ALTER TABLE article ALTER title TYPE varchar(9)", false).await);
    let message = "cannot change type of column \"title\" in table \"article\" because of the following dependencies: \
        permission article.reader.insert in source \"default\"";
    assert_eq!(retyped, refusal("dependency-error", "$.args", message));
    shop.must("pg_drop_insert_permission", json!({"table": "article", "role": "reader"})).await;
    assert_eq!(shop.run_sql("DROP TABLE author CASCADE", true).await.0, 200);
    let exported = shop.export().await;
    assert_eq!(exported["sources"][0]["tables"], json!([{"table": {"name": "article", "schema": "public"}}]));
    shop.data("{ article { title } }").await;
    let permission = json!({"columns": "*", "filter": {}});
    let args = json!({"table": "article", "role": "reader", "permission": permission});
    shop.must("pg_create_select_permission", args).await;
    let column = refused(shop.run_sql("ALTER TABLE article DROP COLUMN title", false).await);
    let message = "cannot drop due to the following dependent objects: permission article.reader.select in source \
        \"default\"";
    assert_eq!(column, refusal("dependency-error", "$.args", message), "all columns means this one, too");
}

#[tokio::test]
async fn statements_and_their_results() {
    let shop = library().await;
    let (_, rows) = shop.run_sql("INSERT INTO author (name) VALUES ('C'); SELECT name, age FROM author", false).await;
    let expected = json!([["name", "age"], ["Ada", "36"], ["Bea", "40"], ["C", "NULL"]]);
    assert_eq!(rows, json!({"result_type": "TuplesOk", "result": expected}));
    let (_, done) = shop.run_sql("SELECT 1; DELETE FROM article", false).await;
    assert_eq!(done, json!({"result_type": "CommandOk", "result": null}));
    let (status, failed) = shop.run_sql("DELETE FROM author; SELECT nothing", false).await;
    assert_eq!(
        (status, &failed["code"], &failed["error"]),
        (400, &json!("postgres-error"), &json!("query execution failed"))
    );
    assert_eq!(failed["internal"]["error"]["status_code"], "42703");
    let (_, kept) = shop.run_sql("SELECT count(*) FROM author", false).await;
    assert_eq!(kept["result"][1], json!(["3"]), "a failed script changes nothing");
    let body = json!({"type": "run_sql", "args": {"sql": "DELETE FROM author", "read_only": true}});
    let (status, body) = shop.post(Endpoint::QueryV2, &Session::admin(), body).await;
    assert_eq!((status, &body["internal"]["error"]["status_code"]), (400, &json!("25006")));
    let script = "CREATE INDEX CONCURRENTLY a ON author (age); CREATE TABLE b (id int)";
    let body = json!({"type": "run_sql", "args": {"sql": script, "no_transaction": true}});
    let (status, body) = shop.post(Endpoint::QueryV2, &Session::admin(), body).await;
    assert_eq!(status, 200, "{body:#}");
}

#[tokio::test]
async fn bad_metadata_is_set_aside_and_the_rest_served() {
    let shop = library().await;
    shop.track().await;
    // Behind the engine's back, as a program of somebody else does.
    let client = shop.database.client().await;
    client.batch_execute("ALTER TABLE author DROP COLUMN name").await.unwrap();
    let reloaded = shop.must("reload_metadata", json!({})).await;
    assert_eq!((&reloaded["is_consistent"], &reloaded["message"]), (&json!(false), &json!("success")));
    let found = shop.must("get_inconsistent_metadata", json!({})).await;
    let names: Vec<&Value> = found["inconsistent_objects"].as_array().unwrap().iter().map(|o| &o["name"]).collect();
    assert_eq!(names, ["select_permission reader in table article in source default"]);
    shop.data("{ author { age } article { title } }").await;
    shop.must("drop_inconsistent_metadata", json!({})).await;
    assert_eq!(shop.must("get_inconsistent_metadata", json!({})).await["is_consistent"], true);
    // Even what is no metadata at all does not keep the engine from starting.
    let damage = r#"UPDATE hdb_catalog.hdb_metadata SET metadata = '{"version": 3, "sources": [
        {"name": "default", "kind": "postgres", "tables": [{"table": 5}, {"table": "article"}]}, 7], "actions": {}}'"#;
    client.batch_execute(damage).await.unwrap();
    shop.handle.reload().await.unwrap();
    shop.data("{ article { title } }").await;
    let before: Value = serde_json::from_str(damaged(&client).await.as_str()).unwrap();
    let names = |found: Value| -> Vec<String> {
        let objects = found["inconsistent_objects"].as_array().unwrap().clone();
        objects.iter().map(|object| object["name"].as_str().unwrap().to_owned()).collect()
    };
    let parts = ["metadata sources[0].tables[0]", "metadata sources[1]", "metadata actions"];
    assert_eq!(names(shop.must("get_inconsistent_metadata", json!({})).await), parts);
    // The next change overwrites it, and so sets it aside.
    shop.must("pg_track_table", json!({"table": "author"})).await;
    assert_eq!(names(shop.must("get_inconsistent_metadata", json!({})).await), parts, "it is missed all the same");
    shop.handle.reload().await.unwrap();
    assert_eq!(names(shop.must("get_inconsistent_metadata", json!({})).await), parts);
    let history = shop.must("nself_metadata_history", json!({})).await;
    let entry = &history["history"][0];
    assert_eq!(entry["why"], "unreadable");
    let kept = shop.must("nself_metadata_history", json!({"id": entry["id"]})).await;
    assert_eq!(kept["metadata"], before);
    let (status, body) = shop.told("nself_restore_metadata", json!({"id": entry["id"]})).await;
    assert_eq!((status, &body["code"]), (400, &json!("parse-failed")), "{body:#}");
    shop.must("drop_inconsistent_metadata", json!({})).await;
    assert_eq!(shop.must("get_inconsistent_metadata", json!({})).await["is_consistent"], true);
    shop.handle.reload().await.unwrap();
    assert_eq!(shop.must("get_inconsistent_metadata", json!({})).await["is_consistent"], true);
    let kept = shop.must("nself_metadata_history", json!({"id": entry["id"]})).await;
    assert_eq!(kept["metadata"], before, "what could not be read stays kept");
}

async fn damaged(client: &tokio_postgres::Client) -> String {
    let row = client.query_one("SELECT metadata::text FROM hdb_catalog.hdb_metadata", &[]).await.unwrap();
    row.get(0)
}

#[tokio::test]
async fn what_was_replaced_comes_back() {
    let shop = library().await;
    shop.track().await;
    let exported = shop.export().await;
    shop.must("clear_metadata", json!({})).await;
    shop.must("clear_metadata", json!({})).await;
    let history = shop.must("nself_metadata_history", json!({})).await["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(1), "what changes nothing leaves no entry: {history:#}");
    assert_eq!(history[0]["why"], "clear_metadata");
    let done = shop.must("nself_restore_metadata", json!({"id": history[0]["id"]})).await;
    assert_eq!(done["is_consistent"], true);
    assert_eq!(shop.export().await, exported);
    shop.data("{ author { works { title } } }").await;
    let (status, body) = shop.told("nself_restore_metadata", json!({"id": 99})).await;
    assert_eq!((status, &body["code"]), (400, &json!("not-exists")));
    // Only the last twenty are kept.
    for _ in 0..12 {
        shop.must("clear_metadata", json!({})).await;
        shop.must("replace_metadata", exported.clone()).await;
    }
    let history = shop.must("nself_metadata_history", json!({})).await["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn tables_served_untracked_come_back_after_a_clear() {
    let shop = database_with(LIBRARY, |_| {}).await;
    shop.must("clear_metadata", json!({})).await;
    assert!(shop.ask("{ author { id } }", json!({})).await.get("errors").is_some());
    let history = shop.must("nself_metadata_history", json!({})).await["history"].clone();
    shop.must("nself_restore_metadata", json!({"id": history[0]["id"]})).await;
    shop.data("{ author { id } }").await;
}

#[tokio::test]
async fn what_another_program_wrote_is_kept_before_it_is_written_anew() {
    let shop = library().await;
    let client = shop.database.client().await;
    let newer = r#"UPDATE hdb_catalog.hdb_metadata SET metadata = '{"version": 3, "sources": [
        {"name": "default", "kind": "postgres", "tables": [], "from_the_future": {"a": 1}}]}'"#;
    client.batch_execute(newer).await.unwrap();
    shop.handle.reload().await.unwrap();
    shop.must("pg_track_table", json!({"table": "author"})).await;
    shop.must("pg_track_table", json!({"table": "article"})).await;
    let history = shop.must("nself_metadata_history", json!({})).await["history"].clone();
    assert_eq!((history.as_array().map(Vec::len), &history[0]["why"]), (Some(1), &json!("rewritten")));
    let kept = shop.must("nself_metadata_history", json!({"id": history[0]["id"]})).await;
    assert_eq!(kept["metadata"]["sources"][0]["from_the_future"], json!({"a": 1}));
}

#[tokio::test]
async fn what_statements_set_ends_with_them() {
    let shop = library().await;
    let client = shop.database.client().await;
    client.batch_execute("CREATE SCHEMA elsewhere").await.unwrap();
    let set = "SET search_path TO elsewhere; SET statement_timeout TO '7s'; SET ROLE pg_read_all_data;
        PREPARE left_over AS SELECT 1";
    let look = "SELECT current_setting('search_path'), current_setting('statement_timeout'), current_user::text,
        (SELECT count(*) FROM pg_prepared_statements WHERE name = 'left_over')";
    let before = shop.run_sql(look, false).await.1["result"][1].clone();
    for extra in [json!({}), json!({"no_transaction": true})] {
        let mut body = json!({"type": "run_sql", "args": {"sql": set}});
        body["args"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (status, body) = shop.post(Endpoint::QueryV2, &Session::admin(), body).await;
        assert_eq!(status, 200, "{body:#}");
        // Every connection of the pool: there are four.
        for _ in 0..5 {
            assert_eq!(shop.run_sql(look, false).await.1["result"][1], before);
        }
    }
    // Nor do the engine's own statements see it: a table that was made under another search path is tracked.
    let steps = json!([
        {"type": "run_sql", "args": {"sql": "SET search_path TO elsewhere; CREATE TABLE shelf (id int PRIMARY KEY)"}},
        {"type": "track_table", "args": {"schema": "elsewhere", "name": "shelf"}},
    ]);
    let (status, body) = shop.post(Endpoint::QueryV1, &Session::admin(), json!({"type": "bulk", "args": steps})).await;
    assert_eq!(status, 200, "{body:#}");
}

#[tokio::test]
async fn reading_metadata_does_not_wait_for_those_who_change_it() {
    let shop = library().await;
    let admin = Session::admin();
    let slow = shop.run_sql("SELECT pg_sleep(60) /* keeps the metadata busy */", false);
    let reads = async {
        shop.until_busy("keeps the metadata busy").await;
        for kind in ["export_metadata", "get_inconsistent_metadata", "pg_get_source_tables", "nself_metadata_history"] {
            shop.must(kind, json!({})).await;
        }
        let select = json!({"type": "run_sql", "args": {"sql": "SELECT 1", "read_only": true}});
        assert_eq!(shop.post(Endpoint::QueryV2, &admin, select).await.0, 200);
    };
    tokio::select! {
        _ = slow => panic!("it was to take a minute"),
        () = reads => {}
    }
}

#[tokio::test]
async fn whole_metadata_is_replaced_and_versions_tell_of_others() {
    let shop = library().await;
    shop.track().await;
    let exported = shop.export().await;
    shop.must("clear_metadata", json!({})).await;
    assert_eq!(shop.export().await["sources"][0]["tables"], json!([]));
    shop.must("replace_metadata", exported.clone()).await;
    assert_eq!(shop.export().await, exported);
    let old = json!({"version": 2, "tables": [{"table": "author"}, {"table": "nowhere"}]});
    let (status, body) = shop.told("replace_metadata", old.clone()).await;
    assert_eq!((status, &body["error"]), (400, &json!("cannot continue due to inconsistent metadata")));
    assert_eq!(shop.export().await, exported);
    let args = json!({"allow_inconsistent_metadata": true, "metadata": old});
    let body = json!({"type": "replace_metadata", "version": 2, "args": args});
    let (_, body) = shop.post(Endpoint::Metadata, &Session::admin(), body).await;
    assert_eq!(
        (&body["is_consistent"], body["inconsistent_objects"].as_array().map(Vec::len)),
        (&json!(false), Some(1))
    );
    let export = json!({"type": "export_metadata", "version": 2, "args": {}});
    let seen = shop.post(Endpoint::Metadata, &Session::admin(), export).await;
    let version = seen.1["resource_version"].as_i64().unwrap();
    let change =
        |version: i64| json!({"type": "pg_track_table", "resource_version": version, "args": {"table": "article"}});
    let (status, body) = shop.post(Endpoint::Metadata, &Session::admin(), change(version - 1)).await;
    assert_eq!((status, &body["code"]), (409, &json!("conflict")));
    assert_eq!(shop.post(Endpoint::Metadata, &Session::admin(), change(version)).await.0, 200);
}

#[tokio::test]
async fn a_table_that_nobody_tracked_is_adopted_when_touched() {
    let shop = database_with(LIBRARY, |_| {}).await;
    shop.data("{ author { article { title } } }").await;
    let permission = json!({"columns": "*", "filter": {"author": {"age": {"_gt": 38}}}});
    let args = json!({"table": "article", "role": "reader", "permission": permission});
    shop.must("pg_create_select_permission", args).await;
    // An export has both tables, what is kept only the one.
    let kept = "SELECT metadata FROM hdb_catalog.hdb_metadata";
    let kept: Value = shop.database.client().await.query_one(kept, &[]).await.unwrap().get(0);
    let tables = kept["sources"][0]["tables"].as_array().unwrap();
    assert_eq!((tables.len(), &tables[0]["object_relationships"][0]["name"]), (1, &json!("author")));
    shop.data("{ author { article { title } } article { author { name } } }").await;
    shop.must("pg_untrack_table", json!({"table": "author", "cascade": true})).await;
    assert!(shop.ask("{ author { name } }", json!({})).await.get("errors").is_some());
}

#[tokio::test]
async fn two_engines_on_one_database() {
    let shop = library().await;
    let pool = postgres::Pool::new(shop.database.config(), 2);
    let second = Shop {
        handle: graphql::Service::start(graphql::Options::new(pool)).await.unwrap(),
        database: testkit::db().await,
    };
    let (client, mut connection) = shop.database.config().connect(tokio_postgres::NoTls).await.unwrap();
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let tokio_postgres::AsyncMessage::Notification(notification) = message {
                sender.send(notification.payload().to_owned()).unwrap();
            }
        }
    });
    client.batch_execute("LISTEN nself_schema_changed").await.unwrap();
    shop.must("pg_track_table", json!({"table": "author"})).await;
    assert_eq!(told.recv().await.unwrap(), format!("metadata {}", shop.handle.instance()));
    let stored = "SELECT instance_id::text FROM hdb_catalog.hdb_schema_notifications";
    let stored: String = client.query_one(stored, &[]).await.unwrap().get(0);
    assert_eq!(stored, shop.handle.instance());
    assert_ne!(stored, second.handle.instance());
    // Who has not heard of it must not undo it; the next try knows.
    let (status, body) = second.told("pg_track_table", json!({"table": "article"})).await;
    assert_eq!((status, &body["code"]), (409, &json!("conflict")));
    second.must("pg_track_table", json!({"table": "article"})).await;
    second.data("{ author { id } article { id } }").await;
}

#[tokio::test]
async fn one_table_is_tracked_without_reading_the_catalog() {
    let shop = library().await;
    let client = shop.database.client().await;
    shop.must("pg_track_table", json!({"table": "author"})).await;
    let reads = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%nself.catalog_schemas%'";
    let before: i64 = client.query_one(reads, &[]).await.unwrap().get(0);
    shop.must("pg_track_table", json!({"table": "article"})).await;
    let after: i64 = client.query_one(reads, &[]).await.unwrap().get(0);
    assert!(after <= before, "the catalog was read again");
    // But a table that came after the last reading is found.
    client.batch_execute("CREATE TABLE late (id int PRIMARY KEY)").await.unwrap();
    shop.must("pg_track_table", json!({"table": "late"})).await;
    shop.data("{ late { id } }").await;
}
