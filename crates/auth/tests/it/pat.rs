//! Personal access tokens.

use http::StatusCode;
use serde_json::json;

use crate::support;

#[tokio::test]
async fn a_program_signs_in() {
    let server = support::start().await;
    let session = server.user("ann@example.org").await;
    let body = json!({"expiresAt": "2999-01-01T00:00:00.000Z", "metadata": {"name": "ci"}});
    let pat = server.post_as("/pat", &session.access_token(), body).await;
    assert_eq!(pat.status, StatusCode::OK, "{pat:?}");
    let body = json!({ "personalAccessToken": pat.body["personalAccessToken"] });
    for _ in 0..2 {
        let signed_in = server.post("/signin/pat", body.clone()).await;
        assert_eq!(signed_in.body["session"]["user"]["id"], session.body["session"]["user"]["id"]);
    }
    // It is no refresh token, and no session that signs out.
    let refresh = json!({ "refreshToken": pat.body["personalAccessToken"] });
    assert_eq!(server.post("/token", refresh.clone()).await.error(), "invalid-refresh-token");
    server.post("/signout", refresh).await;
    assert_eq!(server.post("/signin/pat", body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_refused() {
    let server = support::start().await;
    let session = server.user("ann@example.org").await;
    let past = server.post_as("/pat", &session.access_token(), json!({"expiresAt": "1999-01-01T00:00:00Z"})).await;
    assert_eq!(past.status, StatusCode::BAD_REQUEST);
    for body in [
        json!({"personalAccessToken": "5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10"}),
        json!({ "personalAccessToken": session.refresh_token() }),
    ] {
        let answer = server.post("/signin/pat", body).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::UNAUTHORIZED, "invalid-pat"));
    }
    let pat = server.post_as("/pat", &session.access_token(), json!({"expiresAt": "2999-01-01T00:00:00Z"})).await;
    let client = server.database.client().await;
    let sql = "UPDATE auth.refresh_tokens SET expires_at = now() - interval '1 s' WHERE type = 'pat'";
    client.batch_execute(sql).await.unwrap();
    let body = json!({ "personalAccessToken": pat.body["personalAccessToken"] });
    assert_eq!(server.post("/signin/pat", body).await.error(), "invalid-pat");
}
