//! The tables, and a database that Nhost's own service has made.

use http::StatusCode;
use serde_json::json;

use crate::support::{self, PASSWORD};

#[tokio::test]
async fn starting_again_and_at_once_changes_nothing() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    let options = || {
        let pool = postgres::Pool::new(server.database.config(), 2);
        let keys = auth::keys::Keys::of_key("HS256", support::KEY).unwrap();
        auth::Options::new(pool, keys, server.mail.clone())
    };
    let (first, second) = tokio::join!(auth::Service::start(options()), auth::Service::start(options()));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

/// Upstream's tables as its version of October 2025 leaves them, with a user, a session and a ticket that was mailed.
const UPSTREAM: &str = include_str!("upstream.sql");

#[tokio::test]
async fn a_database_of_nhosts_service_is_taken_over() {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute(UPSTREAM).await.unwrap();
    let hash = bcrypt::hash(PASSWORD, 4).unwrap().replacen("$2b$", "$2a$", 1);
    client.execute("UPDATE auth.users SET password_hash = $1", &[&hash]).await.unwrap();
    let server = support::start_on(database, |_| {}).await;

    let refreshed = server.post("/token", json!({"refreshToken": "0b9b2a3c-58c2-4d6e-9a4e-7d1f6b1c2d3e"})).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{refreshed:?}");
    assert_eq!(refreshed.body["user"]["metadata"], json!({"plan": "old"}));
    assert_eq!(refreshed.body["user"]["roles"], json!(["editor", "user"]));
    let pat = json!({"personalAccessToken": "6a2f41a3-ec09-4d8c-a1a9-8f0f6a5a3b7c"});
    assert_eq!(server.post("/signin/pat", pat).await.status, StatusCode::OK);
    assert_eq!(server.sign_in("old@example.org").await.status, StatusCode::OK);
    let answer = server.get("/verify?ticket=verifyEmail:8f14e45f-ceea-4e7a-9b1c-2d3e4f5a6b7c").await;
    assert!(answer.param("refreshToken").is_some(), "{answer:?}");
}
