//! Sign-up and sign-in with a password.

use http::StatusCode;
use serde_json::json;

use crate::support::{self, PASSWORD};

#[tokio::test]
async fn a_new_user_has_a_session() {
    let server = support::start().await;
    let options = json!({"displayName": "Ann", "locale": "en", "metadata": {"plan": "x"}});
    let body = json!({"email": "ann@example.org", "password": PASSWORD, "options": options});
    let answer = server.post("/v1/signup/email-password", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let session = &answer.body["session"];
    assert_eq!(session["accessTokenExpiresIn"], 900);
    let user = &session["user"];
    for (name, value) in [
        ("email", json!("ann@example.org")),
        ("displayName", json!("Ann")),
        ("locale", json!("en")),
        ("metadata", json!({"plan": "x"})),
        ("isAnonymous", json!(false)),
        ("emailVerified", json!(false)),
        ("defaultRole", json!("user")),
    ] {
        assert_eq!(user[name], value, "{name}");
    }
    let seen = server.get_as("/user", &answer.access_token()).await;
    assert_eq!(seen.body["id"], user["id"]);
}

#[tokio::test]
async fn wrong_password_and_unknown_address_look_the_same() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    let wrong = json!({"email": "ann@example.org", "password": "not the password"});
    let unknown = json!({"email": "bob@example.org", "password": PASSWORD});
    let (wrong, unknown) =
        (server.post("/signin/email-password", wrong).await, server.post("/signin/email-password", unknown).await);
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.error(), "invalid-email-password");
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(server.sign_in("Ann@Example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_refused() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    let up = |email: &str, password: &str, options| {
        let body = json!({"email": email, "password": password, "options": options});
        server.post("/signup/email-password", body)
    };
    for (email, password, options, status, error) in [
        ("ann@example.org", PASSWORD, json!({}), 409, "email-already-in-use"),
        ("ANN@example.org", PASSWORD, json!({}), 409, "email-already-in-use"),
        ("b@example.org", "Ab3$", json!({}), 400, "password-too-short"),
        ("b@example.org", "Password1", json!({}), 400, "password-in-hibp-database"),
        ("b@example.org", PASSWORD, json!({"allowedRoles": ["root"], "defaultRole": "root"}), 400, "role-not-allowed"),
        ("b@example.org", PASSWORD, json!({"defaultRole": "root"}), 400, "default-role-must-be-in-allowed-roles"),
        ("b@example.org", PASSWORD, json!({"redirectTo": "https://evil.org"}), 400, "redirectTo-not-allowed"),
    ] {
        let answer = up(email, password, options).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (status, error), "{answer:?}");
        assert_eq!(answer.body["status"], status);
    }
    for (email, password, options) in
        [("nope", PASSWORD, json!({})), ("b@c", "a", json!({})), ("b@c", PASSWORD, json!({"nope": 1}))]
    {
        let answer = up(email, password, options).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.error().starts_with("error in openapi3filter.RequestError: "), "{answer:?}");
    }
}
