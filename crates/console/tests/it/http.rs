//! Policies, signing in and the event stream, without a browser.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use console::{Handle, Options, Policy, ROUTES, Service};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use stack::log::Level;
use stack::status::State;
use tower::ServiceExt;

use crate::fake::FakeStack;

const HOST: &str = "localhost:8080";
const ORIGIN: &str = "http://localhost:8080";

fn start() -> (Arc<FakeStack>, Handle) {
    let stack = Arc::new(FakeStack::new());
    let options = Options { stack: Arc::clone(&stack) as _, base_url: format!("{ORIGIN}/") };
    (stack, Service::start(options))
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, HOST)
}

async fn send(console: &Handle, request: Request<Body>) -> Response<Body> {
    console.router().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn token(link: &str) -> String {
    let (page, token) = link.split_once('#').unwrap();
    assert_eq!(page, "http://localhost:8080/console/login");
    assert_eq!(token.len(), 64);
    token.to_owned()
}

async fn post_token(console: &Handle, token: &str, origin: &str) -> Response<Body> {
    let request = request("POST", "/console/login")
        .header(header::ORIGIN, origin)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("token={token}")))
        .unwrap();
    send(console, request).await
}

/// Signs in; the `Cookie` header to send comes back.
async fn sign_in(console: &Handle) -> String {
    let response = post_token(console, &token(&console.sign_in_link()), ORIGIN).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_route_keeps_its_policy() {
    let (_, console) = start();
    for route in ROUTES {
        let path = route.path.replace("{version}", "0").replace("{name}", "console.css");
        for cookie in ["", "nself_console=", "nself_console=0000", "other=1; nself_console=ffff"] {
            let request = request(route.method, &path)
                .header(header::ORIGIN, ORIGIN)
                .header(header::COOKIE, cookie)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from("token=0000"))
                .unwrap();
            let response = send(&console, request).await;
            let status = response.status();
            let body = text(response).await;
            assert!(!body.contains("nself-demo"), "{} {} names the project to anybody", route.method, route.path);
            match route.policy {
                Policy::Session => {
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
                    assert!(body.contains("nself console open") && body.contains("NS-CON-001"), "{body}");
                }
                Policy::Public => assert!(!body.contains("NS-CON-001"), "{} {}", route.method, route.path),
            }
        }
    }
}

