//! Anonymous users.

use auth::Options;
use http::StatusCode;
use serde_json::json;

use crate::support::{self, Answer, PASSWORD, Server};

async fn start(change: impl FnOnce(&mut Options)) -> Server {
    support::start_with(|options| {
        options.accounts.anonymous = true;
        change(options);
    })
    .await
}

async fn anybody(server: &Server) -> Answer {
    let answer = server.post("/signin/anonymous", json!({"displayName": "Anon", "metadata": {"cart": 3}})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer
}

#[tokio::test]
async fn only_where_they_are_wanted() {
    let off = support::start().await;
    let answer = off.post("/signin/anonymous", json!({})).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::CONFLICT, "disabled-endpoint"));

    let server = start(|_| {}).await;
    let answer = anybody(&server).await;
    let user = &answer.body["session"]["user"];
    assert_eq!(user["defaultRole"], "anonymous");
    assert_eq!(user["roles"], json!(["anonymous"]));
    assert_eq!((&user["isAnonymous"], &user["displayName"]), (&json!(true), &json!("Anon")));
    // What wants a real user refuses them.
    let pat = json!({"expiresAt": "2999-01-01T00:00:00Z"});
    let refused = server.post_as("/pat", &answer.access_token(), pat).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::FORBIDDEN, "forbidden-anonymous"));
    // A client that sends no body at all.
    let plain = server.call(http::Method::POST, "/signin/anonymous", None, None).await;
    assert_eq!(plain.body["session"]["user"]["displayName"], "Anonymous User");
}

#[tokio::test]
async fn with_a_password() {
    let server = start(|_| {}).await;
    let anon = anybody(&server).await;
    let body = json!({"signInMethod": "email-password", "email": "ann@example.org", "password": PASSWORD, "options": {"displayName": "Ann"}});
    let done = server.post_as("/user/deanonymize", &anon.access_token(), body.clone()).await;
    assert_eq!((done.status, &done.body), (StatusCode::OK, &json!("OK")));
    let session = server.sign_in("ann@example.org").await;
    let user = &session.body["session"]["user"];
    assert_eq!(user["id"], anon.body["session"]["user"]["id"], "what belonged to the user still does");
    assert_eq!((&user["isAnonymous"], &user["displayName"]), (&json!(false), &json!("Ann")));
    assert_eq!((&user["metadata"], &user["defaultRole"]), (&json!({"cart": 3}), &json!("user")));
    assert!(!user["roles"].as_array().unwrap().contains(&json!("anonymous")), "{user}");
    for token in [anon.access_token(), session.access_token()] {
        let again = server.post_as("/user/deanonymize", &token, body.clone()).await;
        assert_eq!((again.status.as_u16(), again.error()), (400, "user-not-anonymous"));
    }
}

#[tokio::test]
async fn with_a_link() {
    let server = start(|options| options.methods.magic_link = true).await;
    let anon = anybody(&server).await;
    let body = json!({"signInMethod": "passwordless", "email": "ann@example.org"});
    assert_eq!(server.post_as("/user/deanonymize", &anon.access_token(), body).await.status, StatusCode::OK);
    let old = server.post("/token", json!({"refreshToken": anon.refresh_token()})).await;
    assert_eq!(old.error(), "invalid-refresh-token", "the address has to be proved first");
    let hop = server.get(&format!("/verify?ticket={}", server.mail.ticket_to("ann@example.org"))).await;
    let session = server.post("/token", json!({"refreshToken": hop.param("refreshToken").unwrap()})).await;
    assert_eq!(session.body["user"]["id"], anon.body["session"]["user"]["id"]);
    assert_eq!(session.body["user"]["emailVerified"], true);
}

#[tokio::test]
async fn a_concealed_answer_does_not_tell_whether_an_address_is_taken() {
    let server = start(|options| {
        options.conceal_errors = true;
        options.methods.magic_link = true;
    })
    .await;
    server.user("ann@example.org").await;
    for email in ["ann@example.org", "free@example.org"] {
        let anon = anybody(&server).await;
        let body = json!({"signInMethod": "passwordless", "email": email});
        let answer = server.post_as("/user/deanonymize", &anon.access_token(), body).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &json!("OK")), "{email}");
        let token = json!({"refreshToken": anon.refresh_token()});
        assert_eq!(server.post("/token", token).await.status, StatusCode::BAD_REQUEST, "{email}: signed out");
        assert_eq!(server.get_as("/user", &anon.access_token()).await.status, StatusCode::BAD_REQUEST, "{email}");
    }
    assert_eq!(server.mail.count(), 1, "whoever owns the taken address gets none");
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_refused() {
    let server = start(|options| options.accounts.require_verified_email = true).await;
    server.post("/signup/email-password", json!({"email": "ann@example.org", "password": PASSWORD})).await;
    let anon = anybody(&server).await;
    let ask = |body| {
        let token = anon.access_token();
        let server = &server;
        async move { server.post_as("/user/deanonymize", &token, body).await }
    };
    for (body, status, error) in [
        (json!({"signInMethod": "email-password", "email": "b@example.org"}), 400, "invalid-request"),
        (
            json!({"signInMethod": "email-password", "email": "b@example.org", "password": "short"}),
            400,
            "password-too-short",
        ),
        (
            json!({"signInMethod": "email-password", "email": "ann@example.org", "password": PASSWORD}),
            409,
            "email-already-in-use",
        ),
    ] {
        let answer = ask(body).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (status, error));
    }
    let body = json!({"signInMethod": "email-password", "email": "b@example.org", "password": PASSWORD});
    assert_eq!(ask(body).await.status, StatusCode::OK);
    assert_eq!(server.sign_in("b@example.org").await.error(), "unverified-user");
    server.get(&format!("/verify?ticket={}", server.mail.ticket_to("b@example.org"))).await;
    assert_eq!(server.sign_in("b@example.org").await.status, StatusCode::OK);
}
