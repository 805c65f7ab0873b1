//! The authentication hook.

use std::time::Duration;

use graphql::access::{Authenticated, Authenticator, Hook, Rules, hook::Mode};
use graphql::{Failure, outbound};
use http::HeaderMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::fake::Fake;

fn authenticator(hook: Hook) -> Authenticator {
    let rules = Rules {
        admin_secrets: vec![project::Secret::new("hush".to_owned())],
        hook: Some(hook),
        // Does not count beside a hook.
        unauthorized_role: Some("anonymous".to_owned()),
        ..Rules::default()
    };
    Authenticator::new(rules, outbound::Client::new().unwrap())
}

fn headers() -> HeaderMap {
    let pairs = [
        ("authorization", "Bearer x"),
        ("cookie", "a=b"),
        ("host", "api.example"),
        ("user-agent", "test"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("connection", "keep-alive"),
        ("x-custom", "1"),
        ("x-custom", "2"),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value.parse().unwrap());
    }
    headers
}

async fn ask(hook: Hook, request: Option<&str>) -> Result<Authenticated, Failure> {
    let request = request.map(|text| RawValue::from_string(text.to_owned()).unwrap());
    authenticator(hook).session(&headers(), request.as_deref()).await
}

fn user() -> String {
    json!({"X-Hasura-Role": "user", "X-Hasura-User-Id": "7", "other": "x", "X-Hasura-Admin-Secret": "hush"}).to_string()
}

#[tokio::test]
async fn get_forwards_headers() {
    let server = Fake::start(|_| (200, vec![("set-cookie", "a=1"), ("set-cookie", "b=2")], user())).await;
    let found = ask(Hook::new(server.url("/")), Some("{}")).await.unwrap();
    assert_eq!(found.session.to_json(), json!({"x-hasura-role": "user", "x-hasura-user-id": "7"}));
    assert!(!found.session.is_admin_secret && found.session.expires.is_none());
    assert_eq!(found.cookies, ["a=1", "b=2"]);
    let [asked] = server.requests().try_into().unwrap();
    assert_eq!((asked.method, asked.body.len()), (http::Method::GET, 0));
    assert_eq!(asked.headers["authorization"], "Bearer x");
    assert_eq!(asked.headers["cookie"], "a=b");
    assert_eq!(asked.headers.get_all("x-custom").iter().count(), 2);
    assert_ne!(asked.headers["host"], "api.example");
    assert!(asked.headers.get("content-length").is_none());
    assert_ne!(asked.headers.get("user-agent").map(|value| value.as_bytes()), Some(&b"test"[..]));
}

#[tokio::test]
async fn post_tells_headers_and_the_request() {
    let server = Fake::start(|_| (200, vec![], user())).await;
    let request = r#"{"query":"{ a }","variables":{"b":1}}"#;
    let post = |request| Hook { mode: Mode::Post { request }, ..Hook::new(server.url("/")) };
    ask(post(true), Some(request)).await.unwrap();
    ask(post(true), None).await.unwrap();
    ask(post(false), Some(request)).await.unwrap();
    let bodies: Vec<Value> =
        server.requests().iter().map(|asked| serde_json::from_slice(&asked.body).unwrap()).collect();
    assert_eq!(bodies[0]["headers"]["authorization"], "Bearer x");
    assert_eq!(bodies[0]["headers"]["host"], "api.example");
    assert_eq!(bodies[0]["headers"]["x-custom"], "1, 2");
    assert_eq!(bodies[0]["request"], serde_json::from_str::<Value>(request).unwrap());
    assert!(bodies[1].get("request").is_none() && bodies[2].get("request").is_none());
    assert_eq!(server.requests()[0].headers["content-type"], "application/json");
}

#[tokio::test]
async fn answers_that_let_nobody_in() {
    for (status, body, code, message) in [
        (401, "{}", "access-denied", "Authentication hook unauthorized this request"),
        (403, "{}", "unexpected", "Invalid response from authorization hook"),
        (500, r#"{"x-hasura-role": "admin"}"#, "unexpected", "Invalid response from authorization hook"),
        (201, r#"{"x-hasura-role": "admin"}"#, "unexpected", "Invalid response from authorization hook"),
        (200, "{}", "invalid-params", "x-hasura-role not found in session variables"),
        (200, r#"{"x-hasura-role": ""}"#, "invalid-params", "x-hasura-role not found in session variables"),
        (200, "[]", "unexpected", "Invalid response from authorization hook: Error in $: not an object"),
        (
            200,
            r#"{"x-hasura-role": 1}"#,
            "unexpected",
            "Invalid response from authorization hook: Error in $['x-hasura-role']: expected String",
        ),
    ] {
        let server = Fake::start(move |_| (status, vec![], body.to_owned())).await;
        let failure = ask(Hook::new(server.url("/")), None).await.unwrap_err();
        assert_eq!((failure.code.as_str(), &*failure.message), (code, message), "{status} {body}");
    }
    let server = Fake::start(|_| {
        std::thread::sleep(Duration::from_millis(500));
        (200, vec![], user())
    })
    .await;
    for hook in [
        Hook { timeout: Duration::from_millis(50), ..Hook::new(server.url("/")) },
        Hook::new("http://127.0.0.1:1/"),
        Hook::new("no url"),
    ] {
        let failure = ask(hook, None).await.unwrap_err();
        assert_eq!(failure.message, "webhook authentication request failed");
    }
}

#[tokio::test]
async fn an_answer_says_how_long_it_holds() {
    for (key, value) in [("Cache-Control", "max-age=60"), ("Expires", "Wed, 21 Oct 2099 07:28:00 GMT")] {
        let body = json!({"X-Hasura-Role": "user", key: value}).to_string();
        let server = Fake::start(move |_| (200, vec![], body.clone())).await;
        let session = ask(Hook::new(server.url("/")), None).await.unwrap().session;
        assert!(session.expires.unwrap() > jiff::Timestamp::now(), "{key}");
        assert!(session.variables.is_empty());
    }
}

#[tokio::test]
async fn the_admin_secret_needs_no_hook() {
    let mut headers = headers();
    headers.insert("x-hasura-admin-secret", "hush".parse().unwrap());
    let found = authenticator(Hook::new("http://127.0.0.1:1/")).session(&headers, None).await.unwrap();
    assert!(found.session.is_admin());
    assert!(!format!("{:?}", authenticator(Hook::new("http://user:pass@h/"))).contains("pass"));
}
