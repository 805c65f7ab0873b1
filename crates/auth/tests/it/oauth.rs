//! Sign-in with other services, and what somebody could try with it.

mod attacks;
mod linking;

use std::sync::{Arc, Mutex};

use auth::Options;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::idp::{self, Idp};
use crate::support::{self, Answer, Server};

const CALLBACK: &str = "http://localhost:4000/signin/provider/";

/// A server with these providers, all of them the same one.
pub async fn with(names: &[&'static str], change: impl FnOnce(&mut Options)) -> (Server, Idp) {
    let uris: Vec<String> = names.iter().map(|name| format!("{CALLBACK}{name}/callback")).collect();
    let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
    let idp = idp::start(&uris).await;
    let server = support::start_with(|options| {
        for name in names {
            let mut settings = idp.settings();
            if *name == "twitter" {
                settings.token_url = Some(format!("{}/access_token", idp.url));
            }
            options.oauth.providers.insert(name, settings);
        }
        change(options);
    })
    .await;
    (server, idp)
}

/// What a browser keeps.
#[derive(Default, Clone)]
pub struct Browser {
    pub cookies: String,
}

impl Browser {
    /// To the provider; the URL it comes back to.
    pub async fn go(&mut self, server: &Server, idp: &Idp, path: &str) -> String {
        let begun = server.get(path).await;
        assert_eq!(begun.status, StatusCode::FOUND, "{begun:?}");
        for cookie in begun.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite="), "{cookie}");
            self.cookies = format!("{}; {}", self.cookies, cookie.split(';').next().unwrap());
        }
        idp.approve(begun.location()).await
    }

    /// Follows the URL that the provider gave.
    pub async fn back(&self, server: &Server, url: &str) -> Answer {
        let path = url.strip_prefix("http://localhost:4000").unwrap();
        let request = Request::builder().uri(path).header("cookie", &self.cookies).header("x-real-ip", "192.0.2.1");
        server.send(request.body(Body::empty()).unwrap()).await
    }
}

/// All the way.
pub async fn sign_in(server: &Server, idp: &Idp, path: &str) -> Answer {
    let mut browser = Browser::default();
    let back = browser.go(server, idp, path).await;
    browser.back(server, &back).await
}

/// The session of the refresh token in a redirect.
pub async fn session(server: &Server, answer: &Answer) -> Answer {
    assert_eq!(answer.status, StatusCode::FOUND);
    let token = answer.param("refreshToken").unwrap_or_else(|| panic!("a refresh token: {}", answer.location()));
    server.post("/token", json!({ "refreshToken": token })).await
}

