//! HTTP: one table of routes, from which the router is built.

mod answer;
mod events;
mod mailhog;
mod mailpit;
mod pages;

use std::sync::Arc;

use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post, put};
use http::header::{self, HeaderName, HeaderValue};

use crate::access;
use crate::service::Shared;

pub(crate) use answer::{Answer, Refusal, find};
pub(crate) use mailhog::headers;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Anybody; says nothing about the mails.
    Public,
    /// Who may read the inbox: everybody in development, who knows the password elsewhere.
    Reader,
}

impl Policy {
    /// As documents say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "anybody",
            Self::Reader => "who may read the inbox: everybody in development, elsewhere who has the admin secret",
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

macro_rules! routes {
    ($($policy:ident $method:literal $path:literal $handler:expr;)+) => {
        &[$(Route { method: $method, path: $path, policy: Policy::$policy, handler: || $handler },)+]
    };
}

/// Every route of this service.
#[rustfmt::skip]
pub const ROUTES: &[Route] = routes! {
    // The pages.
    Reader "GET" "/" get(crate::inbox::list);
    Reader "GET" "/live" get(crate::inbox::live);
    Reader "GET" "/mail/{id}" get(crate::inbox::message);
    Reader "POST" "/mail/delete-all" post(crate::inbox::delete_all);
    Reader "POST" "/mail/{id}/delete" post(crate::inbox::delete_one);
    Reader "GET" "/mail/{id}/frame" get(crate::inbox::frame);
    Public "GET" "/assets/{version}/{name}" get(crate::inbox::asset);
    // In Mailpit's shape.
    Public "GET" "/livez" get(mailpit::live);
    Public "GET" "/readyz" get(mailpit::ready);
    Reader "GET" "/api/v1/info" get(mailpit::info);
    Reader "GET" "/api/v1/messages" get(mailpit::list);
    Reader "PUT" "/api/v1/messages" put(mailpit::mark);
    Reader "DELETE" "/api/v1/messages" delete(mailpit::delete);
    Reader "GET" "/api/v1/search" get(mailpit::search);
    Reader "DELETE" "/api/v1/search" delete(mailpit::delete_search);
    Reader "GET" "/api/v1/message/{id}" get(mailpit::message);
    Reader "GET" "/api/v1/message/{id}/headers" get(mailpit::headers);
    Reader "GET" "/api/v1/message/{id}/raw" get(pages::raw);
    Reader "GET" "/api/v1/message/{id}/part/{part}" get(pages::part);
    Reader "POST" "/api/v1/send" post(mailpit::send);
    Reader "GET" "/api/v1/tags" get(mailpit::tags);
    Reader "PUT" "/api/v1/tags" put(mailpit::set_tags);
    Reader "GET" "/view/{file}" get(pages::view);
    // In MailHog's shape.
    Reader "GET" "/api/v1/events" get(events::stream);
    Reader "GET" "/api/v1/messages/{id}" get(mailhog::message);
    Reader "DELETE" "/api/v1/messages/{id}" delete(mailhog::delete);
    Reader "GET" "/api/v1/messages/{id}/download" get(pages::download);
    Reader "GET" "/api/v1/messages/{id}/mime/part/{part}/download" get(mailhog::part);
    Reader "GET" "/api/v2/messages" get(mailhog::list);
    Reader "GET" "/api/v2/search" get(mailhog::search);
};

/// Nothing from elsewhere, nothing inline, in nobody's frame; but the page shows a mail in a frame of its own.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

pub(crate) fn router(shared: Arc<Shared>) -> axum::Router {
    let mut router = axum::Router::new();
    for route in ROUTES {
        let handler = (route.handler)();
        let handler = match route.policy {
            Policy::Public => handler,
            Policy::Reader => handler.layer(from_fn_with_state(Arc::clone(&shared), access::require_password)),
        };
        router = router.route(route.path, handler);
    }
    // A mail with its attachments in base64 is a third larger than the mail.
    let body = axum::extract::DefaultBodyLimit::max(shared.limits.message / 3 * 4 + (64 << 10));
    router.layer(body).layer(from_fn(access::same_origin)).layer(from_fn(harden)).with_state(shared)
}

async fn harden(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // An answer that needs another policy has set it.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A mail's link must not tell its site where the mail was read.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
