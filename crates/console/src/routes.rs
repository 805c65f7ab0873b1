//! Who may call what: one table, from which the router is built.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, post};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};

use crate::{Error, Shared, assets, graphiql, live, pages};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anybody; says nothing about the project.
    Public,
    /// A browser that signed in.
    Session,
}

/// One entry of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub policy: Policy,
    handler: fn() -> MethodRouter<Arc<Shared>>,
}

/// Every route of the console.
pub const ROUTES: &[Route] = &[
    // For a host of its own, console.<domain>.
    Route { method: "GET", path: "/", policy: Policy::Public, handler: || get(pages::front) },
    Route { method: "GET", path: "/console", policy: Policy::Session, handler: || get(pages::console) },
    Route { method: "GET", path: "/console/", policy: Policy::Session, handler: || get(pages::console) },
    Route { method: "GET", path: "/console/live", policy: Policy::Session, handler: || get(live::stream) },
    Route { method: "GET", path: "/console/graphiql", policy: Policy::Session, handler: || get(graphiql::page) },
    // Every method: a WebSocket begins with a GET, a request is a POST.
    Route { method: "POST", path: "/console/graphql", policy: Policy::Session, handler: || any(graphiql::forward) },
    Route { method: "POST", path: "/console/logout", policy: Policy::Session, handler: || post(pages::sign_out) },
    Route { method: "GET", path: "/console/login", policy: Policy::Public, handler: || get(pages::login) },
    Route { method: "POST", path: "/console/login", policy: Policy::Public, handler: || post(pages::sign_in) },
    Route {
        method: "GET",
        path: "/console/assets/{version}/{name}",
        policy: Policy::Public,
        handler: || get(assets::serve),
    },
];

pub(crate) const COOKIE: &str = "nself_console";

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

pub(crate) fn router(shared: Arc<Shared>) -> axum::Router {
    let mut router = axum::Router::new();
    for route in ROUTES {
        let handler = (route.handler)();
        let handler = match route.policy {
            Policy::Public => handler,
            Policy::Session => handler.layer(from_fn_with_state(Arc::clone(&shared), require_session)),
        };
        router = router.route(route.path, handler);
    }
    router.layer(from_fn(same_origin)).layer(from_fn(harden)).with_state(shared)
}

async fn require_session(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    match session_cookie(request.headers()).and_then(|cookie| shared.access.check(cookie)) {
        Some(pass) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        None => pages::refuse(&Error::SignIn),
    }
}

/// Requests that change something must come from our own pages. `SameSite=Strict` already keeps other sites' requests
/// without a cookie; this also covers other ports of the same host, which browsers count as the same site.
async fn same_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if safe || origin_is_ours(request.headers(), request.uri()) {
        next.run(request).await
    } else {
        pages::refuse(&Error::Origin)
    }
}

pub(crate) fn origin_is_ours(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // HTTP/2 carries the host as the authority of the request's address.
    let host = text(header::HOST).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((host, origin), (Some(host), Some(origin)) if host.eq_ignore_ascii_case(origin))
}

async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A page that needs another policy has set it.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it browsers hide the origin of our own forms too.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The value of our cookie among all that the browser sent.
pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}
