//! A WebSocket client of the engine, as tests want one.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use graphql::Handle;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything takes that works.
pub const LIMIT: Duration = Duration::from_secs(20);
/// Long enough for a message that must not come.
pub const QUIET: Duration = Duration::from_millis(300);

pub const TRANSPORT: &str = "graphql-transport-ws";
pub const LEGACY: &str = "graphql-ws";

/// Serves the engine on a port of its own; the address.
pub async fn serve(handle: &Handle) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = handle.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("ws://{address}/v1/graphql")
}

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    protocol: &'static str,
}

impl Socket {
    /// Connected, with nothing said yet.
    pub async fn open(address: &str, protocol: &'static str) -> Self {
        let mut request = address.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let (stream, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], protocol);
        Self { stream, protocol }
    }

    /// Connected and acknowledged, with these headers in the first message.
    pub async fn connect(address: &str, protocol: &'static str, headers: Value) -> Self {
        let mut socket = Self::open(address, protocol).await;
        socket.send(json!({ "type": "connection_init", "payload": { "headers": headers } })).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }

    pub async fn admin(address: &str) -> Self {
        Self::connect(address, TRANSPORT, json!({})).await
    }

    pub async fn send(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub async fn start(&mut self, id: &str, query: &str, variables: Value) {
        let kind = if self.protocol == LEGACY { "start" } else { "subscribe" };
        self.send(json!({ "type": kind, "id": id, "payload": { "query": query, "variables": variables } })).await;
    }

    pub async fn stop(&mut self, id: &str) {
        let kind = if self.protocol == LEGACY { "stop" } else { "complete" };
        self.send(json!({ "type": kind, "id": id })).await;
    }

    /// The next message that is no sign of life.
    pub async fn next(&mut self) -> Value {
        match tokio::time::timeout(LIMIT, self.message()).await {
            Ok(Ok(message)) => message,
            Ok(Err(closed)) => panic!("closed: {closed:?}"),
            Err(_) => panic!("no message came"),
        }
    }

    /// The next message; an error once the server has closed.
    pub async fn try_next(&mut self) -> Result<Value, Option<CloseFrame>> {
        tokio::time::timeout(LIMIT, self.message()).await.expect("a message or an end")
    }

    /// The data of the next result of this operation.
    pub async fn data(&mut self, id: &str) -> Value {
        let mut message = self.next().await;
        let kind = if self.protocol == LEGACY { "data" } else { "next" };
        assert_eq!((&message["type"], &message["id"]), (&json!(kind), &json!(id)), "{message}");
        assert!(message["payload"].get("errors").is_none(), "{message}");
        message["payload"]["data"].take()
    }

    /// Results until one is this.
    pub async fn until(&mut self, id: &str, wanted: &Value) {
        while self.data(id).await != *wanted {}
    }

    pub async fn nothing(&mut self) {
        if let Ok(found) = tokio::time::timeout(QUIET, self.message()).await {
            panic!("{found:?}");
        }
    }

    /// Code and reason with which the server closes.
    pub async fn closed(&mut self) -> (u16, String) {
        let closed = async {
            loop {
                if let Err(closed) = self.message().await {
                    return closed;
                }
            }
        };
        let frame = tokio::time::timeout(LIMIT, closed).await.expect("it is closed");
        frame.map_or((0, String::new()), |frame| (frame.code.into(), frame.reason.to_string()))
    }

    /// The raw next message, signs of life among them.
    pub async fn raw(&mut self) -> Value {
        loop {
            match tokio::time::timeout(LIMIT, self.stream.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn message(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if !matches!(message["type"].as_str(), Some("ka" | "ping")) {
                        return Ok(message);
                    }
                }
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_) | Error::Io(_)))
                | None => {
                    return Err(None);
                }
                Some(Err(error)) => panic!("{error}"),
            }
        }
    }
}
