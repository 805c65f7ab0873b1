use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use mail::{Attachment, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::support::{start, start_with};

fn hostile() -> Message {
    let to = vec!["\"<b>Ann</b>\" <ann@example.com>".parse().unwrap()];
    let mut message = Message::new("shop@example.com".parse().unwrap(), to, "<script>alert(1)</script>");
    message.text = Some("</pre><script>alert(2)</script> https://example.com/next".to_owned());
    message.html = Some(
        "<!doctype html><script>alert(3)</script><img src=\"cid:logo\"><a href=\"javascript:alert(4)\">x</a>\
         <a href=\"https://example.com/go?a=1&amp;b=2\">y</a>"
            .to_owned(),
    );
    let picture = Attachment {
        name: "<i>.png".to_owned(),
        content_type: "image/png".to_owned(),
        content: Bytes::from_static(b"\x89PNG"),
        content_id: Some("logo".to_owned()),
    };
    message.attachments = vec![picture];
    message
}

#[tokio::test]
async fn a_hostile_mail_stays_in_its_box() {
    let catcher = start().await;
    let id = catcher.handle.deliver(&hostile()).await.unwrap();
    let list = catcher.get("/").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.text.contains("1 message, 1 unread"), "{}", list.text);
    assert!(!list.text.contains("<script>alert") && !list.text.contains("<b>Ann"), "{}", list.text);
    assert!(list.header("content-security-policy").starts_with("default-src 'self'"));
    for face in ["html", "text", "source", "headers", "links", "files"] {
        let page = catcher.get(&format!("/mail/{id}?face={face}")).await;
        assert_eq!(page.status, StatusCode::OK, "{face}");
        assert!(!page.text.contains("<script>alert") && !page.text.contains("<i>.png"), "{face}: {}", page.text);
        assert!(!page.text.contains("href=\"javascript"), "{face}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{face}");
    }
    let page = catcher.get(&format!("/mail/{id}")).await.text;
    assert!(page.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""), "{page}");
    let links = catcher.get(&format!("/mail/{id}?face=links")).await.text;
    assert!(links.contains("https://example.com/go?a=1") && links.contains("https://example.com/next"), "{links}");

    // The mail itself, in the frame: no scripts, no origin, nothing from the network.
    for path in [format!("/mail/{id}/frame"), format!("/view/{id}.html")] {
        let frame = catcher.get(&path).await;
        let policy = frame.header("content-security-policy");
        assert!(policy.starts_with("sandbox ") && policy.contains("default-src 'none'"), "{policy}");
        assert!(
            !policy.contains("allow-scripts") && !policy.contains("allow-same-origin") && !policy.contains("http:")
        );
        assert!(frame.text.starts_with("<!doctype html><base target=\"_blank\">"), "{}", frame.text);
        assert!(frame.text.contains("src=\"data:image/png;base64,iVBORw==\""), "{}", frame.text);
    }
    let remote = catcher.get(&format!("/mail/{id}/frame?remote=1")).await;
    let policy = remote.header("content-security-policy");
    assert!(policy.contains("img-src data: http: https:") && policy.starts_with("sandbox "), "{policy}");
    assert!(!policy.contains("allow-scripts"));

    let deleted = catcher.send("POST", &format!("/mail/{id}/delete"), "").await;
    assert_eq!((deleted.status, deleted.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(catcher.get(&format!("/mail/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_lives() {
    let catcher = start().await;
    let request = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let next = async |body: &mut Body| {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await.unwrap();
        String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
    };
    let mut live = catcher.handle.router().oneshot(request("/live")).await.unwrap().into_body();
    let mut events = catcher.handle.router().oneshot(request("/api/v1/events")).await.unwrap().into_body();
    assert!(next(&mut live).await.contains("No messages yet"));
    catcher.deliver("ann@example.com", "Fresh", "x").await;
    let list = next(&mut live).await;
    assert!(list.starts_with("event: list\n") && list.contains("Fresh"), "{list}");
    let event = next(&mut events).await;
    assert!(event.contains("\"Subject\":[\"Fresh\"]"), "{event}");
    // Streams end with the service, so that the front door does not wait for them.
    catcher.handle.shutdown().await;
    while let Some(frame) = tokio::time::timeout(Duration::from_secs(20), live.frame()).await.unwrap() {
        frame.unwrap();
    }
}

#[tokio::test]
async fn the_own_port_answers_this_machine_only() {
    let http = SocketAddr::from(([127, 0, 0, 1], testkit::free_port()));
    let catcher = start_with(|options| options.http = Some(http)).await;
    let ask = async |host: &str| {
        let mut stream = tokio::net::TcpStream::connect(http).await.unwrap();
        let request = format!("GET /api/v2/messages HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(ask("localhost:8025").await, "HTTP/1.1 200 OK");
    assert!(ask("evil.example:8025").await.starts_with("HTTP/1.1 421"));
    catcher.handle.shutdown().await;
}
