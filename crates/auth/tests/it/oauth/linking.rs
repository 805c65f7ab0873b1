//! Which account a provider's account belongs to.

use http::StatusCode;
use serde_json::{Value, json};

use super::{session, sign_in, with};
use crate::support::Server;

fn google(id: &str, email: &str, verified: bool) -> Value {
    json!({"sub": id, "email": email, "email_verified": verified, "name": id})
}

async fn links(server: &Server) -> i64 {
    let client = server.database.client().await;
    client.query_one("SELECT count(*) FROM auth.user_providers", &[]).await.unwrap().get(0)
}

async fn verify(server: &Server) {
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.users SET email_verified = true").await.unwrap();
}

/// Anybody can enter somebody else's address at a provider.
#[tokio::test]
async fn an_unverified_address_takes_no_account_over() {
    let (server, idp) = with(&["google"], |_| {}).await;
    let ann = server.user("ann@example.org").await;
    verify(&server).await;
    idp.is(google("mallory", "ann@example.org", false));
    let answer = sign_in(&server, &idp, "/signin/provider/google").await;
    assert_eq!(answer.param("error").as_deref(), Some("unverified-user"));
    assert!(answer.param("refreshToken").is_none());
    assert_eq!(links(&server).await, 0);
    // The same account there, verified since: it is Ann.
    idp.is(google("ann", "Ann@example.org", true));
    let linked = session(&server, &sign_in(&server, &idp, "/signin/provider/google").await).await;
    assert_eq!(linked.body["user"]["id"], ann.body["session"]["user"]["id"]);
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK, "the password stays");
    // The id decides from now on, whatever address the provider tells.
    idp.is(google("ann", "else@example.org", false));
    let again = session(&server, &sign_in(&server, &idp, "/signin/provider/google").await).await;
    assert_eq!(again.body["user"]["id"], ann.body["session"]["user"]["id"]);
    assert_eq!(again.body["user"]["email"], "ann@example.org");
}

/// Somebody signed up with Ann's address before she came, and waits for her to use the account.
#[tokio::test]
async fn who_never_proved_an_address_loses_the_account_to_its_owner() {
    let (server, idp) = with(&["google"], |_| {}).await;
    let mallory = server.user("ann@example.org").await;
    let pat = json!({"expiresAt": "2999-01-01T00:00:00Z"});
    let pat = server.post_as("/pat", &mallory.access_token(), pat).await.body["personalAccessToken"].clone();
    idp.is(google("ann", "ann@example.org", true));
    let ann = session(&server, &sign_in(&server, &idp, "/signin/provider/google").await).await;
    assert_eq!(ann.body["user"]["emailVerified"], true);
    let sign_in_again = server.sign_in("ann@example.org").await;
    assert_eq!(sign_in_again.status, StatusCode::UNAUTHORIZED, "the password is gone");
    let refreshed = server.post("/token", json!({"refreshToken": mallory.refresh_token()})).await;
    assert_eq!(refreshed.status, StatusCode::UNAUTHORIZED, "the session is gone");
    let by_pat = server.post("/signin/pat", json!({ "personalAccessToken": pat })).await;
    assert_eq!(by_pat.status, StatusCode::UNAUTHORIZED, "the personal access token is gone");
}

#[tokio::test]
async fn connecting_wants_a_user_who_is_signed_in() {
    let (server, idp) = with(&["google"], |_| {}).await;
    let ann = server.user("ann@example.org").await;
    idp.is(google("g-1", "private@example.net", true));
    for token in ["nonsense".to_owned(), ann.access_token().replace('.', "x"), format!("{}x", ann.access_token())] {
        let answer = server.get(&format!("/signin/provider/google?connect={token}")).await;
        assert_eq!(answer.param("error").as_deref(), Some("invalid-request"), "{token}");
        assert!(answer.location().starts_with("http://localhost:3000"));
    }
    assert_eq!(links(&server).await, 0);
    let path = format!("/signin/provider/google?connect={}", ann.access_token());
    let connected = sign_in(&server, &idp, &path).await;
    assert_eq!(connected.location(), "http://localhost:3000", "no session is made");
    let found = session(&server, &sign_in(&server, &idp, "/signin/provider/google").await).await;
    assert_eq!(found.body["user"]["id"], ann.body["session"]["user"]["id"]);
    let bob = server.user("bob@example.org").await;
    let path = format!("/signin/provider/google?connect={}", bob.access_token());
    let answer = sign_in(&server, &idp, &path).await;
    assert_eq!(answer.param("error").as_deref(), Some("provider-account-already-linked"));
    // Twice the same is no harm.
    let path = format!("/signin/provider/google?connect={}", ann.access_token());
    assert!(sign_in(&server, &idp, &path).await.param("error").is_none());
    assert_eq!(links(&server).await, 1);
}

/// Whoever reads Ann's mail can have an account with her address at a provider. That is one factor.
#[tokio::test]
async fn the_second_factor_is_asked_for() {
    let (server, idp) = with(&["google"], |_| {}).await;
    server.user("ann@example.org").await;
    let active = "UPDATE auth.users SET email_verified = true, totp_secret = 'AAAA', active_mfa_type = 'totp'";
    server.database.client().await.batch_execute(active).await.unwrap();
    idp.is(google("ann", "ann@example.org", true));
    for path in
        ["/signin/provider/google", "/signin/provider/google?codeChallenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
    {
        let answer = sign_in(&server, &idp, path).await;
        assert!(answer.param("refreshToken").is_none() && answer.param("code").is_none(), "{}", answer.location());
        assert!(answer.param("ticket").unwrap().starts_with("mfaTotp:"));
    }
    let token = idp.id_token(google("ann", "ann@example.org", true));
    let answer = server.post("/signin/idtoken", json!({"provider": "google", "idToken": token})).await;
    assert_eq!(answer.body["session"], Value::Null, "{answer:?}");
    assert!(answer.body["mfa"]["ticket"].as_str().unwrap().starts_with("mfaTotp:"));
}

#[tokio::test]
async fn a_user_who_was_disabled_meanwhile_connects_nothing() {
    let (server, idp) = with(&["google"], |_| {}).await;
    let ann = server.user("ann@example.org").await;
    idp.is(google("g-1", "private@example.net", true));
    let mut browser = super::Browser::default();
    let path = format!("/signin/provider/google?connect={}", ann.access_token());
    let back = browser.go(&server, &idp, &path).await;
    server.database.client().await.batch_execute("UPDATE auth.users SET disabled = true").await.unwrap();
    assert_eq!(browser.back(&server, &back).await.param("error").as_deref(), Some("disabled-user"));
    assert_eq!(links(&server).await, 0);
}
