//! What an administrator does with users.

use auth::{Accounts, admin, password};
use http::StatusCode;
use project::Secret;
use serde_json::json;

use crate::support::{self, PASSWORD};

#[tokio::test]
async fn users() {
    let server = support::start().await;
    let pool = postgres::Pool::new(server.database.config(), 2);
    let accounts = Accounts::default();
    let passwords = password::Options { memory: 64, iterations: 1, ..password::Options::default() };
    let new = admin::Create {
        email: "ann@example.org".to_owned(),
        password: Some(Secret::new(PASSWORD.to_owned())),
        roles: vec!["user".to_owned(), "editor".to_owned()],
        ..admin::Create::default()
    };
    let id = admin::create(&pool, &accounts, &passwords, new.clone()).await.unwrap();
    assert!(admin::create(&pool, &accounts, &passwords, new).await.is_err(), "the address is in use");
    let session = server.sign_in("ann@example.org").await;
    assert_eq!(session.body["session"]["user"]["id"], json!(id));

    admin::set_roles(&pool, "ann@example.org", &["editor".to_owned()], None).await.unwrap();
    let listed = admin::list(&pool, Some("ANN@"), 10, 0).await.unwrap();
    assert_eq!((listed.len(), &*listed[0].default_role, &listed[0].roles), (1, "editor", &vec!["editor".to_owned()]));

    admin::set_disabled(&pool, &id.to_string(), true).await.unwrap();
    let refresh = json!({ "refreshToken": session.refresh_token() });
    assert_eq!(server.post("/token", refresh).await.error(), "invalid-refresh-token");
    assert_eq!(server.sign_in("ann@example.org").await.error(), "disabled-user");
    admin::set_disabled(&pool, "ann@example.org", false).await.unwrap();
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
    admin::delete(&pool, "ann@example.org").await.unwrap();
    assert!(admin::delete(&pool, "ann@example.org").await.is_err());
    assert!(admin::list(&pool, None, 10, 0).await.unwrap().is_empty());
}
