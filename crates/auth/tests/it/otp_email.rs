//! Codes by mail.

use http::StatusCode;
use serde_json::json;

use crate::support::{self, Server};

async fn start() -> Server {
    support::start_with(|options| options.methods.otp_email = true).await
}

/// The code of the last mail.
fn code(server: &Server, to: &str) -> String {
    let code = server.mail.ticket_to(to);
    assert!(server.mail.last_to(to).html.contains(&code));
    code
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let server = start().await;
    let sent = server.post("/v1/signin/otp/email", json!({"email": "ann@example.org"})).await;
    assert_eq!((sent.status, &sent.body), (StatusCode::OK, &json!("OK")));
    let code = code(&server, "ann@example.org");
    assert_eq!(code.len(), 6);
    let verify = |otp: String| server.post("/signin/otp/email/verify", json!({"email": "ann@example.org", "otp": otp}));
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = verify(wrong.to_owned()).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid-ticket"));
    let right = verify(code.clone()).await;
    assert_eq!(right.status, StatusCode::OK, "{right:?}");
    assert_eq!(right.body["session"]["user"]["emailVerified"], true);
    assert_eq!(verify(code).await.status, StatusCode::UNAUTHORIZED, "once only");
}

#[tokio::test]
async fn a_new_code_ends_the_old_one() {
    let server = start().await;
    let ask = || server.post("/signin/otp/email", json!({"email": "ann@example.org"}));
    ask().await;
    let first = code(&server, "ann@example.org");
    ask().await;
    let second = code(&server, "ann@example.org");
    let verify = |email: &str, otp: &str| server.post("/signin/otp/email/verify", json!({"email": email, "otp": otp}));
    if first != second {
        assert_eq!(verify("ann@example.org", &first).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(verify("bob@example.org", &second).await.status, StatusCode::UNAUTHORIZED, "nobody else's");
    assert_eq!(verify("ann@example.org", &second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn old_codes_are_refused() {
    let server = start().await;
    server.post("/signup/otp/email", json!({"email": "ann@example.org"})).await;
    let code = code(&server, "ann@example.org");
    let client = server.database.client().await;
    client.execute("UPDATE auth.users SET otp_hash_expires_at = now() - interval '1 second'", &[]).await.unwrap();
    let late = server.post("/signin/otp/email/verify", json!({"email": "ann@example.org", "otp": code})).await;
    assert_eq!((late.status, late.error()), (StatusCode::UNAUTHORIZED, "invalid-ticket"));
}

#[tokio::test]
async fn guesses_are_limited() {
    let server = support::start_with(|options| {
        options.methods.otp_email = true;
        options.limits.enabled = true;
        options.limits.brute_force.account.burst = 3;
    })
    .await;
    server.post("/signin/otp/email", json!({"email": "ann@example.org"})).await;
    let code = code(&server, "ann@example.org");
    let verify = |otp: &str| server.post("/signin/otp/email/verify", json!({"email": "ann@example.org", "otp": otp}));
    for _ in 0..3 {
        assert_eq!(verify("12345").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(verify(&code).await.status, StatusCode::TOO_MANY_REQUESTS, "the right one too");
}
