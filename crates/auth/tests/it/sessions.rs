//! The list of sessions and the end of one.

use http::{Method, StatusCode};
use serde_json::json;

use crate::support;

#[tokio::test]
async fn a_user_sees_and_ends_its_sessions() {
    let server = support::start().await;
    let first = server.user("ann@example.org").await;
    let second = server.sign_in("ann@example.org").await;
    let eve = server.user("eve@example.org").await;
    let list = server.get_as("/user/sessions", &second.access_token()).await;
    let sessions = list.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{list:?}");
    assert_eq!(sessions[0]["id"], second.body["session"]["refreshTokenId"]);
    assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!(sessions[0]["address"], "192.0.2.1");

    let path = format!("/user/sessions/{}", first.body["session"]["refreshTokenId"].as_str().unwrap());
    let foreign = server.call(Method::DELETE, &path, Some(&eve.access_token()), None).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    let own = server.call(Method::DELETE, &path, Some(&second.access_token()), None).await;
    assert_eq!(own.status, StatusCode::OK, "{own:?}");
    let refresh = server.post("/token", json!({ "refreshToken": first.refresh_token() })).await;
    assert_eq!(refresh.error(), "invalid-refresh-token");
}
