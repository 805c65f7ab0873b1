//! Rate limits by address and by account.

use std::time::Duration;

use auth::limits::{Rate, Rates};
use http::StatusCode;
use serde_json::json;

use crate::support::{self, Server};

async fn limited(address: u32, account: u32) -> Server {
    let hour = Duration::from_secs(3600);
    support::start_with(|options| {
        options.limits.enabled = true;
        options.limits.brute_force = Rates { address: Rate::new(address, hour), account: Rate::new(account, hour) };
    })
    .await
}

async fn wrong(server: &Server, email: &str) -> support::Answer {
    server.post("/signin/email-password", json!({"email": email, "password": "not the password"})).await
}

#[tokio::test]
async fn of_an_account() {
    let server = limited(100, 3).await;
    server.user("ann@example.org").await;
    // What succeeds does not count.
    for _ in 0..5 {
        assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
    }
    for _ in 0..3 {
        assert_eq!(wrong(&server, "ann@example.org").await.status, StatusCode::UNAUTHORIZED);
    }
    // Not even the right password helps now, in whatever case the address is written.
    let refused = server.sign_in("Ann@example.org").await;
    assert_eq!((refused.status.as_u16(), refused.error()), (429, "too-many-requests"));
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1200).contains(&wait), "{wait}");
    // Another account is not touched.
    assert_eq!(wrong(&server, "bob@example.org").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn of_an_address() {
    let server = limited(3, 100).await;
    server.user("ann@example.org").await;
    for name in ["a", "b", "c"] {
        assert_eq!(wrong(&server, &format!("{name}@example.org")).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::TOO_MANY_REQUESTS);
    // As if an hour had passed.
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.rate_limits SET settled_at = settled_at - interval '1 h'").await.unwrap();
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

#[tokio::test]
async fn redirects_that_fail_count_too() {
    let server = limited(3, 100).await;
    for _ in 0..3 {
        assert_eq!(server.get("/verify?ticket=verifyEmail:x").await.status, StatusCode::FOUND);
    }
    assert_eq!(server.get("/verify?ticket=verifyEmail:x").await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn tries_at_once_do_not_slip_through() {
    let server = limited(100, 3).await;
    server.user("ann@example.org").await;
    let answers = futures::future::join_all((0..12).map(|_| wrong(&server, "ann@example.org"))).await;
    let tried = answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(tried, 3, "{answers:?}");
}
