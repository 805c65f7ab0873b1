//! HTTP: the router and what all handlers share.

pub mod bearer;
pub mod body;
pub mod caller;
pub mod failure;
pub mod route;

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::Handle;
use failure::Failure;
use route::Route;

/// Every route of the service.
pub(crate) fn all() -> Vec<Route> {
    [
        crate::basics::routes(),
        crate::email_password::routes(),
        crate::token::routes(),
        crate::signout::routes(),
        crate::user::routes(),
        crate::verify::routes(),
        crate::pat::routes(),
        crate::sessions::routes(),
        crate::passwordless::routes(),
        crate::otp_email::routes(),
        crate::phone::routes(),
        crate::anonymous::routes(),
        crate::password_reset::routes(),
        crate::email_change::routes(),
        crate::email_verification::routes(),
        crate::mfa::routes(),
        crate::webauthn::routes(),
        crate::oauth::routes(),
        crate::id_token::routes(),
        crate::pkce::routes(),
        crate::openid::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// At the root and below `/v1`: the gateway strips its prefix, the client adds `/v1`, and `auth.<domain>` passes paths
/// on as they are.
pub(crate) fn router(handle: &Handle) -> Router {
    let routes = all().into_iter().fold(Router::new(), |router, route| route.add_to(router, handle));
    Router::new()
        .nest("/v1", routes.clone())
        .merge(routes)
        .fallback(|| async { Failure::NotFound })
        .method_not_allowed_fallback(|| async { Failure::Method })
        .layer(middleware::from_fn_with_state(handle.clone(), around))
        .with_state(handle.clone())
}

/// What every request goes through: CORS, and concealing what answers tell about accounts.
async fn around(State(handle): State<Handle>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let path = request.uri().path().to_owned();
    let mut response = match &origin {
        Some(_) if is_preflight(&request) => preflight(request.headers()),
        _ => shaped(&path, next.run(request).await),
    };
    if handle.options().conceal_errors
        && let Some(failure) = response.extensions().get::<Failure>()
    {
        response = failure.clone().concealed(true).into_response();
    }
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    // Answers hold tokens.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What axum itself refuses, a form or a query that cannot be read, it refuses in plain text. Here it gets the shape of the
/// other refusals; what applications call answers in OAuth's (RFC 6749, 5.2).
fn shaped(path: &str, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(response.status().is_client_error() && is_plain) {
        return response;
    }
    const WHY: &str = "the form or the query cannot be read";
    let path = path.strip_prefix("/v1").unwrap_or(path);
    if path.starts_with("/oauth2/") && path != "/oauth2/login" {
        return crate::openid::unreadable(WHY);
    }
    Failure::Request(WHY.to_owned()).into_response()
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, DELETE");
    set(header::ACCESS_CONTROL_MAX_AGE, "86400");
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}

/// The answer of endpoints that have nothing to say: `"OK"`, with its quotes.
pub(crate) fn ok() -> axum::Json<&'static str> {
    axum::Json("OK")
}

/// How long sending a mail takes at most, as a rule. So long takes an answer that must not tell whether one was sent.
const SENDING: Duration = Duration::from_secs(2);

/// Where answers conceal what they tell about accounts, the time they take tells nothing either.
pub(crate) async fn unhurried<T>(handle: &Handle, work: impl Future<Output = T>) -> T {
    if handle.options().conceal_errors {
        return tokio::join!(work, tokio::time::sleep(SENDING)).0;
    }
    work.await
}

/// The answer of endpoints that send something to the owner of an account. Where answers conceal, an account that is not
/// there, or that gets nothing, looks like any other.
///
/// # Errors
/// Those of the work that may be told.
pub(crate) async fn quietly(
    handle: &Handle,
    sent: impl Future<Output = Result<(), Failure>>,
) -> Result<axum::Json<&'static str>, Failure> {
    match unhurried(handle, sent).await {
        Err(failure) if !(handle.options().conceal_errors && failure.tells_about_account()) => Err(failure),
        _ => Ok(ok()),
    }
}
