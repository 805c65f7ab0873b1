//! The metadata and query endpoints.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;

use super::answer::{Shape, body, json, with_cookies};
use crate::Handle;
use crate::api::{self, Endpoint};

/// `/v1/metadata`.
pub(super) async fn metadata(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    answer(&handle, Endpoint::Metadata, request).await
}

/// `/v1/query`.
pub(super) async fn query_v1(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    answer(&handle, Endpoint::QueryV1, request).await
}

/// `/v2/query`.
pub(super) async fn query_v2(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    answer(&handle, Endpoint::QueryV2, request).await
}

async fn answer(handle: &Handle, endpoint: Endpoint, request: http::Request<Body>) -> Response {
    let (head, sent) = request.into_parts();
    let mut who = match handle.authenticator().session(&head.headers, None).await {
        Ok(who) => who,
        Err(failure) => return Shape::Plain.failure(handle, &failure),
    };
    let sent = match body(handle, sent, Shape::Plain).await {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    who.session.headers = std::sync::Arc::new(head.headers);
    let answer = api::answer(handle, &who.session, endpoint, &sent).await;
    with_cookies(json(answer.status, answer.body), who.cookies)
}
