//! Responses, and what every request needs first: its body and who sent it.

use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{StatusCode, request};

use crate::failure::{Code, Failure};
use crate::{Handle, Session};

/// In which shape an endpoint tells failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// GraphQL's, always with 200: whoever speaks GraphQL looks into the body.
    Graphql,
    /// GraphQL's, with a status of its own.
    GraphqlStatus,
    /// `{"path", "error", "code"}`, with a status of its own.
    Plain,
}

impl Shape {
    pub fn failure(self, handle: &Handle, failure: &Failure) -> Response {
        let dev_mode = handle.options().dev_mode;
        let (status, body) = match self {
            Self::Graphql => (StatusCode::OK, failure.to_body(dev_mode)),
            Self::GraphqlStatus => (failure.status(), failure.to_body(dev_mode)),
            Self::Plain => (failure.status(), failure.to_plain_body(dev_mode)),
        };
        let mut response = json(status, body.into());
        response.extensions_mut().insert(failure.code);
        response
    }
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// Adds what the authentication hook wants the browser to keep.
pub(super) fn with_cookies(mut response: Response, cookies: Vec<HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The whole body, or the response that it is too large.
pub(super) async fn body(handle: &Handle, body: Body, shape: Shape) -> Result<Bytes, Box<Response>> {
    let limit = handle.options().body_limit;
    to_bytes(body, limit).await.map_err(|_| {
        let failure = Failure::new(Code::BadRequest, "$", format!("the request's body is larger than {limit} bytes"));
        let mut response = shape.failure(handle, &failure);
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        Box::new(response)
    })
}

/// The client's address, as the gateway found it.
pub(super) fn address(head: &request::Parts) -> Option<IpAddr> {
    head.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// # Errors
/// The session is not the administrator's.
pub(super) fn only_admin(session: &Session) -> Result<(), Failure> {
    if session.is_admin() {
        return Ok(());
    }
    Err(Failure::new(Code::AccessDenied, "$", "You have to be an admin to access this endpoint"))
}
