//! All routes: where they answer, and to whom.

use std::collections::BTreeSet;

use auth::Policy;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::support;

#[tokio::test]
async fn none_that_wants_a_bearer_answers_without() {
    let server = support::start().await;
    let routes = server.handle.routes();
    let distinct: BTreeSet<_> = routes.iter().map(|route| (route.method.as_str(), route.path)).collect();
    assert_eq!(distinct.len(), routes.len(), "a route is declared twice");
    let guarded = |policy| matches!(policy, Policy::Bearer | Policy::Elevated);
    for route in routes.iter().filter(|route| guarded(route.policy)) {
        let path = route.path.replace("{id}", "5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10").replace("{provider}", "github");
        for prefix in ["", "/v1"] {
            for token in [None, Some("a.b.c")] {
                let path = format!("{prefix}{path}");
                let answer = server.call(route.method.clone(), &path, token, Some(json!({}))).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{} {path}", route.method);
                assert!(answer.error().contains("SecurityRequirementsError"), "{path}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_reference_lists_them_all() {
    use std::fmt::Write;

    let server = support::start().await;
    let mut page = "# Routes of auth\n\nBelow `/v1/auth` and `/v1/auth/v1` of the gateway, and at `auth.<domain>` with `/v1` and \
                    without. Made from the code.\n\n| Method | Path | Who | Counted by address |\n| --- | --- | --- | --- |\n"
        .to_owned();
    let mut routes = server.handle.routes();
    routes.sort_by_key(|route| (route.path, route.method.to_string()));
    for route in routes {
        let (who, counted) = (route.policy.as_str(), route.zone.map_or("", auth::limits::Zone::as_str));
        writeln!(page, "| {} | `{}` | {who} | {counted} |", route.method, route.path).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/auth-routes.md");
    if std::env::var_os("NSELF_UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "run this test with NSELF_UPDATE_DOCS=1");
}

#[tokio::test]
async fn basics() {
    let server = support::start().await;
    for prefix in ["", "/v1"] {
        assert_eq!(server.get(&format!("{prefix}/healthz")).await.body, json!("OK"));
        assert!(server.get(&format!("{prefix}/version")).await.body["version"].is_string());
        let keys = server.get(&format!("{prefix}/.well-known/jwks.json")).await;
        assert_eq!(keys.body, json!({"keys": []}), "a secret is never shown");
    }
    let head = server.call(Method::HEAD, "/healthz", None, None).await;
    assert_eq!((head.status, head.body), (StatusCode::OK, Value::Null));
    let unknown = server.get("/nothing").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body["error"].is_string() && unknown.body.get("status").is_none(), "{unknown:?}");
    assert_eq!(server.get("/token").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(server.get("/healthz").await.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn browsers_of_other_origins() {
    let server = support::start().await;
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/v1/token")
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,authorization");
    let answer = server.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    for (name, value) in [
        ("access-control-allow-origin", "http://localhost:3000"),
        ("access-control-allow-headers", "content-type,authorization"),
        ("access-control-max-age", "86400"),
    ] {
        assert_eq!(answer.headers[name], value);
    }
    let real = Request::builder().uri("/healthz").header("origin", "http://localhost:3000");
    let answer = server.send(real.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "http://localhost:3000");
}

#[tokio::test]
async fn bodies() {
    let server = support::start().await;
    let send = |kind: &'static str, body: &'static str| {
        let request = Request::builder().method(Method::POST).uri("/token").header("content-type", kind);
        server.send(request.body(Body::from(body)).unwrap())
    };
    for (kind, body) in [
        ("application/json", ""),
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", r#"{"refreshToken":"x"}"#),
        ("application/json", r#"{"refreshToken":"5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10","more":1}"#),
        ("application/x-www-form-urlencoded", r#"{"refreshToken":"5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10"}"#),
    ] {
        let answer = send(kind, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind} {body}");
        assert!(answer.error().starts_with("error in openapi3filter.RequestError: "), "{answer:?}");
    }
}
