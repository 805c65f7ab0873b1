//! The endpoints beside GraphQL's own, over HTTP.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Shop, shop_with};

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
}

const ADMIN: (&str, &str) = ("x-hasura-admin-secret", "hush");

async fn secured(change: impl FnOnce(&mut graphql::Options)) -> Shop {
    shop_with(|options| {
        options.admin_secret = Some(project::Secret::new("hush".to_owned()));
        change(options);
    })
    .await
}

async fn send(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = shop.handle.router().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: head.status.as_u16(), headers: head.headers, text }
}

async fn get(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(shop, "GET", path, headers, "").await
}

async fn command(shop: &Shop, kind: &str, args: Value) {
    let body = json!({"type": kind, "args": args}).to_string();
    let answer = send(shop, "POST", "/v1/metadata", &[ADMIN], &body).await;
    assert_eq!(answer.status, 200, "{kind}: {}", answer.text);
}

/// Everybody of role `user` may read names.
async fn readers(shop: &Shop) {
    command(shop, "pg_track_table", json!({"source": "default", "table": "users"})).await;
    let permission = json!({"columns": ["id", "name"], "filter": {}});
    let args = json!({"source": "default", "table": "users", "role": "user", "permission": permission});
    command(shop, "pg_create_select_permission", args).await;
}

#[tokio::test]
async fn a_query_string_asks_but_never_changes() {
    let shop = secured(|_| {}).await;
    let path = |query: &str| {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("/v1/graphql?query={encoded}")
    };
    let query = "query a($id: Int!) { users_by_pk(id: $id) { name } } query b { users { id } }";
    let all = format!("{}&operationName=a&variables=%7B%22id%22%3A1%7D", path(query));
    let ada = json!({"data": {"users_by_pk": {"name": "Ada"}}});
    assert_eq!(get(&shop, &all, &[ADMIN]).await.json(), ada);
    let code = |answer: &Answer| answer.json()["errors"][0]["extensions"]["code"].clone();
    assert_eq!(code(&get(&shop, &all, &[]).await), "access-denied");
    let mutation = get(&shop, &path("mutation { delete_users(where: {}) { affected_rows } }"), &[ADMIN]).await;
    assert_eq!((mutation.status, code(&mutation)), (405, json!("method-not-allowed")));
    for wrong in ["/v1/graphql", "/v1/graphql?variables={}", &format!("{}&variables=%7B", path("{ a }"))] {
        let answer = get(&shop, wrong, &[ADMIN]).await;
        assert!(answer.status == 200 && answer.json()["errors"].is_array(), "{wrong}: {}", answer.text);
    }
}