/// Name, profile, and what the user is then: address, verified, name, picture.
fn profiles() -> Vec<(&'static str, Value, [Value; 4])> {
    let user = |email, verified, name, picture| [email, json!(verified), json!(name), json!(picture)];
    let mail = || json!("ann@example.org");
    vec![
        (
            "azuread",
            json!({"oid": "az", "email": "ann@example.org", "name": "Ann Lee"}),
            user(mail(), false, "Ann Lee", ""),
        ),
        (
            "bitbucket",
            json!({"uuid": "{b}", "display_name": "Ann", "links": {"avatar": {"href": "https://b.org/a.png"}}}),
            user(mail(), true, "Ann", "https://b.org/a.png"),
        ),
        (
            "discord",
            json!({"id": "77", "username": "ann", "email": "ann@example.org", "verified": true, "avatar": "h"}),
            user(mail(), true, "ann", "https://cdn.discordapp.com/avatars/77/h.png"),
        ),
        (
            "entraid",
            json!({"sub": "e", "givenname": "Ann", "familyname": "Lee", "email": "ann@example.org"}),
            user(mail(), false, "Ann Lee", ""),
        ),
        (
            "facebook",
            json!({"id": "9", "name": "Ann", "email": "ann@example.org", "picture": {"data": {"url": "https://f/p"}}}),
            user(mail(), true, "Ann", "https://f/p"),
        ),
        (
            "github",
            json!({"id": 42, "login": "ann", "name": null, "avatar_url": "https://g/a", "email": "other@example.org"}),
            user(mail(), true, "ann", "https://g/a"),
        ),
        (
            "gitlab",
            json!({"id": 5, "name": "Ann", "email": "ann@example.org", "confirmed_at": "2020-01-01", "avatar_url": ""}),
            user(mail(), true, "Ann", ""),
        ),
        (
            "google",
            json!({"sub": "go", "name": "Ann Lee", "email": "ann@example.org", "email_verified": true,
                   "picture": "https://g/p"}),
            user(mail(), true, "Ann Lee", "https://g/p"),
        ),
        (
            "linkedin",
            json!({"sub": "li", "given_name": "Ann", "family_name": "Lee", "email": "ann@example.org",
                   "email_verified": true}),
            user(mail(), true, "Ann Lee", ""),
        ),
        (
            "spotify",
            json!({"id": "sp", "display_name": "Ann", "email": "ann@example.org", "images": [{"url": "https://s/i"}]}),
            user(mail(), false, "Ann", "https://s/i"),
        ),
        (
            "strava",
            json!({"id": 3, "firstname": "Ann", "lastname": "Lee", "profile_medium": "https://s/m"}),
            user(Value::Null, false, "Ann Lee", "https://s/m"),
        ),
        (
            "twitch",
            json!({"data": [{"id": "t", "display_name": "Ann", "email": "ann@example.org"}]}),
            user(mail(), true, "Ann", ""),
        ),
        (
            "twitter",
            json!({"id_str": "8", "name": "Ann", "email": "ann@example.org", "profile_image_url_https": "https://t/p"}),
            user(mail(), true, "Ann", "https://t/p"),
        ),
        (
            "windowslive",
            json!({"id": "w", "name": "Ann Lee", "emails": {"preferred": null, "account": "ann@example.org"}}),
            user(mail(), false, "Ann Lee", ""),
        ),
        (
            "workos",
            json!({"id": "wo", "first_name": "Ann", "last_name": "Lee", "email": "ann@example.org"}),
            user(mail(), false, "Ann Lee", ""),
        ),
    ]
}

#[tokio::test]
async fn every_provider_makes_a_user_and_finds_it_again() {
    let names: Vec<&'static str> = profiles().iter().map(|(name, ..)| *name).collect();
    let (server, idp) = with(&names, |_| {}).await;
    for (name, profile, [email, verified, display_name, picture]) in profiles() {
        idp.is(profile);
        let entry = json!([{"email": "ann@example.org", "verified": true, "primary": true, "is_confirmed": true}]);
        idp.has_emails(if name == "bitbucket" { json!({ "values": entry }) } else { entry });
        let first = sign_in(&server, &idp, &format!("/signin/provider/{name}")).await;
        let first = session(&server, &first).await;
        let user = &first.body["user"];
        assert_eq!(user.get("email").cloned().unwrap_or_default(), email, "{name}");
        assert_eq!(user["emailVerified"], verified, "{name}");
        assert_eq!(user["displayName"], display_name, "{name}");
        assert_eq!(user["avatarUrl"], picture, "{name}");
        let again = sign_in(&server, &idp, &format!("/v1/signin/provider/{name}")).await;
        let again = session(&server, &again).await;
        assert_eq!(again.body["user"]["id"], user["id"], "{name}");
        let clear = "DELETE FROM auth.users";
        server.database.client().await.batch_execute(clear).await.unwrap();
        if name != "twitter" {
            let (form, how) = idp.seen();
            let basic = matches!(name, "bitbucket" | "spotify");
            assert_eq!(how == "basic", basic, "{name}");
            let pkce = matches!(name, "discord" | "entraid" | "github" | "gitlab" | "google" | "spotify");
            assert_eq!(form.contains_key("code_verifier"), pkce, "{name}");
        }
    }
}

