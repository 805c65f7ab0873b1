//! Access tokens, refreshing, signing out.

use std::time::Duration;

use auth::keys::Keys;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{self, KEY, Server};

async fn refresh(server: &Server, token: &str) -> support::Answer {
    server.post("/v1/token", json!({ "refreshToken": token })).await
}

#[tokio::test]
async fn an_access_token_carries_hasuras_claims() {
    let server = support::start().await;
    let answer = server.user("ann@example.org").await;
    let verified = Keys::of_key("HS256", KEY).unwrap().verify(&answer.access_token()).unwrap();
    let id = &answer.body["session"]["user"]["id"];
    assert_eq!(verified.claims["sub"], *id);
    assert_eq!(verified.claims["iss"], "hasura-auth");
    assert_eq!(verified.claims["exp"].as_i64().unwrap() - verified.claims["iat"].as_i64().unwrap(), 900);
    assert_eq!(verified.claims["sid"], answer.body["session"]["refreshTokenId"]);
    let expected = json!({
        "x-hasura-allowed-roles": ["me", "user"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": id,
        "x-hasura-user-is-anonymous": "false",
    });
    assert_eq!(Value::Object(verified.hasura), expected);
}

#[tokio::test]
async fn refreshing_rotates_the_token_and_keeps_its_id() {
    let server = support::start().await;
    let first = server.user("ann@example.org").await;
    let second = refresh(&server, &first.refresh_token()).await;
    assert_eq!(second.status, StatusCode::OK, "{second:?}");
    assert_ne!(second.refresh_token(), first.refresh_token());
    assert_eq!(second.body["refreshTokenId"], first.body["session"]["refreshTokenId"]);
    assert_eq!(second.body["user"]["email"], "ann@example.org");
    let old = refresh(&server, &first.refresh_token()).await;
    assert_eq!((old.status, old.error()), (StatusCode::UNAUTHORIZED, "invalid-refresh-token"));
    // Within the grace, that is two tabs, not a thief.
    assert_eq!(refresh(&server, &second.refresh_token()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_used_up_token_that_comes_again_ends_the_session() {
    let server = support::start_with(|options| options.refresh_reuse_grace = Duration::ZERO).await;
    let first = server.user("ann@example.org").await;
    let other = server.sign_in("ann@example.org").await;
    let second = refresh(&server, &first.refresh_token()).await;
    assert_eq!(refresh(&server, &first.refresh_token()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&server, &second.refresh_token()).await.error(), "invalid-refresh-token");
    // Another session of the user is none of the thief's.
    assert_eq!(refresh(&server, &other.refresh_token()).await.status, StatusCode::OK);
    let client = server.database.client().await;
    let sql = "SELECT count(*) FROM auth.security_events WHERE kind = 'refresh-token-reused' AND user_id IS NOT NULL";
    assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn of_many_refreshes_at_once_one_wins() {
    let server = support::start().await;
    let first = server.user("ann@example.org").await;
    let token = first.refresh_token();
    let answers = futures::future::join_all((0..8).map(|_| refresh(&server, &token))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert_eq!(refresh(&server, &won[0].refresh_token()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_hashes_are_kept() {
    let server = support::start().await;
    let answer = server.user("ann@example.org").await;
    let client = server.database.client().await;
    let row = client.query_one("SELECT refresh_token_hash FROM auth.refresh_tokens", &[]).await.unwrap();
    let hash: String = row.get(0);
    // As Nhost's service writes it: `"\x" + hex(sha256(token))`.
    let sql = "SELECT '\\x' || encode(sha256($1::text::bytea), 'hex')";
    let expected: String = client.query_one(sql, &[&answer.refresh_token()]).await.unwrap().get(0);
    assert_eq!(hash, expected);
}

#[tokio::test]
async fn verifying() {
    let server = support::start().await;
    let token = server.user("ann@example.org").await.access_token();
    let good = server.post("/token/verify", json!({ "token": token })).await;
    assert_eq!((good.status, good.body), (StatusCode::OK, json!("OK")));
    assert_eq!(server.call(Method::POST, "/token/verify", Some(&token), None).await.status, StatusCode::OK);
    let bad = server.post("/token/verify", json!({ "token": "a.b.c" })).await;
    assert_eq!((bad.status, bad.error()), (StatusCode::BAD_REQUEST, "invalid-request"));
    assert_eq!(server.post("/token/verify", json!({})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn signing_out() {
    let server = support::start().await;
    let first = server.user("ann@example.org").await;
    let (second, third) = (server.sign_in("ann@example.org").await, server.sign_in("ann@example.org").await);
    let out = server.post("/signout", json!({ "refreshToken": first.refresh_token() })).await;
    assert_eq!((out.status, out.body), (StatusCode::OK, json!("OK")));
    assert_eq!(refresh(&server, &first.refresh_token()).await.error(), "invalid-refresh-token");
    assert_eq!(server.post("/signout", json!({})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.post("/signout", json!({ "all": true })).await.status, StatusCode::BAD_REQUEST);
    let all = server.post_as("/signout", &second.access_token(), json!({ "all": true })).await;
    assert_eq!(all.status, StatusCode::OK, "{all:?}");
    for session in [second, third] {
        assert_eq!(refresh(&server, &session.refresh_token()).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_disabled_user_is_out() {
    let server = support::start().await;
    let session = server.user("ann@example.org").await;
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.users SET disabled = true").await.unwrap();
    assert_eq!(refresh(&server, &session.refresh_token()).await.error(), "disabled-user");
    assert_eq!(server.get_as("/user", &session.access_token()).await.error(), "disabled-user");
    assert_eq!(server.sign_in("ann@example.org").await.error(), "disabled-user");
}
