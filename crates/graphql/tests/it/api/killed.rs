//! What a killed engine leaves behind.

use graphql::Session;
use graphql::api::{Endpoint, answer};
use serde_json::json;

use super::library;

/// The variable that tells [`a_process_to_kill`] where its database is.
const VICTIM: &str = "NSELF_TEST_VICTIM";

/// Not a test: what [`a_killed_engine_leaves_neither_sql_nor_metadata`] starts and loses.
#[tokio::test]
async fn a_process_to_kill() {
    let Ok(url) = std::env::var(VICTIM) else { return };
    let mut options = graphql::Options::new(postgres::Pool::new(url.parse().unwrap(), 2));
    options.auto_track = false;
    let handle = graphql::Service::start(options).await.unwrap();
    let steps = json!([
        {"type": "run_sql", "args": {"sql": "CREATE TABLE shelf (id int PRIMARY KEY)"}},
        {"type": "track_table", "args": "shelf"},
    ]);
    let body = json!({"type": "bulk", "args": steps}).to_string();
    answer(&handle, &Session::admin(), Endpoint::QueryV1, body.as_bytes()).await;
}

#[tokio::test]
async fn a_killed_engine_leaves_neither_sql_nor_metadata() {
    let shop = library().await;
    for point in ["graphql.after-sql", "graphql.before-metadata", "graphql.before-commit"] {
        let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "api::killed::a_process_to_kill"])
            .env(VICTIM, shop.database.url())
            .env("NSELF_FAULT", point);
        let output = command.output().await.unwrap();
        assert!(!output.status.success(), "{point} was not reached");
        let client = shop.database.client().await;
        let row =
            client.query_one("SELECT to_regclass('shelf')::text, metadata::text FROM hdb_catalog.hdb_metadata", &[]);
        let row = row.await.unwrap();
        assert_eq!(row.get::<_, Option<&str>>(0), None, "{point}");
        assert!(!row.get::<_, &str>(1).contains("shelf"), "{point}");
    }
    // The next one finds nothing in its way.
    let (status, body) = shop.run_sql("CREATE TABLE shelf (id int PRIMARY KEY)", false).await;
    assert_eq!(status, 200, "{body:#}");
    shop.must("pg_track_table", json!({"table": "shelf"})).await;
}