#[tokio::test]
async fn apple_posts_a_form_and_names_a_user_once() {
    let (server, idp) = with(&["apple"], |options| {
        let apple = options.oauth.providers.get_mut("apple").unwrap();
        apple.client_secret = None;
        apple.team_id = Some("TEAM".to_owned());
        apple.key_id = Some("KEY".to_owned());
        apple.private_key = Some(project::Secret::new(include_str!("pem/ec.pem").to_owned()));
    })
    .await;
    idp.is(json!({"sub": "ap", "email": "ann@example.org", "email_verified": "true"}));
    let mut browser = Browser::default();
    let begun = server.get("/signin/provider/apple").await;
    assert!(begun.location().contains("response_mode=form_post"));
    let back = browser.go(&server, &idp, "/signin/provider/apple").await;
    let query = back.split_once('?').unwrap().1;
    let user = form_urlencoded::Serializer::new(String::new())
        .append_pair("user", r#"{"name":{"firstName":"Ann","lastName":"Lee"},"email":"evil@example.org"}"#)
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/signin/provider/apple/callback")
        .header("cookie", &browser.cookies)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = server.send(request.body(Body::from(format!("{query}&{user}"))).unwrap()).await;
    let user = session(&server, &answer).await.body["user"].clone();
    assert_eq!((&user["displayName"], &user["email"]), (&json!("Ann Lee"), &json!("ann@example.org")));
    assert_eq!(user["emailVerified"], true);
}

#[tokio::test]
async fn options_and_state_come_through() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let path = "/signin/provider/github?redirectTo=http://localhost:3000/in?a=b&state=mine&displayName=Annie\
                &metadata=%7B%22plan%22:%22x%22%7D&allowedRoles=user,me&defaultRole=me&locale=en";
    let answer = sign_in(&server, &idp, path).await;
    assert!(answer.location().starts_with("http://localhost:3000/in?a=b&"), "{}", answer.location());
    assert_eq!(answer.param("state").as_deref(), Some("mine"));
    let user = session(&server, &answer).await.body["user"].clone();
    assert_eq!(user["displayName"], "Annie");
    assert_eq!(user["metadata"], json!({"plan": "x"}));
    assert_eq!(user["defaultRole"], "me");
    for bad in ["allowedRoles=root&defaultRole=root", "metadata=[", "locale=english", "metadata=[1]"] {
        let refused = server.get(&format!("/signin/provider/github?{bad}")).await;
        assert_eq!(refused.status, StatusCode::FOUND, "{bad}");
        assert!(refused.location().starts_with("http://localhost:3000/?error="), "{bad}: {}", refused.location());
    }
}

#[tokio::test]
async fn a_sign_up_wants_nobody_to_be_there() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let path = "/signup/provider/github";
    session(&server, &sign_in(&server, &idp, path).await).await;
    assert_eq!(sign_in(&server, &idp, path).await.param("error").as_deref(), Some("user-already-exists"));
    let (server, idp) = with(&["github"], |options| options.accounts.disable_signup = true).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    assert_eq!(server.get(path).await.error(), "signup-disabled");
    let answer = sign_in(&server, &idp, "/signin/provider/github").await;
    assert_eq!(answer.param("error").as_deref(), Some("signup-disabled"));
}

#[tokio::test]
async fn who_may_not_sign_in() {
    let (server, idp) = with(&["gitlab"], |options| {
        options.accounts.require_verified_email = true;
        options.accounts.blocked_email_domains = vec!["blocked.org".to_owned()];
    })
    .await;
    let error = |answer: Answer| answer.param("error").unwrap_or_default();
    let path = "/signin/provider/gitlab";
    idp.is(json!({"id": 1, "email": "a@blocked.org", "confirmed_at": "x"}));
    assert_eq!(error(sign_in(&server, &idp, path).await), "invalid-email-password");
    // Not verified there: our own mail verifies it.
    idp.is(json!({"id": 2, "email": "ann@example.org"}));
    assert_eq!(error(sign_in(&server, &idp, path).await), "unverified-user");
    assert_eq!(error(sign_in(&server, &idp, path).await), "unverified-user");
    let ticket = server.mail.ticket_to("ann@example.org");
    let verified = server.get(&format!("/verify?ticket={ticket}&type=emailVerify")).await;
    assert!(verified.param("refreshToken").is_some(), "{verified:?}");
    let user = session(&server, &sign_in(&server, &idp, path).await).await;
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.users SET disabled = true").await.unwrap();
    assert_eq!(error(sign_in(&server, &idp, path).await), "disabled-user");
    assert_eq!(user.body["user"]["email"], "ann@example.org");
}

