//! The two protocols that GraphQL clients speak over WebSocket, as messages and texts.
//!
//! `graphql-transport-ws` is the npm package graphql-ws's (its PROTOCOL.md); `graphql-ws` is the older one of
//! subscriptions-transport-ws, which is also what a client speaks that names no protocol. Where they leave room, and in
//! the words of errors, this follows Hasura.

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Request;
use crate::failure::Failure;

/// Longest reason that fits a close frame, in bytes (RFC 6455, 5.5).
const REASON_LIMIT: usize = 123;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `graphql-ws`
    Legacy,
    /// `graphql-transport-ws`
    Transport,
}

/// How a client is told of its mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStyle {
    /// `{"errors": [{"message", "extensions"}]}`
    Compliant,
    /// `{"path", "error", "code"}`, as `/v1alpha1/graphql` does.
    Old,
}

/// What a client sends.
#[derive(Debug, PartialEq)]
pub enum ClientMessage {
    Init { headers: Vec<(String, String)> },
    Start { id: String, request: Request },
    Stop { id: String },
    Ping(Option<Value>),
    Pong,
    Terminate,
}

/// Why a connection is closed by us: a code of the protocol and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    pub code: u16,
    pub reason: String,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    r#type: String,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InitPayload {
    headers: Option<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct StartPayload {
    query: String,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<crate::value::Provided>,
}

impl Protocol {
    /// What is spoken to a client that offers these, and the name to agree on. A client that offers none is old.
    pub fn choose<'a>(offered: impl Iterator<Item = &'a str>) -> (Self, Option<&'static str>) {
        let mut chosen = (Self::Legacy, None);
        for name in offered {
            match name.trim() {
                "graphql-transport-ws" => return (Self::Transport, Some("graphql-transport-ws")),
                "graphql-ws" => chosen = (Self::Legacy, Some("graphql-ws")),
                _ => {}
            }
        }
        chosen
    }

    /// # Errors
    /// What is wrong with the text.
    pub fn parse(self, text: &str) -> Result<ClientMessage, String> {
        let said = |error: serde_json::Error| error.to_string();
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(said)?;
        let id = || envelope.id.clone().ok_or_else(|| "key \"id\" not found".to_owned());
        let payload = envelope.payload.map_or("null", RawValue::get);
        match (self, envelope.r#type.as_str()) {
            (_, "connection_init") => {
                let payload: Option<InitPayload> = serde_json::from_str(payload).map_err(said)?;
                let headers = payload.and_then(|payload| payload.headers).unwrap_or_default();
                Ok(ClientMessage::Init { headers: headers.into_iter().filter_map(header).collect() })
            }
            (Self::Legacy, "start") | (Self::Transport, "subscribe") => {
                let id = id()?;
                let payload: StartPayload = serde_json::from_str(payload).map_err(said)?;
                let StartPayload { query, operation_name, variables } = payload;
                let variables = variables.unwrap_or_default();
                Ok(ClientMessage::Start { id, request: Request { query, operation_name, variables, relay: false } })
            }
            (Self::Legacy, "stop") | (Self::Transport, "complete") => Ok(ClientMessage::Stop { id: id()? }),
            (Self::Legacy, "connection_terminate") => Ok(ClientMessage::Terminate),
            (Self::Transport, "ping") => Ok(ClientMessage::Ping(serde_json::from_str(payload).map_err(said)?)),
            (Self::Transport, "pong") => Ok(ClientMessage::Pong),
            (_, other) => Err(format!("unexpected type for ClientMessage: {other}")),
        }
    }

    /// The kind of message that carries a result.
    fn data(self) -> &'static str {
        match self {
            Self::Legacy => "data",
            Self::Transport => "next",
        }
    }

    /// A result; `body` is a whole response (`{"data": …}`).
    pub fn result(self, id: &str, body: &Bytes) -> Bytes {
        let mut out = BytesMut::with_capacity(body.len() + id.len() + 48);
        out.put_slice(b"{\"type\":\"");
        out.put_slice(self.data().as_bytes());
        out.put_slice(b"\",\"id\":");
        out.put_slice(Value::from(id).to_string().as_bytes());
        out.put_slice(b",\"payload\":");
        out.put_slice(body);
        out.put_u8(b'}');
        out.freeze()
    }

    /// An operation could not begin.
    pub fn refusal(self, id: &str, failure: &Failure, style: ErrorStyle, dev_mode: bool) -> Bytes {
        let payload = match (style, self) {
            (ErrorStyle::Old, _) => old_style(failure),
            (ErrorStyle::Compliant, Self::Legacy) => errors(failure, dev_mode),
            (ErrorStyle::Compliant, Self::Transport) => errors(failure, dev_mode)["errors"].take(),
        };
        text(&json!({ "type": "error", "id": id, "payload": payload }))
    }

    /// An operation failed while it ran: what the client is sent instead of a result.
    pub fn failed(self, id: &str, failure: &Failure, style: ErrorStyle, dev_mode: bool) -> Bytes {
        match self {
            Self::Legacy => self.result(id, &failure_body(failure, style, dev_mode)),
            Self::Transport => self.refusal(id, failure, style, dev_mode),
        }
    }

    /// Whether `complete` follows an `error`: the newer protocol ends an operation with either.
    pub fn completes_after_error(self) -> bool {
        self == Self::Legacy
    }

    pub fn keep_alive(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Legacy => b"{\"type\":\"ka\"}",
            Self::Transport => b"{\"type\":\"ping\",\"payload\":{\"message\":\"keepalive\"}}",
        })
    }
}

