//! The GraphiQL page, and the way its requests take: the browser holds a console session, never the admin secret, so
//! they come to the console, which passes them on to the GraphQL API with the secret.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use tower::ServiceExt;

use crate::routes::origin_is_ours;
use crate::{Error, Shared, assets, pages};

const API: &str = "/v1/graphql";
const SECRET: &str = "x-hasura-admin-secret";

/// GraphiQL's style sheet carries its fonts and writes styles of its own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
     img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

#[derive(Template)]
#[template(path = "graphiql.html")]
struct GraphiqlPage {
    version: &'static str,
    project: String,
    roles: Vec<String>,
}

pub(crate) async fn page(State(shared): State<Arc<Shared>>) -> Response {
    let roles = shared.stack.graphql().map(|api| api.roles).unwrap_or_default();
    let page = GraphiqlPage { version: &assets::VERSION, project: shared.stack.status().project, roles };
    match page.render() {
        Ok(html) => ([(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the GraphiQL page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Passes a request, or a WebSocket, on to the API as the administrator's; the role it names is the one it runs as.
pub(crate) async fn forward(State(shared): State<Arc<Shared>>, mut request: Request<Body>) -> Response {
    // A WebSocket begins with a GET, which the check for requests that change something lets pass.
    if request.method() == Method::GET && !origin_is_ours(request.headers(), request.uri()) {
        return pages::refuse(&Error::Origin);
    }
    let Some(api) = shared.stack.graphql() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "GraphQL is not running").into_response();
    };
    *request.uri_mut() = Uri::from_static(API);
    let headers = request.headers_mut();
    without_credentials(headers);
    if let Some(secret) = &api.admin_secret {
        let Ok(mut value) = HeaderValue::from_str(secret.expose()) else {
            return (StatusCode::INTERNAL_SERVER_ERROR, "the admin secret cannot stand in a header").into_response();
        };
        value.set_sensitive(true);
        headers.insert(SECRET, value);
    }
    let answer = api.router.oneshot(request).await;
    answer.unwrap_or_else(|never| match never {})
}

/// The session's cookie is the console's business, and no other credential may decide who asks.
fn without_credentials(headers: &mut HeaderMap) {
    for name in [header::COOKIE.as_str(), header::AUTHORIZATION.as_str(), SECRET, "x-hasura-access-key"] {
        headers.remove(name);
    }
}
