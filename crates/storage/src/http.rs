//! The Nhost storage endpoints.
//!
//! Their contract: github.com/nhost/nhost, services/storage (paths, headers, messages, codes), as Nhost's clients read
//! them.

mod conditional;
mod download;
mod form;
mod meta;
mod ops;
mod presigned;
mod range;
mod tus;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, head, options, patch, post, put};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::service::Shared;
use crate::{Caller, Failure};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anybody; says nothing about the project.
    Public,
    /// Whoever GraphQL's permissions on `storage.files` let, as the role of the request's credentials.
    Role,
    /// Who has an URL that this service has signed.
    Signature,
    /// Who has the admin secret.
    AdminSecret,
}

impl Policy {
    /// For documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "anybody",
            Self::Role => "whom GraphQL's permissions on `storage.files` let",
            Self::Signature => "who has the signed URL",
            Self::AdminSecret => "who has the admin secret",
        }
    }
}

/// One entry of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub policy: Policy,
    handler: fn() -> MethodRouter<Arc<Shared>>,
}

const fn route(
    method: &'static str,
    path: &'static str,
    policy: Policy,
    handler: fn() -> MethodRouter<Arc<Shared>>,
) -> Route {
    Route { method, path, policy, handler }
}

/// Every route, at the root and again below `/v1`. A GET answers HEAD as well.
pub const ROUTES: &[Route] = &[
    route("GET", "/healthz", Policy::Public, || get(meta::health)),
    route("GET", "/version", Policy::Public, || get(meta::version)),
    route("GET", "/openapi.yaml", Policy::Public, || get(meta::openapi)),
    route("POST", "/files", Policy::Role, || post(upload::upload)),
    route("GET", "/files/{id}", Policy::Role, || get(download::download)),
    route("PUT", "/files/{id}", Policy::Role, || put(upload::replace)),
    route("DELETE", "/files/{id}", Policy::Role, || delete(upload::remove)),
    route("GET", "/files/{id}/presignedurl", Policy::Role, || get(presigned::sign)),
    route("GET", "/files/{id}/presignedurl/contents", Policy::Signature, || get(presigned::contents)),
    route("OPTIONS", "/uploads", Policy::Public, || options(tus::options)),
    route("POST", "/uploads", Policy::Role, || post(tus::create)),
    route("HEAD", "/uploads/{id}", Policy::Role, || head(tus::status)),
    route("PATCH", "/uploads/{id}", Policy::Role, || patch(tus::append)),
    route("DELETE", "/uploads/{id}", Policy::Role, || delete(tus::terminate)),
    route("POST", "/ops/list-orphans", Policy::AdminSecret, || post(ops::list_orphans)),
    route("POST", "/ops/delete-orphans", Policy::AdminSecret, || post(ops::delete_orphans)),
    route("POST", "/ops/list-broken-metadata", Policy::AdminSecret, || post(ops::list_broken)),
    route("POST", "/ops/delete-broken-metadata", Policy::AdminSecret, || post(ops::delete_broken)),
    route("POST", "/ops/list-not-uploaded", Policy::AdminSecret, || post(ops::list_not_uploaded)),
];

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let mut routes = Router::new();
    for route in ROUTES {
        let handler = (route.handler)();
        let handler = match route.policy {
            Policy::AdminSecret => handler.layer(from_fn_with_state(Arc::clone(shared), require_admin)),
            Policy::Public | Policy::Role | Policy::Signature => handler,
        };
        routes = routes.route(route.path, handler);
    }
    let routes = routes.layer(from_fn(harden));
    Router::new().merge(routes.clone()).nest("/v1", routes).fallback(missing).with_state(Arc::clone(shared))
}

/// Who has sent a request.
async fn caller(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Failure> {
    Ok(shared.files.gate().caller(headers).await?)
}

/// An id as it stands in a path.
fn parse_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| Failure::bad(format!("invalid input syntax for type uuid: \"{text}\"")))
}

async fn require_admin(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let is_admin = caller(&shared, &parts.headers).await.is_ok_and(|caller| caller.is_admin());
    if is_admin {
        return next.run(Request::from_parts(parts, body)).await;
    }
    // As Nhost's validator says it.
    let message = "error in openapi3filter.SecurityRequirementsError: security requirements failed: unauthorized";
    (StatusCode::BAD_REQUEST, axum::Json(json!({"error": message}))).into_response()
}

async fn missing() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(json!({"error": "no matching operation was found"}))).into_response()
}

/// What pages of other origins may read of an answer.
const EXPOSED: &str = "Accept-Ranges, Cache-Control, Content-Disposition, Content-Length, Content-Range, Content-Type, ETag, \
                       Last-Modified, X-Error, X-Request-Id";

/// What is served was uploaded by somebody: no browser may take it for something else than it is said to be.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(http::header::ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(HeaderValue::from_static(EXPOSED));
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_passive(kind) {
        let policy = HeaderValue::from_static("default-src 'none'; sandbox");
        headers.insert(http::header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Whether a browser runs nothing in a document of this type. What is not known to be so is taken for a page: of a list
/// (`text/plain, text/html`) browsers take the last type.
fn is_passive(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if content_type.contains(',') || kind.contains("xml") {
        return false;
    }
    let known = ["text/plain", "text/csv", "application/json", "application/pdf", "application/octet-stream"];
    known.contains(&&*kind)
        || ["image/", "audio/", "video/", "font/"].iter().any(|family| kind.starts_with(family))
        || ["application/zip", "application/gzip"].contains(&&*kind)
}

/// Nhost's names for what caches between a browser and this service keep.
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
