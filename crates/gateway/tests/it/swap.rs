use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gateway::Backend;
use http::StatusCode;
use tokio::sync::Notify;

use crate::support::{PATIENCE, get, open, read, send, setup, until, upstream};

/// Answers with `word` once it is let go.
fn held(word: &'static str) -> (Router, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let waiting = Arc::clone(&go);
    let router = Router::new().fallback(move || async move {
        waiting.notified().await;
        word
    });
    (router, go)
}

#[tokio::test]
async fn requests_under_way_finish_on_the_old_backend() {
    for in_process in [true, false] {
        let (router, go) = held("old");
        let old = if in_process { Backend::InProcess(router) } else { Backend::Upstream(vec![upstream(router).await]) };
        let gateway = setup(old).start().await;
        let early = tokio::spawn(send(gateway.address, get("/")));
        until(|| (gateway.handle.in_flight() == 1).then_some(())).await;
        let drain = gateway.handle.swap("app", Backend::InProcess(Router::new().fallback(|| async { "new" })));
        let drained = tokio::spawn(drain.wait(PATIENCE));
        assert_eq!(send(gateway.address, get("/")).await.body(), "new");
        assert!(!drained.is_finished(), "the old backend still has a request");
        go.notify_one();
        assert_eq!(early.await.unwrap().body(), "old");
        assert_eq!(drained.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_drain_has_a_limit() {
    let (router, go) = held("old");
    let gateway = setup(Backend::InProcess(router)).start().await;
    let early = tokio::spawn(send(gateway.address, get("/")));
    until(|| (gateway.handle.in_flight() == 1).then_some(())).await;
    let drain = gateway.handle.swap("app", Backend::Unavailable("stopped".into()));
    assert_eq!(drain.wait(Duration::from_millis(50)).await, 1);
    assert_eq!(send(gateway.address, get("/")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    go.notify_one();
    early.await.unwrap();
}

#[tokio::test]
async fn an_endless_stream_does_not_hold_a_swap_up() {
    let router = Router::new().fallback(|| async {
        let stream = futures::stream::once(async { Ok::<_, std::io::Error>("data: 1\n\n") });
        let stream = futures::StreamExt::chain(stream, futures::stream::pending());
        ([("content-type", "text/event-stream")], axum::body::Body::from_stream(stream))
    });
    let gateway = setup(Backend::InProcess(router)).start().await;
    let response = open(gateway.address, get("/")).await;
    let started = std::time::Instant::now();
    let drain = gateway.handle.swap("app", Backend::Unavailable("stopped".into()));
    assert_eq!(drain.wait(PATIENCE).await, 0);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(read(response).await.body(), "data: 1\n\n", "it ends as a stream should, not with an error");
}

#[tokio::test]
async fn a_service_can_arrive_later() {
    let mut setup = setup(Backend::Unavailable("".into()));
    setup.options.backends.clear();
    let gateway = setup.start().await;
    assert_eq!(send(gateway.address, get("/")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let drain = gateway.handle.swap("app", Backend::InProcess(Router::new().fallback(|| async { "here" })));
    assert_eq!(drain.wait(PATIENCE).await, 0);
    assert_eq!(send(gateway.address, get("/")).await.body(), "here");
}
