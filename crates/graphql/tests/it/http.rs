use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Shop, shop, shop_with};

async fn send(shop: &Shop, headers: &[(&str, &str)], body: impl Into<Body>) -> (u16, Value) {
    let mut request = http::Request::post("/v1/graphql").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = shop.handle.router().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn error(code: &str, message: &str) -> Value {
    json!({"errors": [{"message": message, "extensions": {"path": "$", "code": code}}]})
}

const QUERY: &str = r#"{"query": "{ users_by_pk(id: 1) { name } }"}"#;

#[tokio::test]
async fn requests_and_their_mistakes() {
    let shop = shop().await;
    let ada = json!({"data": {"users_by_pk": {"name": "Ada"}}});
    assert_eq!(send(&shop, &[], QUERY).await, (200, ada.clone()));
    let full = r#"{"operationName": "b", "variables": {"id": 1}, "extensions": {},
        "query": "query a { users { id } } query b($id: Int!) { users_by_pk(id: $id) { name } }"}"#;
    assert_eq!(send(&shop, &[], full).await, (200, ada.clone()));
    assert_eq!(send(&shop, &[], format!("[{QUERY}, {{}}]")).await.1[0], ada);
    assert_eq!(send(&shop, &[], "{}").await, (200, error("parse-failed", "the key 'query' was not present")));
    let (status, body) = send(&shop, &[], "{").await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (200, &json!("invalid-json")));
    let (status, body) = send(&shop, &[], "").await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (200, &json!("invalid-json")));
    let (status, body) = send(&shop, &[], r#"{"query": 5}"#).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (200, &json!("parse-failed")));
    for hostile in
        ["[".repeat(100_000), format!(r#"{{"query": "{{ a }}", "variables": {{"a": {}"#, "[".repeat(100_000))]
    {
        let (status, body) = send(&shop, &[], hostile).await;
        assert!(status == 200 && body["errors"].is_array(), "{status} {body}");
    }
    let missing = r#"{"operationName": "x", "query": "query a { users { id } }"}"#;
    let expected = error("validation-failed", "no such operation found in the document: \"x\"");
    assert_eq!(send(&shop, &[], missing).await, (200, expected));
    let (status, _) = send(&shop, &[], "x".repeat(9 << 20)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn the_admin_secret_is_asked_for() {
    let shop = shop_with(|options| options.admin_secret = Some(project::Secret::new("hush".to_owned()))).await;
    let ada = json!({"data": {"users_by_pk": {"name": "Ada"}}});
    let required = error("access-denied", "x-hasura-admin-secret/x-hasura-access-key required, but not found");
    let invalid = error("access-denied", "invalid \"x-hasura-admin-secret\"/\"x-hasura-access-key\"");
    assert_eq!(send(&shop, &[], QUERY).await, (200, required));
    for wrong in ["", "hus", "hush!", "HUSH"] {
        assert_eq!(send(&shop, &[("x-hasura-admin-secret", wrong)], QUERY).await, (200, invalid.clone()), "{wrong}");
    }
    assert_eq!(send(&shop, &[("x-hasura-admin-secret", "hush")], QUERY).await, (200, ada.clone()));
    assert_eq!(send(&shop, &[("x-hasura-access-key", "hush")], QUERY).await, (200, ada.clone()));
    let admin = [("x-hasura-admin-secret", "hush"), ("x-hasura-role", "admin")];
    assert_eq!(send(&shop, &admin, QUERY).await, (200, ada));
}

#[tokio::test]
async fn other_roles_see_nothing() {
    let shop = shop_with(|options| {
        options.admin_secret = Some(project::Secret::new("hush".to_owned()));
        options.unauthorized_role = Some("anonymous".to_owned());
    })
    .await;
    // What admin asked before must not answer anybody else.
    assert!(send(&shop, &[("x-hasura-admin-secret", "hush")], QUERY).await.1["data"].is_object());
    let hidden = json!({"errors": [{
        "message": "field 'users_by_pk' not found in type: 'query_root'",
        "extensions": {"path": "$.selectionSet.users_by_pk", "code": "validation-failed"},
    }]});
    let as_user = [("x-hasura-admin-secret", "hush"), ("x-hasura-role", "user")];
    let claimed = [("x-hasura-role", "admin")];
    for headers in [&[][..], &as_user, &claimed] {
        assert_eq!(send(&shop, headers, QUERY).await, (200, hidden.clone()), "{headers:?}");
    }
    let introspection =
        r#"{"query": "{ __schema { queryType { fields { name } } } __type(name: \"users\") { name } }"}"#;
    let (_, body) = send(&shop, &[], introspection).await;
    assert_eq!(
        body["data"],
        json!({"__schema": {"queryType": {"fields": [{"name": "no_queries_available"}]}}, "__type": null})
    );
}

#[tokio::test]
async fn neighbours() {
    let shop = shop_with(|options| options.admin_secret = Some(project::Secret::new("hush".to_owned()))).await;
    for (path, expected) in [("/healthz", "OK"), ("/v1/version", r#"{"server_type":"ce","version":"v2."#)] {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = shop.handle.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(expected.as_bytes()), "{path}: {body:?}");
    }
}