#[tokio::test]
async fn answers_carry_the_security_headers() {
    let (_, console) = start();
    for path in ["/console", "/console/login", "/console/assets/0/console.js", "/console/nothing"] {
        let response = send(&console, request("GET", path).body(Body::empty()).unwrap()).await;
        let headers = response.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let (_, console) = start();
    let token = token(&console.sign_in_link());
    let first = post_token(&console, &token, ORIGIN).await;
    assert_eq!(first.status(), StatusCode::NO_CONTENT);
    let cookie = first.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("nself_console="));
    assert!(cookie.ends_with("; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(&token));

    let second = post_token(&console, &token, ORIGIN).await;
    assert_eq!(second.status(), StatusCode::UNAUTHORIZED);
    assert!(text(second).await.contains("NS-CON-002"));

    let page = request("GET", "/console").header(header::COOKIE, cookie.split(';').next().unwrap());
    let page = send(&console, page.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = text(page).await;
    assert!(page.contains("nself-demo") && page.contains("postgres") && page.contains("/v1/graphql"), "{page}");
    assert!(!page.contains("<style") && !page.contains("onclick") && !page.contains("style="), "nothing inline");
}

#[tokio::test]
async fn the_cookie_is_secure_over_https() {
    let (_, console) = start();
    let response = post_token(&console, &token(&console.sign_in_link()), "https://localhost:8080").await;
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
}

#[tokio::test]
async fn other_origins_are_refused_and_do_not_use_up_the_link() {
    let (_, console) = start();
    let token = token(&console.sign_in_link());
    for origin in ["http://evil.example", "http://localhost:3000", "null", "", "http://localhost:8080.evil.example"] {
        let response = post_token(&console, &token, origin).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin}");
        assert!(text(response).await.contains("NS-CON-003"));
    }
    let cookie = sign_in(&console).await;
    let request = request("POST", "/console/logout").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
    assert_eq!(send(&console, request).await.status(), StatusCode::FORBIDDEN, "no Origin at all");
    assert_eq!(post_token(&console, &token, ORIGIN).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn requests_to_graphql_get_the_secret_and_lose_every_other_credential() {
    let (_, console) = start();
    let cookie = sign_in(&console).await;
    let asked = |method: &str, origin: &str| {
        let request = request(method, "/console/graphql")
            .header(header::ORIGIN, origin)
            .header(header::COOKIE, &cookie)
            .header(header::AUTHORIZATION, "Bearer of-somebody-else")
            .header("x-hasura-admin-secret", "guessed")
            .header("x-hasura-role", "user")
            .body(Body::from("{}"))
            .unwrap();
        send(&console, request)
    };
    let response = asked("POST", ORIGIN).await;
    assert_eq!(response.status(), StatusCode::OK);
    let seen: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    let wanted = serde_json::json!({"data": {
        "secret": "the-admin-secret", "role": "user", "cookie": null, "authorization": null,
    }});
    assert_eq!(seen, wanted);
    // A WebSocket's first request is a GET.
    for method in ["POST", "GET"] {
        assert_eq!(asked(method, "http://localhost:3000").await.status(), StatusCode::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_its_streams() {
    let (_, console) = start();
    let cookie = sign_in(&console).await;
    let mut live = Live::open(&console, &cookie, "").await;
    live.until("tail").await;

    let logout = request("POST", "/console/logout").header(header::COOKIE, &cookie).header(header::ORIGIN, ORIGIN);
    let response = send(&console, logout.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    live.until("over").await;
    live.ended().await;

    let again = request("GET", "/console").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
    assert_eq!(send(&console, again).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn closing_ends_streams_and_takes_nobody_in() {
    let (_, console) = start();
    let cookie = sign_in(&console).await;
    let link = console.sign_in_link();
    let mut live = Live::open(&console, &cookie, "").await;
    console.close();
    live.until("over").await;
    live.ended().await;
    assert_eq!(post_token(&console, &token(&link), ORIGIN).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(post_token(&console, &token(&console.sign_in_link()), ORIGIN).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_stream_brings_changes_of_state() {
    let (stack, console) = start();
    let cookie = sign_in(&console).await;
    let mut live = Live::open(&console, &cookie, "").await;
    assert!(live.until("services").await.contains("All services ready"));
    assert!(live.until("urls").await.contains("http://shop.localhost:8080"));
    live.until("tail").await;
    stack.set("worker", State::Unhealthy, Some("GET /health answered <500>"));
    let services = live.until("services").await;
    assert!(services.contains("worker is unhealthy"), "{services}");
    assert!(services.contains("GET /health answered &#60;500&#62;"), "{services}");
}

#[tokio::test]
async fn lines_are_escaped_filtered_and_told_once() {
    let (stack, console) = start();
    stack.say("worker", Level::Info, "quiet before");
    stack.say("worker", Level::Error, "loud <script>alert(1)</script>");
    stack.say("hasura", Level::Error, "another service");
    let cookie = sign_in(&console).await;
    let mut live = Live::open(&console, &cookie, "?service=worker&level=warn").await;
    let tail = live.until("tail").await;
    assert!(tail.contains("loud &#60;script&#62;"), "{tail}");
    assert!(!tail.contains("quiet") && !tail.contains("another"), "{tail}");

    stack.say("hasura", Level::Error, "another service");
    stack.say("worker", Level::Debug, "quiet after");
    stack.say("worker", Level::Warn, "\u{1b}[33mloud after\u{1b}[0m");
    let lines = live.until("lines").await;
    assert!(lines.contains(">loud after<"), "{lines}");
    assert!(!lines.contains("quiet") && !lines.contains("another") && !lines.contains("script"), "{lines}");
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_and_says_so() {
    let (stack, console) = start();
    let cookie = sign_in(&console).await;
    let mut live = Live::open(&console, &cookie, "").await;
    live.until("tail").await;
    // More than the broadcast channel holds, in one go.
    for n in 0..5000 {
        stack.say("worker", Level::Info, &format!("line {n}."));
    }
    let mut lines = live.until("lines").await;
    let mut left_out = 0;
    loop {
        assert!(lines.matches("class=\"line ").count() <= 500);
        left_out += gap(&lines);
        if lines.contains("line 4999.") {
            break;
        }
        lines = live.until("lines").await;
    }
    assert!(left_out >= 3976, "{left_out}");
}

/// The number in "3976 lines came faster than ...".
fn gap(lines: &str) -> u64 {
    let Some((before, _)) = lines.split_once(" lines came faster") else { return 0 };
    before.rsplit('>').next().unwrap().parse().unwrap()
}

/// An open event stream.
struct Live {
    body: Body,
    received: String,
}

impl Live {
    async fn open(console: &Handle, cookie: &str, query: &str) -> Self {
        let request = request("GET", &format!("/console/live{query}")).header(header::COOKIE, cookie);
        let response = send(console, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { body: response.into_body(), received: String::new() }
    }

    /// The data of the next event called `name`; others before it are passed over.
    async fn until(&mut self, name: &str) -> String {
        loop {
            while let Some(end) = self.received.find("\n\n") {
                let event: String = self.received.drain(..end + 2).collect();
                let mut lines = event.lines();
                if lines.next() == Some(&format!("event: {name}")) {
                    return lines.filter_map(|line| line.strip_prefix("data: ")).collect::<Vec<_>>().join("\n");
                }
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no event {name} came")).expect("the stream goes on").unwrap();
            self.received += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }

    async fn ended(&mut self) {
        let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await.unwrap();
        assert!(frame.is_none());
    }
}
