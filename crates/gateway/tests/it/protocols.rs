use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use gateway::Backend;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{PATIENCE, setup, upstream};

const ASK: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("a head in time").unwrap();
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

/// Agrees to every upgrade and sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await.to_ascii_lowercase();
                assert!(head.contains("connection: upgrade") && head.contains("upgrade: websocket"), "{head}");
                let yes = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
                stream.write_all(yes.as_bytes()).await.unwrap();
                let (mut reading, mut writing) = stream.split();
                let _ = tokio::io::copy(&mut reading, &mut writing).await;
            });
        }
    });
    address
}

async fn talk(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The first bytes of the tunnel may come with the request.
    stream.write_all(format!("{ASK}early").as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let mut buffer = [0; 10];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut buffer)).await.expect("an echo in time").unwrap();
    assert_eq!(&buffer, b"helloearly");
    stream.write_all(b"later").await.unwrap();
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut buffer[..5])).await.expect("an echo in time").unwrap();
    assert_eq!(&buffer[..5], b"later");
    stream
}

#[tokio::test]
async fn a_websocket_reaches_an_upstream() {
    let gateway = setup(Backend::Upstream(vec![echo().await])).start().await;
    let stream = talk(gateway.address).await;
    assert_eq!(gateway.handle.in_flight(), 1);
    drop(stream);
    crate::support::until(|| (gateway.handle.in_flight() == 0).then_some(())).await;
    assert_eq!(gateway.log.line("/ws").await.fields["status"], 101);
}

#[tokio::test]
async fn a_websocket_reaches_a_service_of_this_process() {
    let router = Router::new().fallback(|mut request: Request| async move {
        tokio::spawn(async move {
            let mut stream = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
            stream.write_all(b"hello").await.unwrap();
            let (mut reading, mut writing) = tokio::io::split(stream);
            let _ = tokio::io::copy(&mut reading, &mut writing).await;
        });
        let headers = [("connection", "upgrade"), ("upgrade", "websocket")];
        (http::StatusCode::SWITCHING_PROTOCOLS, headers)
    });
    let gateway = setup(Backend::InProcess(router)).start().await;
    talk(gateway.address).await;
}

#[tokio::test]
async fn a_refused_upgrade_is_an_ordinary_answer() {
    let address = upstream(Router::new().fallback(|| async { (http::StatusCode::FORBIDDEN, "no sockets") })).await;
    let gateway = setup(Backend::Upstream(vec![address])).start().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(ASK.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 403"));
    crate::support::until(|| (gateway.handle.in_flight() == 0).then_some(())).await;
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let address = upstream(Router::new().fallback(|request: Request| async move {
        let cookies = request.headers().get_all("cookie").iter().count();
        let cookie = request.headers()["cookie"].to_str().unwrap().to_owned();
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        format!("{} {host} {cookies} {cookie} {}", parts.uri, String::from_utf8_lossy(&body))
    }))
    .await;
    let gateway = setup(Backend::Upstream(vec![address])).start().await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let ask = |number: usize| {
        let mut sender = sender.clone();
        async move {
            let request = http::Request::post(format!("http://localhost:8080/{number}?q"))
                .header("cookie", "a=1")
                .header("cookie", "b=2")
                .body(Full::new(bytes::Bytes::from("body")))
                .unwrap();
            let response = sender.send_request(request).await.unwrap();
            let text = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(text, format!("/{number}?q localhost:8080 1 a=1; b=2 body"));
        }
    };
    futures::future::join_all((0..20).map(ask)).await;
}

/// An independent client.
#[tokio::test]
async fn curl_gets_its_answers() {
    let gateway = setup(Backend::InProcess(Router::new().fallback(|body: String| async move { body }))).start().await;
    for version in ["--http1.1", "--http2", "--http2-prior-knowledge"] {
        let output = tokio::process::Command::new("curl")
            .args(["-sS", version, "-d", "hello", &format!("http://{}/x", gateway.address)])
            .output()
            .await
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hello", "{version}");
    }
}
