//! Access tokens whose session has ended, or whose user is disabled: who reads them is told.

use futures::StreamExt;
use futures::channel::mpsc;
use http::StatusCode;
use serde_json::json;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::support::{self, Answer, Server};

/// What the triggers tell, in order.
async fn told(server: &Server) -> mpsc::UnboundedReceiver<String> {
    let (client, mut connection) = server.database.config().connect(NoTls).await.unwrap();
    let (send, receive) = mpsc::unbounded();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(told) = message {
                let _ = send.unbounded_send(told.payload().to_owned());
            }
        }
    });
    client.batch_execute("LISTEN nself_auth_revoked").await.unwrap();
    // Open as long as the test runs.
    std::mem::forget(client);
    receive
}

async fn verify(server: &Server, answer: &Answer) -> StatusCode {
    server.post("/token/verify", json!({"token": answer.access_token()})).await.status
}

#[tokio::test]
async fn whatever_ends_a_session_is_told() {
    let server = support::start().await;
    let mut told = told(&server).await;
    let first = server.user("ann@example.org").await;
    let second = server.sign_in("ann@example.org").await;
    let session = |answer: &Answer| format!("+{}", answer.body["session"]["refreshTokenId"].as_str().unwrap());
    let user = first.body["session"]["user"]["id"].as_str().unwrap().to_owned();
    assert_eq!(verify(&server, &first).await, StatusCode::OK);

    server.post("/signout", json!({"refreshToken": first.refresh_token()})).await;
    assert_eq!(told.next().await.unwrap(), session(&first));
    assert_eq!(
        (verify(&server, &first).await, verify(&server, &second).await),
        (StatusCode::BAD_REQUEST, StatusCode::OK)
    );

    // As an administrator's statement or a GraphQL mutation does it.
    let client = server.database.client().await;
    let disable = "UPDATE auth.users SET disabled = $1 WHERE email = 'ann@example.org'";
    client.execute(disable, &[&true]).await.unwrap();
    assert_eq!(told.next().await.unwrap(), format!("+{user}"));
    assert_eq!(verify(&server, &second).await, StatusCode::BAD_REQUEST);
    client.execute(disable, &[&false]).await.unwrap();
    assert_eq!(told.next().await.unwrap(), format!("-{user}"));
    assert_eq!(verify(&server, &second).await, StatusCode::OK);

    client.execute("DELETE FROM auth.users WHERE email = 'ann@example.org'", &[]).await.unwrap();
    let mut last = [told.next().await.unwrap(), told.next().await.unwrap()];
    last.sort();
    let mut expected = [session(&second), format!("+{user}")];
    expected.sort();
    assert_eq!(last, expected);
    assert_eq!(verify(&server, &second).await, StatusCode::BAD_REQUEST);
    let kept = client.query_one("SELECT count(*) FROM auth.revocations", &[]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 3, "two sessions and a user, for whoever was not listening");
}

#[tokio::test]
async fn a_session_that_was_over_anyway_is_only_swept() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    let client = server.database.client().await;
    client.execute("UPDATE auth.refresh_tokens SET expires_at = now() - interval '1 second'", &[]).await.unwrap();
    assert_eq!(client.execute("DELETE FROM auth.refresh_tokens", &[]).await.unwrap(), 1);
    let kept = client.query_one("SELECT count(*) FROM auth.revocations", &[]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_project_can_have_tokens_that_count_until_they_expire() {
    let server = support::start_with(|options| options.revoke_access_tokens = false).await;
    let session = server.user("ann@example.org").await;
    server.post("/signout", json!({"refreshToken": session.refresh_token()})).await;
    assert_eq!(verify(&server, &session).await, StatusCode::OK);
}
