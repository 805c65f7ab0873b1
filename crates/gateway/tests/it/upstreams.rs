use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway::Backend;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{get, json, post, send, setup};

/// A server that keeps count of its connections and ends each after `answers` answers, without saying so before.
async fn server(answers: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, answers));
        }
    });
    (address, connections)
}

async fn serve(mut stream: TcpStream, answers: usize) {
    let mut received = Vec::new();
    let mut answered = 0;
    while answered < answers {
        let mut buffer = [0; 4096];
        let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
        received.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&received).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        received.clear();
        answered += 1;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    }
}

#[tokio::test]
async fn connections_are_used_again() {
    let (address, connections) = server(usize::MAX).await;
    let gateway = setup(Backend::Upstream(vec![address])).start().await;
    for number in 0..20 {
        assert_eq!(send(gateway.address, get("/")).await.body(), "ok");
        assert_eq!(send(gateway.address, post("/", format!("{number}"))).await.body(), "ok");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_ended_while_idle_costs_nobody_a_request() {
    let (address, connections) = server(1).await;
    let gateway = setup(Backend::Upstream(vec![address])).start().await;
    for _ in 0..50 {
        assert_eq!(send(gateway.address, post("/", "body")).await.status(), StatusCode::OK);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let (address, _) = server(usize::MAX).await;
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let gateway = setup(Backend::Upstream(vec![dead, address, dead])).start().await;
    for _ in 0..6 {
        assert_eq!(send(gateway.address, get("/")).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn an_upstream_that_hangs_up_or_talks_nonsense_is_a_bad_gateway() {
    for answer in
        ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let gateway = setup(Backend::Upstream(vec![address])).start().await;
        let got = send(gateway.address, get("/")).await;
        assert_eq!(got.status(), StatusCode::BAD_GATEWAY, "{answer}");
        assert_eq!(json(&got)["error"]["code"], "NS-GATE-105");
    }
}

#[tokio::test]
async fn half_an_answer_is_an_error_for_the_client_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (hang_up, told) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this").await;
        let _ = told.await;
    });
    let gateway = setup(Backend::Upstream(vec![address])).start().await;
    let response = crate::support::open(gateway.address, get("/half")).await;
    hang_up.send(()).unwrap();
    assert!(http_body_util::BodyExt::collect(response.into_body()).await.is_err());
    assert_eq!(gateway.log.line("/half").await.fields["end"], "broken");
}
