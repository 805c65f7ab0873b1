//! `/api/rest/…` and its description.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, request};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{Shape, address, body, json, with_cookies};
use super::graphql::authenticate;
use super::small::admin;
use crate::failure::{Code, Failure};
use crate::rest::{Arguments, openapi};
use crate::{Handle, Request, Session};

/// Calls an endpoint; the answer is the data alone.
pub(super) async fn call(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    let (head, sent) = request.into_parts();
    let sent = match body(&handle, sent, Shape::Plain).await {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let who = match authenticate(&handle, &head, None).await {
        Ok(who) => who,
        Err(failure) => return Shape::Plain.failure(&handle, &failure),
    };
    let answer = match meant(&handle, &head, &sent) {
        Ok(request) => handle.answer(&who.session, &request, address(&head)).await.and_then(|body| data(&body)),
        Err(failure) => Err(failure),
    };
    let response = match answer {
        Ok(data) => json(StatusCode::OK, data),
        Err(failure) => Shape::Plain.failure(&handle, &failure),
    };
    with_cookies(response, who.cookies)
}

fn meant(handle: &Handle, head: &request::Parts, body: &[u8]) -> Result<Request, Failure> {
    let path = head.uri.path().strip_prefix("/api/rest/").unwrap_or_default();
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&head.uri)
        .map_err(|_| Failure::new(Code::BadRequest, "$", "the query string cannot be read"))?;
    // A body that is no JSON object counts as none, as in Hasura.
    let body = match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => body,
        _ => serde_json::Map::new(),
    };
    handle.surface().endpoints.request(&head.method, path, Arguments { query, body })
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

fn data(body: &Bytes) -> Result<Bytes, Failure> {
    let answer: Answer<'_> = serde_json::from_slice(body)
        .map_err(|_| Failure::new(Code::Unexpected, "$", "the endpoint's answer cannot be read"))?;
    Ok(body.slice_ref(answer.data.get().as_bytes()))
}

/// `/api/swagger/json`: the endpoints as OpenAPI 3, for the administrator.
pub(super) async fn openapi(State(handle): State<Handle>, head: request::Parts) -> Response {
    let document = match admin(&handle, &head).await {
        Ok(_) => describe(&handle).await,
        Err(failure) => Err(failure),
    };
    match document {
        Ok(document) => json(StatusCode::OK, document.to_string().into()),
        Err(failure) => Shape::Plain.failure(&handle, &failure),
    }
}

async fn describe(handle: &Handle) -> Result<Value, Failure> {
    let surface = handle.surface();
    if surface.endpoints.iter().next().is_none() {
        return Ok(openapi::describe(&surface.endpoints, &openapi::Types::default()));
    }
    let body = handle.execute(&Session::admin(), &Request::new(openapi::INTROSPECTION)).await?;
    let types = openapi::Types::parse(&body)
        .ok_or_else(|| Failure::new(Code::Unexpected, "$", "the schema cannot be described"))?;
    Ok(openapi::describe(&surface.endpoints, &types))
}
