use std::time::Duration;

use mail::{Reader, Wanted, wait};

use crate::support::start;

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_mail_is_waited_for() {
    let catcher = start().await;
    let config = catcher.database.config();
    catcher.deliver("ann@example.com", "Welcome", "x").await;
    let wanted = |to: &str, subject: &str| Wanted {
        to: Some(to.to_owned()),
        subject: Some(subject.to_owned()),
        since: Some(LONG),
        ..Wanted::default()
    };
    let there = wait(&config, &wanted("ANN@", "welc"), LONG).await.unwrap().unwrap();
    assert_eq!(there.summary.subject, "Welcome");

    let wanted = wanted("bob@example.com", "sign in");
    let waiting = tokio::spawn(async move { wait(&config, &wanted, LONG).await.unwrap().unwrap() });
    catcher.deliver("eve@example.com", "Sign in", "not this").await;
    catcher.deliver("bob@example.com", "Sign in now", "https://example.com/verify?ticket=1").await;
    let found = waiting.await.unwrap();
    assert_eq!(found.links, ["https://example.com/verify?ticket=1"]);
    assert_eq!(found.headers["Subject"][0], "Sign in now");
}

#[tokio::test]
async fn what_does_not_come_is_not_waited_for_forever() {
    let catcher = start().await;
    let config = catcher.database.config();
    let wanted = Wanted { to: Some("ann@example.com".to_owned()), ..Wanted::default() };
    let found = wait(&config, &wanted, Duration::from_millis(200)).await.unwrap();
    assert!(found.is_none());
    // An inbox that was never opened is empty.
    let other = testkit::db().await;
    let client = other.client().await;
    assert!(Reader(&client).list(&Wanted::default(), 10).await.unwrap().is_empty());
    assert!(Reader(&client).get("x").await.unwrap().is_none());
}
