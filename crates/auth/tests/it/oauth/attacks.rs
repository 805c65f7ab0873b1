//! What somebody could try on the way to a provider and back.

use http::StatusCode;
use serde_json::json;

use super::{Browser, sign_in, with};
use crate::support::Answer;

fn error(answer: &Answer) -> String {
    assert!(answer.param("refreshToken").is_none() && answer.param("code").is_none(), "{}", answer.location());
    answer.param("error").unwrap_or_default()
}

#[tokio::test]
async fn a_state_works_once() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    let first = browser.back(&server, &back).await;
    assert!(first.param("refreshToken").is_some());
    assert_eq!(error(&browser.back(&server, &back).await), "invalid-state");
    for made_up in ["", "?code=x", "?code=x&state=", "?code=x&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let url = format!("http://localhost:4000/signin/provider/github/callback{made_up}");
        let answer = browser.back(&server, &url).await;
        assert_eq!(error(&answer), "invalid-state", "{made_up}");
        assert!(answer.location().starts_with("http://localhost:3000"));
    }
}

#[tokio::test]
async fn a_state_expires() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    let client = server.database.client().await;
    let earlier = "UPDATE auth.provider_requests SET options = jsonb_set(options, '{expiresAt}', '1')";
    assert_eq!(client.execute(earlier, &[]).await.unwrap(), 1);
    assert_eq!(error(&browser.back(&server, &back).await), "invalid-state");
}

/// Somebody lures a victim to a callback with their own code, so that the victim works in their account.
#[tokio::test]
async fn another_browser_cannot_finish() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "mallory"}));
    let mut mallory = Browser::default();
    let back = mallory.go(&server, &idp, "/signin/provider/github").await;
    let mut victim = Browser::default();
    victim.go(&server, &idp, "/signin/provider/github").await;
    assert_eq!(error(&victim.back(&server, &back).await), "invalid-state");
    assert_eq!(error(&mallory.back(&server, &back).await), "invalid-state", "it is used up");
}

#[tokio::test]
async fn without_the_cookie_when_the_settings_say_so() {
    let (server, idp) = with(&["github"], |options| options.oauth.browser_cookie = false).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let back = Browser::default().go(&server, &idp, "/signin/provider/github").await;
    assert!(Browser::default().back(&server, &back).await.param("refreshToken").is_some());
}

/// A provider that is not honest sends a browser to the callback of another one.
#[tokio::test]
async fn providers_are_not_mixed_up() {
    let (server, idp) = with(&["github", "gitlab", "google"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    let elsewhere = back.replace("/github/", "/gitlab/");
    assert_eq!(error(&browser.back(&server, &elsewhere).await), "invalid-state");
    let back = browser.go(&server, &idp, "/signin/provider/google").await;
    let other_issuer = back.replace(&format!("iss={}", idp.url), "iss=https://evil.example.org");
    assert_eq!(error(&browser.back(&server, &other_issuer).await), "invalid-state");
}

/// A code that was stolen from another sign-in.
#[tokio::test]
async fn a_code_of_another_sign_in_is_nothing() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    let (mut victim, mut mallory) = (Browser::default(), Browser::default());
    let stolen = victim.go(&server, &idp, "/signin/provider/github").await;
    let own = mallory.go(&server, &idp, "/signin/provider/github").await;
    let param = |url: &str, name: &str| {
        let url = reqwest::Url::parse(url).unwrap();
        url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned()
    };
    let injected = own.replace(&param(&own, "code"), &param(&stolen, "code"));
    assert_eq!(error(&mallory.back(&server, &injected).await), "oauth-token-echange-failed");
}

#[tokio::test]
async fn nobody_is_sent_where_the_settings_do_not_allow() {
    let (server, idp) = with(&["github"], |_| {}).await;
    for url in
        ["https://evil.example.org", "//evil.example.org", "http://localhost:3000@evil.example.org", "javascript:1"]
    {
        let answer = server.get(&format!("/signin/provider/github?redirectTo={url}")).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, "redirectTo-not-allowed"), "{url}");
        assert!(!answer.headers.contains_key("location"));
    }
    // One that was allowed when the sign-in began, and is not any more.
    idp.is(json!({"id": 1, "login": "ann"}));
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    let client = server.database.client().await;
    let changed =
        "UPDATE auth.provider_requests SET options = jsonb_set(options, '{redirectTo}', '\"https://evil.org\"')";
    client.execute(changed, &[]).await.unwrap();
    let answer = browser.back(&server, &back).await;
    assert!(answer.location().starts_with("http://localhost:3000"), "{}", answer.location());
    assert_eq!(error(&answer), "redirectTo-not-allowed");
}

#[tokio::test]
async fn the_state_in_the_database_is_no_state() {
    let (server, idp) = with(&["github"], |_| {}).await;
    let mut browser = Browser::default();
    let back = browser.go(&server, &idp, "/signin/provider/github").await;
    let state =
        reqwest::Url::parse(&back).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let client = server.database.client().await;
    let row = client.query_one("SELECT id::text || options::text FROM auth.provider_requests", &[]).await.unwrap();
    let kept: String = row.get(0);
    let cookie = browser.cookies.rsplit('=').next().unwrap().to_owned();
    assert!(!kept.contains(&state) && !kept.contains(&cookie));
}

#[tokio::test]
async fn a_code_instead_of_a_refresh_token() {
    let (server, idp) = with(&["github"], |_| {}).await;
    idp.is(json!({"id": 1, "login": "ann"}));
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let path = format!("/signin/provider/github?codeChallenge={challenge}");
    let code = |answer: Answer| {
        assert!(answer.param("refreshToken").is_none());
        answer.param("code").unwrap()
    };
    let exchange = |code: &str, verifier: &str| {
        let body = json!({"code": code, "codeVerifier": verifier});
        server.post("/token/exchange", body)
    };
    let good = code(sign_in(&server, &idp, &path).await);
    let answer = exchange(&good, verifier).await;
    assert_eq!(answer.body["session"]["user"]["displayName"], "ann");
    assert_eq!(exchange(&good, verifier).await.error(), "invalid-request", "once");
    let stolen = code(sign_in(&server, &idp, &path).await);
    assert_eq!(exchange(&stolen, challenge).await.error(), "invalid-request");
    assert_eq!(exchange(&stolen, verifier).await.error(), "invalid-request", "a wrong guess uses it up");
    let late = code(sign_in(&server, &idp, &path).await);
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.pkce_authorization_codes SET expires_at = now()").await.unwrap();
    assert_eq!(exchange(&late, verifier).await.error(), "invalid-request");
    assert_eq!(server.get("/signin/provider/github?codeChallenge=short").await.error(), "invalid-request");
    let disabled = code(sign_in(&server, &idp, &path).await);
    client.batch_execute("UPDATE auth.users SET disabled = true").await.unwrap();
    assert_eq!(exchange(&disabled, verifier).await.error(), "disabled-user");
}
