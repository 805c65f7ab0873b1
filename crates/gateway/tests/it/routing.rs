use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::routing::get as on_get;
use gateway::Backend;
use http::StatusCode;
use stack::status::State;

use crate::support::{Fixture, get, json, raw, route, send, setup, upstream};

/// Answers with what arrived.
async fn mirror(request: Request) -> String {
    let mut lines = vec![format!("{} {}", request.method(), request.uri())];
    for (name, value) in request.headers() {
        lines.push(format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    if let Some(ConnectInfo(address)) = request.extensions().get::<ConnectInfo<std::net::SocketAddr>>() {
        lines.push(format!("peer {}", address.ip()));
    }
    lines.join("\n")
}

async fn both() -> [Fixture; 2] {
    let router = Router::new().fallback(mirror);
    let address = upstream(router.clone()).await;
    [setup(Backend::InProcess(router)).start().await, setup(Backend::Upstream(vec![address])).start().await]
}

fn text(response: &http::Response<bytes::Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

#[tokio::test]
async fn a_request_arrives_with_what_the_gateway_knows() {
    for (index, gateway) in both().await.iter().enumerate() {
        let mut request = get("/a//b%2Fc?q=1&r=%20");
        let headers = request.headers_mut();
        headers.insert("x-forwarded-for", "6.6.6.6".parse().unwrap());
        headers.insert("forwarded", "for=6.6.6.6".parse().unwrap());
        headers.insert("connection", "x-secret-hop".parse().unwrap());
        headers.insert("x-secret-hop", "1".parse().unwrap());
        headers.insert("x-request-id", "mine-1".parse().unwrap());
        headers.insert("host", "localhost:8080".parse().unwrap());
        let answer = send(gateway.address, request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["x-request-id"], "mine-1");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let text = text(&answer);
        assert!(text.starts_with("GET /a//b%2Fc?q=1&r=%20\n"), "the path is not touched: {text}");
        for line in ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "x-forwarded-host: localhost:8080"] {
            assert!(text.contains(line), "{line} in {text}");
        }
        for gone in ["6.6.6.6", "x-secret-hop", "connection:"] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        assert_eq!(text.contains("peer 127.0.0.1"), index == 0, "services of this process see the address");
        let line = gateway.log.line("/a//b%2Fc").await;
        assert_eq!(line.fields["id"], "mine-1");
        assert_eq!(line.fields["service"], "app");
        assert_eq!(line.fields["status"], 200);
        assert_eq!(line.fields["bytes"], answer.body().len());
        assert_eq!(line.fields["client"], "127.0.0.1");
        assert!(!line.message.contains("q=1"));
    }
}

#[tokio::test]
async fn odd_ids_are_replaced() {
    let [gateway, _] = both().await;
    let mut request = get("/");
    request.headers_mut().insert("x-request-id", "a b\"c".parse().unwrap());
    let answer = send(gateway.address, request).await;
    assert_eq!(answer.headers()["x-request-id"].len(), 32);
}

#[tokio::test]
async fn hosts_paths_and_what_nobody_serves() {
    let mut setup = setup(Backend::Unavailable("not wanted".into()));
    let say = |word: &'static str| Backend::InProcess(Router::new().fallback(move || async move { word }));
    setup.options.backends.extend([("web".to_owned(), say("web")), ("api".to_owned(), say("api"))]);
    let mut prefixed = route(None, "/v1/api", "api");
    prefixed.rewrite = Some("/".into());
    setup.options.routes = vec![prefixed, route(Some("web.localhost"), "/", "web"), route(None, "/down", "app")];
    let gateway = setup.start().await;
    let ask = async |host: &str, path: &str| {
        let mut request = get(path);
        request.headers_mut().insert("host", host.parse().unwrap());
        send(gateway.address, request).await
    };
    assert_eq!(text(&ask("web.localhost:8080", "/v1/api").await), "web");
    assert_eq!(text(&ask("localhost", "/v1/api/x").await), "api");
    assert_eq!(text(&ask("[::1]:8080", "/v1/api").await), "api");
    assert_eq!(text(&ask("anything.example", "/v1/api").await), "api");
    let missing = ask("localhost", "/v1/apix").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let error = &json(&missing)["error"];
    assert_eq!(error["code"], "NS-GATE-102");
    assert_eq!(error["request_id"], missing.headers()["x-request-id"].to_str().unwrap());
    let down = ask("localhost", "/down").await;
    assert_eq!(down.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json(&down)["error"]["service"], "app");
    assert!(json(&down)["error"]["message"].as_str().unwrap().contains("not wanted"));
    assert_eq!(ask("localhost", "/v1/api/%2e%2e/down").await.status(), StatusCode::BAD_REQUEST);
    gateway.handle.update_routes(&[route(None, "/v2", "web")]);
    assert_eq!(text(&ask("localhost", "/v2").await), "web");
    assert_eq!(ask("localhost", "/v1/api").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn malformed_requests_end_at_the_door() {
    let [_, gateway] = both().await;
    for (what, bytes) in [
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ("odd host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        ("climbing", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ("not chunked last", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        ("space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        ("connect", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
    ] {
        let bytes = bytes.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let answer = raw(gateway.address, bytes.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_request_with_length_and_chunks_is_passed_on_with_one_of_them() {
    let [_, gateway] = both().await;
    let bytes = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\nabc\r\n0\r\n\r\n";
    let answer = raw(gateway.address, bytes.as_bytes()).await;
    let refused = answer.starts_with("HTTP/1.1 400");
    assert!(refused || !answer.contains("content-length: 4\n"), "{answer}");
}

#[tokio::test]
async fn the_gateway_answers_about_itself() {
    let [gateway, _] = both().await;
    assert_eq!(json(&send(gateway.address, get("/health")).await)["status"], "ok");
    assert_eq!(send(gateway.address, get("/ready")).await.status(), StatusCode::OK);
    assert_eq!(json(&send(gateway.address, get("/status")).await)["services"][0]["name"], "auth");
    assert_eq!(send(gateway.address, get("/health/auth")).await.status(), StatusCode::OK);
    assert_eq!(send(gateway.address, get("/health/nobody")).await.status(), StatusCode::NOT_FOUND);
    *gateway.status.0.lock().unwrap() = State::Restarting;
    let ready = send(gateway.address, get("/ready")).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json(&ready)["waiting_for"][0], "auth");
    assert_eq!(send(gateway.address, get("/health/auth")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(gateway.address, get("/health")).await.status(), StatusCode::OK, "the gateway itself is fine");
}

#[tokio::test]
async fn strangers_in_production_learn_only_whether_all_is_well() {
    let mut setup = setup(Backend::InProcess(Router::new().route("/", on_get(|| async { "hi" }))));
    setup.options.tier = project::Tier::Prod;
    setup.options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gateway = setup.start().await;
    let mut request = get("/status");
    request.headers_mut().insert("x-forwarded-for", "9.9.9.9".parse().unwrap());
    let status = json(&send(gateway.address, request).await);
    assert_eq!(status["healthy"], true);
    assert!(status.get("services").is_none() && status.get("server").is_none(), "{status}");
    assert!(json(&send(gateway.address, get("/status")).await)["services"].is_array(), "this machine sees all");
}

#[tokio::test]
async fn cors_is_answered_for_the_api() {
    let [gateway, _] = both().await;
    let mut preflight = get("/v1/graphql");
    *preflight.method_mut() = http::Method::OPTIONS;
    let headers = preflight.headers_mut();
    headers.insert("origin", "http://localhost:3000".parse().unwrap());
    headers.insert("access-control-request-method", "POST".parse().unwrap());
    headers.insert("access-control-request-headers", "x-hasura-role".parse().unwrap());
    let mut elsewhere = preflight.clone();
    *elsewhere.uri_mut() = "/page".parse().unwrap();
    let answer = send(gateway.address, preflight).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(answer.headers()["access-control-allow-headers"], "x-hasura-role");
    assert_eq!(send(gateway.address, elsewhere).await.status(), StatusCode::OK, "elsewhere the service decides");
    for (origin, allowed) in [("http://localhost:5173", true), ("https://evil.example", false)] {
        let mut request = get("/v1/graphql");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let answer = send(gateway.address, request).await;
        assert_eq!(answer.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
        assert_eq!(answer.headers()["vary"], "Origin");
    }
}

#[tokio::test]
async fn a_dead_upstream_is_named_and_comes_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = setup(Backend::Upstream(vec![address])).start().await;
    let dead = send(gateway.address, get("/")).await;
    assert_eq!(dead.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(json(&dead)["error"]["service"], "app");
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let serving = tokio::spawn(async move {
        axum::serve(listener, Router::new().fallback(|| async { "back" })).await.unwrap();
    });
    assert_eq!(text(&send(gateway.address, get("/")).await), "back");
    serving.abort();
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let router = Router::new()
        .route("/panic", on_get(|| async { if true { panic!("on purpose") } else { "never" } }))
        .fallback(|| async { "fine" });
    let gateway = setup(Backend::InProcess(router)).start().await;
    let answer = send(gateway.address, get("/panic")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(json(&answer)["error"]["code"], "NS-GATE-108");
    assert_eq!(text(&send(gateway.address, get("/")).await), "fine");
}
