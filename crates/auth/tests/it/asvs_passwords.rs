//! OWASP ASVS 5, chapter V6 (authentication), as far as no other test shows it: `docs/reference/asvs.md` is the table.

use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::support::{self, PASSWORD, Server};

async fn sign_up(server: &Server, email: &str, password: &str) -> support::Answer {
    server.post("/signup/email-password", json!({"email": email, "password": password})).await
}

/// 6.2.1, 6.2.4, 6.2.5, 6.2.8, 6.2.9, 6.2.12
#[tokio::test]
async fn any_password_that_is_long_and_not_common() {
    let server = support::start().await;
    for (password, error) in [
        ("short-7", "password-too-short"),
        ("password1", "password-in-hibp-database"),
        ("QwertyUIOP", "password-in-hibp-database"),
    ] {
        assert_eq!(sign_up(&server, "no@example.org", password).await.error(), error, "{password}");
    }
    let long = "x".repeat(63) + "é";
    for (index, password) in
        ["only lower case words", "四つの言葉の合言葉", " blanks at the ends ", &long].iter().enumerate()
    {
        let email = format!("user{index}@example.org");
        assert_eq!(sign_up(&server, &email, password).await.status, StatusCode::OK, "{password}");
        let sign_in = async |password: &str| {
            server.post("/signin/email-password", json!({"email": email, "password": password})).await.status
        };
        assert_eq!(sign_in(password).await, StatusCode::OK, "{password}");
        // Neither cut off, nor trimmed, nor in another case.
        let shorter: String = password.chars().take(password.chars().count() - 1).collect();
        for other in [shorter, password.trim().to_owned() + "!", password.to_uppercase() + "x"] {
            assert_eq!(sign_in(&other).await, StatusCode::UNAUTHORIZED, "{other}");
        }
    }
}

/// 6.3.2: nobody is there before somebody signs up.
#[tokio::test]
async fn no_default_accounts() {
    let server = support::start().await;
    let client = server.database.client().await;
    let users: i64 = client.query_one("SELECT count(*) FROM auth.users", &[]).await.unwrap().get(0);
    assert_eq!(users, 0);
}

/// 6.3.4, 6.4.3: who has a second factor is asked for it by mails too, whichever.
#[tokio::test]
async fn mails_do_not_go_round_the_second_factor() {
    let server = support::start_with(|options| {
        options.methods.mfa = true;
        options.methods.magic_link = true;
        options.methods.otp_email = true;
    })
    .await;
    server.user("ann@example.org").await;
    let client = server.database.client().await;
    let sql = "UPDATE auth.users SET totp_secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', active_mfa_type = 'totp'";
    client.batch_execute(sql).await.unwrap();
    for path in ["/user/email/send-verification-email", "/signin/passwordless/email", "/user/password/reset"] {
        assert_eq!(server.post(path, json!({"email": "ann@example.org"})).await.status, StatusCode::OK, "{path}");
        let hop = server.get(&format!("/verify?ticket={}", server.mail.ticket_to("ann@example.org"))).await;
        assert_eq!((hop.param("refreshToken"), hop.param("code")), (None, None), "{path}");
        let ticket = hop.param("ticket").unwrap_or_else(|| panic!("{path}: {hop:?}"));
        let second = server.post("/signin/mfa/totp", json!({"ticket": ticket, "otp": "000000"})).await;
        assert_eq!(second.error(), "invalid-totp", "{path}: the ticket is one of the second step");
    }
    server.post("/signin/otp/email", json!({"email": "ann@example.org"})).await;
    let otp = server.mail.ticket_to("ann@example.org");
    let code = server.post("/signin/otp/email/verify", json!({"email": "ann@example.org", "otp": otp})).await;
    assert_eq!((code.status, &code.body["session"]), (StatusCode::OK, &Value::Null), "{code:?}");
    assert!(code.body["mfa"]["ticket"].as_str().unwrap().starts_with("mfaTotp:"));
}

