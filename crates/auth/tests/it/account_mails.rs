//! Mails on request: a forgotten password, another address, a verification again.

use http::StatusCode;
use serde_json::json;

use crate::support::{self, PASSWORD, header};

#[tokio::test]
async fn a_forgotten_password() {
    let server = support::start().await;
    let session = server.user("ann@example.org").await;
    let sent = server.post("/user/password/reset", json!({"email": "ann@example.org"})).await;
    assert_eq!((sent.status, &sent.body), (StatusCode::OK, &json!("OK")));
    assert_eq!(header(&server.mail.last_to("ann@example.org"), "X-Email-Template"), "password-reset");
    let ticket = server.mail.ticket_to("ann@example.org");
    assert!(ticket.starts_with("passwordReset:"));
    let change = json!({"newPassword": "Another-3f9c1a-one", "ticket": ticket});
    assert_eq!(server.post("/user/password", change.clone()).await.status, StatusCode::OK);
    assert_eq!(server.post("/user/password", change).await.error(), "invalid-ticket");
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::UNAUTHORIZED);
    let new = json!({"email": "ann@example.org", "password": "Another-3f9c1a-one"});
    assert_eq!(server.post("/signin/email-password", new).await.status, StatusCode::OK);
    let old = server.post("/token", json!({"refreshToken": session.refresh_token()})).await;
    assert_eq!(old.error(), "invalid-refresh-token");
}

#[tokio::test]
async fn nobodys_address() {
    for (conceal, status, error) in [(false, 401, "invalid-email-password"), (true, 200, "")] {
        let server = support::start_with(|options| options.conceal_errors = conceal).await;
        for path in ["/user/password/reset", "/user/email/send-verification-email"] {
            let answer = server.post(path, json!({"email": "nobody@example.org"})).await;
            assert_eq!((answer.status.as_u16(), answer.error()), (status, error), "{path}");
            let evil = json!({"email": "nobody@example.org", "options": {"redirectTo": "https://evil.org"}});
            assert_eq!(server.post(path, evil).await.error(), "redirectTo-not-allowed", "{path}");
        }
        assert_eq!(server.mail.count(), 0);
    }
}

#[tokio::test]
async fn another_address() {
    let server = support::start().await;
    let ann = server.user("ann@example.org").await.access_token();
    server.user("bob@example.org").await;
    let change = |email: &str| server.post_as("/user/email/change", &ann, json!({"newEmail": email}));
    let taken = change("Bob@example.org").await;
    assert_eq!((taken.status, taken.error()), (StatusCode::CONFLICT, "email-already-in-use"));
    assert_eq!(change("eve@example.org").await.status, StatusCode::OK);
    let first = server.mail.ticket_to("eve@example.org");
    assert_eq!(change("anna@example.org").await.status, StatusCode::OK);
    assert_eq!(server.get_as("/user", &ann).await.body["email"], "ann@example.org", "not before it is confirmed");
    let old = server.get(&format!("/verify?ticket={first}")).await;
    assert_eq!(old.param("error").as_deref(), Some("invalid-ticket"), "only the last counts");
    let mail = server.mail.last_to("anna@example.org");
    assert!(mail.html.contains("anna@example.org"), "{}", mail.html);
    server.get(&format!("/verify?ticket={}", server.mail.ticket_to("anna@example.org"))).await;
    let user = server.get_as("/user", &ann).await;
    assert_eq!((&user.body["email"], &user.body["emailVerified"]), (&json!("anna@example.org"), &json!(true)));
    assert_eq!(server.sign_in("anna@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_verification_again() {
    let server = support::start_with(|options| options.accounts.require_verified_email = true).await;
    let up = server.post("/signup/email-password", json!({"email": "ann@example.org", "password": PASSWORD})).await;
    assert!(up.body["session"].is_null());
    let first = server.mail.ticket_to("ann@example.org");
    let again = || server.post("/user/email/send-verification-email", json!({"email": "ann@example.org"}));
    assert_eq!(again().await.body, json!("OK"));
    let second = server.mail.ticket_to("ann@example.org");
    assert_ne!(first, second);
    assert_eq!(server.sign_in("ann@example.org").await.error(), "unverified-user");
    assert!(server.get(&format!("/verify?ticket={second}")).await.param("refreshToken").is_some());
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
    let verified = again().await;
    assert_eq!((verified.status.as_u16(), verified.error()), (400, "email-already-verified"));
}
