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

#[tokio::test]
async fn what_has_expired_is_swept() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    let client = server.database.client().await;
    let expire = "UPDATE auth.refresh_tokens SET expires_at = now() - interval '1 s'; \
                  INSERT INTO auth.tickets (hash, user_id, kind, expires_at) \
                  SELECT 'x', id, 'verifyEmail', now() - interval '1 s' FROM auth.users; \
                  UPDATE auth.security_events SET occurred_at = now() - interval '1 year'";
    client.batch_execute(expire).await.unwrap();
    // A service sweeps when it starts.
    let pool = postgres::Pool::new(server.database.config(), 2);
    let keys = auth::keys::Keys::of_key("HS256", support::KEY).unwrap();
    let _other = auth::Service::start(auth::Options::new(pool, keys, server.mail.clone())).await.unwrap();
    let left = "SELECT (SELECT count(*) FROM auth.refresh_tokens) + (SELECT count(*) FROM auth.tickets) \
                + (SELECT count(*) FROM auth.session_details) + (SELECT count(*) FROM auth.security_events)";
    let swept = async {
        while client.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), swept).await.unwrap();
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_postgresql_answers_are_errors_of_the_api() {
    let server = support::start().await;
    let token = server.user("ann@example.org").await.access_token();
    server.pool.close();
    for answer in [server.sign_in("ann@example.org").await, server.get_as("/user", &token).await] {
        assert_eq!((answer.status.as_u16(), answer.error()), (500, "internal-server-error"));
    }
    // What needs no table goes on.
    assert_eq!(server.get("/.well-known/jwks.json").await.status, StatusCode::OK);
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