/// Somebody signs up with another's address and waits: when the owner comes by mail, the account is the owner's alone.
#[tokio::test]
async fn an_account_made_with_anothers_address() {
    for how in ["link", "code", "reset"] {
        let server = support::start_with(|options| {
            options.methods.magic_link = true;
            options.methods.otp_email = true;
        })
        .await;
        let thief = server.user("ann@example.org").await;
        let new = "The-owners-own-3f9c";
        match how {
            "link" => {
                server.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
                let ticket = server.mail.ticket_to("ann@example.org");
                assert!(server.get(&format!("/verify?ticket={ticket}")).await.param("refreshToken").is_some());
            }
            "code" => {
                server.post("/signin/otp/email", json!({"email": "ann@example.org"})).await;
                let otp = server.mail.ticket_to("ann@example.org");
                let body = json!({"email": "ann@example.org", "otp": otp});
                assert_eq!(server.post("/signin/otp/email/verify", body).await.status, StatusCode::OK);
            }
            _ => {
                server.post("/user/password/reset", json!({"email": "ann@example.org"})).await;
                let ticket = server.mail.ticket_to("ann@example.org");
                let body = json!({"newPassword": new, "ticket": ticket});
                assert_eq!(server.post("/user/password", body).await.status, StatusCode::OK);
            }
        }
        assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::UNAUTHORIZED, "{how}");
        let refreshed = server.post("/token", json!({"refreshToken": thief.refresh_token()})).await;
        assert_eq!(refreshed.error(), "invalid-refresh-token", "{how}");
        assert_eq!(server.get_as("/user", &thief.access_token()).await.status, StatusCode::BAD_REQUEST, "{how}");
    }
}

/// 6.6.2: what the old password has begun ends with it.
#[tokio::test]
async fn a_new_password_voids_what_is_under_way() {
    let server = support::start_with(|options| {
        options.methods.magic_link = true;
        options.methods.mfa = true;
    })
    .await;
    let ann = server.user("ann@example.org").await;
    server.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
    let link = server.mail.ticket_to("ann@example.org");
    server.post("/user/password/reset", json!({"email": "ann@example.org"})).await;
    let reset = server.mail.ticket_to("ann@example.org");
    let change = json!({"newPassword": "Another-3f9c1a-one"});
    assert_eq!(server.post_as("/user/password", &ann.access_token(), change).await.status, StatusCode::OK);
    for ticket in [link, reset] {
        let hop = server.get(&format!("/verify?ticket={ticket}")).await;
        assert_eq!(hop.param("error").as_deref(), Some("invalid-ticket"), "{ticket}");
    }
}

/// Filters of mail follow links before their readers do.
#[tokio::test]
async fn looking_at_a_link_uses_nothing_up() {
    let server = support::start_with(|options| options.methods.magic_link = true).await;
    server.post("/signin/passwordless/email", json!({"email": "ann@example.org"})).await;
    let path = format!("/verify?ticket={}", server.mail.ticket_to("ann@example.org"));
    let looked = server.call(Method::HEAD, &path, None, None).await;
    assert!(looked.headers.get("location").is_none(), "{looked:?}");
    assert!(server.get(&path).await.param("refreshToken").is_some());
}

/// 6.3.8 where answers conceal: neither the answer nor its time tells whether a mail was sent.
#[tokio::test]
async fn mails_are_not_told_by_time() {
    let server = support::start_with(|options| options.conceal_errors = true).await;
    server.user("ann@example.org").await;
    for email in ["ann@example.org", "nobody@example.org"] {
        let begun = Instant::now();
        let answer = server.post("/user/password/reset", json!({"email": email})).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &json!("OK")));
        assert!(begun.elapsed() >= Duration::from_secs(2), "{email}: both take as long as sending a mail may");
    }
    assert_eq!(server.mail.count(), 1);
}

