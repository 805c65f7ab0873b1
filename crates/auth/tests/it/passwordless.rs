//! Magic links.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth::{MailError, Mailer, Message, Options};
use futures::future::BoxFuture;
use http::StatusCode;
use serde_json::json;

use crate::support::{self, PASSWORD, Server, header};

async fn start(change: impl FnOnce(&mut Options)) -> Server {
    support::start_with(|options| {
        options.methods.magic_link = true;
        change(options);
    })
    .await
}

async fn users(server: &Server) -> i64 {
    let client = server.database.client().await;
    client.query_one("SELECT count(*) FROM auth.users", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_link_signs_in_and_makes_the_account() {
    let server = start(|_| {}).await;
    let options = json!({"displayName": "Ann", "redirectTo": "http://localhost:3000/home"});
    let sent =
        server.post("/v1/signin/passwordless/email", json!({"email": "ann@example.org", "options": options})).await;
    assert_eq!((sent.status, &sent.body), (StatusCode::OK, &json!("OK")));
    let mail = server.mail.last_to("ann@example.org");
    assert_eq!(header(&mail, "X-Email-Template"), "signin-passwordless");
    let link = server.mail.link_to("ann@example.org");
    assert!(link.contains("ticket=passwordlessEmail") && link.contains("type=signinPasswordless"), "{link}");

    let ticket = server.mail.ticket_to("ann@example.org");
    let path = format!("/verify?ticket={ticket}&type=signinPasswordless&redirectTo=http://localhost:3000/home");
    let hop = server.get(&path).await;
    assert_eq!(hop.status, StatusCode::FOUND);
    assert!(hop.location().starts_with("http://localhost:3000/home?"), "{}", hop.location());
    let token = hop.param("refreshToken").unwrap();
    let session = server.post("/token", json!({"refreshToken": token})).await;
    assert_eq!(session.body["user"]["email"], "ann@example.org");
    assert_eq!(session.body["user"]["displayName"], "Ann");
    assert_eq!(session.body["user"]["emailVerified"], true);
    assert_eq!(server.get(&path).await.param("error").as_deref(), Some("invalid-ticket"), "once only");

    // The second time the account is there.
    server.post("/signin/passwordless/email", json!({"email": "Ann@example.org"})).await;
    assert_eq!(users(&server).await, 1);
}

#[tokio::test]
async fn sign_up_wants_a_new_address() {
    let server = start(|_| {}).await;
    let up = || server.post("/signup/passwordless/email", json!({"email": "ann@example.org"}));
    assert_eq!(up().await.status, StatusCode::OK);
    let again = up().await;
    assert_eq!((again.status, again.error()), (StatusCode::CONFLICT, "email-already-in-use"));
}

#[tokio::test]
async fn what_is_refused() {
    let off = support::start().await;
    let answer = off.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::CONFLICT, "disabled-endpoint"));

    let server = start(|options| {
        options.accounts.disable_signup = true;
        options.accounts.blocked_email_domains = vec!["bad.org".to_owned()];
    })
    .await;
    let ask = |body| server.post("/signin/passwordless/email", body);
    for (body, status, error) in [
        (json!({"email": "ann@example.org"}), 403, "signup-disabled"),
        (json!({"email": "ann@bad.org"}), 401, "invalid-email-password"),
        (
            json!({"email": "ann@example.org", "options": {"redirectTo": "https://evil.org"}}),
            400,
            "redirectTo-not-allowed",
        ),
    ] {
        let answer = ask(body).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (status, error));
    }
    assert_eq!(server.mail.count(), 0);
}

