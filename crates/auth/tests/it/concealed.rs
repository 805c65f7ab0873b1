//! Answers that do not tell whether an account exists.

use http::StatusCode;
use serde_json::json;

use crate::support::{self, PASSWORD};

#[tokio::test]
async fn what_tells_about_accounts_looks_like_any_bad_request() {
    let server = support::start_with(|options| options.conceal_errors = true).await;
    server.user("ann@example.org").await;
    let unknown = "5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10";
    for (path, body) in [
        ("/signup/email-password", json!({"email": "ann@example.org", "password": PASSWORD})),
        ("/signin/email-password", json!({"email": "ann@example.org", "password": "not the password"})),
        ("/signin/email-password", json!({"email": "bob@example.org", "password": PASSWORD})),
        ("/token", json!({ "refreshToken": unknown })),
        ("/signin/pat", json!({ "personalAccessToken": unknown })),
    ] {
        let answer = server.post(path, body).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, "invalid-request"), "{path}");
        assert_eq!(answer.body["message"], "The request payload is incorrect");
    }
    let answer = server.get("/verify?ticket=verifyEmail:x").await;
    assert_eq!(answer.param("error").unwrap(), "invalid-request");
}

#[tokio::test]
async fn a_sign_up_that_is_verified_by_mail_does_not_tell_either() {
    let server = support::start_with(|options| {
        options.conceal_errors = true;
        options.accounts.require_verified_email = true;
    })
    .await;
    let first = server.user("ann@example.org").await;
    let again = server.user("ann@example.org").await;
    assert_eq!(first.body, again.body);
    assert_eq!(server.mail.count(), 1);
}
