use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use gateway::Backend;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::{PATIENCE, get, open, send, setup, until};

#[tokio::test]
async fn what_is_under_way_is_answered_and_the_rest_is_closed() {
    let go = Arc::new(Notify::new());
    let waiting = Arc::clone(&go);
    let router = Router::new().route("/fast", axum::routing::get(|| async { "fast" })).fallback(move || async move {
        waiting.notified().await;
        "done"
    });
    let gateway = setup(Backend::InProcess(router)).start().await;
    let address = gateway.address;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let idle = open(address, get("/fast")).await;
    assert_eq!(idle.status(), 200);
    let early = tokio::spawn(send(address, get("/slow")));
    until(|| (gateway.handle.in_flight() >= 1 && !gateway.log.lines().is_empty()).then_some(())).await;
    let handle = gateway.handle.clone();
    let stopping = tokio::spawn(async move { handle.shutdown(PATIENCE).await });
    let mut nothing = Vec::new();
    tokio::time::timeout(PATIENCE, silent.read_to_end(&mut nothing)).await.expect("idle ones are closed").unwrap();
    assert!(!stopping.is_finished());
    go.notify_one();
    assert_eq!(early.await.unwrap().body(), "done");
    assert_eq!(stopping.await.unwrap(), 0);
    tokio::time::timeout(PATIENCE, gateway.running).await.expect("run returns").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    let paths: Vec<_> = gateway.log.lines().iter().map(|line| line.fields["path"].clone()).collect();
    assert_eq!(paths, ["/fast", "/slow"], "the log is complete");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_at_the_limit() {
    let gateway = setup(Backend::InProcess(Router::new().fallback(std::future::pending::<&str>))).start().await;
    let stuck = tokio::spawn(async move {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    });
    until(|| (gateway.handle.in_flight() == 1).then_some(())).await;
    let started = Instant::now();
    assert_eq!(gateway.handle.shutdown(Duration::from_millis(100)).await, 1);
    tokio::time::timeout(PATIENCE, gateway.running).await.expect("run returns").unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(stuck.await.unwrap().is_empty());
}

#[tokio::test]
async fn open_event_streams_do_not_hold_a_shutdown_up() {
    let router = Router::new().fallback(|| async {
        let stream = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        ([("content-type", "text/event-stream")], axum::body::Body::from_stream(stream))
    });
    let gateway = setup(Backend::InProcess(router)).start().await;
    let response = open(gateway.address, get("/")).await;
    let started = Instant::now();
    assert_eq!(gateway.handle.shutdown(PATIENCE).await, 0);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    drop(response);
}
