//! `/v1/graphql`: one request or a batch, with POST or GET.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{HeaderMap, UPGRADE};
use http::{StatusCode, request};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Shape, address, body, json, with_cookies};
use super::front::reads;
use crate::access::Authenticated;
use crate::failure::{Code, Failure};
use crate::outbound::cookies;
use crate::session::Session;
use crate::value::Provided;
use crate::{Handle, Request, live};

/// Requests in one batch.
const BATCH_LIMIT: usize = 100;

/// A request as it is sent.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    pub query: Option<Cow<'a, str>>,
    #[serde(rename = "operationName")]
    pub operation_name: Option<String>,
    pub variables: Option<Provided>,
    pub extensions: Option<Extensions>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Extensions {
    #[serde(rename = "persistedQuery")]
    persisted_query: Option<PersistedQuery>,
}

#[derive(Debug, Deserialize)]
struct PersistedQuery {
    #[serde(rename = "sha256Hash")]
    hash: String,
}

impl Wire<'_> {
    /// # Errors
    /// Neither a query nor the hash of one that is known.
    pub fn into_request(self, handle: &Handle, relay: bool) -> Result<Request, Failure> {
        let persisted = self.extensions.and_then(|extensions| extensions.persisted_query);
        let hash = persisted.as_ref().map(|persisted| persisted.hash.as_str());
        let query = handle.front().persisted.resolve(self.query.map(Cow::into_owned), hash)?;
        let variables = self.variables.unwrap_or_default();
        Ok(Request { query, operation_name: self.operation_name, variables, relay })
    }
}

/// Hasura answers 200 to every request it could read, errors included.
pub(super) async fn post(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    answer(&handle, request, Shape::Graphql, false).await
}

/// `/v1beta1/relay`: the same tables as Relay reads them.
pub(super) async fn relay(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    answer(&handle, request, Shape::Graphql, true).await
}

/// `/v1alpha1/graphql`: the same, with statuses.
pub(super) async fn alpha(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    answer(&handle, request, Shape::GraphqlStatus, false).await
}

async fn answer(handle: &Handle, request: http::Request<Body>, shape: Shape, relay: bool) -> Response {
    let (head, sent) = request.into_parts();
    let sent = match body(handle, sent, shape).await {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let who = match authenticate(handle, &head, Some(&sent)).await {
        Ok(who) => who,
        Err(failure) => return shape.failure(handle, &failure),
    };
    let answer = cookies::gathered(async {
        if sent.trim_ascii_start().first() == Some(&b'[') {
            return batch(handle, &who.session, &head, &sent, relay).await;
        }
        let request = read::<Wire<'_>>(&sent).and_then(|wire| wire.into_request(handle, relay))?;
        handle.answer(&who.session, &request, address(&head)).await
    });
    let (answer, set) = answer.await;
    let response = match answer {
        Ok(body) => json(StatusCode::OK, body),
        Err(failure) => shape.failure(handle, &failure),
    };
    with_cookies(with_cookies(response, who.cookies), set)
}

/// Who sends a request; the authentication hook may see its body.
pub(super) async fn authenticate(
    handle: &Handle,
    head: &request::Parts,
    body: Option<&[u8]>,
) -> Result<Authenticated, Failure> {
    let authenticator = handle.authenticator();
    let body = body.filter(|_| authenticator.wants_request());
    let body = body.and_then(|body| serde_json::from_slice::<&RawValue>(body).ok());
    let mut who = authenticator.session(&head.headers, body).await?;
    who.session.headers = Arc::new(head.headers.clone());
    Ok(who)
}

/// Apollo's batches: a list of requests, answered by a list.
async fn batch(
    handle: &Handle,
    session: &Session,
    head: &request::Parts,
    body: &[u8],
    relay: bool,
) -> Result<Bytes, Failure> {
    let requests: Vec<Wire<'_>> = read(body)?;
    if requests.len() > BATCH_LIMIT {
        return Err(Failure::new(Code::BadRequest, "$", format!("a batch may hold {BATCH_LIMIT} requests at most")));
    }
    handle.admit_batch(session, requests.len())?;
    let mut out = BytesMut::from(&b"["[..]);
    for (index, request) in requests.into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        let answer = match request.into_request(handle, relay) {
            Ok(request) => handle.answer(session, &request, address(head)).await,
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

/// What GET carries in the query string; `variables` and `extensions` are JSON.
#[derive(Debug, Deserialize)]
struct Asked {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// Who opens a socket.
///
/// # Errors
/// Its credentials are missing or wrong.
pub(crate) async fn session(handle: &Handle, headers: &HeaderMap) -> Result<Session, Failure> {
    let mut who = handle.authenticator().session(headers, None).await?;
    who.session.headers = Arc::new(headers.clone());
    Ok(who.session)
}

/// `/v1alpha1/graphql` for sockets alone.
pub(super) async fn alpha_socket(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    socket(&handle, request.into_parts().0, live::ErrorStyle::Old, false).await
}

/// `/v1beta1/relay` for sockets.
pub(super) async fn relay_socket(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    socket(&handle, request.into_parts().0, live::ErrorStyle::Compliant, true).await
}

async fn socket(handle: &Handle, mut head: request::Parts, style: live::ErrorStyle, relay: bool) -> Response {
    let endpoint = live::Endpoint { style, relay, address: address(&head) };
    match WebSocketUpgrade::from_request_parts(&mut head, handle).await {
        Ok(upgrade) => live::upgrade(handle, endpoint, upgrade, &head.headers),
        Err(refusal) => refusal.into_response(),
    }
}

/// A socket, or a query: a link must not change anything.
pub(super) async fn get(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    let (head, _) = request.into_parts();
    if head.headers.contains_key(UPGRADE) {
        return socket(&handle, head, live::ErrorStyle::Compliant, false).await;
    }
    let who = match authenticate(&handle, &head, None).await {
        Ok(who) => who,
        Err(failure) => return Shape::Graphql.failure(&handle, &failure),
    };
    let answer = cookies::gathered(async {
        let request = asked(&handle, &head)?;
        handle.answer(&who.session, &request, address(&head)).await
    });
    let (answer, set) = answer.await;
    let response = match answer {
        Ok(body) => json(StatusCode::OK, body),
        Err(failure) if failure.code == Code::MethodNotAllowed => Shape::GraphqlStatus.failure(&handle, &failure),
        Err(failure) => Shape::Graphql.failure(&handle, &failure),
    };
    with_cookies(with_cookies(response, who.cookies), set)
}

fn asked(handle: &Handle, head: &request::Parts) -> Result<Request, Failure> {
    let Query(asked) = Query::<Asked>::try_from_uri(&head.uri)
        .map_err(|_| Failure::new(Code::BadRequest, "$", "the query string cannot be read"))?;
    let variables = asked.variables.as_deref().filter(|text| !text.is_empty());
    let extensions = asked.extensions.as_deref().filter(|text| !text.is_empty());
    let wire = Wire {
        query: asked.query.map(Cow::Owned),
        operation_name: asked.operation_name.filter(|name| !name.is_empty()),
        variables: variables.map(|text| read(text.as_bytes())).transpose()?,
        extensions: extensions.map(|text| read(text.as_bytes())).transpose()?,
    };
    let request = wire.into_request(handle, false)?;
    if !reads(&request)? {
        return Err(Failure::new(Code::MethodNotAllowed, "$", "only queries may be sent with GET"));
    }
    Ok(request)
}

pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Failure::new(Code::ParseFailed, "$", error.to_string()),
        _ => Failure::new(Code::InvalidJson, "$", format!("Error in $: {error}")),
    })
}
