//! Who may read the inbox: everybody in development, who knows the password elsewhere; never another web site.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use project::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::service::Shared;

const ADMIN_SECRET: &str = "x-hasura-admin-secret";

/// SHA-256 of the password, so that comparing takes the same time for every guess.
#[derive(Debug, Clone)]
pub(crate) struct Access(Option<[u8; 32]>);

impl Access {
    pub(crate) fn new(password: Option<Secret>) -> Self {
        Self(password.map(|password| Sha256::digest(password.expose()).into()))
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(wanted) = &self.0 else { return true };
        let right = |guess: &[u8]| bool::from(Sha256::digest(guess).as_slice().ct_eq(wanted));
        let secret = headers.get(ADMIN_SECRET).is_some_and(|guess| right(guess.as_bytes()));
        secret || basic(headers).is_some_and(|guess| right(&guess))
    }
}

/// The password of `Authorization: Basic`; any user.
fn basic(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    let credentials = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(credentials.trim()).ok())??;
    let colon = credentials.iter().position(|byte| *byte == b':')?;
    Some(credentials[colon + 1..].to_vec())
}

pub(crate) async fn require_password(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if shared.access.admits(request.headers()) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"nself mail\", charset=\"UTF-8\"")];
    let words = "The inbox takes the project's HASURA_GRAPHQL_ADMIN_SECRET as the password; any user name will do.\n";
    (StatusCode::UNAUTHORIZED, challenge, words).into_response()
}

/// A page of another site must not change anything here, not even with a password that the browser remembers. Programs
/// that are no browsers send no `Origin`.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || origin_is_ours(request.headers(), request.uri()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "the request came from another site\n").into_response()
    }
}

fn origin_is_ours(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if headers.get(header::ORIGIN).is_none() {
        return site.is_none_or(|site| site == b"same-origin" || site == b"none");
    }
    // HTTP/2 carries the host as the authority of the request's address.
    let host = text(header::HOST).or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((host, origin), (Some(host), Some(origin)) if host.eq_ignore_ascii_case(origin))
}