/// The same of security keys: an address without an account looks like one with a key, and always with the same.
#[tokio::test]
async fn keys_are_not_told() {
    let server = support::start_with(|options| {
        options.conceal_errors = true;
        options.methods.webauthn = Some(auth::webauthn::Settings::default());
    })
    .await;
    server.user("ann@example.org").await;
    let ids = async |email: &str| {
        let asked = server.post("/signin/webauthn", json!({"email": email})).await;
        assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
        assert_eq!(asked.body["allowCredentials"].as_array().unwrap().len(), 1, "{email}");
        asked.body["allowCredentials"][0]["id"].clone()
    };
    assert_eq!(ids("nobody@example.org").await, ids("Nobody@example.org").await);
    assert_ne!(ids("nobody@example.org").await, ids("ann@example.org").await);
}

/// 6.4.2 and mass assignment: nothing that is not described is taken, no role that is not allowed, no state.
#[tokio::test]
async fn a_sign_up_gives_itself_nothing() {
    let server = support::start().await;
    let with = |options: Value| json!({"email": "eve@example.org", "password": PASSWORD, "options": options});
    for options in [
        json!({"allowedRoles": ["admin", "user"]}),
        json!({"defaultRole": "admin"}),
        json!({"allowedRoles": ["admin"], "defaultRole": "admin"}),
        json!({"allowedRoles": [], "defaultRole": "user"}),
        json!({"emailVerified": true}),
        json!({"roles": ["admin"]}),
    ] {
        let answer = server.post("/signup/email-password", with(options.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{options}: {answer:?}");
    }
    // What looks like claims or columns is nothing but a user's own words.
    let metadata = json!({"x-hasura-role": "admin", "default_role": "admin", "roles": ["admin"]});
    let answer = server.post("/signup/email-password", with(json!({"metadata": metadata}))).await;
    let user = &answer.body["session"]["user"];
    assert_eq!((&user["roles"], &user["defaultRole"]), (&json!(["me", "user"]), &json!("user")));
    let keys = auth::keys::Keys::of_key("HS256", support::KEY).unwrap();
    assert_eq!(keys.verify(&answer.access_token()).unwrap().hasura["x-hasura-allowed-roles"], json!(["me", "user"]));
}

/// What PostgreSQL cannot keep is a bad request, not an error of the server; what pages would run is only text.
#[tokio::test]
async fn texts_of_attackers() {
    let server = support::start().await;
    let zero = json!({"email": "eve@example.org", "password": PASSWORD, "options": {"metadata": {"a": "\0"}}});
    assert_eq!(server.post("/signup/email-password", zero).await.status, StatusCode::BAD_REQUEST);
    let hop = server.get("/verify?ticket=verifyEmail:%00").await;
    assert_ne!(hop.param("error").as_deref(), Some("internal-server-error"), "{hop:?}");
    for email in ["eve@example.org\r\nBcc: all@example.org", "eve@example.org,bob@example.org", "<eve@example.org>"] {
        assert_eq!(sign_up(&server, email, PASSWORD).await.status, StatusCode::BAD_REQUEST, "{email:?}");
    }
    let name = "<img src=x>\r\nBcc: a@b {{link}}";
    let body = json!({"email": "eve@example.org", "password": PASSWORD, "options": {"displayName": name}});
    assert_eq!(server.post("/signup/email-password", body).await.status, StatusCode::OK);
    // Links are made of the settings, whatever the request says of its host.
    let request = Request::builder()
        .method(Method::POST)
        .uri("/user/password/reset")
        .header("host", "evil.org")
        .header("x-forwarded-host", "evil.org")
        .header("content-type", "application/json");
    let body = axum::body::Body::from(json!({"email": "eve@example.org"}).to_string());
    assert_eq!(server.send(request.body(body).unwrap()).await.status, StatusCode::OK);
    let mail = server.mail.last_to("eve@example.org");
    assert!(!mail.html.contains("<img"), "{}", mail.html);
    assert!(!mail.html.contains("evil.org") && !mail.subject.contains(['\r', '\n']), "{mail:?}");
    assert!(server.mail.link_to("eve@example.org").starts_with("http://localhost:4000/verify?"));
}
