//! The second factor.

use auth::Options;
use http::StatusCode;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::support::{self, Server};

async fn start(change: impl FnOnce(&mut Options)) -> Server {
    support::start_with(|options| {
        options.methods.mfa = true;
        options.methods.totp_issuer = "Shop".to_owned();
        change(options);
    })
    .await
}

/// What the app shows; `ahead` seconds from now.
fn app(secret: &str, ahead: u64) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    totp.generate(now + ahead).to_string()
}

/// A user with an app; its token and the secret.
async fn user(server: &Server, email: &str) -> (String, String) {
    let token = server.user(email).await.access_token();
    let made = server.get_as("/mfa/totp/generate", &token).await;
    assert!(made.body["imageUrl"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"), "{made:?}");
    let secret = made.body["totpSecret"].as_str().unwrap().to_owned();
    let on = json!({"code": app(&secret, 0), "activeMfaType": "totp"});
    let done = server.post_as("/user/mfa", &token, on).await;
    assert_eq!((done.status, &done.body), (StatusCode::OK, &json!("OK")), "{done:?}");
    (token, secret)
}

async fn ticket(server: &Server, email: &str) -> String {
    let answer = server.sign_in(email).await;
    assert_eq!(answer.body["session"], Value::Null);
    let ticket = answer.body["mfa"]["ticket"].as_str().unwrap().to_owned();
    assert!(ticket.starts_with("mfaTotp:"));
    ticket
}

#[tokio::test]
async fn on_used_and_off() {
    let server = start(|_| {}).await;
    let (token, secret) = user(&server, "ann@example.org").await;
    assert_eq!(server.get_as("/user", &token).await.body["activeMfaType"], "totp");
    for (method, path) in [(http::Method::GET, "/mfa/totp/generate"), (http::Method::POST, "/user/mfa")] {
        let body = json!({"code": app(&secret, 0), "activeMfaType": "totp"});
        let again = server.call(method, path, Some(&token), Some(body)).await;
        assert_eq!(again.error(), "totp-already-active", "{path}");
    }
    let ticket = ticket(&server, "ann@example.org").await;
    let second = |otp: &str| server.post("/signin/mfa/totp", json!({"ticket": ticket, "otp": otp}));
    let wrong = second("000000").await;
    assert_eq!((wrong.status, wrong.error()), (StatusCode::UNAUTHORIZED, "invalid-totp"));
    let right = second(&app(&secret, 0)).await;
    assert_eq!(right.body["session"]["user"]["email"], "ann@example.org", "{right:?}");
    assert_eq!(second(&app(&secret, 30)).await.error(), "invalid-ticket", "once only");

    let off = json!({"code": app(&secret, 0), "activeMfaType": ""});
    assert_eq!(server.post_as("/user/mfa", &token, off.clone()).await.status, StatusCode::OK);
    assert!(server.sign_in("ann@example.org").await.body["session"].is_object());
    assert_eq!(server.post_as("/user/mfa", &token, off).await.error(), "disabled-mfa-totp");
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let server = start(|_| {}).await;
    let (_, secret) = user(&server, "ann@example.org").await;
    // The next one, so that it stays valid however long this takes.
    let code = app(&secret, 30);
    let tickets = [ticket(&server, "ann@example.org").await, String::new()];
    let first = server.post("/signin/mfa/totp", json!({"ticket": tickets[0], "otp": code})).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let other = ticket(&server, "ann@example.org").await;
    let again = server.post("/signin/mfa/totp", json!({"ticket": other, "otp": code})).await;
    assert_eq!(again.error(), "invalid-totp");
}

#[tokio::test]
async fn recovery_codes() {
    let server = start(|_| {}).await;
    let (token, secret) = user(&server, "ann@example.org").await;
    let make = |code: String| server.post_as("/user/mfa/recovery-codes", &token, json!({"code": code}));
    assert_eq!(make("000000".to_owned()).await.error(), "invalid-totp");
    let made = make(app(&secret, 0)).await;
    let codes: Vec<String> = serde_json::from_value(made.body["recoveryCodes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(make(codes[9].clone()).await.error(), "invalid-totp", "one gives no others");

    let use_one = async |code: &str| {
        let ticket = ticket(&server, "ann@example.org").await;
        server.post("/signin/mfa/totp", json!({"ticket": ticket, "otp": code})).await
    };
    assert_eq!(use_one(&codes[0].to_uppercase()).await.status, StatusCode::OK);
    assert_eq!(use_one(&codes[0]).await.error(), "invalid-totp", "once only");
    assert_eq!(server.get_as("/user/mfa/recovery-codes", &token).await.body, json!({"remaining": 9}));

    let new = make(app(&secret, 0)).await;
    assert_eq!(use_one(&codes[1]).await.error(), "invalid-totp", "new ones end the old ones");
    let new: Vec<String> = serde_json::from_value(new.body["recoveryCodes"].clone()).unwrap();
    // Who has lost the app switches it off with one.
    let off = json!({"code": new[0], "activeMfaType": ""});
    assert_eq!(server.post_as("/user/mfa", &token, off).await.status, StatusCode::OK);
    assert_eq!(server.get_as("/user/mfa/recovery-codes", &token).await.body, json!({"remaining": 0}));

    let client = server.database.client().await;
    let sql = "SELECT kind FROM auth.security_events WHERE kind LIKE 'recovery%' OR kind LIKE 'mfa%' ORDER BY id";
    let events: Vec<String> = client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let expected = ["mfa-enabled", "recovery-codes-made", "recovery-code-used", "recovery-codes-made", "mfa-disabled"];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn what_is_refused() {
    let off = support::start().await;
    let token = off.user("ann@example.org").await.access_token();
    assert_eq!(off.get_as("/mfa/totp/generate", &token).await.error(), "disabled-endpoint");
    let server = start(|_| {}).await;
    let token = server.user("ann@example.org").await.access_token();
    let switch = |body| server.post_as("/user/mfa", &token, body);
    assert_eq!(switch(json!({"code": "123456", "activeMfaType": "totp"})).await.error(), "no-totp-secret");
    assert_eq!(switch(json!({"code": "123456", "activeMfaType": "sms"})).await.error(), "mfa-type-not-found");
    assert_eq!(switch(json!({"code": "123456"})).await.error(), "disabled-mfa-totp");
    for ticket in ["mfaTotp:5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10", "passwordReset:5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10"]
    {
        let answer = server.post("/signin/mfa/totp", json!({"ticket": ticket, "otp": "123456"})).await;
        assert_eq!(answer.error(), "invalid-ticket");
    }
}

#[tokio::test]
async fn guesses_are_limited_for_each_account() {
    let server = start(|options| {
        options.limits.enabled = true;
        options.limits.brute_force.account.burst = 3;
    })
    .await;
    let (_, secret) = user(&server, "ann@example.org").await;
    for _ in 0..3 {
        let ticket = ticket(&server, "ann@example.org").await;
        let wrong = server.post("/signin/mfa/totp", json!({"ticket": ticket, "otp": "000000"})).await;
        assert_eq!(wrong.error(), "invalid-totp");
    }
    let ticket = ticket(&server, "ann@example.org").await;
    let right = server.post("/signin/mfa/totp", json!({"ticket": ticket, "otp": app(&secret, 0)})).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "another ticket gives no more tries");
}

#[tokio::test]
async fn mails_do_not_pass_it_by() {
    let server = start(|options| {
        options.methods.magic_link = true;
        options.methods.otp_email = true;
    })
    .await;
    let (_, secret) = user(&server, "ann@example.org").await;
    let mut tickets = Vec::new();
    for (path, kind) in [("/signin/passwordless/email", "passwordlessEmail"), ("/user/password/reset", "passwordReset")]
    {
        server.post(path, json!({"email": "ann@example.org"})).await;
        let link = reqwest::Url::parse(&server.mail.link_to("ann@example.org")).unwrap();
        let answer = server.get(&format!("/verify?{}", link.query().unwrap())).await;
        assert_eq!(answer.param("type").as_deref(), Some(kind), "{answer:?}");
        assert!(answer.param("refreshToken").is_none());
        tickets.push(answer.param("ticket").unwrap());
    }
    server.post("/signin/otp/email", json!({"email": "ann@example.org"})).await;
    let code = server.mail.ticket_to("ann@example.org");
    let answer = server.post("/signin/otp/email/verify", json!({"email": "ann@example.org", "otp": code})).await;
    assert_eq!(answer.body["session"], Value::Null, "{answer:?}");
    tickets.push(answer.body["mfa"]["ticket"].as_str().unwrap().to_owned());
    let last = json!({"ticket": tickets[2], "otp": app(&secret, 0)});
    assert_eq!(server.post("/signin/mfa/totp", last).await.status, StatusCode::OK);
}
