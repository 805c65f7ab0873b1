use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures::StreamExt;
use gateway::Backend;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use stack::Rate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, get, json, post, raw, send, setup, upstream};

/// Reads the whole body and answers with its length.
async fn count(body: axum::body::Body) -> Result<String, StatusCode> {
    let mut body = body;
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.map_err(|_| StatusCode::BAD_REQUEST)?.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes.to_string())
}

fn chunked(
    pieces: usize,
    size: usize,
) -> Request<StreamBody<impl futures::Stream<Item = Result<http_body::Frame<Bytes>, std::io::Error>>>> {
    let piece = Bytes::from(vec![b'x'; size]);
    let stream = futures::stream::repeat(piece).take(pieces).map(|piece| Ok(http_body::Frame::data(piece)));
    Request::post("/").header("host", "localhost").body(StreamBody::new(stream)).unwrap()
}

#[tokio::test]
async fn bodies_have_a_limit_with_or_without_a_length() {
    let router = Router::new().fallback(count);
    let address = upstream(router.clone()).await;
    for backend in [Backend::InProcess(router), Backend::Upstream(vec![address])] {
        let mut setup = setup(backend);
        setup.options.plan.max_body_bytes = 1000;
        let gateway = setup.start().await;
        assert_eq!(send(gateway.address, post("/", vec![b'x'; 1000])).await.body(), "1000");
        assert_eq!(send(gateway.address, chunked(10, 100)).await.body(), "1000");
        for answer in
            [send(gateway.address, post("/", vec![b'x'; 1001])).await, send(gateway.address, chunked(11, 100)).await]
        {
            assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{:?}", answer.body());
            assert_eq!(json(&answer)["error"]["code"], "NS-GATE-103");
        }
    }
}

#[tokio::test]
async fn heads_have_a_limit() {
    let gateway = setup(Backend::InProcess(Router::new().fallback(|| async { "ok" }))).start().await;
    let long =
        |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n", "y".repeat(length));
    assert!(raw(gateway.address, long(7000).as_bytes()).await.starts_with("HTTP/1.1 200"));
    assert!(raw(gateway.address, long(9000).as_bytes()).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_zone_says_when_to_come_back() {
    let mut setup = setup(Backend::InProcess(Router::new().fallback(|| async { "ok" })));
    setup.options.plan.zones.insert("general".into(), Rate { requests: 1, per_seconds: 600, burst: 2 });
    let gateway = setup.start().await;
    for _ in 0..3 {
        assert_eq!(send(gateway.address, get("/")).await.status(), StatusCode::OK);
    }
    let answer = send(gateway.address, get("/")).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((590..=600).contains(&wait), "{wait}");
    assert_eq!(json(&answer)["error"]["code"], "NS-GATE-104");
    assert_eq!(send(gateway.address, get("/health")).await.status(), StatusCode::OK, "probes are not limited");
}

#[tokio::test]
async fn a_slow_head_and_an_idle_connection_are_ended() {
    let mut setup = setup(Backend::InProcess(Router::new().fallback(|| async { "ok" })));
    setup.options.limits.idle = Duration::from_millis(200);
    let gateway = setup.start().await;
    // Sends a head byte by byte and never ends it; one says nothing at all; one has had its answer.
    for start in ["G", "", "P", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let (mut reading, mut writing) = stream.split();
        let trickle = async {
            while start.ends_with('\n') && !start.ends_with("\r\n\r\n") {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if writing.write_all(b"x").await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            end = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut answer)) => { let _ = end.expect("the gateway hangs up"); }
            () = trickle => {}
        }
    }
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut setup = setup(Backend::Upstream(vec![silent.local_addr().unwrap()]));
    setup.options.limits.response = Duration::from_millis(100);
    let gateway = setup.start().await;
    let answer = send(gateway.address, get("/")).await;
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(json(&answer)["error"]["code"], "NS-GATE-107");
}

#[tokio::test]
async fn a_slow_upload_is_not_a_slow_answer() {
    let address = upstream(Router::new().fallback(count)).await;
    let mut setup = setup(Backend::Upstream(vec![address]));
    setup.options.limits.response = Duration::from_millis(150);
    let gateway = setup.start().await;
    let stream = futures::stream::unfold(0, |count| async move {
        tokio::time::sleep(Duration::from_millis(40)).await;
        (count < 12).then(|| (Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(b"x"))), count + 1))
    });
    let request = Request::post("/").header("host", "localhost").body(StreamBody::new(Box::pin(stream))).unwrap();
    assert_eq!(send(gateway.address, request).await.body(), "12");
}