/// A response body that says no more than that it failed.
pub fn failure_body(failure: &Failure, style: ErrorStyle, dev_mode: bool) -> Bytes {
    match style {
        ErrorStyle::Compliant => failure.to_body(dev_mode).into(),
        ErrorStyle::Old => text(&json!({ "errors": [old_style(failure)] })),
    }
}

/// An operation that was refused before it was looked at, in the older protocol: one error, in no list.
pub fn start_error(id: &str, failure: &Failure, dev_mode: bool) -> Bytes {
    let payload = errors(failure, dev_mode)["errors"][0].take();
    text(&json!({ "type": "error", "id": id, "payload": payload }))
}

pub fn acknowledge() -> Bytes {
    Bytes::from_static(b"{\"type\":\"connection_ack\"}")
}

pub fn complete(id: &str) -> Bytes {
    text(&json!({ "type": "complete", "id": id }))
}

pub fn pong(payload: Option<&Value>) -> Bytes {
    match payload {
        Some(payload) => text(&json!({ "type": "pong", "payload": payload })),
        None => Bytes::from_static(b"{\"type\":\"pong\"}"),
    }
}

pub fn connection_error(message: &str) -> Bytes {
    text(&json!({ "type": "connection_error", "payload": message }))
}

impl Closing {
    /// A code of ours, with Hasura's kind of reason.
    pub fn new(code: u16, message: &str) -> Self {
        // The words are cut, so that the whole stays JSON.
        let mut length = message.len();
        loop {
            let mut cut = message.get(..length).unwrap_or_default().to_owned();
            if length < message.len() {
                cut.push('…');
            }
            let reason = json!({ "server_error_msg": format!("{code}: {cut}") }).to_string();
            if reason.len() <= REASON_LIMIT || length == 0 {
                return Self { code, reason };
            }
            length -= 1;
            while !message.is_char_boundary(length) {
                length -= 1;
            }
        }
    }

    /// An ordinary end, with its reason as it is.
    pub fn plain(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    pub fn bad_message(message: &str) -> Self {
        Self::new(4400, &format!("Parsing client message failed: parsing ClientMessage failed: {message}"))
    }

    pub fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub fn init_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub fn subscriber_exists(id: &str) -> Self {
        Self::new(4409, &format!("Subscriber for {id} already exists"))
    }

    pub fn too_many_inits() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }
}

