//! `/v1/graphql` and its small neighbours.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{StatusCode, request};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::failure::{Code, Failure};
use crate::session::Session;
use crate::value::Provided;
use crate::{Handle, Request, live};

/// The Hasura version whose behaviour is offered; tools read it.
const HASURA_VERSION: &str = "v2.48.1";

/// Requests in one batch.
const BATCH_LIMIT: usize = 100;

impl Handle {
    /// `/v1/graphql`, `/v1/version` and `/healthz`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/graphql", post(graphql).get(socket))
            .route("/v1alpha1/graphql", get(old_socket))
            .route("/v1/version", get(version))
            .route("/healthz", get(|| async { "OK" }))
            .with_state(self.clone())
    }
}

async fn version() -> Response {
    json(StatusCode::OK, format!("{{\"server_type\":\"ce\",\"version\":\"{HASURA_VERSION}\"}}").into())
}

async fn socket(State(handle): State<Handle>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let endpoint = live::Endpoint { style: live::ErrorStyle::Compliant };
    live::upgrade(&handle, endpoint, upgrade, &headers)
}

async fn old_socket(State(handle): State<Handle>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let endpoint = live::Endpoint { style: live::ErrorStyle::Old };
    live::upgrade(&handle, endpoint, upgrade, &headers)
}

/// Hasura answers 200 to every request it could read, errors included.
async fn graphql(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let dev_mode = handle.options().dev_mode;
    let body = match to_bytes(body, handle.options().body_limit).await {
        Ok(body) => body,
        Err(_) => {
            let message = format!("the request's body is larger than {} bytes", handle.options().body_limit);
            let failure = Failure::new(Code::BadRequest, "$", message);
            return json(StatusCode::PAYLOAD_TOO_LARGE, failure.to_body(dev_mode).into());
        }
    };
    let answer = answer(&handle, &head, &body).await;
    json(StatusCode::OK, answer.unwrap_or_else(|failure| failure.to_body(dev_mode).into()))
}

fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

async fn answer(handle: &Handle, head: &request::Parts, body: &[u8]) -> Result<Bytes, Failure> {
    let session = session(handle, &head.headers)?;
    if body.trim_ascii_start().first() == Some(&b'[') {
        return batch(handle, &session, body).await;
    }
    let request = read::<Wire<'_>>(body)?.into_request()?;
    handle.execute(&session, &request).await
}

/// Apollo's batches: a list of requests, answered by a list.
async fn batch(handle: &Handle, session: &Session, body: &[u8]) -> Result<Bytes, Failure> {
    let requests: Vec<Wire<'_>> = read(body)?;
    if requests.len() > BATCH_LIMIT {
        return Err(Failure::new(Code::BadRequest, "$", format!("a batch may hold {BATCH_LIMIT} requests at most")));
    }
    let mut out = BytesMut::from(&b"["[..]);
    for (index, request) in requests.into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        let answer = match request.into_request() {
            Ok(request) => handle.execute(session, &request).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(answer) => out.put_slice(&answer),
            Err(failure) => out.put_slice(&failure.to_body(handle.options().dev_mode)),
        }
    }
    out.put_u8(b']');
    Ok(out.freeze())
}

/// A request as it is sent.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    query: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<Provided>,
}

impl Wire<'_> {
    fn into_request(self) -> Result<Request, Failure> {
        let Some(query) = self.query else {
            return Err(Failure::new(Code::ParseFailed, "$", "the key 'query' was not present"));
        };
        Ok(Request {
            query: query.into_owned(),
            operation_name: self.operation_name,
            variables: self.variables.unwrap_or_default(),
        })
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Failure::new(Code::ParseFailed, "$", error.to_string()),
        _ => Failure::new(Code::InvalidJson, "$", format!("Error in $: {error}")),
    })
}

pub(crate) fn session(handle: &Handle, headers: &HeaderMap) -> Result<Session, Failure> {
    role(handle, headers).map(Session::role)
}

/// Whose request it is. Hasura's rules for the admin secret; tokens come with the permission system.
fn role(handle: &Handle, headers: &HeaderMap) -> Result<String, Failure> {
    let options = handle.options();
    let asked = headers.get("x-hasura-role").and_then(|value| value.to_str().ok()).filter(|role| !role.is_empty());
    let asked = asked.unwrap_or("admin").to_owned();
    let Some(secret) = &options.admin_secret else { return Ok(asked) };
    let given = headers.get("x-hasura-admin-secret").or_else(|| headers.get("x-hasura-access-key"));
    match (given, &options.unauthorized_role) {
        (Some(given), _) if given.as_bytes().ct_eq(secret.expose().as_bytes()).into() => Ok(asked),
        (Some(_), _) => {
            Err(Failure::new(Code::AccessDenied, "$", "invalid \"x-hasura-admin-secret\"/\"x-hasura-access-key\""))
        }
        (None, Some(role)) => Ok(role.clone()),
        (None, None) => {
            let message = "x-hasura-admin-secret/x-hasura-access-key required, but not found";
            Err(Failure::new(Code::AccessDenied, "$", message))
        }
    }
}
