//! A live query through the front door: told of commits, over a restart of PostgreSQL, to the end of the stack.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::sandbox::Sandbox;

struct Socket(WebSocket<TcpStream>);

impl Socket {
    fn open(sandbox: &Sandbox) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", sandbox.http)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut request = "ws://localhost/v1/graphql".into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, _) = client(request, stream).unwrap();
        let mut socket = Self(socket);
        let headers = json!({ "x-hasura-admin-secret": sandbox.admin_secret() });
        socket.send(&json!({ "type": "connection_init", "payload": { "headers": headers } }));
        assert_eq!(socket.next()["type"], "connection_ack");
        socket
    }

    fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    fn subscribe(&mut self, query: &str) -> Value {
        self.send(&json!({ "type": "subscribe", "id": "1", "payload": { "query": query } }));
        self.next()
    }

    /// The next message that is no sign of life; the server's close as `{"close": code}`.
    fn next(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                Message::Close(frame) => return json!({ "close": frame.map(|frame| u16::from(frame.code)) }),
                _ => {}
            }
        }
    }

    /// Results until one is this.
    fn until(&mut self, wanted: &Value) {
        while self.next()["payload"]["data"] != *wanted {}
    }
}

#[test]
fn a_live_query_lasts_as_long_as_the_stack() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.ok(&[
        "db",
        "query",
        "create table notes (id int primary key, body text); insert into notes values (1, 'a')",
    ]);
    let mut socket = Socket::open(&sandbox);
    let query = "subscription { notes { body } }";
    // The schema is read anew in the background.
    let mut first = socket.subscribe(query);
    while first["type"] == "error" {
        std::thread::sleep(Duration::from_millis(50));
        first = socket.subscribe(query);
    }
    let notes = |body: &str| json!({ "notes": [{ "body": body }] });
    assert_eq!(first["payload"]["data"], notes("a"));
    sandbox.ok(&["db", "query", "update notes set body = 'b'"]);
    socket.until(&notes("b"));
    sandbox.ok(&["restart", "postgres"]);
    sandbox.ok(&["db", "query", "update notes set body = 'c'"]);
    socket.until(&notes("c"));
    let stop = std::thread::scope(|scope| {
        let stop = scope.spawn(|| sandbox.ok(&["stop"]));
        assert_eq!(socket.next(), json!({ "close": 1001 }));
        stop.join()
    });
    stop.unwrap();
}
