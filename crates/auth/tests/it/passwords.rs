//! New passwords, and hashes that Nhost's service has made.

use http::StatusCode;
use serde_json::json;

use crate::support::{self, PASSWORD};

const NEW: &str = "Pw-5b77d0-longer";

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let server = support::start().await;
    let first = server.user("ann@example.org").await;
    let other = server.sign_in("ann@example.org").await;
    let pat = server.post_as("/pat", &first.access_token(), json!({"expiresAt": "2999-01-01T00:00:00Z"})).await;
    let answer = server.post_as("/user/password", &first.access_token(), json!({ "newPassword": NEW })).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!("OK")));
    assert_eq!(server.sign_in("ann@example.org").await.error(), "invalid-email-password");
    let body = json!({"email": "ann@example.org", "password": NEW});
    assert_eq!(server.post("/signin/email-password", body).await.status, StatusCode::OK);
    let refresh = |token: String| server.post("/token", json!({ "refreshToken": token }));
    assert_eq!(refresh(first.refresh_token()).await.status, StatusCode::OK);
    assert_eq!(refresh(other.refresh_token()).await.status, StatusCode::UNAUTHORIZED);
    let token = json!({ "personalAccessToken": pat.body["personalAccessToken"] });
    assert_eq!(server.post("/signin/pat", token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_may_not_set_one() {
    let server = support::start().await;
    let session = server.user("ann@example.org").await;
    let nobody = server.post("/user/password", json!({ "newPassword": NEW })).await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
    assert!(nobody.error().contains("SecurityRequirementsError"), "{nobody:?}");
    let ticket = json!({"newPassword": NEW, "ticket": "passwordReset:5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10"});
    assert_eq!(server.post("/user/password", ticket.clone()).await.error(), "invalid-ticket");
    // A bearer does not make up for a ticket that is none.
    assert_eq!(server.post_as("/user/password", &session.access_token(), ticket).await.error(), "invalid-ticket");
    let weak = server.post_as("/user/password", &session.access_token(), json!({"newPassword": "password1"})).await;
    assert_eq!(weak.error(), "password-in-hibp-database");
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_hash_of_bcrypt_signs_in_and_is_replaced() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    let client = server.database.client().await;
    // As Go's library writes it.
    let hash = bcrypt::hash(PASSWORD, 4).unwrap().replacen("$2b$", "$2a$", 1);
    client.execute("UPDATE auth.users SET password_hash = $1", &[&hash]).await.unwrap();
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
    let kept: String = client.query_one("SELECT password_hash FROM auth.users", &[]).await.unwrap().get(0);
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn long_ones_are_welcome() {
    let server = support::start().await;
    let long = "correct horse battery staple ".repeat(4);
    let body = json!({"email": "ann@example.org", "password": long});
    assert_eq!(server.post("/signup/email-password", body.clone()).await.status, StatusCode::OK);
    assert_eq!(server.post("/signin/email-password", body).await.status, StatusCode::OK);
    let body = json!({"email": "bob@example.org", "password": "x".repeat(129)});
    assert_eq!(server.post("/signup/email-password", body).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_flood_of_sign_ins_waits_for_its_turn() {
    let server = support::start_with(|options| options.passwords.concurrency = 1).await;
    server.user("ann@example.org").await;
    let answers = futures::future::join_all((0..20).map(|_| server.sign_in("ann@example.org"))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
}