#[tokio::test]
async fn what_a_provider_refuses_is_told() {
    let (server, idp) = with(&["github", "google"], |options| {
        options.oauth.providers.get_mut("google").unwrap().client_secret =
            Some(project::Secret::new("wrong".to_owned()));
    })
    .await;
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    let state =
        reqwest::Url::parse(&back).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let denied = format!("{CALLBACK}github/callback?state={state}&error=access_denied&error_description=No%20thanks");
    let answer = browser.back(&server, &denied).await;
    assert_eq!(answer.param("error").as_deref(), Some("oauth-provider-error"));
    assert_eq!(answer.param("provider_error").as_deref(), Some("access_denied"));
    assert_eq!(answer.param("provider_error_description").as_deref(), Some("No thanks"));
    let answer = sign_in(&server, &idp, "/signin/provider/google").await;
    assert_eq!(answer.param("error").as_deref(), Some("oauth-token-echange-failed"));
    idp.is(json!({"login": "nobody"}));
    let answer = sign_in(&server, &idp, "/signin/provider/github").await;
    assert_eq!(answer.param("error").as_deref(), Some("oauth-profile-fetch-failed"));
    let off = server.get("/signin/provider/gitlab").await;
    assert_eq!(off.param("error").as_deref(), Some("disabled-endpoint"));
    assert_eq!(server.get("/signin/provider/nonsense").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_providers_tokens_are_fetched_once_and_kept_encrypted() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let token = session(&server, &sign_in(&server, &idp, "/signin/provider/github").await).await.access_token();
    let client = server.database.client().await;
    let kept: String = client.query_one("SELECT access_token FROM auth.user_providers", &[]).await.unwrap().get(0);
    assert!(kept.starts_with("nself1.") && !kept.contains("secret-access"));
    let path = "/signin/provider/github/callback/tokens";
    let tokens = server.get_as(path, &token).await.body;
    assert!(tokens["accessToken"].as_str().unwrap().starts_with("secret-access-"), "{tokens}");
    assert!((3500..=3600).contains(&tokens["expiresIn"].as_i64().unwrap()), "{tokens}");
    assert_eq!(server.get_as(path, &token).await.body["accessToken"], "");
    let refresh = json!({"refreshToken": tokens["refreshToken"]});
    let fresh = server.post_as("/token/provider/github", &token, refresh).await;
    assert!(fresh.body["accessToken"].as_str().unwrap().starts_with("secret-access-"), "{fresh:?}");
    let wrong = server.post_as("/token/provider/github", &token, json!({"refreshToken": "made up"})).await;
    assert_eq!(wrong.error(), "oauth-provider-error");
    let other = server.user("bob@example.org").await.access_token();
    assert_eq!(server.get_as(path, &other).await.body["accessToken"], "");
}

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let (server, idp) = with(&["github", "google", "bitbucket"], |options| {
        options.oauth.providers.get_mut("google").unwrap().client_secret =
            Some(project::Secret::new("wrong-secret".to_owned()));
    })
    .await;
    idp.is(json!({"id": 1, "login": "ann", "uuid": "b"}));
    session(&server, &sign_in(&server, &idp, "/signin/provider/github").await).await;
    sign_in(&server, &idp, "/signin/provider/google").await;
    sign_in(&server, &idp, "/signin/provider/bitbucket").await;
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    Browser::default().back(&server, &back).await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("does not exchange a code"), "the failures are logged: {text}");
    for secret in idp.secrets().into_iter().chain(["wrong-secret".to_owned(), browser.cookies.clone()]) {
        assert!(!text.contains(&secret), "{secret} is logged");
    }
}