#[tokio::test]
async fn a_mail_server_that_is_down_leaves_nothing_half_done() {
    let server = start(|_| {}).await;
    server.mail.fail(true);
    let answer = server.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (500, "internal-server-error"));
    assert_eq!(users(&server).await, 0);
    server.mail.fail(false);
    assert_eq!(
        server.post("/signup/passwordless/email", json!({"email": "ann@example.org"})).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn concealed_answers_are_all_the_same() {
    let server = start(|options| {
        options.conceal_errors = true;
        options.accounts.disable_signup = true;
    })
    .await;
    let unknown = server.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
    assert_eq!((unknown.status, unknown.body), (StatusCode::OK, json!("OK")));
    assert_eq!(server.mail.count(), 0);

    let open = start(|options| options.conceal_errors = true).await;
    open.user("ann@example.org").await;
    let known = open.post("/signup/passwordless/email", json!({"email": "ann@example.org"})).await;
    assert_eq!((known.status, known.body), (StatusCode::OK, json!("OK")));
    assert!(open.mail.ticket_to("ann@example.org").starts_with("passwordlessEmail:"), "the owner can sign in");
}

#[tokio::test]
async fn mails_are_limited_for_each_account() {
    let server = start(|options| {
        options.limits.enabled = true;
        options.limits.email.account.burst = 2;
    })
    .await;
    let ask = |email: &str| server.post("/signin/passwordless/email", json!({"email": email}));
    for _ in 0..2 {
        assert_eq!(ask("ann@example.org").await.status, StatusCode::OK);
    }
    let third = ask("ANN@example.org").await;
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(third.headers.contains_key("retry-after"));
    assert_eq!(ask("bob@example.org").await.status, StatusCode::OK);
}

/// Who signs up with somebody else's address must not keep a way in after its owner has come.
#[tokio::test]
async fn the_owner_of_an_address_takes_its_account_over() {
    let server = start(|options| options.methods.otp_email = true).await;
    let squatter = server.user("ann@example.org").await;
    server.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
    let hop = server.get(&format!("/verify?ticket={}", server.mail.ticket_to("ann@example.org"))).await;
    let owner = server.post("/token", json!({"refreshToken": hop.param("refreshToken").unwrap()})).await;
    assert_eq!(owner.body["user"]["id"], squatter.body["session"]["user"]["id"], "{owner:?}");
    assert_eq!(server.sign_in("ann@example.org").await.error(), "invalid-email-password");
    let refresh = server.post("/token", json!({"refreshToken": squatter.refresh_token()})).await;
    assert_eq!(refresh.error(), "invalid-refresh-token");

    server.user("bob@example.org").await;
    server.post("/signin/otp/email", json!({"email": "bob@example.org"})).await;
    let otp = server.mail.ticket_to("bob@example.org");
    let owner = server.post("/signin/otp/email/verify", json!({"email": "bob@example.org", "otp": otp})).await;
    assert_eq!(owner.status, StatusCode::OK, "{owner:?}");
    assert_eq!(server.sign_in("bob@example.org").await.error(), "invalid-email-password");

    // Once it is proved, a link closes nothing.
    let (token, password) = (owner.access_token(), json!({"newPassword": PASSWORD}));
    assert_eq!(server.post_as("/user/password", &token, password).await.status, StatusCode::OK);
    server.post("/signin/passwordless/email", json!({"email": "bob@example.org"})).await;
    server.get(&format!("/verify?ticket={}", server.mail.ticket_to("bob@example.org"))).await;
    assert_eq!(server.sign_in("bob@example.org").await.status, StatusCode::OK);
}

/// A mail server that takes nothing until it is told.
#[derive(Debug, Default)]
struct Stuck {
    waiting: AtomicUsize,
    open: tokio::sync::Notify,
}

impl Mailer for Stuck {
    fn send(&self, _: Message) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(async move {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            self.open.notified().await;
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_mail_server_that_is_stuck_does_not_stop_everything_else() {
    let stuck = Arc::new(Stuck::default());
    let server = start(|options| options.mailer = stuck.clone()).await;
    server.user("ann@example.org").await;
    let asked = (0..8).map(|number| {
        let body = json!({"email": format!("user{number}@example.org")});
        server.post("/signin/passwordless/email", body)
    });
    let asked = futures::future::join_all(asked);
    let others = async {
        while stuck.waiting.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
        assert_eq!(stuck.waiting.load(Ordering::SeqCst), 3, "the rest waits for its turn");
        while stuck.waiting.load(Ordering::SeqCst) < 8 {
            stuck.open.notify_waiters();
            tokio::task::yield_now().await;
        }
        stuck.open.notify_waiters();
    };
    let (answers, ()) = tokio::join!(asked, others);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK), "{answers:?}");
}
