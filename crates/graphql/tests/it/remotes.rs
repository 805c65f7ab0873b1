//! Services that misbehave: slow, broken, moved, changed or away; and what errors tell of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use graphql::{Options, Service};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::foreign::{apply, metadata};
use crate::support::{Shop, database_with};

const TABLE: &str = "CREATE TABLE people (id int PRIMARY KEY)";

/// What the service does.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mood {
    Well,
    Away,
    Slow,
    Html,
    Fault,
    Nothing,
    Partial,
    Other,
    Changed,
}

const MOODS: [Mood; 9] = [
    Mood::Well,
    Mood::Away,
    Mood::Slow,
    Mood::Html,
    Mood::Fault,
    Mood::Nothing,
    Mood::Partial,
    Mood::Other,
    Mood::Changed,
];

struct Moody {
    url: String,
    mood: Arc<AtomicU8>,
    headers: Arc<std::sync::Mutex<http::HeaderMap>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Moody {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Moody {
    fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }
}

/// The introspection of `type Query { <field>: String }` with more types as they are given.
fn schema(field: &str, more: &[Value]) -> Value {
    let string = json!({"kind": "SCALAR", "name": "String", "ofType": null});
    let field = json!({"name": field, "description": null, "args": [], "type": string});
    let mut types = vec![
        json!({"kind": "OBJECT", "name": "Query", "fields": [field], "interfaces": []}),
        json!({"kind": "SCALAR", "name": "String"}),
    ];
    types.extend(more.iter().cloned());
    json!({"data": {"__schema": {"queryType": {"name": "Query"}, "mutationType": null, "subscriptionType": null, "types": types}}})
}

async fn moody() -> Moody {
    moody_with(vec![]).await
}

async fn moody_with(more: Vec<Value>) -> Moody {
    let mood = Arc::new(AtomicU8::new(0));
    let headers: Arc<std::sync::Mutex<http::HeaderMap>> = Arc::default();
    let (now, seen) = (mood.clone(), headers.clone());
    let handler = move |request: http::Request<Body>| {
        let mood = MOODS[usize::from(now.load(Ordering::SeqCst))];
        let (seen, more) = (seen.clone(), more.clone());
        async move {
            let (head, body) = request.into_parts();
            seen.lock().unwrap().clone_from(&head.headers);
            let body = body.collect().await.unwrap().to_bytes();
            let asked = String::from_utf8_lossy(&body).into_owned();
            if mood == Mood::Away {
                return (http::StatusCode::BAD_GATEWAY, "<h1>away</h1>").into_response();
            }
            if asked.contains("__schema") {
                let field = if mood == Mood::Changed { "greeting" } else { "hello" };
                return axum::Json(schema(field, &more)).into_response();
            }
            answer(mood).await
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook-s3cret", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(handler);
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Moody { url, mood, headers, task }
}

async fn answer(mood: Mood) -> Response {
    match mood {
        Mood::Slow => std::future::pending().await,
        Mood::Html => "<h1>hello</h1>".into_response(),
        Mood::Fault => (http::StatusCode::INTERNAL_SERVER_ERROR, "out of memory").into_response(),
        Mood::Nothing => axum::Json(json!({"data": null})).into_response(),
        Mood::Partial => axum::Json(json!({"data": {"hello": null}, "errors": [{"message": "no", "path": ["hello"]}]}))
            .into_response(),
        Mood::Other => axum::Json(json!({"data": {"bye": "x"}})).into_response(),
        Mood::Changed => axum::Json(json!({"data": {"greeting": "hi"}})).into_response(),
        _ => axum::Json(json!({"data": {"hello": "world"}})).into_response(),
    }
}

fn environment(service: &Moody) -> Arc<graphql::outbound::Environment> {
    let environment = [("SERVICE", service.url.as_str()), ("TOKEN", "t0ken")];
    Arc::new(environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

async fn shop(service: &Moody) -> Shop {
    database_with(TABLE, |options| {
        options.dev_mode = true;
        options.environment = environment(service);
        options.remote_retry = Duration::from_millis(10);
    })
    .await
}

fn add(name: &str, more: Value) -> Value {
    let mut definition = json!({"url_from_env": "SERVICE", "timeout_seconds": 1, "forward_client_headers": true,
        "headers": [{"name": "x-token", "value_from_env": "TOKEN"}]});
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    definition.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({"type": "add_remote_schema", "args": {"name": name, "definition": definition}})
}

/// The text of an answer over HTTP, with a client's secret along.
async fn post(shop: &Shop, query: &str) -> String {
    let request = http::Request::post("/v1/graphql").header("authorization", "Bearer cl1ent");
    let request = request.body(Body::from(json!({"query": query}).to_string())).unwrap();
    let response = shop.handle.router().oneshot(request).await.unwrap();
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn wrong_answers_are_told_and_secrets_are_not() {
    let service = moody().await;
    let shop = shop(&service).await;
    apply(&shop, json!([add("other", json!({}))])).await;
    assert_eq!(post(&shop, "{ hello }").await, r#"{"data":{"hello":"world"}}"#);
    let headers = service.headers.lock().unwrap().clone();
    assert_eq!(
        (&headers["x-token"], &headers["authorization"]),
        (&"t0ken".parse().unwrap(), &"Bearer cl1ent".parse().unwrap())
    );
    for (mood, message) in [
        (Mood::Slow, "HTTP exception occurred while sending the request to \"SERVICE\""),
        (Mood::Html, "unexpected response from remote server \"other\""),
        (Mood::Fault, "unexpected response from remote server \"other\""),
        (Mood::Away, "unexpected response from remote server \"other\""),
        (Mood::Nothing, "\"data\" or \"errors\" not found in response of remote server \"other\""),
        (Mood::Other, "expecting key hello"),
    ] {
        service.set(mood);
        let text = post(&shop, "{ hello }").await;
        let told: Value = serde_json::from_str(&text).unwrap();
        let error = &told["errors"][0];
        assert_eq!((&error["message"], &error["extensions"]["code"]), (&json!(message), &json!("remote-schema-error")));
        for secret in ["s3cret", "t0ken", "cl1ent"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    service.set(Mood::Partial);
    assert_eq!(post(&shop, "{ hello }").await, r#"{"errors":[{"message":"no","path":["hello"]}]}"#);
    drop(service);
    let text = post(&shop, "{ hello }").await;
    assert!(text.contains("remote-schema-error") && !text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn a_changed_service_is_read_again_when_asked() {
    let service = moody().await;
    let shop = shop(&service).await;
    apply(&shop, json!([add("other", json!({}))])).await;
    service.set(Mood::Changed);
    apply(&shop, json!([{"type": "reload_remote_schema", "args": {"name": "other"}}])).await;
    assert_eq!(shop.data("{ greeting }").await, json!({"greeting": "hi"}));
    shop.invalid("{ hello }", "$.selectionSet.hello", "field 'hello' not found in type: 'query_root'").await;
}

#[tokio::test]
async fn the_engine_starts_without_its_services_and_finds_them_later() {
    let service = moody().await;
    let shop = shop(&service).await;
    apply(
        &shop,
        json!([add("other", json!({})), {"type": "pg_track_table", "args": {"source": "default", "table": "people"}}]),
    )
    .await;
    service.set(Mood::Away);
    let mut options = Options::new(postgres::Pool::new(shop.database.config(), 4));
    options.environment = environment(&service);
    options.remote_retry = Duration::from_millis(10);
    let second = Service::start(options).await.unwrap();
    let ask = async |query: &str| -> Value {
        match second.execute(&graphql::Session::admin(), &graphql::Request::new(query)).await {
            Ok(body) => serde_json::from_slice(&body).unwrap(),
            Err(failure) => serde_json::from_slice(&failure.to_body(false)).unwrap(),
        }
    };
    assert_eq!(ask("{ people { id } }").await, json!({"data": {"people": []}}));
    assert!(ask("{ hello }").await.get("errors").is_some());
    service.set(Mood::Well);
    let limit = Instant::now() + Duration::from_secs(30);
    while ask("{ hello }").await != json!({"data": {"hello": "world"}}) {
        assert!(Instant::now() < limit, "it stays away");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    second.shutdown().await;
}

#[tokio::test]
async fn redirects_are_followed_without_anybodys_secrets() {
    let service = moody().await;
    let target = service.url.clone();
    let moved = crate::fake::Fake::start(move |_| {
        let location: &'static str = Box::leak(target.clone().into_boxed_str());
        (308, vec![("location", location)], String::new())
    })
    .await;
    let shop = shop(&service).await;
    apply(&shop, json!([add("other", json!({"url_from_env": null, "url": moved.url("/")}))])).await;
    assert_eq!(post(&shop, "{ hello }").await, r#"{"data":{"hello":"world"}}"#);
    assert!(moved.requests().iter().all(|asked| asked.headers["x-token"] == "t0ken"));
    let headers = service.headers.lock().unwrap().clone();
    for name in ["x-token", "authorization", "x-hasura-role"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_its_reason() {
    let service = moody().await;
    let shop = shop(&service).await;
    let missing = json!({"headers": [{"name": "x-token", "value_from_env": "NONE"}]});
    let twice = json!({"customization": {"type_names": {"mapping": {"Query": "String"}}}});
    let invalid = json!({"customization": {"field_names": [{"parent_type": "Query", "prefix": "a-"}]}});
    for (more, reason) in [
        (missing, "environment variable 'NONE' not set"),
        (json!({"url": "http://127.0.0.1:1"}), "both `url` and `url_from_env` can't be present"),
        (twice, "Type name mappings are not distinct; the following types appear more than once: \"String\""),
        (invalid, "a-hello is not a valid GraphQL name"),
    ] {
        let (status, body) = metadata(&shop, add("wrong", more)).await;
        let text = body.to_string().replace("\\\"", "\"");
        assert!(status == 400 && text.contains(reason), "{reason}: {body:#}");
        assert!(!text.contains("s3cret") && !text.contains("t0ken"), "{text}");
    }
}

#[tokio::test]
async fn two_services_may_share_a_type_only_if_it_is_the_same() {
    let item = |field: &str| {
        let string = json!({"kind": "SCALAR", "name": "String", "ofType": null});
        json!({"kind": "OBJECT", "name": "Item", "interfaces": [],
            "fields": [{"name": field, "description": null, "args": [], "type": string}]})
    };
    let (one, same, other) =
        (moody_with(vec![item("a")]).await, moody_with(vec![item("a")]).await, moody_with(vec![item("b")]).await);
    let hostile = moody_with(vec![item("a } secret { b")]).await;
    let shop = shop(&one).await;
    let at = |url: &str, namespace: &str| json!({"url_from_env": null, "url": url, "customization": {"root_fields_namespace": namespace}});
    apply(&shop, json!([add("one", at(&one.url, "one")), add("same", at(&same.url, "same"))])).await;
    for (url, reason) in [
        (&other.url, "Found conflicting definitions for GraphQL type 'Item'."),
        (&hostile.url, "'a } secret { b' is not a valid GraphQL name"),
    ] {
        let (status, body) = metadata(&shop, add("wrong", at(url, "wrong"))).await;
        assert!(status == 400 && body.to_string().contains(reason), "{body:#}");
    }
}