fn header((name, value): (String, Value)) -> Option<(String, String)> {
    match value {
        Value::String(text) => Some((name, text)),
        Value::Number(number) => Some((name, number.to_string())),
        Value::Bool(flag) => Some((name, flag.to_string())),
        // An object or a list has no text, and null says that there is none.
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn errors(failure: &Failure, dev_mode: bool) -> Value {
    serde_json::from_slice(&failure.to_body(dev_mode)).expect("a failure's body is JSON")
}

fn old_style(failure: &Failure) -> Value {
    json!({ "path": failure.path, "error": failure.message, "code": failure.code.as_str() })
}

fn text(value: &Value) -> Bytes {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
    out.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::failure::Code;

    #[test]
    fn the_newer_protocol_wins_and_none_is_the_old_one() {
        let choose = |offered: &str| Protocol::choose(offered.split(','));
        assert_eq!(choose("graphql-ws, graphql-transport-ws"), (Protocol::Transport, Some("graphql-transport-ws")));
        assert_eq!(choose("graphql-ws"), (Protocol::Legacy, Some("graphql-ws")));
        assert_eq!(choose("mqtt"), (Protocol::Legacy, None));
    }

    #[test]
    fn each_protocol_has_its_own_messages() {
        let start = r#"{"id":"1","type":"start","payload":{"query":"{ a }","variables":null}}"#;
        let expected = ClientMessage::Start { id: "1".to_owned(), request: Request::new("{ a }") };
        assert_eq!(Protocol::Legacy.parse(start), Ok(expected));
        assert_eq!(Protocol::Transport.parse(start), Err("unexpected type for ClientMessage: start".to_owned()));
        let stop = ClientMessage::Stop { id: "1".to_owned() };
        assert_eq!(Protocol::Transport.parse(r#"{"id":"1","type":"complete"}"#), Ok(stop));
        for text in ["", "[]", "{}", r#"{"type":"stop"}"#, r#"{"id":"1","type":"start","payload":{}}"#] {
            assert!(Protocol::Legacy.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_come_with_the_first_message() {
        let init =
            r#"{"type":"connection_init","payload":{"headers":{"x-hasura-role":"a","X-Hasura-User-Id":7,"n":null}}}"#;
        let headers =
            vec![("x-hasura-role".to_owned(), "a".to_owned()), ("X-Hasura-User-Id".to_owned(), "7".to_owned())];
        assert_eq!(Protocol::Transport.parse(init), Ok(ClientMessage::Init { headers }));
        for bare in [r#"{"type":"connection_init"}"#, r#"{"type":"connection_init","payload":null}"#] {
            assert_eq!(Protocol::Legacy.parse(bare), Ok(ClientMessage::Init { headers: vec![] }));
        }
    }

    #[test]
    fn errors_are_shaped_as_the_protocol_and_the_address_want_them() {
        let failure = Failure::invalid("$.x", "no");
        let sent = |protocol: Protocol, style| {
            let value: Value = serde_json::from_slice(&protocol.refusal("1", &failure, style, false)).unwrap();
            value["payload"].clone()
        };
        let error = json!({ "message": "no", "extensions": { "path": "$.x", "code": "validation-failed" } });
        assert_eq!(sent(Protocol::Legacy, ErrorStyle::Compliant), json!({ "errors": [error] }));
        assert_eq!(sent(Protocol::Transport, ErrorStyle::Compliant), json!([error]));
        let old = json!({ "path": "$.x", "error": "no", "code": "validation-failed" });
        assert_eq!(sent(Protocol::Legacy, ErrorStyle::Old), old);
        assert_eq!(Failure::new(Code::Unexpected, "$", "x").code, Code::Unexpected);
    }

    #[test]
    fn a_reason_fits_its_frame_and_stays_json() {
        let closing = Closing::bad_message(&"ä\"".repeat(200));
        assert!(closing.reason.len() <= REASON_LIMIT, "{}", closing.reason.len());
        let value: Value = serde_json::from_str(&closing.reason).unwrap();
        assert!(value["server_error_msg"].as_str().unwrap().starts_with("4400: Parsing client message failed: "));
        assert_eq!(Closing::forbidden().reason, r#"{"server_error_msg":"4403: Forbidden"}"#);
    }
}