#[tokio::test]
async fn persisted_queries_are_sent_once() {
    use sha2::{Digest, Sha256};
    let shop = secured(|_| {}).await;
    let query = "{ users_by_pk(id: 1) { name } }";
    let hash: String = Sha256::digest(query).iter().map(|byte| format!("{byte:02x}")).collect();
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let post = async |body: Value| send(&shop, "POST", "/v1/graphql", &[ADMIN], &body.to_string()).await.json();
    let unknown = post(json!({"extensions": extensions})).await;
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(unknown["errors"][0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    let ada = json!({"data": {"users_by_pk": {"name": "Ada"}}});
    assert_eq!(post(json!({"query": query, "extensions": extensions})).await, ada);
    assert_eq!(post(json!({"extensions": extensions})).await, ada);
    let link = format!("/v1/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22sha256Hash%22%3A%22{hash}%22%7D%7D");
    assert_eq!(get(&shop, &link, &[ADMIN]).await.json(), ada);
    // Knowing a query's hash is no right to ask it.
    assert!(get(&shop, &link, &[]).await.json()["errors"].is_array());
}

#[tokio::test]
async fn requests_have_ids() {
    let shop = secured(|_| {}).await;
    let given = get(&shop, "/v1/version", &[("x-request-id", "abc-1")]).await;
    assert_eq!(given.headers["x-request-id"], "abc-1");
    let (one, two) = (get(&shop, "/nowhere", &[]).await, get(&shop, "/nowhere", &[("x-request-id", "a b")]).await);
    assert_eq!(one.headers["x-request-id"].len(), 36);
    assert_ne!(one.headers["x-request-id"], two.headers["x-request-id"]);
    assert_eq!(two.json(), json!({"path": "$", "error": "resource does not exist", "code": "not-found"}));
    assert_eq!(two.status, 404);
}

#[tokio::test]
async fn what_only_the_administrator_may_see() {
    let shop = secured(|options| {
        options.unauthorized_role = Some("anonymous".to_owned());
        options.metrics_secret = Some(project::Secret::new("count".to_owned()));
    })
    .await;
    for path in ["/v1/config", "/v1alpha1/config", "/api/swagger/json", "/v1/metrics"] {
        for headers in [&[][..], &[("x-hasura-role", "admin")], &[("authorization", "Bearer x")]] {
            let answer = get(&shop, path, headers).await;
            let expected = json!({"path": "$", "error": "You have to be an admin to access this endpoint", "code": "access-denied"});
            assert_eq!((answer.status, answer.json()), (400, expected), "{path}");
        }
        let wrong = get(&shop, path, &[("x-hasura-admin-secret", "x")]).await;
        assert_eq!((wrong.status, wrong.json()["code"].clone()), (401, json!("access-denied")));
        assert_eq!(get(&shop, path, &[ADMIN]).await.status, 200, "{path}");
    }
    let config = get(&shop, "/v1alpha1/config", &[ADMIN]).await.json();
    assert_eq!(
        (&config["is_admin_secret_set"], &config["is_jwt_set"], &config["jwt"]),
        (&json!(true), &json!(false), &json!([]))
    );
    send(&shop, "POST", "/v1/graphql", &[ADMIN], r#"{"query": "{ users { id } }"}"#).await;
    let metrics = get(&shop, "/v1/metrics", &[("authorization", "Bearer count")]).await;
    let counted = r#"hasura_graphql_requests_total{operation_type="query",response_status="success"} 1"#;
    assert!(metrics.text.contains(counted) && metrics.text.contains("nself_graphql_sql_time_seconds_count 1"));
    let explain = r#"{"query": {"query": "{ users(where: {id: {_eq: 1}}) { id } }"}}"#;
    assert_eq!(send(&shop, "POST", "/v1/graphql/explain", &[], explain).await.status, 400);
    let explained = send(&shop, "POST", "/v1/graphql/explain", &[ADMIN], explain).await.json();
    assert_eq!(explained[0]["field"], "users");
    assert!(explained[0]["sql"].as_str().unwrap().contains("SELECT"), "{explained}");
    assert!(explained[0]["plan"][0].as_str().unwrap().contains("cost="), "{explained}");
    let query = "subscription ($id: Int!) { users(where: {id: {_eq: $id}, name: {_neq: \"x\"}}) { id } }";
    let explain = json!({"query": {"query": query, "variables": {"id": 1}}}).to_string();
    let explained = send(&shop, "POST", "/v1/graphql/explain", &[ADMIN], &explain).await.json();
    assert_eq!(explained["variables"], json!({"synthetic": ["x"], "query": {"id": "1"}, "session": {}}));
}

#[tokio::test]
async fn groups_of_endpoints_can_be_switched_off() {
    let shop = secured(|options| options.apis = graphql::Apis::of_names(["metadata"]).unwrap()).await;
    let body = r#"{"query": "{ users { id } }"}"#;
    assert_eq!(send(&shop, "POST", "/v1/graphql", &[ADMIN], body).await.status, 404);
    assert_eq!(get(&shop, "/v1/config", &[ADMIN]).await.status, 404);
    assert_eq!(get(&shop, "/healthz", &[]).await.text, "OK");
    readers(&shop).await;
}

async fn endpoints(shop: &Shop) {
    readers(shop).await;
    let queries = json!([
        {"name": "user", "query": "query ($id: Int!) { users_by_pk(id: $id) { name } }"},
        {"name": "named", "query": "query ($name: String = \"Ada\") { users(where: {name: {_eq: $name}}) { name } }"},
    ]);
    command(shop, "create_query_collection", json!({"name": "c", "definition": {"queries": queries}})).await;
    for (name, url, methods) in [("user", "users/:id", json!(["GET", "POST"])), ("named", "named", json!(["POST"]))] {
        let definition = json!({"query": {"collection_name": "c", "query_name": name}});
        let args = json!({"name": name, "url": url, "methods": methods, "definition": definition});
        command(shop, "create_rest_endpoint", args).await;
    }
}

#[tokio::test]
async fn rest_endpoints_answer_with_the_data() {
    let shop = secured(|options| options.unauthorized_role = Some("user".to_owned())).await;
    endpoints(&shop).await;
    let user = get(&shop, "/api/rest/users/1", &[]).await;
    assert_eq!((user.status, user.json()), (200, json!({"users_by_pk": {"name": "Ada"}})));
    let named = async |body: &str| send(&shop, "POST", "/api/rest/named", &[], body).await.json();
    assert_eq!(named("").await, json!({"users": [{"name": "Ada"}]}));
    assert_eq!(named(r#"{"name": "Nobody"}"#).await, json!({"users": []}));
    for (method, path, status, code) in [
        ("GET", "/api/rest/nothing", 404, "not-found"),
        ("DELETE", "/api/rest/users/1", 405, "method-not-allowed"),
        ("GET", "/api/rest/users/x", 400, "data-exception"),
        ("GET", "/api/rest/users/1?x=1", 400, "bad-request"),
    ] {
        let answer = send(&shop, method, path, &[], "").await;
        let found = answer.json();
        assert_eq!((answer.status, found["code"].as_str()), (status, Some(code)), "{method} {path}: {found}");
        assert!(found["error"].is_string() && found["path"].is_string());
    }
    // What the role may not see stays unseen.
    let other = get(&shop, "/api/rest/users/1", &[ADMIN, ("x-hasura-role", "stranger")]).await;
    assert_eq!((other.status, other.json()["code"].clone()), (400, json!("validation-failed")));
    let document = get(&shop, "/api/swagger/json", &[ADMIN]).await.json();
    let parameter = &document["paths"]["/api/rest/users/{id}"]["get"]["parameters"][1];
    assert_eq!(
        *parameter,
        json!({
            "description": "_\"id\" is required as part of the path_", "in": "path", "name": "id", "required": true,
            "schema": {"type": "integer"},
        })
    );
}

#[tokio::test]
async fn the_allow_list_holds_for_everybody_but_admin() {
    let shop = secured(|options| {
        options.allowlist = true;
        options.unauthorized_role = Some("user".to_owned());
    })
    .await;
    endpoints(&shop).await;
    let ask = async |headers: &[(&str, &str)]| {
        let body =
            json!({"query": "query ($id: Int!) { users_by_pk(id: $id) { __typename name } }", "variables": {"id": 1}});
        send(&shop, "POST", "/v1/graphql", headers, &body.to_string()).await.json()
    };
    let refused = json!({"errors": [{"message": "query is not allowed", "extensions": {"path": "$", "code": "validation-failed"}}]});
    assert_eq!(ask(&[]).await, refused);
    assert!(ask(&[ADMIN]).await["data"].is_object());
    assert_eq!(get(&shop, "/api/rest/users/1", &[]).await.status, 400);
    command(&shop, "add_collection_to_allowlist", json!({"collection": "c"})).await;
    assert!(ask(&[]).await["data"].is_object());
    assert_eq!(get(&shop, "/api/rest/users/1", &[]).await.status, 200);
}

#[tokio::test]
async fn limits_hold_for_everybody_but_admin() {
    let shop = secured(|options| options.unauthorized_role = Some("user".to_owned())).await;
    readers(&shop).await;
    let ask = async |headers: &[(&str, &str)], body: &str| {
        let answer = send(&shop, "POST", "/v1/graphql", headers, body).await.json();
        answer["errors"][0]["extensions"]["code"].clone()
    };
    let query = r#"{"query": "{ users { id } }"}"#;
    command(&shop, "set_api_limits", json!({"disabled": false, "depth_limit": {"global": 1, "per_role": {}}})).await;
    assert_eq!(ask(&[], query).await, Value::Null);
    let deep = r#"{"query": "{ users { orders { id } } }"}"#;
    assert_eq!(ask(&[], deep).await, "depth-limit-exceeded");
    assert_ne!(ask(&[ADMIN], deep).await, "depth-limit-exceeded");
    command(&shop, "set_api_limits", json!({"batch_limit": {"global": 9, "per_role": {"user": 1}}})).await;
    assert_eq!(ask(&[], &format!("[{query}, {query}]")).await, "batch-limit-exceeded");
    let rate = json!({"global": {"max_reqs_per_min": 1, "unique_params": null}, "per_role": {}});
    command(&shop, "set_api_limits", json!({"rate_limit": rate})).await;
    assert_eq!(ask(&[], query).await, Value::Null);
    assert_eq!(ask(&[], query).await, "rate-limit-exceeded");
    assert_eq!(ask(&[ADMIN], query).await, Value::Null);
    command(&shop, "remove_api_limits", json!({})).await;
    assert_eq!(ask(&[], query).await, Value::Null);
}
