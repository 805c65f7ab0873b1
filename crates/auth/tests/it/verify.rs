//! Verification mails and the links in them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{self, PASSWORD, Server};

async fn verifying() -> Server {
    support::start_with(|options| options.accounts.require_verified_email = true).await
}

/// The path and query of a link.
fn path(link: &str) -> String {
    let url = reqwest::Url::parse(link).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

#[tokio::test]
async fn an_address_is_verified_before_its_user_signs_in() {
    let server = verifying().await;
    let answer = server.user("ann@example.org").await;
    assert_eq!(answer.body["session"], Value::Null);
    assert_eq!(server.sign_in("ann@example.org").await.error(), "unverified-user");
    let link = server.mail.link_to("ann@example.org");
    assert!(link.contains("ticket=verifyEmail%3A") && link.contains("type=emailVerify"), "{link}");
    let answer = server.get(&path(&link)).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert!(answer.location().starts_with("http://localhost:3000/"), "{answer:?}");
    assert_eq!(answer.param("type").unwrap(), "verifyEmail");
    let session = server.post("/token", json!({ "refreshToken": answer.param("refreshToken").unwrap() })).await;
    assert_eq!(session.body["user"]["emailVerified"], true, "{session:?}");
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
    // The ticket is used up.
    assert_eq!(server.get(&path(&link)).await.param("error").unwrap(), "invalid-ticket");
}

#[tokio::test]
async fn the_browser_only_goes_where_it_may() {
    let server = verifying().await;
    server.user("ann@example.org").await;
    let ticket = server.mail.ticket_to("ann@example.org");
    let answer = server.get(&format!("/verify?ticket={ticket}&redirectTo=https://evil.org/x")).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert!(answer.location().starts_with("http://localhost:3000/?"), "{answer:?}");
    assert_eq!(answer.param("error").unwrap(), "redirectTo-not-allowed");
    assert!(answer.param("refreshToken").is_none());
    // The ticket has not been used up.
    assert!(server.get(&format!("/verify?ticket={ticket}")).await.param("refreshToken").is_some());
}

#[tokio::test]
async fn tickets_that_are_none() {
    let server = verifying().await;
    server.user("ann@example.org").await;
    let client = server.database.client().await;
    let hash: String = client.query_one("SELECT hash FROM auth.tickets", &[]).await.unwrap().get(0);
    for ticket in
        ["", "x", "verifyEmail:", "mfaTotp:5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10", &hash, &format!("verifyEmail:{hash}")]
    {
        let encoded: String = reqwest::Url::parse_with_params("http://x/verify", &[("ticket", ticket)]).unwrap().into();
        let answer = server.get(&encoded["http://x".len()..]).await;
        assert_eq!(answer.param("error").unwrap(), "invalid-ticket", "{ticket}");
    }
    client.batch_execute("UPDATE auth.tickets SET expires_at = now() - interval '1 s'").await.unwrap();
    let ticket = server.mail.ticket_to("ann@example.org");
    assert_eq!(server.get(&format!("/verify?ticket={ticket}")).await.param("error").unwrap(), "invalid-ticket");
}

#[tokio::test]
async fn nothing_is_half_done_when_mail_is_down() {
    let server = verifying().await;
    server.mail.fail(true);
    let body = json!({"email": "ann@example.org", "password": PASSWORD});
    let answer = server.post("/signup/email-password", body).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (500, "internal-server-error"));
    let client = server.database.client().await;
    assert_eq!(client.query_one("SELECT count(*) FROM auth.users", &[]).await.unwrap().get::<_, i64>(0), 0);
    server.mail.fail(false);
    assert_eq!(server.user("ann@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_user_may_be_disabled() {
    let server = support::start_with(|options| options.accounts.disable_new_users = true).await;
    let body = json!({"email": "ann@example.org", "password": PASSWORD});
    assert_eq!(server.post("/signup/email-password", body).await.error(), "disabled-user");
    assert_eq!(server.sign_in("ann@example.org").await.error(), "disabled-user");
    assert_eq!(server.mail.count(), 0);
}
